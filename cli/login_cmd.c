// SPDX-License-Identifier: MIT
#include "cli/login_cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret_input.h"
#include "cli/config_file.h"
#include "cli/session.h"
#include "cli/whoami_cmd.h"
#include "token/syntax.h"

static enum cli_exit read_line(char *line, size_t line_max, size_t *length,
                               struct cli_reason *why) {
    const char *failed = NULL;
    switch (gw_secret_input_read("Token: ", line, line_max, length, &failed)) {
    case GW_OK:
        return CLI_DONE;
    case GW_NOT_FOUND:
        return cli_fail(why, CLI_FAILED, "no token was given, nothing was stored");
    case GW_TOO_BIG:
        return cli_fail(why, CLI_FAILED, "that is too long for a token, nothing was stored");
    case GW_CANCELLED:
        return cli_fail(why, CLI_FAILED, "interrupted, nothing was stored");
    default:
        return cli_fail(why, CLI_FAILED, "%s: %s", failed, strerror(errno));
    }
}

static enum cli_exit ask_token(struct cli_settings *settings, struct cli_reason *why) {
    gw_assert(settings->token_source == CLI_TOKEN_OF_LOGIN);
    char line[CLI_SETTINGS_TOKEN_BYTES_MAX];
    size_t length = 0;
    enum gw_token_kind kind;
    enum cli_exit exit = read_line(line, sizeof(line), &length, why);
    if (exit == CLI_DONE &&
        (cli_settings_set_token(settings, gw_str(line, length), why) != CLI_DONE ||
         gw_token_syntax_parse(gw_str_from(settings->token), &kind) != GW_OK))
        exit = cli_fail(why, CLI_FAILED,
                        "that is no token, for one begins with sr_live_, sr_test_ or sk_ and has "
                        "%d to %d more letters, digits, - or _, nothing was stored",
                        GW_TOKEN_BODY_MIN, GW_TOKEN_BODY_MAX);
    gw_bytes_wipe(line, sizeof(line));
    return exit;
}

// What the file says besides the token, looked at before it is changed.
struct surroundings {
    bool has_url;
    bool has_other_org;
};

static enum cli_exit look_around(struct cli_config_file *file, const struct cli_identity *identity,
                                 struct surroundings *around, struct cli_reason *why) {
    struct gw_str url = gw_str(NULL, 0);
    struct gw_str org = gw_str(NULL, 0);
    enum cli_exit exit = cli_config_file_get(file, "apiUrl", &url, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_get(file, "org", &org, why);
    around->has_url = url.at != NULL;
    around->has_other_org = org.at != NULL && !gw_str_equal(org, identity->org_slug);
    return exit;
}

// Things that would surprise at the next command.
static void note_surprises(const struct surroundings *around, const struct cli_options *options,
                           const struct cli_identity *identity) {
    const char *variable = getenv("SKILLREG_TOKEN");
    if (variable != NULL && variable[0] != '\0')
        cli_note("SKILLREG_TOKEN is set and goes before the stored token");
    if (around->has_url && cli_options_has(options, CLI_FLAG_URL))
        cli_note("~/.skillreg/config.json keeps the \"apiUrl\" it had, so give --url again, or "
                 "change it there");
    if (around->has_other_org)
        cli_note("\"org\" in ~/.skillreg/config.json is not %.*s, the organisation of this token, "
                 "so give --org, or change it there",
                 GW_STR_ARG(identity->org_slug));
}

static enum cli_exit store(const char *path, const struct cli_options *options,
                           const struct cli_settings *settings, const struct cli_identity *identity,
                           struct cli_reason *why) {
    struct cli_config_file file;
    struct surroundings around = {.has_url = false};
    enum cli_exit exit = cli_config_file_open(&file, path, why);
    if (exit != CLI_DONE)
        return exit;
    exit = look_around(&file, identity, &around, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_set(&file, "token", gw_str_from(settings->token), why);
    if (exit == CLI_DONE && !around.has_url && cli_options_has(options, CLI_FLAG_URL))
        exit =
            cli_config_file_set(&file, "apiUrl", gw_str_from(options->values[CLI_FLAG_URL]), why);
    if (exit == CLI_DONE)
        exit = cli_config_file_save(&file, why);
    if (exit == CLI_DONE)
        note_surprises(&around, options, identity);
    cli_config_file_close(&file);
    return exit;
}

static enum cli_exit print(struct cli_session *session, const struct cli_options *options,
                           const struct cli_identity *identity, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON)) {
        cli_session_put_answer(session, &out);
        return cli_output_send(&out, why);
    }
    cli_output_put(&out, out.symbols.done);
    cli_output_put(&out, " Logged in as ");
    cli_output_put_clean(&out, identity->user_name);
    cli_output_put(&out, " (");
    cli_output_put_clean(&out, identity->user_email);
    cli_output_put(&out, ")\n  Organisation: ");
    cli_output_put_clean(&out, identity->org_name);
    cli_output_put(&out, " (");
    cli_output_put_clean(&out, identity->org_slug);
    cli_output_put(&out, ")\n");
    return cli_output_send(&out, why);
}

enum cli_exit cli_login_cmd(const struct cli_options *options, struct cli_settings *settings,
                            struct cli_reason *why) {
    gw_assert(options->command == CLI_COMMAND_LOGIN);
    char path[PATH_MAX];
    struct cli_session session;
    struct cli_identity identity;
    enum cli_exit exit = cli_config_file_path(path, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_check(path, why);
    if (exit == CLI_DONE)
        exit = ask_token(settings, why);
    if (exit == CLI_DONE)
        exit = cli_session_open(&session, settings, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_whoami_cmd_ask(&session, &identity, why);
    if (exit == CLI_DONE)
        exit = store(path, options, settings, &identity, why);
    if (exit == CLI_DONE)
        exit = print(&session, options, &identity, why);
    cli_session_close(&session);
    return exit;
}
