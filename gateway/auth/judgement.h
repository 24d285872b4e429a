// SPDX-License-Identifier: MIT
#pragma once
// What the token of a live row may do, by its end, its addresses, its binding, its organisation and
// its scopes alone. Pure: no rate, no last use, no identity is touched, so a caller may judge again
// at any time whether a use that was allowed still is.

#include <stdbool.h>
#include <stdint.h>

#include "db/token.h"
#include "gateway/exchange/router.h"
#include "gateway/http/client.h"
#include "gateway/http/errors.h"

enum gw_verdict {
    GW_VERDICT_ALLOW,
    GW_VERDICT_UNAUTHENTICATED, // 401
    GW_VERDICT_FORBIDDEN,       // 403
    GW_VERDICT_REFUSED,         // 400: two Authorization fields
    GW_VERDICT_LIMITED,         // 429
    GW_VERDICT_UNKNOWN          // 503
};

struct gw_judgement {
    enum gw_verdict verdict;
    struct gw_refusal refusal; // GW_ERROR_NONE when allowed; the message is static
};

// The use that a token is judged for.
struct gw_judged_use {
    const struct gw_route_match *match;
    const struct gw_client *client;
    struct gw_str certificate_names; // of the client's own certificate (base/san.h); empty: none
    int64_t now_ms;                  // wall clock
};

extern const struct gw_judgement gw_judgement_allowed;
extern const struct gw_judgement gw_judgement_invalid; // no live token at all
extern const struct gw_judgement gw_judgement_unknown; // the cache cannot say
extern const struct gw_judgement gw_judgement_other_org;
extern const struct gw_judgement gw_judgement_needs_admin;

// Whether the token may be used at this time, from this address and with this certificate: ALLOW,
// UNAUTHENTICATED or FORBIDDEN.
struct gw_judgement gw_judge_token(const struct db_token_row *row, const struct gw_judged_use *use);
// Whether its organisation and its scopes allow the route: ALLOW or FORBIDDEN.
struct gw_judgement gw_judge_reach(const struct db_token_row *row,
                                   const struct gw_route_match *match);
// gw_judge_token, then gw_judge_reach.
struct gw_judgement gw_judge(const struct db_token_row *row, const struct gw_judged_use *use);
