// SPDX-License-Identifier: MIT
#include "cli/login_cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret_input.h"
#include "cli/answer.h"
#include "cli/config_path.h"
#include "cli/device_login.h"
#include "cli/exchange.h"
#include "cli/session.h"
#include "cli/stored_login.h"
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
                        "that is not a token, nothing was stored: one begins with sr_live_, "
                        "sr_test_ or sk_, and %d to %d letters, digits, - or _ follow",
                        GW_TOKEN_BODY_MIN, GW_TOKEN_BODY_MAX);
    gw_bytes_wipe(line, sizeof(line));
    return exit;
}

// Things that would surprise at the next command. `before`: what was stored for this gateway.
static void note_surprises(const char *path, const struct cli_stored_login *before,
                           const struct cli_identity *identity) {
    const char *variable = getenv("SKILLREG_TOKEN");
    if (variable != NULL && variable[0] != '\0')
        cli_note(
            "SKILLREG_TOKEN is set, and is used instead of the stored token until you unset it");
    if (before->default_url.at != NULL && !before->is_default)
        cli_note("this token is for %s alone: commands go to \"apiUrl\" in %s unless --url or "
                 "SKILLREG_URL names this address",
                 before->address, cli_config_path_shown(path));
    if (before->org.at != NULL && !gw_str_equal(before->org, identity->org_slug))
        cli_note("\"org\" in %s is not %.*s, the organisation of this token, so give --org, or "
                 "change it there",
                 cli_config_path_shown(path), GW_STR_ARG(identity->org_slug));
}

// The notes are made before the file is changed, in which `before` lies.
static enum cli_exit store(const struct cli_settings *settings, const struct cli_identity *identity,
                           struct cli_reason *why) {
    struct cli_config_file file;
    struct cli_stored_login before;
    enum cli_exit exit = cli_config_file_open(&file, settings->file, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_stored_login_find(&file, settings->base_url, &before, why);
    if (exit == CLI_DONE)
        note_surprises(settings->file, &before, identity);
    if (exit == CLI_DONE)
        exit = cli_stored_login_put(&file, settings->base_url, gw_str_from(settings->token), why);
    if (exit == CLI_DONE)
        exit = cli_config_file_save(&file, why);
    cli_config_file_close(&file);
    return exit;
}

// The token is new, and made for this login.
static bool is_made(const struct cli_options *options) {
    return !cli_options_has(options, CLI_FLAG_TOKEN);
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
    if (is_made(options) && identity->has_token) {
        cli_output_put(&out, "  Expires:      ");
        cli_output_put_clean(&out, cli_answer_ahead(identity->token, "expiresAt",
                                                    cli_session_now_ms(session), &session->answer));
        cli_output_put(&out, "\n");
    }
    return cli_output_send(&out, why);
}

// A token that was made for us and is stored nowhere is of use to nobody; how soon it ends is no
// news.
static void forget(struct cli_session *session, const struct cli_settings *settings,
                   enum cli_exit exit) {
    struct cli_reason ignored;
    if (exit != CLI_DONE && cli_exchange_revoke(settings, &ignored) != CLI_DONE)
        cli_note("the token that was made could not be revoked, and ends by itself");
    cli_session_forget_expiry(session);
}

// Of a registry that answers such logins itself: its token may be unknown here.
static void explain_refusal(const struct cli_options *options, enum cli_exit exit,
                            struct cli_reason *why) {
    if (exit == CLI_UNAUTHENTICATED && is_made(options) && !cli_options_has(options, CLI_FLAG_OIDC))
        cli_reason_add(why, "it is of the registry behind the gateway, which does not know it");
}

// With the token in the settings.
static enum cli_exit finish(const struct cli_options *options, struct cli_settings *settings,
                            struct cli_reason *why) {
    struct cli_session session;
    struct cli_identity identity;
    enum cli_exit exit = cli_session_open(&session, settings, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_whoami_cmd_ask(&session, &identity, why);
    explain_refusal(options, exit, why);
    if (exit == CLI_DONE)
        exit = store(settings, &identity, why);
    if (is_made(options))
        forget(&session, settings, exit);
    if (exit == CLI_DONE)
        exit = print(&session, options, &identity, why);
    cli_session_close(&session);
    return exit;
}

static enum cli_exit log_in_by_code(const struct cli_options *options,
                                    struct cli_settings *settings, struct cli_reason *why) {
    struct cli_held_signals signals;
    enum cli_exit exit = cli_device_login_check(why);
    if (exit != CLI_DONE)
        return exit;
    cli_held_signals_hold(&signals);
    exit = cli_device_login(&signals, settings, why);
    if (exit == CLI_DONE)
        exit = finish(options, settings, why);
    cli_held_signals_release(&signals);
    return exit;
}

enum cli_exit cli_login_cmd(const struct cli_options *options, struct cli_settings *settings,
                            struct cli_reason *why) {
    gw_assert(options->command == CLI_COMMAND_LOGIN);
    enum cli_exit exit = cli_config_path_find(settings->file, why);
    if (exit == CLI_DONE)
        exit = cli_config_file_check(settings->file, why);
    if (exit != CLI_DONE)
        return exit;
    if (cli_options_has(options, CLI_FLAG_OIDC))
        exit = cli_exchange(options, settings, why);
    else if (cli_options_has(options, CLI_FLAG_TOKEN))
        exit = ask_token(settings, why);
    else
        return log_in_by_code(options, settings, why);
    return exit == CLI_DONE ? finish(options, settings, why) : exit;
}
