// SPDX-License-Identifier: MIT
#pragma once
// The rows of the flags, in a table for each subject. A table has a place for every flag: those of
// other subjects are empty, so each flag has one row in one of them.

#include "cli/flag.h"

// Which commands take a flag.
#define FOR(command) CLI_COMMAND_BIT(CLI_COMMAND_##command)
#define FOR_ORG_COMMANDS                                                                           \
    (FOR(TOKEN_CREATE) | FOR(TOKEN_LIST) | FOR(TOKEN_SHOW) | FOR(TOKEN_UPDATE) |                   \
     FOR(TOKEN_ROTATE) | FOR(TOKEN_REVOKE) | FOR(AUDIT) | FOR(TRUST_ADD) | FOR(TRUST_LIST) |       \
     FOR(TRUST_SHOW) | FOR(TRUST_REMOVE) | FOR(TRUST_TEST))
#define FOR_ANSWERS (FOR_ORG_COMMANDS | FOR(WHOAMI) | FOR(LOGIN) | FOR(LOGOUT) | FOR(APPROVE))
#define FOR_REQUESTS (FOR_ANSWERS | FOR(EXEC))
#define FOR_IDENTITIES (FOR(LOGIN) | FOR(EXEC))
#define FOR_ALL UINT64_MAX

extern const struct cli_flag_row cli_flags_tokens[CLI_FLAG_COUNT];
extern const struct cli_flag_row cli_flags_lists[CLI_FLAG_COUNT];
extern const struct cli_flag_row cli_flags_identity[CLI_FLAG_COUNT];
extern const struct cli_flag_row cli_flags_general[CLI_FLAG_COUNT];
