// SPDX-License-Identifier: MIT
#pragma once
// The arguments of the command line as they were understood: which command, its flags, its
// operands. cli/arguments.h fills it.

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/option_values.h"
#include "cli/outcome.h"
#include "cli/token_output.h"
#include "token/limits.h"
#include "token/scope.h"

#define CLI_GIVEN_MAX 256

// A flag as it stands in the arguments.
struct cli_given {
    enum cli_flag flag;
    const char *value; // "" of a switch
};

struct cli_options {
    enum cli_command command;
    const char *values[CLI_FLAG_COUNT];    // NULL: not given; a switch that is given holds ""
    struct cli_given given[CLI_GIVEN_MAX]; // every one, in order
    size_t given_count;
    const char *operands[CLI_OPERANDS_MAX]; // behind the words of the command
    size_t operand_count;
    size_t behind_dashes; // how many of them stand behind "--"
    const char *id;       // the first operand, NULL without one
    // What cli/options_read.c makes of the values.
    // Where --scopes is not given: of `token create` read and write, of `token update` 0, of
    // --oidc read.
    gw_scope_set scopes;
    struct cli_expiry expiry;
    int64_t overlap_s; // of `token rotate`
    int64_t older_ms;  // of `token revoke`, as the next; 0: not given
    int64_t unused_ms;
    int64_t life_ms; // of `trust add`; 0: not given
    int64_t limit;   // of `audit` and `token list`; 0: any number
    enum cli_token_output output;
    const char *allowed_ips[GW_ALLOWED_IPS_MAX];
    size_t allowed_ip_count;
};

static inline bool cli_options_has(const struct cli_options *options, enum cli_flag flag) {
    return options->values[flag] != NULL;
}

// Every value of a repeatable flag: false behind the last one. *at begins with 0.
bool cli_options_next(const struct cli_options *options, enum cli_flag flag, size_t *at,
                      const char **value);
