// SPDX-License-Identifier: MIT
#include "cli/session.h"

#include "base/clock.h"
#include "cli/api_error.h"
#include "cli/relative_time.h"
#include "cli/text.h"

#define JSON_TOKENS_MAX 65536
#define ANSWER_BYTES_MAX (16 * 1024 * 1024)
#define MEMORY_BYTES_MAX (256 * 1024 * 1024)
#define HTTP_SERVER_ERROR 500
#define DATE_LENGTH 10 // "2026-12-31"

enum cli_exit cli_session_open(struct cli_session *session, const struct cli_settings *settings,
                               struct cli_reason *why) {
    *session = (struct cli_session){
        .settings = settings, .date_ms = -1, .own_expires_ms = GW_JSON_NO_TIME};
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

int64_t cli_session_now_ms(const struct cli_session *session) {
    return session->date_ms >= 0 ? session->date_ms : gw_clock_wall_ms();
}

// What its holder can do about the end of the caller's token.
static const char *find_advice(enum cli_replacer replacer) {
    switch (replacer) {
    case CLI_REPLACER_SELF:
        return "Replace it: skillreg token rotate --self";
    case CLI_REPLACER_ADMIN:
        return "Replace it: skillreg token rotate";
    case CLI_REPLACER_OTHERS:
        return "Ask an admin of the organisation to replace it: skillreg token rotate";
    default:
        return "Replace it, or ask an admin to: skillreg token rotate";
    }
}

static void warn_of_expiry(const struct cli_session *session) {
    char ahead[CLI_RELATIVE_TIME_BYTES_MAX];
    char iso[GW_CLOCK_ISO_LENGTH];
    bool needs_id = session->own_replacer != CLI_REPLACER_SELF;
    struct gw_str id = session->own_token_id.at != NULL ? session->own_token_id : GW_STR("<id>");
    cli_relative_time_ahead(session->own_expires_ms, cli_session_now_ms(session), ahead);
    gw_clock_format_iso(session->own_expires_ms, iso);
    cli_warn("This token expires %s (%.*s). %s%s%.*s", ahead, DATE_LENGTH, iso,
             find_advice(session->own_replacer), needs_id ? " " : "", needs_id ? (int)id.length : 0,
             id.at);
}

void cli_session_forget_expiry(struct cli_session *session) {
    session->own_expires_ms = GW_JSON_NO_TIME;
}

void cli_session_close(struct cli_session *session) {
    gw_assert(session->client.easy != NULL);
    if (session->own_expires_ms != GW_JSON_NO_TIME)
        warn_of_expiry(session);
    gw_arena_deinit(&session->answer);
    gw_arena_deinit(&session->memory);
    cli_api_client_close(&session->client);
}

enum cli_exit cli_session_fail_strange(const struct cli_session *session, struct cli_reason *why) {
    return cli_fail(why, CLI_FAILED,
                    "the answer is not one of a SkillReg gateway, check the address %s",
                    session->settings->base_url);
}

static void note_expiry(struct cli_session *session, const struct cli_api_response *response) {
    int64_t expires_ms;
    if (gw_clock_parse_iso(gw_str_from(response->token_expires), &expires_ms) == GW_OK)
        session->own_expires_ms = expires_ms;
}

enum cli_exit cli_session_call(struct cli_session *session, const struct cli_api_request *request,
                               const char *hint, struct gw_json *root, struct cli_reason *why) {
    gw_assert(session->settings != NULL && session->client.easy != NULL);
    const struct cli_api_context context = {.settings = session->settings, .hint = hint};
    struct cli_api_response response;
    enum cli_exit exit = cli_api_client_send(&session->client, request, &response, why);
    if (exit != CLI_DONE)
        return exit;
    session->date_ms = response.date_ms;
    note_expiry(session, &response);
    exit = cli_api_error_check(&response, &context, why);
    if (exit != CLI_DONE)
        return exit;
    gw_arena_reset(&session->answer);
    session->answer_text = cli_text_trim(response.body);
    enum gw_status status =
        gw_json_parse(&session->answer, session->answer_text, JSON_TOKENS_MAX, root, NULL);
    if (status == GW_NO_MEMORY)
        return cli_fail_status(why, status);
    if (status != GW_OK || gw_json_type(*root) != GW_JSON_OBJECT)
        return cli_session_fail_strange(session, why);
    return CLI_DONE;
}

bool cli_session_is_outcome_unknown(const struct cli_session *session, enum cli_exit exit,
                                    const struct cli_reason *why) {
    gw_assert(exit != CLI_DONE);
    return (exit == CLI_UNREACHABLE && session->client.was_sent) ||
           why->status >= HTTP_SERVER_ERROR;
}

void cli_session_put_answer(const struct cli_session *session, struct cli_output *output) {
    cli_output_put_json(output, session->answer_text);
    cli_output_put(output, "\n");
}
