// SPDX-License-Identifier: MIT
#include "gateway/api/revoke.h"

#include "db/token_revoke.h"
#include "gateway/api/ending.h"
#include "gateway/api/reply.h"
#include "gateway/api/revoke_request.h"
#include "gateway/api/revoked.h"
#include "gateway/api/revoked_rules.h"
#include "gateway/auth/auth.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "token/id.h"

#define ANSWER_BYTES_MAX (8 * 1024 * 1024) // of the longest chain that there is time to end

struct revoke_call {
    struct gw_handler handler;
    struct db_token_revoke store_call;
    struct gw_revoke_request request;
    struct gw_api_ending ending;
    struct gw_revoked_rules rules;
    bool is_own_by_id; // the token that asks has named itself, perhaps without knowing
};

// The token, and the others: of its chain, or the live tokens that came of it by rotation, of which
// those that were revoked with it have a time.
static void write_answer(struct revoke_call *call, const struct db_revoked_token *tokens,
                         int count) {
    struct gw_json_writer *json = gw_api_ending_open(&call->ending);
    gw_assert(count > 0);
    gw_revoked_write(json, &tokens[0]);
    if (call->is_own_by_id)
        gw_json_put_boolean(json, "own", true);
    if (count > 1)
        gw_revoked_write_list(json, call->request.kin == DB_REVOKE_CHAIN ? "chain" : "successors",
                              tokens + 1, count - 1);
}

static void on_revoked(struct db_token_revoke *store_call, enum gw_status status,
                       const struct db_revoked_token *tokens, int count) {
    struct revoke_call *call = gw_container_of(store_call, struct revoke_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status != GW_OK) {
        gw_api_reply_change(exchange, status, store_call->refusal);
        return;
    }
    uint64_t newest_seq = gw_revoked_refuse(exchange->services->auth->cache, tokens, count);
    write_answer(call, tokens, count);
    gw_revoked_rules_answer(&call->rules, &store_call->rules, newest_seq);
}

static void on_revoke_over(struct gw_handler *handler) {
    struct revoke_call *call = gw_container_of(handler, struct revoke_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
    gw_revoked_rules_deinit(&call->rules);
    gw_api_ending_deinit(&call->ending);
}

// `is_own`: whoever gives its own token up is not kept by what is left.
static void start_revoke(struct gw_exchange *exchange, struct gw_str id, bool is_own) {
    static const struct gw_handler_calls calls = {.on_over = on_revoke_over};
    struct gw_refusal refusal;
    struct gw_revoke_request request;
    gw_assert(exchange->has_identity);
    if (!gw_revoke_request_parse(&exchange->arena, exchange->match.query, &request, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    struct revoke_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->request = request;
    call->is_own_by_id = !is_own && gw_str_equal(id, exchange->identity.id);
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.id = id;
    call->store_call.kin = request.kin;
    call->store_call.may_end_last = is_own || request.ending.may_end_last;
    call->store_call.with_rules = request.with_rules;
    call->store_call.revoked_by = exchange->identity.id;
    call->store_call.revoked_from = gw_client_address(&exchange->client);
    call->store_call.on_done = on_revoked;
    gw_list_init(&call->store_call.query.link);
    gw_api_ending_init(&call->ending, exchange, ANSWER_BYTES_MAX);
    gw_revoked_rules_init(&call->rules, &call->ending);
    call->rules.with_rules = request.with_rules;
    call->rules.wait_ms = request.ending.wait_ms;
    exchange->handler = &call->handler;
    enum gw_status status = db_token_revoke_submit(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

void gw_token_api_revoke(struct gw_exchange *exchange) {
    if (gw_id_valid(exchange->match.id))
        start_revoke(exchange, exchange->match.id, false);
    else
        gw_api_reply_no_token(exchange);
}

void gw_token_api_revoke_own(struct gw_exchange *exchange) {
    start_revoke(exchange, exchange->identity.id, true);
}
