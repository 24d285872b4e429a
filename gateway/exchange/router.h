// SPDX-License-Identifier: MIT
#pragma once
// The route of a request, from the one table of routes. Pure: bytes in, match out. Matching works
// on the raw bytes of the path; gateway/exchange/target.h refuses a target that can be read in two
// ways.

#include <stdbool.h>

#include "base/str.h"
#include "gateway/exchange/site.h"
#include "gateway/settings/metrics.h"
#include "token/scope.h"

// The handler that answers; a route is forwarded unless its row says otherwise.
enum gw_route_target {
    GW_ROUTE_FORWARD,
    GW_ROUTE_WHOAMI,
    GW_ROUTE_TOKEN_LIST,
    GW_ROUTE_TOKEN_SHOW,
    GW_ROUTE_TOKEN_CREATE,
    GW_ROUTE_TOKEN_REVOKE,
    GW_ROUTE_TOKEN_REVOKE_OWN,
    GW_ROUTE_TOKEN_CHANGE,
    GW_ROUTE_TOKENS_REVOKE,
    GW_ROUTE_TOKEN_ROTATE,
    GW_ROUTE_TOKEN_ROTATE_OWN,
    GW_ROUTE_AUDIT,
    GW_ROUTE_TRUST_LIST,
    GW_ROUTE_TRUST_SHOW,
    GW_ROUTE_TRUST_CREATE,
    GW_ROUTE_TRUST_REMOVE,
    GW_ROUTE_FORWARD_AUTH,
    GW_ROUTE_INTROSPECT,
    GW_ROUTE_TOKEN_EXCHANGE,
    GW_ROUTE_TOKEN_EXCHANGE_JSON,
    GW_ROUTE_OIDC_AUDIENCE,
    GW_ROUTE_TRUST_TEST,
    GW_ROUTE_HAND_OVER,
    GW_ROUTE_DEVICE_START,
    GW_ROUTE_DEVICE_POLL,
    GW_ROUTE_DEVICE_LOOKUP,
    GW_ROUTE_DEVICE_APPROVE,
    GW_ROUTE_LEAKS_GITLAB,
    GW_ROUTE_LEAK_TYPES_GITLAB,
    GW_ROUTE_OPENAPI,
    GW_ROUTE_PAGE
};

enum gw_route_access {
    GW_ACCESS_OPEN,     // no token is looked at
    GW_ACCESS_OPTIONAL, // a token, if sent, must be live, have the scope, and belong to the
                        // organisation if one is named
    GW_ACCESS_TOKEN,    // any live token
    GW_ACCESS_SCOPE,    // a live token of any organisation with the scope
    GW_ACCESS_ORG       // a live token of the organisation with the scope
};

// The rate limit that a request counts against (gateway/auth/rate_limit.h).
enum gw_route_rate {
    GW_ROUTE_RATE_TOKEN,
    GW_ROUTE_RATE_SEARCH,
    GW_ROUTE_RATE_NONE // no token is looked at, or it is revoked: a thief that uses up its rate
                       // must not keep the owner from revoking it
};

// The sites that have a route. What the page has stands there on purpose: without a word a row is
// the gateway's alone.
enum gw_route_sites { GW_ROUTE_ON_GATEWAY, GW_ROUTE_ON_BOTH, GW_ROUTE_ON_PAGE };

// The shape of the errors that a route answers itself: {"error": {"code", "message"}}, or that of
// RFC 6749 section 5.2, {"error", "error_description"}.
enum gw_route_errors { GW_ROUTE_ERRORS_OWN, GW_ROUTE_ERRORS_OAUTH };

struct gw_route {
    const char *methods; // space separated, in the order Allow shows them
    const char *pattern; // the whole path; "/**" at the end takes any rest, an empty one too
    enum gw_route_access access;
    enum gw_scope scope;
    enum gw_route_target target;
    enum gw_route_rate rate;
    enum gw_route_sites sites;
    enum gw_route_errors errors;
    bool needs_device_login;   // else it is another route, or none: gw_router_without_device_login
    const char *org_parameter; // query parameter that names the organisation; NULL: the path does
};

struct gw_route_match {
    const struct gw_route *route;
    struct gw_str path;  // raw, without the query
    struct gw_str query; // raw, without "?"; .at NULL without a query
    struct gw_str org;   // raw bytes; .at NULL without an organisation
    struct gw_str id;    // of {id}; .at NULL without one
};

enum gw_route_outcome {
    GW_ROUTE_FOUND,
    GW_ROUTE_BAD_TARGET,        // 400
    GW_ROUTE_AMBIGUOUS,         // 400: the org parameter is missing, doubled or disguised
    GW_ROUTE_NOT_FOUND,         // 404
    GW_ROUTE_METHOD_NOT_ALLOWED // 405, with gw_router_allow
};

// The route of a method and a target (origin form) on a site. Both may come from a request or from
// a field of it: any bytes are fine. Slices of `match` point into `target`.
enum gw_route_outcome gw_router_match(enum gw_site site, struct gw_str method, struct gw_str target,
                                      struct gw_route_match *match) GW_MUST_USE;
// For whoever serves without --device-login: a route that was found and needs it becomes the
// registry's of that path, or GW_ROUTE_NOT_FOUND. Any other outcome stays.
enum gw_route_outcome gw_router_without_device_login(enum gw_route_outcome outcome,
                                                     struct gw_route_match *match) GW_MUST_USE;
// What the metrics call a route; NULL: none was found.
enum gw_route_class gw_route_class_of(const struct gw_route *route);
// The methods of the path that `target` names, for Allow ("GET, HEAD, POST"), terminated.
void gw_router_allow(enum gw_site site, struct gw_str target, char out[96]);
// The table itself, for tests and documentation.
const struct gw_route *gw_router_routes(int *count);
