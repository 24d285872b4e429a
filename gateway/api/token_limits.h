// SPDX-License-Identifier: MIT
#pragma once
// The members of a body that bound what a token may: its scopes, its end, its addresses. Pure. The
// sentence of a refusal names the member; it is static or in `arena`.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/json.h"
#include "gateway/http/errors.h"
#include "token/scope.h"

// A member `scopes`: at least one.
bool gw_token_limits_scopes(struct gw_arena *arena, struct gw_json value, gw_scope_set *scopes,
                            struct gw_refusal *refusal) GW_MUST_USE;
// The same of `body`, `otherwise` without the member.
bool gw_token_limits_find_scopes(struct gw_arena *arena, struct gw_json body,
                                 gw_scope_set otherwise, gw_scope_set *scopes,
                                 struct gw_refusal *refusal) GW_MUST_USE;
// The members `expiresAt` and `expiresIn` of `body`, of which one may be there: a time after
// `now_ms`, wall clock, from which a length counts. DB_NO_TIME: none, or null.
bool gw_token_limits_expiry(struct gw_arena *arena, struct gw_json body, int64_t now_ms,
                            int64_t *expires_ms, struct gw_refusal *refusal) GW_MUST_USE;
struct gw_token_addresses {
    const struct gw_ip_range *ranges; // in `arena`
    uint8_t count;                    // 0: anywhere
};
// A member `allowedIps`: up to GW_ALLOWED_IPS_MAX.
bool gw_token_limits_addresses(struct gw_arena *arena, struct gw_json value,
                               struct gw_token_addresses *addresses,
                               struct gw_refusal *refusal) GW_MUST_USE;
// The same of `body`; none without the member, or where it is null.
bool gw_token_limits_find_addresses(struct gw_arena *arena, struct gw_json body,
                                    struct gw_token_addresses *addresses,
                                    struct gw_refusal *refusal) GW_MUST_USE;
