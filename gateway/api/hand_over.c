// SPDX-License-Identifier: MIT
#include "gateway/api/hand_over.h"

#include <string.h>

#include "base/json.h"
#include "db/hand_over.h"
#include "gateway/api/body.h"
#include "gateway/api/hand_over_request.h"
#include "gateway/api/issue.h"
#include "gateway/api/known_names.h"
#include "gateway/api/reply.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/bearer.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/failed_tokens.h"
#include "gateway/auth/registry_credentials.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/services.h"

#define ANSWER_BYTES_MAX (8 * 1024)

struct hand_over_call {
    struct gw_api_body body;
    struct db_hand_over store_call;
    struct gw_hand_over_request request;
};

static struct gw_exchange *exchange_of(const struct hand_over_call *call) {
    return call->body.handler.exchange;
}

// ---- who asks ----

static void refuse_credential(struct gw_exchange *exchange) {
    struct gw_services *services = exchange->services;
    uint64_t wait_s = gw_failed_tokens_charge(services->auth->failed_tokens, &exchange->client,
                                              services->touched_ms);
    services->metrics->failed_tokens_total++;
    if (wait_s == 0)
        gw_exchange_fail(exchange, GW_ERROR_INVALID_TOKEN,
                         "The credential is none of a registry (--registry-credential).");
    else
        gw_exchange_fail_until(exchange, GW_ERROR_TOO_MANY_FAILED_TOKENS,
                               "Too many invalid tokens came from this address. Try later.",
                               wait_s);
}

// Slug of the organisation, in the settings; .at NULL: the exchange is answered.
static struct gw_str find_org(struct gw_exchange *exchange) {
    const struct gw_registry_credentials *credentials = exchange->services->registry_credentials;
    struct gw_str org = gw_str(NULL, 0);
    struct gw_str secret;
    if (credentials == NULL || credentials->count == 0) {
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND,
                         "No tokens are handed over here: there is no --registry-credential.");
        return org;
    }
    switch (gw_bearer_find(exchange->request, &secret)) {
    case GW_BEARER_TWICE:
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST, "There must be one Authorization field.");
        break;
    case GW_BEARER_MISSING:
        gw_exchange_fail(exchange, GW_ERROR_MISSING_TOKEN,
                         "The credential of a registry is needed: send the field Authorization "
                         "with Bearer and the secret.");
        break;
    case GW_BEARER_FOUND:
    default:
        org = gw_registry_credentials_find(credentials, secret);
        if (org.at == NULL)
            refuse_credential(exchange);
    }
    return org;
}

// ---- the answer ----

static void write_token(struct gw_json_writer *json, const struct hand_over_call *call,
                        const struct db_token_row *token) {
    gw_json_put_string(json, "id", token->id);
    gw_json_put_string(json, "org", call->store_call.org_slug);
    gw_json_put_string(json, "name", token->name);
    gw_json_put_string(json, "prefix", token->prefix);
    gw_json_key(json, "scopes");
    gw_scope_write_json(json, token->scopes);
    gw_json_put_time(json, "createdAt", token->created_ms);
    gw_json_put_time(json, "expiresAt", token->expires_ms);
    gw_json_put_string_or_null(json, "description", token->description);
}

static void respond(struct hand_over_call *call, const struct db_token_row *token) {
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    write_token(&json, call, token);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange_of(call), call->store_call.is_there ? 200 : 201, &json);
    gw_buf_deinit(&body);
}

static void on_handed_over(struct db_hand_over *store_call, enum gw_status status,
                           const struct db_token_row *token) {
    struct hand_over_call *call = gw_container_of(store_call, struct hand_over_call, store_call);
    struct gw_exchange *exchange = exchange_of(call);
    if (status == GW_OK) {
        gw_auth_cache_change(exchange->services->auth->cache, store_call->digest,
                             store_call->event_seq);
        respond(call, token);
    } else if (status == GW_NOT_FOUND) {
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND,
                         "The organisation of this credential is not there.");
    } else {
        gw_api_reply_change(exchange, status, store_call->refusal);
    }
}

// ---- the request ----

static void submit(struct hand_over_call *call) {
    struct gw_exchange *exchange = exchange_of(call);
    const struct gw_hand_over_request *request = &call->request;
    struct db_hand_over *store_call = &call->store_call;
    memcpy(store_call->digest, request->digest, DB_DIGEST_LENGTH);
    store_call->name = request->name;
    store_call->prefix = request->prefix;
    store_call->scopes = request->scopes;
    store_call->expires_ms = request->expires_ms;
    store_call->description = request->description;
    store_call->from = gw_client_address(&exchange->client);
    store_call->on_done = on_handed_over;
    enum gw_status status = db_hand_over_submit(exchange->services->pool, store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void on_whole(struct gw_api_body *body) {
    struct hand_over_call *call = gw_container_of(body, struct hand_over_call, body);
    struct gw_exchange *exchange = exchange_of(call);
    const struct gw_hand_over_rules rules = {.is_test_environment =
                                                 exchange->services->config->is_test_environment,
                                             .now_ms = exchange->services->wall_ms};
    struct gw_refusal refusal;
    if (!gw_known_parameters_check(&exchange->arena, exchange->match.query, GW_STR(""), &refusal) ||
        !gw_hand_over_request_parse(&exchange->arena, gw_buf_bytes(&body->bytes), &rules,
                                    &call->request, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    gw_token_digest(gw_buf_bytes(&body->bytes), call->store_call.body_digest);
    submit(call);
}

static void on_over(struct gw_api_body *body) {
    struct hand_over_call *call = gw_container_of(body, struct hand_over_call, body);
    db_pool_cancel(exchange_of(call)->services->pool, &call->store_call.query);
}

void gw_hand_over_start(struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    struct gw_str key;
    struct gw_str org = find_org(exchange);
    if (org.at == NULL || !gw_issue_read_key(exchange, &key) ||
        !gw_api_body_check(exchange, GW_API_BODY_JSON, false))
        return;
    struct hand_over_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->store_call.org_slug = org;
    call->store_call.request_key = key;
    gw_list_init(&call->store_call.query.link);
    gw_api_body_init(&call->body, exchange, GW_API_BODY_JSON, &calls);
    gw_api_body_read(&call->body);
}
