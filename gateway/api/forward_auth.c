// SPDX-License-Identifier: MIT
#include "gateway/api/forward_auth.h"

#include <string.h>

#include "gateway/api/original_request.h"
#include "gateway/api/reply.h"
#include "gateway/auth/authz.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/identity_fields.h"

struct forward_auth_call {
    struct gw_handler handler;
    struct gw_decision decision;
    struct gw_route_match match; // of the original request
};

static void respond_allowed(struct gw_exchange *exchange) {
    struct gw_identity_fields identity;
    struct gw_response_field fields[GW_IDENTITY_FIELDS + 2] = {
        {GW_STR("Cache-Control"), GW_STR("no-store")},
        {GW_STR(GW_CLIENT_SUBJECT_FIELD), GW_STR("")}}; // the client here is the proxy
    gw_identity_fields_init(&identity, exchange);
    memcpy(&fields[2], identity.fields, sizeof(identity.fields));
    gw_exchange_respond(exchange, 200, fields, GW_IDENTITY_FIELDS + 2, NULL, GW_STR(""));
}

static void answer(const struct gw_decision *decision) {
    if (decision->verdict == GW_VERDICT_ALLOW)
        respond_allowed(decision->exchange);
    else
        gw_authz_refuse(decision);
}

static void on_decided(struct gw_decision *decision) {
    answer(decision);
}

static void on_over(struct gw_handler *handler) {
    gw_authz_cancel(&gw_container_of(handler, struct forward_auth_call, handler)->decision);
}

static bool read_original(const struct gw_exchange *exchange,
                          struct gw_original_request *original) {
    const struct gw_http_head *request = exchange->request;
    size_t own_length = GW_STR("/authz").length;
    if (exchange->match.path.length == own_length)
        return gw_original_request_read(request, exchange->services->config->authz_fields.at,
                                        original) == GW_OK;
    *original = (struct gw_original_request){
        request->method_name, gw_str_slice(request->target, own_length, request->target.length)};
    return true;
}

static void refuse_original(struct gw_exchange *exchange, enum gw_route_outcome outcome) {
    if (outcome == GW_ROUTE_METHOD_NOT_ALLOWED || outcome == GW_ROUTE_NOT_FOUND)
        exchange->report.verdict = GW_REPORT_DENY;
    if (outcome == GW_ROUTE_METHOD_NOT_ALLOWED)
        gw_exchange_fail(exchange, GW_ERROR_ORIGINAL_METHOD_NOT_ALLOWED,
                         "The original method is not allowed at the original path.");
    else if (outcome == GW_ROUTE_BAD_TARGET)
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST,
                         "The original target is malformed or can be read in two ways.");
    else if (outcome == GW_ROUTE_AMBIGUOUS)
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST,
                         "The original query must name the organisation exactly once, unescaped.");
    else
        gw_exchange_fail(exchange, GW_ERROR_ORIGINAL_NOT_FOUND,
                         "There is nothing at the original path.");
}

static void decide(struct gw_exchange *exchange, const struct gw_route_match *match) {
    static const struct gw_handler_calls calls = {.on_over = on_over};
    struct forward_auth_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->match = *match;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    exchange->handler = &call->handler;
    if (gw_authz_start(&call->decision, exchange, &call->match, on_decided))
        answer(&call->decision);
}

// /authz of /authz decides nothing: no request stands behind it. The description is the gateway's
// own: a file of the same name at the registry is not for everyone.
static bool is_of_registry(const struct gw_route *route) {
    return route->target != GW_ROUTE_FORWARD_AUTH && route->target != GW_ROUTE_OPENAPI;
}

void gw_forward_auth_start(struct gw_exchange *exchange) {
    struct gw_original_request original;
    struct gw_route_match match;
    gw_assert(!exchange->has_identity); // the decision here is its only one
    exchange->report.verdict = GW_REPORT_UNDECIDED;
    if (!read_original(exchange, &original)) {
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST,
                         "X-Original-Method with X-Original-URI, or X-Forwarded-Method with "
                         "X-Forwarded-Uri, or the fields of --authz-fields, must name the original "
                         "request exactly once.");
        return;
    }
    gw_report_note_original(&exchange->report, original.method, original.target);
    enum gw_route_outcome outcome =
        gw_router_match(GW_SITE_GATEWAY, original.method, original.target, &match);
    if (!exchange->services->config->device_login)
        outcome = gw_router_without_device_login(outcome, &match);
    if (outcome == GW_ROUTE_FOUND && !is_of_registry(match.route))
        outcome = GW_ROUTE_NOT_FOUND;
    if (outcome != GW_ROUTE_FOUND)
        refuse_original(exchange, outcome);
    else
        decide(exchange, &match);
}
