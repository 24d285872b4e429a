// SPDX-License-Identifier: MIT
// skillreg: from the arguments to one command, and from how it ended to an exit code and one line
// on stderr.
#include <curl/curl.h>
#include <locale.h>
#include <signal.h>

#include "base/standard_streams.h"
#include "cli/audit_cmd.h"
#include "cli/help.h"
#include "cli/login_cmd.h"
#include "cli/rotate_cmd.h"
#include "cli/token_cmd.h"
#include "cli/whoami_cmd.h"

static enum cli_exit print_text(const char *text, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    cli_output_put(&out, text);
    return cli_output_send(&out, why);
}

static enum cli_exit run_in_session(struct cli_session *session, const struct cli_options *options,
                                    struct cli_reason *why) {
    switch (options->command) {
    case CLI_COMMAND_TOKEN_CREATE:
        return cli_token_cmd_create(session, options, why);
    case CLI_COMMAND_TOKEN_LIST:
        return cli_token_cmd_list(session, options, why);
    case CLI_COMMAND_TOKEN_ROTATE:
        return cli_rotate_cmd(session, options, why);
    case CLI_COMMAND_TOKEN_REVOKE:
        return cli_token_cmd_revoke(session, options, why);
    case CLI_COMMAND_AUDIT:
        return cli_audit_cmd(session, options, why);
    default:
        return cli_whoami_cmd(session, options, why);
    }
}

static enum cli_exit run(const struct cli_options *options, struct cli_reason *why) {
    struct cli_settings settings;
    struct cli_session session;
    enum cli_exit exit = cli_settings_load(&settings, options, why);
    if (exit != CLI_DONE)
        return exit;
    if (options->command == CLI_COMMAND_LOGIN) {
        exit = cli_login_cmd(options, &settings, why);
    } else {
        exit = cli_session_open(&session, &settings, why);
        if (exit == CLI_DONE) {
            exit = run_in_session(&session, options, why);
            cli_session_close(&session);
        }
    }
    cli_settings_deinit(&settings);
    return exit;
}

static enum cli_exit run_with_curl(const struct cli_options *options, struct cli_reason *why) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return cli_fail(why, CLI_FAILED, "cannot start libcurl");
    enum cli_exit exit = run(options, why);
    curl_global_cleanup();
    return exit;
}

int main(int argument_count, char *arguments[]) {
    struct cli_reason why = {.text = ""};
    struct cli_options options;
    if (!gw_standard_streams_keep())
        return CLI_FAILED;
    (void)setlocale(LC_CTYPE, "");
    (void)signal(SIGPIPE, SIG_IGN); // write reports a reader that has gone
    enum cli_exit exit = cli_options_parse(argument_count, arguments, &options, &why);
    if (exit != CLI_DONE) {
        const char *words = cli_options_command_words(options.command);
        cli_reason_print(&why, stderr);
        (void)fprintf(stderr, "Try: skillreg %s%s--help\n", words, words[0] == '\0' ? "" : " ");
        return exit;
    }
    if (cli_options_has(&options, CLI_FLAG_HELP))
        exit = print_text(cli_help_text(options.command), &why);
    else if (cli_options_has(&options, CLI_FLAG_VERSION))
        exit = print_text("skillreg " GATEWAY_VERSION "\n", &why);
    else
        exit = run_with_curl(&options, &why);
    if (exit != CLI_DONE)
        cli_reason_print(&why, stderr);
    return exit;
}
