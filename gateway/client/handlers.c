// SPDX-License-Identifier: MIT
#include "gateway/client/handlers.h"

#include "gateway/api/audit.h"
#include "gateway/api/bulk_revoke.h"
#include "gateway/api/change.h"
#include "gateway/api/create.h"
#include "gateway/api/device_login.h"
#include "gateway/api/forward_auth.h"
#include "gateway/api/hand_over.h"
#include "gateway/api/introspect.h"
#include "gateway/api/leaks_gitlab.h"
#include "gateway/api/oidc_audience.h"
#include "gateway/api/openapi.h"
#include "gateway/api/revoke.h"
#include "gateway/api/rotate.h"
#include "gateway/api/token_exchange.h"
#include "gateway/api/tokens.h"
#include "gateway/api/trust.h"
#include "gateway/api/trust_test.h"
#include "gateway/api/whoami.h"
#include "gateway/exchange/router.h"
#include "gateway/http/field_rules.h"
#include "gateway/page/page.h"
#include "gateway/relay/relay.h"

static void (*const starts[])(struct gw_exchange *exchange) = {
    [GW_ROUTE_FORWARD] = gw_relay_start,
    [GW_ROUTE_WHOAMI] = gw_whoami_start,
    [GW_ROUTE_TOKEN_LIST] = gw_token_api_list,
    [GW_ROUTE_TOKEN_SHOW] = gw_token_api_show,
    [GW_ROUTE_TOKEN_CREATE] = gw_token_create_start,
    [GW_ROUTE_TOKEN_REVOKE] = gw_token_api_revoke,
    [GW_ROUTE_TOKEN_REVOKE_OWN] = gw_token_api_revoke_own,
    [GW_ROUTE_TOKEN_CHANGE] = gw_token_change_start,
    [GW_ROUTE_TOKENS_REVOKE] = gw_bulk_revoke_start,
    [GW_ROUTE_TOKEN_ROTATE] = gw_token_rotate_start,
    [GW_ROUTE_TOKEN_ROTATE_OWN] = gw_token_rotate_own_start,
    [GW_ROUTE_AUDIT] = gw_audit_api_list,
    [GW_ROUTE_TRUST_LIST] = gw_trust_api_list,
    [GW_ROUTE_TRUST_SHOW] = gw_trust_api_show,
    [GW_ROUTE_TRUST_CREATE] = gw_trust_api_create,
    [GW_ROUTE_TRUST_REMOVE] = gw_trust_api_remove,
    [GW_ROUTE_FORWARD_AUTH] = gw_forward_auth_start,
    [GW_ROUTE_INTROSPECT] = gw_introspect_start,
    [GW_ROUTE_TOKEN_EXCHANGE] = gw_token_exchange_start_form,
    [GW_ROUTE_TOKEN_EXCHANGE_JSON] = gw_token_exchange_start_json,
    [GW_ROUTE_OIDC_AUDIENCE] = gw_oidc_audience_start,
    [GW_ROUTE_TRUST_TEST] = gw_trust_test_start,
    [GW_ROUTE_HAND_OVER] = gw_hand_over_start,
    [GW_ROUTE_DEVICE_START] = gw_device_login_start,
    [GW_ROUTE_DEVICE_POLL] = gw_device_login_poll,
    [GW_ROUTE_DEVICE_LOOKUP] = gw_device_login_lookup,
    [GW_ROUTE_DEVICE_APPROVE] = gw_device_login_approve,
    [GW_ROUTE_LEAKS_GITLAB] = gw_leaks_gitlab_start,
    [GW_ROUTE_LEAK_TYPES_GITLAB] = gw_leaks_gitlab_start_types,
    [GW_ROUTE_OPENAPI] = gw_openapi_start,
    [GW_ROUTE_PAGE] = gw_page_start,
};

static void refuse(struct gw_exchange *exchange, enum gw_route_outcome outcome) {
    char methods[96];
    switch (outcome) {
    case GW_ROUTE_BAD_TARGET:
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST,
                         "The request target is malformed or can be read in two ways.");
        break;
    case GW_ROUTE_AMBIGUOUS:
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST,
                         "The query must name the organisation exactly once, unescaped.");
        break;
    case GW_ROUTE_METHOD_NOT_ALLOWED:
        gw_router_allow(exchange->site, exchange->request->target, methods);
        gw_exchange_fail_with(exchange, GW_ERROR_METHOD_NOT_ALLOWED,
                              "This method is not allowed here; see Allow.",
                              &(struct gw_response_field){GW_STR("Allow"), gw_str_from(methods)});
        break;
    case GW_ROUTE_NOT_FOUND:
    case GW_ROUTE_FOUND:
    default:
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND, "There is nothing at this path.");
    }
}

bool gw_handlers_match(struct gw_exchange *exchange) {
    const struct gw_http_head *request = exchange->request;
    gw_assert(exchange->phase == GW_RESPONSE_NONE);
    enum gw_route_outcome outcome =
        gw_router_match(exchange->site, request->method_name, request->target, &exchange->match);
    if (!exchange->services->config->device_login)
        outcome = gw_router_without_device_login(outcome, &exchange->match);
    exchange->route_class = gw_route_class_of(exchange->match.route);
    if (outcome != GW_ROUTE_FOUND) {
        refuse(exchange, outcome);
        return false;
    }
    const struct gw_refusal *failure = gw_field_rules_check(request);
    if (failure != NULL)
        gw_exchange_refuse(exchange, failure);
    return failure == NULL;
}

void gw_handlers_start(struct gw_exchange *exchange) {
    gw_assert(exchange->match.route != NULL && exchange->phase == GW_RESPONSE_NONE);
    enum gw_route_target target = exchange->match.route->target;
    gw_assert(target < sizeof(starts) / sizeof(starts[0]) && starts[target] != NULL);
    starts[target](exchange);
}

void gw_handlers_pass_body(struct gw_exchange *exchange, struct gw_str bytes) {
    struct gw_handler *handler = exchange->handler;
    if (handler != NULL && handler->calls->on_body != NULL && exchange->phase != GW_RESPONSE_DONE)
        handler->calls->on_body(handler, bytes);
}

void gw_handlers_end_body(struct gw_exchange *exchange) {
    struct gw_handler *handler = exchange->handler;
    exchange->body_complete = true;
    if (handler != NULL && handler->calls->on_body_end != NULL)
        handler->calls->on_body_end(handler);
}

void gw_handlers_resume(struct gw_exchange *exchange) {
    struct gw_handler *handler = exchange->handler;
    if (handler != NULL && handler->calls->on_writable != NULL)
        handler->calls->on_writable(handler);
}

void gw_handlers_dismiss(struct gw_exchange *exchange) {
    struct gw_handler *handler = exchange->handler;
    exchange->handler = NULL;
    if (handler != NULL && handler->calls->on_over != NULL)
        handler->calls->on_over(handler);
}
