// SPDX-License-Identifier: MIT
#pragma once
// What the values of the flags mean: scopes, times, numbers, the id of a token. `value` is NULL for
// a flag that is not given; then the result is the default. CLI_USAGE: the value is wrong.

#include <stdint.h>

#include "cli/expiry.h"
#include "cli/outcome.h"
#include "token/scope.h"

// Read and write by default.
enum cli_exit cli_option_scopes(const char *value, gw_scope_set *scopes,
                                struct cli_reason *why) GW_MUST_USE;
// CLI_EXPIRY_NOT_GIVEN by default. Reads the clock.
enum cli_exit cli_option_expires(const char *value, struct cli_expiry *expiry,
                                 struct cli_reason *why) GW_MUST_USE;
// Seconds.
enum cli_exit cli_option_overlap(const char *value, int64_t *overlap_s,
                                 struct cli_reason *why) GW_MUST_USE;
// A length of time up to 100 years, in milliseconds; 0 by default. `flag`: "--unused".
enum cli_exit cli_option_age(const char *value, const char *flag, int64_t *age_ms,
                             struct cli_reason *why) GW_MUST_USE;
// Events of `audit`.
enum cli_exit cli_option_limit(const char *value, int64_t *limit,
                               struct cli_reason *why) GW_MUST_USE;
// The name of a new token; must be given.
enum cli_exit cli_option_name(const char *value, struct cli_reason *why) GW_MUST_USE;
// What a new token is for.
enum cli_exit cli_option_description(const char *value, struct cli_reason *why) GW_MUST_USE;
// NULL: not given. A name as base/san.h says.
enum cli_exit cli_option_bound_san(const char *value, struct cli_reason *why) GW_MUST_USE;
// The operand of a command, which is called `words`; must be given, and must not look like a token:
// in the path of a request a token would be logged.
enum cli_exit cli_option_id(const char *value, const char *words,
                            struct cli_reason *why) GW_MUST_USE;
// The same, or the name of a token. What a token or a setting that was not filled in looks like is
// no name, for a name goes into a URL.
enum cli_exit cli_option_id_or_name(const char *value, const char *words,
                                    struct cli_reason *why) GW_MUST_USE;
