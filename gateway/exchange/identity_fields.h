// SPDX-License-Identifier: MIT
#pragma once
// The identity of a token as header fields: X-SkillReg-Org, X-SkillReg-Token-Id, X-SkillReg-Scopes.
// The registry gets them with a request (gateway/relay/head.h), a proxy with the decision that it
// asked for (gateway/api/forward_auth.h).

#include "gateway/exchange/exchange.h"
#include "token/scope.h"

#define GW_IDENTITY_FIELDS 3

// The subject of the client certificate of this connection. It stands apart from the identity: it
// is there without a token too, and in a decision for a proxy it would name the proxy.
#define GW_CLIENT_SUBJECT_FIELD "X-SkillReg-Client-Subject"

// Embedded by the caller; its fields point into it and into the request.
struct gw_identity_fields {
    struct gw_response_field fields[GW_IDENTITY_FIELDS]; // values empty without an identity
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
};

void gw_identity_fields_init(struct gw_identity_fields *identity,
                             const struct gw_exchange *exchange);
