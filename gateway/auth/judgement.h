// SPDX-License-Identifier: MIT
#pragma once
// What a live row of the database may do: its end, where it may be used from, its organisation and
// its scopes, and nothing else. It costs nothing and changes nothing (no rate, no last use, no
// identity), so it can be asked again as often as somebody wants to know whether what was allowed
// once is allowed still.

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
    GW_VERDICT_LIMITED,         // 429: too much of it
    GW_VERDICT_UNKNOWN          // 503
};

struct gw_judgement {
    enum gw_verdict verdict;
    struct gw_refusal refusal; // when not allowed; its message is static
};

// What a token is wanted for.
struct gw_judged_use {
    const struct gw_route_match *match;
    const struct gw_client *client;
    int64_t now_ms; // wall clock
};

extern const struct gw_judgement gw_judgement_allowed;
extern const struct gw_judgement gw_judgement_invalid; // no live token at all
extern const struct gw_judgement gw_judgement_unknown; // the cache cannot say
extern const struct gw_judgement gw_judgement_other_org;
extern const struct gw_judgement gw_judgement_needs_admin;

// Whether the token may be used at all, now and from that address: ALLOW, UNAUTHENTICATED or
// FORBIDDEN.
struct gw_judgement gw_judge_token(const struct db_token_row *row, const struct gw_judged_use *use);
// Whether what is asked for lies within its organisation and its scopes: ALLOW or FORBIDDEN.
struct gw_judgement gw_judge_reach(const struct db_token_row *row,
                                   const struct gw_route_match *match);
// One, then the other.
struct gw_judgement gw_judge(const struct db_token_row *row, const struct gw_judged_use *use);
