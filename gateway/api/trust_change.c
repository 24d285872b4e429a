// SPDX-License-Identifier: MIT
#include "gateway/api/body.h"
#include "gateway/api/ending.h"
#include "gateway/api/reply.h"
#include "gateway/api/revoke_request.h"
#include "gateway/api/revoked.h"
#include "gateway/api/trust.h"
#include "gateway/api/trust_json.h"
#include "gateway/api/trust_request.h"
#include "gateway/auth/auth.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/config.h"
#include "token/id.h"

// ---- create ----

struct create_call {
    struct gw_api_body body;
    struct db_trust_create store_call;
    struct gw_trust_request request;
    char id[GW_ID_LENGTH + 1];
};

static void on_created(struct db_trust_create *store_call, enum gw_status status,
                       const struct db_trust_made *made) {
    struct create_call *call = gw_container_of(store_call, struct create_call, store_call);
    struct gw_exchange *exchange = call->body.handler.exchange;
    if (status != GW_OK) {
        // Without its organisation the token that asks is gone, too.
        gw_api_reply_rule(exchange, status == GW_NOT_FOUND ? GW_DENIED : status,
                          status == GW_NOT_FOUND ? DB_REFUSAL_NOT_LIVE : store_call->refusal);
        return;
    }
    struct gw_buf body;
    struct gw_json_writer json;
    const struct db_trust_rule rule = {
        .id = made->id,
        .kind = store_call->kind,
        .issuer = store_call->issuer,
        .conditions = store_call->conditions,
        .scopes = store_call->scopes,
        .allowed_ips = store_call->allowed_ips,
        .allowed_ip_count = store_call->allowed_ip_count,
        .life_s = store_call->life_s,
        .exchanges_per_minute = store_call->exchanges_per_minute,
        .created_ms = made->created_ms,
    };
    gw_buf_init(&body, GW_TRUST_JSON_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_trust_json_write(&json, &rule);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, made->is_there ? 200 : 201, &json);
    gw_buf_deinit(&body);
}

static void store_created(struct create_call *call) {
    struct gw_exchange *exchange = call->body.handler.exchange;
    struct db_trust_create *store_call = &call->store_call;
    if (gw_id_make(call->id) != GW_OK) {
        gw_api_reply_database(exchange, GW_UNAVAILABLE);
        return;
    }
    store_call->id = gw_str(call->id, GW_ID_LENGTH);
    store_call->org_id = exchange->identity.org_id;
    store_call->kind = gw_str_from(call->request.issuer->kind);
    store_call->issuer = gw_str_from(call->request.issuer->issuer);
    store_call->anchor = call->request.conditions.anchor;
    store_call->conditions = call->request.conditions.text;
    store_call->scopes = call->request.scopes;
    store_call->life_s = call->request.life_s;
    store_call->exchanges_per_minute = call->request.exchanges_per_minute;
    store_call->allowed_ips = call->request.addresses.ranges;
    store_call->allowed_ip_count = call->request.addresses.count;
    store_call->created_by = exchange->identity.id;
    store_call->created_from = gw_client_address(&exchange->client);
    store_call->on_done = on_created;
    enum gw_status status = db_trust_create_submit(exchange->services->pool, store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void on_whole(struct gw_api_body *body) {
    struct create_call *call = gw_container_of(body, struct create_call, body);
    struct gw_exchange *exchange = body->handler.exchange;
    struct gw_refusal refusal;
    if (exchange->identity.bound_san.length > 0)
        gw_api_reply_rule(exchange, GW_DENIED, DB_REFUSAL_MAKER_BOUND);
    else if (gw_trust_request_parse(&exchange->arena, gw_buf_bytes(&body->bytes),
                                    &exchange->services->config->oidc_issuers, &call->request,
                                    &refusal))
        store_created(call);
    else
        gw_exchange_refuse(exchange, &refusal);
}

static void on_create_over(struct gw_api_body *body) {
    struct create_call *call = gw_container_of(body, struct create_call, body);
    db_pool_cancel(body->handler.exchange->services->pool, &call->store_call.query);
}

void gw_trust_api_create(struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_create_over};
    gw_assert(exchange->has_identity);
    if (!gw_api_body_check(exchange, GW_API_BODY_JSON, false))
        return;
    struct create_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_list_init(&call->store_call.query.link);
    gw_api_body_init(&call->body, exchange, GW_API_BODY_JSON, &calls);
    gw_api_body_read(&call->body);
}

// ---- remove ----

#define ANSWER_BYTES_MAX 4096

// A rule with more live tokens than one statement ends is asked for again, until none is left.
struct remove_call {
    struct gw_handler handler;
    struct db_trust_remove store_call;
    struct gw_api_ending ending;
    uint64_t wait_ms;
    uint64_t newest_seq;
    int64_t removed_ms;
    int64_t ended;
};

static void answer_removed(struct remove_call *call) {
    struct gw_json_writer *json = gw_api_ending_open(&call->ending);
    gw_json_put_string(json, "id", call->store_call.id);
    gw_json_put_time(json, "removedAt", call->removed_ms);
    gw_json_put_integer(json, "tokensRevoked", call->ended);
    gw_api_ending_answer(&call->ending, call->newest_seq, call->wait_ms);
}

static void submit_remove(struct remove_call *call) {
    struct gw_exchange *exchange = call->handler.exchange;
    enum gw_status status = db_trust_remove_submit(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

// Not found, after some were ended: the last of them ended by themselves.
static void on_removed(struct db_trust_remove *store_call, enum gw_status status,
                       const struct db_trust_removal *removal) {
    struct remove_call *call = gw_container_of(store_call, struct remove_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status == GW_OK) {
        uint64_t seq =
            gw_revoked_refuse(exchange->services->auth->cache, removal->tokens, removal->count);
        call->newest_seq = seq > call->newest_seq ? seq : call->newest_seq;
        call->removed_ms = removal->removed_ms;
        call->ended += removal->count;
    }
    if (status == GW_OK && removal->has_more)
        submit_remove(call);
    else if (status == GW_OK || (status == GW_NOT_FOUND && call->ended > 0))
        answer_removed(call);
    else
        gw_api_reply_rule(exchange, status, store_call->refusal);
}

static void on_remove_over(struct gw_handler *handler) {
    struct remove_call *call = gw_container_of(handler, struct remove_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
    gw_api_ending_deinit(&call->ending);
}

static void start_remove(struct gw_exchange *exchange, uint64_t wait_ms) {
    static const struct gw_handler_calls calls = {.on_over = on_remove_over};
    struct remove_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->wait_ms = wait_ms;
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.id = exchange->match.id;
    call->store_call.removed_by = exchange->identity.id;
    call->store_call.removed_from = gw_client_address(&exchange->client);
    call->store_call.on_done = on_removed;
    gw_list_init(&call->store_call.query.link);
    gw_api_ending_init(&call->ending, exchange, ANSWER_BYTES_MAX);
    exchange->handler = &call->handler;
    submit_remove(call);
}

void gw_trust_api_remove(struct gw_exchange *exchange) {
    uint64_t wait_ms;
    struct gw_refusal refusal;
    gw_assert(exchange->has_identity);
    if (!gw_id_valid(exchange->match.id))
        gw_api_reply_rule(exchange, GW_NOT_FOUND, DB_REFUSAL_NONE);
    else if (!gw_wait_request_parse(&exchange->arena, exchange->match.query, &wait_ms, &refusal))
        gw_exchange_refuse(exchange, &refusal);
    else
        start_remove(exchange, wait_ms);
}
