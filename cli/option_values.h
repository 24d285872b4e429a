// SPDX-License-Identifier: MIT
#pragma once
// What the values of the flags mean: scopes, times, numbers, the id of a token. `value` is NULL for
// a flag that is not given; then the result is the default. CLI_USAGE: the value is wrong.

#include <stdint.h>

#include "cli/outcome.h"
#include "token/scope.h"

#define CLI_OPTION_NO_TIME INT64_MIN

// Read and write by default.
enum cli_exit cli_option_scopes(const char *value, gw_scope_set *scopes,
                                struct cli_reason *why) GW_MUST_USE;
// Milliseconds since 1970; CLI_OPTION_NO_TIME by default. Reads the clock.
enum cli_exit cli_option_expires(const char *value, int64_t *expires_ms,
                                 struct cli_reason *why) GW_MUST_USE;
// Seconds.
enum cli_exit cli_option_overlap(const char *value, int64_t *overlap_s,
                                 struct cli_reason *why) GW_MUST_USE;
// Events of `audit`.
enum cli_exit cli_option_limit(const char *value, int64_t *limit,
                               struct cli_reason *why) GW_MUST_USE;
// The name of a new token; must be given.
enum cli_exit cli_option_name(const char *value, struct cli_reason *why) GW_MUST_USE;
// The operand of a command, which is called `words`; must be given, and must not look like a token:
// in the path of a request a token would be logged.
enum cli_exit cli_option_id(const char *value, const char *words,
                            struct cli_reason *why) GW_MUST_USE;
