// SPDX-License-Identifier: MIT
#include "gateway/api/revoke.h"

#include "base/json.h"
#include "db/events.h"
#include "db/tokens.h"
#include "gateway/api/reply.h"
#include "gateway/api/requests.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "token/id.h"

#define ANSWER_BYTES_MAX (512 * 1024)

// A token of the answer; it outlives the store's callback.
struct revoked_token {
    struct gw_str id;
    struct gw_str name;
    int64_t revoked_ms;
};

struct revoke_call {
    struct gw_handler handler;
    struct db_token_revoke store_call;
    struct db_events_wait wait;
    struct gw_revoke_request request;
    struct revoked_token only;
    struct revoked_token *tokens; // the token, and its successors
    int count;
};

static void write_revoked(struct gw_json_writer *json, const struct revoked_token *token) {
    gw_json_put_string(json, "id", token->id);
    gw_json_put_string(json, "name", token->name);
    gw_json_put_time(json, "revokedAt", token->revoked_ms);
}

// The live tokens that came of it by rotation: those revoked with it have a time.
static void write_successors(struct gw_json_writer *json, const struct revoke_call *call) {
    if (call->count < 2)
        return;
    gw_json_key(json, "successors");
    gw_json_open_array(json);
    for (int i = 1; i < call->count; i++) {
        gw_json_open_object(json);
        write_revoked(json, &call->tokens[i]);
        gw_json_close_object(json);
    }
    gw_json_close_array(json);
}

static void write_count(struct gw_json_writer *json, const char *name, bool is_known, int count) {
    gw_json_key(json, name);
    if (is_known)
        gw_json_write_integer(json, count);
    else
        gw_json_write_null(json);
}

// 200: all gateways have applied it, and `gateways` is their number. 202: `pending` live ones and
// `silent` ones, whose heartbeat is old, have not, and may let the token in up to `until`; null
// when the database did not answer in time.
static void write_reach(struct gw_json_writer *json, enum gw_status waited,
                        const struct db_events_reach *reach) {
    bool is_known = waited != GW_UNAVAILABLE;
    if (waited == GW_OK) {
        write_count(json, "gateways", true, reach->applied);
        return;
    }
    write_count(json, "pending", is_known, reach->pending);
    write_count(json, "silent", is_known, reach->silent);
    gw_json_key(json, "until");
    if (is_known)
        gw_json_write_time(json, reach->until_ms);
    else
        gw_json_write_null(json);
}

// `reach` NULL: the request did not ask to wait.
static void respond_revoked(struct revoke_call *call, enum gw_status waited,
                            const struct db_events_reach *reach) {
    struct gw_exchange *exchange = call->handler.exchange;
    struct gw_buf body;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    struct gw_json_writer json;
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_assert(call->count > 0);
    write_revoked(&json, &call->tokens[0]);
    write_successors(&json, call);
    if (reach != NULL)
        write_reach(&json, waited, reach);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, waited == GW_OK ? 200 : 202, &json);
    gw_buf_deinit(&body);
}

static void on_waited(struct db_events_wait *wait, enum gw_status status,
                      const struct db_events_reach *reach) {
    respond_revoked(gw_container_of(wait, struct revoke_call, wait), status, reach);
}

static struct gw_str keep(struct gw_exchange *exchange, struct gw_str text) {
    char *copy = gw_arena_copy(&exchange->arena, text);
    return copy != NULL ? gw_str(copy, text.length) : GW_STR("");
}

// The tokens are revoked already: without memory the answer leaves the successors out.
static void keep_tokens(struct revoke_call *call, const struct db_revoked_token *tokens,
                        int count) {
    struct gw_exchange *exchange = call->handler.exchange;
    call->tokens = gw_arena_allocate(&exchange->arena, (size_t)count * sizeof(*call->tokens));
    call->count = call->tokens != NULL ? count : 1;
    if (call->tokens == NULL)
        call->tokens = &call->only;
    for (int i = 0; i < call->count; i++)
        call->tokens[i] = (struct revoked_token){.id = keep(exchange, tokens[i].id),
                                                 .name = keep(exchange, tokens[i].name),
                                                 .revoked_ms = tokens[i].revoked_ms};
}

// From now on this gateway refuses all of them. Returns the number of the newest of their events.
static uint64_t refuse_revoked(struct gw_auth_cache *cache, const struct db_revoked_token *tokens,
                               int count) {
    uint64_t newest_seq = 0;
    for (int i = 0; i < count; i++) {
        if (tokens[i].revoked_ms == DB_NO_TIME)
            continue;
        gw_auth_cache_revoke(cache, tokens[i].digest, tokens[i].event_seq);
        if (tokens[i].event_seq > newest_seq)
            newest_seq = tokens[i].event_seq;
    }
    return newest_seq;
}

static void on_revoked(struct db_token_revoke *store_call, enum gw_status status,
                       const struct db_revoked_token *tokens, int count) {
    struct revoke_call *call = gw_container_of(store_call, struct revoke_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status != GW_OK) {
        gw_api_reply_change(exchange, status, store_call->refusal);
        return;
    }
    gw_assert(count > 0);
    uint64_t newest_seq = refuse_revoked(exchange->services->auth->cache, tokens, count);
    keep_tokens(call, tokens, count);
    if (call->request.wait_ms == 0) {
        respond_revoked(call, GW_OK, NULL);
        return;
    }
    call->wait.on_done = on_waited;
    db_events_wait_applied(exchange->services->events, &call->wait, newest_seq,
                           call->request.wait_ms);
}

static void on_revoke_over(struct gw_handler *handler) {
    struct revoke_call *call = gw_container_of(handler, struct revoke_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
    db_events_cancel_wait(&call->wait);
}

static void start_revoke(struct gw_exchange *exchange, struct gw_str id) {
    static const struct gw_handler_calls calls = {.on_over = on_revoke_over};
    struct gw_refusal refusal;
    struct gw_revoke_request request;
    gw_assert(exchange->has_identity);
    if (!gw_revoke_request_parse(exchange->match.query, &request, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    struct revoke_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->request = request;
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.id = id;
    call->store_call.with_successors = request.with_successors;
    call->store_call.revoked_by = exchange->identity.id;
    call->store_call.revoked_from = gw_client_address(&exchange->client);
    call->store_call.on_done = on_revoked;
    gw_list_init(&call->store_call.query.link);
    gw_list_init(&call->wait.link);
    exchange->handler = &call->handler;
    enum gw_status status = db_tokens_revoke(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

void gw_token_api_revoke(struct gw_exchange *exchange) {
    if (gw_id_valid(exchange->match.id))
        start_revoke(exchange, exchange->match.id);
    else
        gw_api_reply_no_token(exchange);
}

void gw_token_api_revoke_own(struct gw_exchange *exchange) {
    start_revoke(exchange, exchange->identity.id);
}
