// SPDX-License-Identifier: MIT
#pragma once
// Who asks, as header fields: X-SkillReg-Org, X-SkillReg-Token-Id, X-SkillReg-Scopes. The same for
// the registry behind us (gateway/relay/head.h) and for a proxy that asks us
// (gateway/api/forward_auth.h).

#include "gateway/exchange/exchange.h"
#include "token/scope.h"

#define GW_IDENTITY_FIELDS 3

// The subject of the certificate that the client of this connection showed. No part of those: it
// says who asks without a token, too, and a proxy that asks us is not who asks it.
#define GW_CLIENT_SUBJECT_FIELD "X-SkillReg-Client-Subject"

// Embedded by the caller; must not be moved, and lives no longer than the request.
struct gw_identity_fields {
    struct gw_response_field fields[GW_IDENTITY_FIELDS]; // with empty values for nobody
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
};

void gw_identity_fields_init(struct gw_identity_fields *identity,
                             const struct gw_exchange *exchange);
