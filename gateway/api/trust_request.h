// SPDX-License-Identifier: MIT
#pragma once
// What a rule of trust is to be, and which rules are asked for. Pure. The sentence of a refusal
// names the member or the parameter; it is static or in `arena`.
//
// {"kind": "github",
//  "conditions": {"repository": ["acme/tools"], "workflow_file": ["publish.yml"]},
//  "scopes": ["read"], "expiresIn": 900, "allowedIps": [], "exchangesPerMinute": 600}
//
// `issuer` is one of the operator's, by its name or by its URL; `kind` alone is enough where the
// operator has one issuer of that kind.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "gateway/api/token_limits.h"
#include "gateway/api/trust_conditions.h"
#include "gateway/http/errors.h"
#include "gateway/settings/issuer_setting.h"

struct gw_trust_request {
    const struct gw_issuer_setting *issuer;
    struct gw_trust_conditions conditions;
    gw_scope_set scopes; // read unless given
    uint32_t life_s;
    uint32_t exchanges_per_minute;
    struct gw_token_addresses addresses;
};
// False: *refusal is 400 for a body that is not JSON, else 422. `body` must outlive *request.
bool gw_trust_request_parse(struct gw_arena *arena, struct gw_str body,
                            const struct gw_issuer_settings *issuers,
                            struct gw_trust_request *request,
                            struct gw_refusal *refusal) GW_MUST_USE;

struct gw_trust_list_request {
    struct gw_str after; // of `after`: the id of a rule; .at NULL: from the newest on
    uint32_t limit;      // 1 to GW_LIST_LIMIT_MAX
};
// Unknown parameters are ignored, as in every request that only reads. `query` raw, .at NULL
// without one. False: *refusal is 422.
bool gw_trust_list_request_parse(struct gw_str query, struct gw_trust_list_request *request,
                                 struct gw_refusal *refusal) GW_MUST_USE;
