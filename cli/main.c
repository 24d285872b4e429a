// SPDX-License-Identifier: MIT
// skillreg: from the arguments to one command, and from how it ended to an exit code and one line
// on stderr, which with --json is JSON.
#include <curl/curl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "base/standard_streams.h"
#include "cli/approve_cmd.h"
#include "cli/arguments.h"
#include "cli/audit_cmd.h"
#include "cli/complete_cmd.h"
#include "cli/completion_cmd.h"
#include "cli/create_cmd.h"
#include "cli/exec_cmd.h"
#include "cli/help.h"
#include "cli/list_cmd.h"
#include "cli/login_cmd.h"
#include "cli/logout_cmd.h"
#include "cli/man_page.h"
#include "cli/revoke_cmd.h"
#include "cli/rotate_cmd.h"
#include "cli/scan_cmd.h"
#include "cli/show_cmd.h"
#include "cli/trust_add_cmd.h"
#include "cli/trust_cmd.h"
#include "cli/trust_test_cmd.h"
#include "cli/update_cmd.h"
#include "cli/whoami_cmd.h"

// What a command does, with the gateway, with the settings alone, or with nothing. A command stands
// in one of the three tables.
typedef enum cli_exit session_command(struct cli_session *session,
                                      const struct cli_options *options, struct cli_reason *why);
typedef enum cli_exit settings_command(const struct cli_options *options,
                                       struct cli_settings *settings, struct cli_reason *why);

static session_command *const session_commands[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_TOKEN_CREATE] = cli_create_cmd,
    [CLI_COMMAND_TOKEN_LIST] = cli_list_cmd,
    [CLI_COMMAND_TOKEN_SHOW] = cli_show_cmd,
    [CLI_COMMAND_TOKEN_UPDATE] = cli_update_cmd,
    [CLI_COMMAND_TOKEN_ROTATE] = cli_rotate_cmd,
    [CLI_COMMAND_TOKEN_REVOKE] = cli_revoke_cmd,
    [CLI_COMMAND_TRUST_ADD] = cli_trust_add_cmd,
    [CLI_COMMAND_TRUST_LIST] = cli_trust_list_cmd,
    [CLI_COMMAND_TRUST_SHOW] = cli_trust_show_cmd,
    [CLI_COMMAND_TRUST_REMOVE] = cli_trust_remove_cmd,
    [CLI_COMMAND_TRUST_TEST] = cli_trust_test_cmd,
    [CLI_COMMAND_AUDIT] = cli_audit_cmd,
    [CLI_COMMAND_WHOAMI] = cli_whoami_cmd,
    [CLI_COMMAND_APPROVE] = cli_approve_cmd,
};

static settings_command *const settings_commands[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_LOGIN] = cli_login_cmd,
    [CLI_COMMAND_LOGOUT] = cli_logout_cmd,
    [CLI_COMMAND_EXEC] = cli_exec_cmd,
};

typedef enum cli_exit plain_command(const struct cli_options *options, struct cli_reason *why);

static plain_command *const plain_commands[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_COMPLETION] = cli_completion_cmd,
    [CLI_COMMAND_SCAN] = cli_scan_cmd,
};

static enum cli_exit print_help(enum cli_command command, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    cli_help_put(&out, command);
    return cli_output_send(&out, why);
}

static enum cli_exit print_version(struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    cli_output_put(&out, "skillreg " GATEWAY_VERSION "\n");
    return cli_output_send(&out, why);
}

static enum cli_exit run_in_session(const struct cli_options *options,
                                    const struct cli_settings *settings, struct cli_reason *why) {
    struct cli_session session;
    enum cli_exit exit = cli_session_open(&session, settings, why);
    if (exit != CLI_DONE)
        return exit;
    exit = session_commands[options->command](&session, options, why);
    cli_whoami_cmd_ask_replacer(&session);
    cli_session_close(&session);
    return exit;
}

static enum cli_exit run(const struct cli_options *options, struct cli_reason *why) {
    struct cli_settings settings;
    settings_command *command = settings_commands[options->command];
    gw_assert(command != NULL || session_commands[options->command] != NULL);
    enum cli_exit exit = cli_settings_load(&settings, options, why);
    if (exit != CLI_DONE)
        return exit;
    exit = command != NULL ? command(options, &settings, why)
                           : run_in_session(options, &settings, why);
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

static enum cli_exit run_command(const struct cli_options *options, struct cli_reason *why) {
    if (cli_options_has(options, CLI_FLAG_HELP))
        return print_help(options->command, why);
    if (cli_options_has(options, CLI_FLAG_VERSION))
        return print_version(why);
    if (plain_commands[options->command] != NULL)
        return plain_commands[options->command](options, why);
    return run_with_curl(options, why);
}

static void print_hint(const struct cli_options *options) {
    const char *words = cli_command_words(options->command);
    (void)fprintf(stderr, "Try: skillreg %s%s--help\n", words, words[0] == '\0' ? "" : " ");
}

// For the build, which has no option for it to show.
static enum cli_exit print_man_page(struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    cli_man_page_put(&out);
    return cli_output_send(&out, why);
}

// `skillreg` alone asks what there is, and has done nothing.
static enum cli_exit show_commands(void) {
    struct cli_output out;
    cli_output_init(&out);
    cli_help_put(&out, CLI_COMMAND_NONE);
    struct gw_str text = gw_buf_bytes(&out.bytes);
    (void)fwrite(text.at, 1, text.length, stderr);
    cli_output_deinit(&out);
    return CLI_USAGE;
}

int main(int argument_count, char *arguments[]) {
    struct cli_reason why = {.text = ""};
    struct cli_options options;
    if (!gw_standard_streams_keep())
        return CLI_FAILED;
    (void)setlocale(LC_CTYPE, "");
    (void)signal(SIGPIPE, SIG_IGN); // write reports a reader that has gone
    if (cli_complete_cmd_is_meant(argument_count, arguments))
        return cli_complete_cmd(argument_count, arguments);
    if (argument_count == 2 && strcmp(arguments[1], "__man") == 0)
        return print_man_page(&why);
    if (argument_count < 2)
        return show_commands();
    enum cli_exit exit = cli_arguments_parse(argument_count, arguments, &options, &why);
    bool is_parsed = exit == CLI_DONE;
    if (is_parsed)
        exit = run_command(&options, &why);
    int status = why.command_status != 0 ? why.command_status : (int)exit;
    if (exit == CLI_DONE || exit == CLI_FOUND)
        return status;
    if (exit == CLI_FAILED && why.text[0] == '\0') // the reader of a pipe has gone
        gw_standard_streams_end_unread();
    if (cli_arguments_ask_for_json(argument_count, arguments)) {
        cli_reason_print_json(&why, exit, stderr);
        return status;
    }
    cli_reason_print(&why, stderr);
    if (!is_parsed)
        print_hint(&options);
    return status;
}
