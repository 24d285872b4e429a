// SPDX-License-Identifier: MIT
#include "cli/session.h"

#include "cli/api_error.h"

#define JSON_TOKENS_MAX 65536
#define ANSWER_BYTES_MAX (16 * 1024 * 1024)
#define MEMORY_BYTES_MAX (256 * 1024 * 1024)

enum cli_exit cli_session_open(struct cli_session *session, const struct cli_settings *settings,
                               struct cli_reason *why) {
    *session = (struct cli_session){.settings = settings};
    const struct cli_api_client_options options = {
        .base_url = settings->base_url,
        .token = settings->token,
        .ca_file = settings->ca_file,
        .connect_timeout_ms = CLI_API_CONNECT_TIMEOUT_MS,
        .total_timeout_ms = CLI_API_TOTAL_TIMEOUT_MS,
    };
    enum cli_exit exit = cli_api_client_open(&session->client, &options, why);
    if (exit != CLI_DONE)
        return exit;
    gw_arena_init(&session->memory, MEMORY_BYTES_MAX);
    gw_arena_init(&session->answer, ANSWER_BYTES_MAX);
    return CLI_DONE;
}

void cli_session_close(struct cli_session *session) {
    gw_arena_deinit(&session->answer);
    gw_arena_deinit(&session->memory);
    cli_api_client_close(&session->client);
}

enum cli_exit cli_session_fail_strange(const struct cli_session *session, struct cli_reason *why) {
    return cli_fail(why, CLI_FAILED,
                    "the answer is not one of a SkillReg gateway, check the address %s",
                    session->settings->base_url);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct gw_str trim(struct gw_str text) {
    while (text.length > 0 && is_space(text.at[0]))
        text = gw_str_slice(text, 1, text.length);
    while (text.length > 0 && is_space(text.at[text.length - 1]))
        text.length--;
    return text;
}

enum cli_exit cli_session_call(struct cli_session *session, const struct cli_api_request *request,
                               const char *not_found_hint, struct gw_json *root,
                               struct cli_reason *why) {
    const struct cli_api_context context = {
        .base_url = session->settings->base_url,
        .token_source = session->settings->token_source,
        .not_found_hint = not_found_hint,
    };
    struct cli_api_response response;
    enum cli_exit exit = cli_api_client_send(&session->client, request, &response, why);
    if (exit == CLI_DONE)
        exit = cli_api_error_check(&response, &context, why);
    if (exit != CLI_DONE)
        return exit;
    gw_arena_reset(&session->answer);
    session->answer_text = trim(response.body);
    enum gw_status status =
        gw_json_parse(&session->answer, session->answer_text, JSON_TOKENS_MAX, root, NULL);
    if (status == GW_NO_MEMORY)
        return cli_fail_status(why, status);
    if (status != GW_OK || gw_json_type(*root) != GW_JSON_OBJECT)
        return cli_session_fail_strange(session, why);
    return CLI_DONE;
}

void cli_session_put_answer(const struct cli_session *session, struct cli_output *output) {
    cli_output_put_bytes(output, session->answer_text);
    cli_output_put(output, "\n");
}
