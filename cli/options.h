// SPDX-License-Identifier: MIT
#pragma once
// The arguments of the command line: which command, its flags, its operand. Nothing here reads the
// environment or a file.
//
// Flags may stand before, between and after the words of the command, as `--flag value` or
// `--flag=value`; `--` ends them. A flag given twice (except --allow-ip), unknown, or of another
// command is refused. No argument takes a token, as `ps` would show it; text that looks like a
// token is never repeated in an error.

#include "cli/option_values.h"
#include "cli/outcome.h"
#include "token/limits.h"
#include "token/scope.h"

enum cli_command {
    CLI_COMMAND_NONE,  // not given: only --help and --version make sense
    CLI_COMMAND_TOKEN, // `token` without a second word: only --help makes sense
    CLI_COMMAND_TOKEN_CREATE,
    CLI_COMMAND_TOKEN_LIST,
    CLI_COMMAND_TOKEN_ROTATE,
    CLI_COMMAND_TOKEN_REVOKE,
    CLI_COMMAND_AUDIT,
    CLI_COMMAND_WHOAMI,
    CLI_COMMAND_LOGIN,
    CLI_COMMAND_COUNT,
};

enum cli_flag {
    CLI_FLAG_NAME,
    CLI_FLAG_SCOPES,
    CLI_FLAG_EXPIRES,
    CLI_FLAG_ALLOW_IP, // holds the first one; all are in allowed_ips
    CLI_FLAG_BIND_CHILDREN,
    CLI_FLAG_OVERLAP,
    CLI_FLAG_STORE,
    CLI_FLAG_SELF,
    CLI_FLAG_WITH_SUCCESSORS,
    CLI_FLAG_LIMIT,
    CLI_FLAG_ORG,
    CLI_FLAG_TOKEN, // a switch: `login --token`
    CLI_FLAG_WAIT,
    CLI_FLAG_JSON,
    CLI_FLAG_URL,
    CLI_FLAG_CA_FILE,
    CLI_FLAG_INSECURE_HTTP,
    CLI_FLAG_HELP,
    CLI_FLAG_VERSION,
    CLI_FLAG_COUNT,
};

struct cli_options {
    enum cli_command command;
    const char *values[CLI_FLAG_COUNT]; // NULL: not given; a switch that is given holds ""
    const char *id;      // of `token rotate` and `token revoke`, never empty; NULL with --self
    gw_scope_set scopes; // of `token create`; read and write where --scopes is not given
    int64_t expires_ms;  // since 1970, of --expires; CLI_OPTION_NO_TIME where it is not given
    int64_t overlap_s;   // of `token rotate`
    int64_t limit;       // of `audit`
    const char *allowed_ips[GW_ALLOWED_IPS_MAX];
    size_t allowed_ip_count;
};

static inline bool cli_options_has(const struct cli_options *options, enum cli_flag flag) {
    return options->values[flag] != NULL;
}

// Values point into `arguments`, which begins with the program's name. CLI_USAGE when something is
// wrong or missing; options->command then says how far it got, for the hint. With --help or
// --version nothing is missing.
enum cli_exit cli_options_parse(int argument_count, char *const arguments[],
                                struct cli_options *options, struct cli_reason *why) GW_MUST_USE;
// The words of the command as they are typed, "" for CLI_COMMAND_NONE.
const char *cli_options_command_words(enum cli_command command);
