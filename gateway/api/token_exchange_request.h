// SPDX-License-Identifier: MIT
#pragma once
// What somebody asks for who has an identity token and wants one of the gateway's: the form of RFC
// 8693 section 2.1, and its JSON twin. Pure.

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "gateway/http/errors.h"
#include "token/scope.h"

#define GW_TOKEN_EXCHANGE_GRANT "urn:ietf:params:oauth:grant-type:token-exchange"
#define GW_TOKEN_TYPE_ACCESS "urn:ietf:params:oauth:token-type:access_token"

struct gw_token_exchange_request {
    struct gw_str subject_token; // a slice of the body: a secret
    gw_scope_set scopes;         // as asked; read alone where nothing is asked
    struct gw_str org;           // a slug; .at NULL: that of the only rule that matches
};

// The body of POST /oauth2/token, which the call uses up (gateway/api/form.h); slices point into
// it. The organisation is in `org`, or in `resource` as the URL of /api/v1/orgs/{org}. False:
// *refusal is 400 in terms of RFC 6749 section 5.2 and RFC 8693 section 2.2.2.
bool gw_token_exchange_read_form(char *form, size_t length,
                                 struct gw_token_exchange_request *request,
                                 struct gw_refusal *refusal) GW_MUST_USE;
// The body of POST /api/v1/orgs/{org}/oidc/token, {"token", "scopes"}, without its organisation.
// Slices point into `body` or `arena`. False: *refusal is 400 or 422, its message static or in
// `arena`.
bool gw_token_exchange_read_json(struct gw_arena *arena, struct gw_str body,
                                 struct gw_token_exchange_request *request,
                                 struct gw_refusal *refusal) GW_MUST_USE;
