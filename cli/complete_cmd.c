// SPDX-License-Identifier: MIT
#include "cli/complete_cmd.h"

#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/complete.h"
#include "cli/org_path.h"
#include "cli/session.h"

#define WORDS_FIRST 3    // skillreg __complete --
#define NEWEST_MAX "200" // more than anybody reads; what a page holds

bool cli_complete_cmd_is_meant(int argument_count, char *const arguments[]) {
    return argument_count >= WORDS_FIRST && strcmp(arguments[1], "__complete") == 0 &&
           strcmp(arguments[2], "--") == 0;
}

// ---- live candidates ----

static bool is_typed(const struct cli_complete *complete, struct gw_str id) {
    for (size_t i = 0; i < complete->options.operand_count; i++) {
        if (gw_str_equal(id, gw_str_from(complete->options.operands[i])))
            return true;
    }
    return false;
}

static void put_token(const struct cli_complete *complete, struct cli_session *session,
                      struct gw_json token, struct cli_output *output) {
    struct gw_str id = cli_answer_text(token, "id", &session->answer);
    struct gw_str name = cli_answer_text(token, "name", &session->answer);
    if (id.at == NULL || name.at == NULL || is_typed(complete, id))
        return;
    if (complete->kind == CLI_VALUE_TOKEN_NAME)
        cli_complete_put_one(complete, output, name, id);
    else
        cli_complete_put_one(complete, output, id, name);
}

static enum cli_exit put_tokens(const struct cli_complete *complete, struct cli_session *session,
                                struct cli_output *output, struct cli_reason *why) {
    const char *path;
    struct gw_json root;
    struct gw_json tokens;
    enum cli_exit exit = cli_org_path_make(session, "tokens", NULL, &path, why);
    if (exit != CLI_DONE)
        return exit;
    struct gw_str paged = gw_arena_printf(&session->memory, "%s?limit=" NEWEST_MAX, path);
    if (paged.at == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    exit = cli_session_call(session,
                            &(const struct cli_api_request){.method = "GET", .path = paged.at}, "",
                            &root, why);
    if (exit != CLI_DONE)
        return exit;
    if (!gw_json_member(root, GW_STR("tokens"), &tokens) || gw_json_type(tokens) != GW_JSON_ARRAY)
        return cli_session_fail_strange(session, why);
    for (int i = 0; i < gw_json_count(tokens); i++)
        put_token(complete, session, gw_json_element(tokens, i), output);
    return CLI_DONE;
}

static void ask_gateway(const struct cli_complete *complete, struct cli_output *output) {
    struct cli_settings settings;
    struct cli_session session;
    struct cli_reason why;
    if (cli_settings_load(&settings, &complete->options, &why) != CLI_DONE)
        return;
    if (cli_session_open(&session, &settings, &why) == CLI_DONE) {
        enum cli_exit exit = put_tokens(complete, &session, output, &why);
        (void)exit; // as silent as an organisation without tokens
        cli_session_close(&session);
    }
    cli_settings_deinit(&settings);
}

// ---- the command ----

static void on_alarm(int signal_number) {
    (void)signal_number;
    _exit(0);
}

static bool is_live(const struct cli_complete *complete) {
    return complete->what == CLI_COMPLETE_VALUE &&
           (complete->kind == CLI_VALUE_TOKEN_ID || complete->kind == CLI_VALUE_TOKEN_NAME);
}

int cli_complete_cmd(int argument_count, char *const arguments[]) {
    gw_assert(cli_complete_cmd_is_meant(argument_count, arguments));
    struct cli_complete complete;
    struct cli_output output;
    struct cli_reason why;
    if (argument_count == WORDS_FIRST || freopen("/dev/null", "w", stderr) == NULL)
        return 0;
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(CLI_COMPLETE_TIMEOUT_S);
    cli_complete_read(arguments + WORDS_FIRST, (size_t)(argument_count - WORDS_FIRST), &complete);
    cli_output_init(&output);
    if (!is_live(&complete)) {
        cli_complete_put(&complete, &output);
    } else if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0) {
        ask_gateway(&complete, &output);
        curl_global_cleanup();
    }
    enum cli_exit exit = cli_output_send(&output, &why);
    (void)exit;
    return 0;
}
