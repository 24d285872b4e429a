// SPDX-License-Identifier: MIT
#include "gateway/api/bulk_revoke.h"

#include "db/bulk_revoke.h"
#include "gateway/api/body.h"
#include "gateway/api/bulk_request.h"
#include "gateway/api/ending.h"
#include "gateway/api/reply.h"
#include "gateway/api/revoke_request.h"
#include "gateway/api/revoked.h"
#include "gateway/api/revoked_rules.h"
#include "gateway/auth/auth.h"
#include "gateway/exchange/services.h"

#define ANSWER_BYTES_MAX (8 * 1024 * 1024) // of the longest names, and of a thousand rules

struct bulk_call {
    struct gw_api_body body;
    struct db_bulk_revoke store_call;
    struct gw_revoke_request request;
    struct gw_api_ending ending;
    struct gw_revoked_rules rules;
};

// Those that were revoked come first. `ownRevoked`: the token that asks is among them.
static void write_answer(struct gw_json_writer *json, struct gw_str own_id,
                         const struct db_revoked_token *tokens, int count) {
    int revoked = 0;
    bool has_own = false;
    for (; revoked < count && tokens[revoked].revoked_ms != DB_NO_TIME; revoked++)
        has_own = has_own || gw_str_equal(tokens[revoked].id, own_id);
    gw_revoked_write_list(json, "revoked", tokens, revoked);
    gw_json_key(json, "notFound");
    gw_json_open_array(json);
    for (int i = revoked; i < count; i++)
        gw_json_write_string(json, tokens[i].id);
    gw_json_close_array(json);
    gw_json_put_boolean(json, "ownRevoked", has_own);
}

static void on_revoked(struct db_bulk_revoke *store_call, enum gw_status status,
                       const struct db_revoked_token *tokens, int count) {
    struct bulk_call *call = gw_container_of(store_call, struct bulk_call, store_call);
    struct gw_exchange *exchange = call->body.handler.exchange;
    if (status != GW_OK) {
        gw_api_reply_change(exchange, status, store_call->refusal);
        return;
    }
    uint64_t newest_seq = gw_revoked_refuse(exchange->services->auth->cache, tokens, count);
    write_answer(gw_api_ending_open(&call->ending), exchange->identity.id, tokens, count);
    gw_revoked_rules_answer(&call->rules, &store_call->rules, newest_seq);
}

static void on_whole(struct gw_api_body *body) {
    struct bulk_call *call = gw_container_of(body, struct bulk_call, body);
    struct gw_exchange *exchange = body->handler.exchange;
    struct gw_bulk_request request;
    struct gw_refusal refusal;
    if (!gw_bulk_request_parse(&exchange->arena, gw_buf_bytes(&body->bytes), &request, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.ids = request.ids;
    call->store_call.id_count = request.count;
    call->store_call.revoked_by = exchange->identity.id;
    call->store_call.revoked_from = gw_client_address(&exchange->client);
    call->store_call.with_rules = call->request.with_rules;
    call->store_call.may_end_last = call->request.ending.may_end_last;
    call->store_call.on_done = on_revoked;
    enum gw_status status = db_bulk_revoke_submit(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void on_over(struct gw_api_body *body) {
    struct bulk_call *call = gw_container_of(body, struct bulk_call, body);
    db_pool_cancel(body->handler.exchange->services->pool, &call->store_call.query);
    gw_revoked_rules_deinit(&call->rules);
    gw_api_ending_deinit(&call->ending);
}

void gw_bulk_revoke_start(struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    struct gw_revoke_request request;
    struct gw_refusal refusal;
    gw_assert(exchange->has_identity);
    if (!gw_bulk_revoke_request_parse(&exchange->arena, exchange->match.query, &request,
                                      &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    if (!gw_api_body_check(exchange, GW_API_BODY_IDS, false))
        return;
    struct bulk_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->request = request;
    gw_list_init(&call->store_call.query.link);
    gw_api_ending_init(&call->ending, exchange, ANSWER_BYTES_MAX);
    gw_revoked_rules_init(&call->rules, &call->ending);
    call->rules.with_rules = request.with_rules;
    call->rules.wait_ms = request.ending.wait_ms;
    gw_api_body_init(&call->body, exchange, GW_API_BODY_IDS, &calls);
    gw_api_body_read(&call->body);
}
