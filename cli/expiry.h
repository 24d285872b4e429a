// SPDX-License-Identifier: MIT
#pragma once
// The end of a token as it is typed: after 12h, 90d, 1w (7 days) or 1y (365 days), on 2026-12-31
// (as that day begins, UTC), at a time of RFC 3339, or never.
//
// A length is sent as a length, so that the gateway's clock counts it and not this machine's.

#include <stdint.h>

#include "base/json.h"

#define CLI_EXPIRY_YEARS_MAX 100

enum cli_expiry_kind { CLI_EXPIRY_NOT_GIVEN, CLI_EXPIRY_NEVER, CLI_EXPIRY_AFTER, CLI_EXPIRY_AT };

struct cli_expiry {
    enum cli_expiry_kind kind;
    int64_t length_s; // of CLI_EXPIRY_AFTER
    int64_t at_ms;    // of CLI_EXPIRY_AT, since 1970
};

// `now_ms` is since 1970. GW_INVALID: another form; GW_CONFLICT: a time that is not after `now_ms`;
// GW_TOO_BIG: more than CLI_EXPIRY_YEARS_MAX years ahead.
enum gw_status cli_expiry_parse(struct gw_str text, int64_t now_ms,
                                struct cli_expiry *expiry) GW_MUST_USE;
// A member of the request that makes the token, or none.
void cli_expiry_write_json(const struct cli_expiry *expiry, struct gw_json_writer *writer);
// The latest end that was asked for, of a token that was made at `made_ms`; GW_JSON_NO_TIME: none.
int64_t cli_expiry_end(const struct cli_expiry *expiry, int64_t made_ms);
