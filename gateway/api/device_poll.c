// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/json.h"
#include "db/device_login.h"
#include "gateway/api/device_login.h"
#include "gateway/api/device_request.h"
#include "gateway/api/new_token.h"
#include "gateway/api/reply.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/device_limits.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"

#define ANSWER_BYTES_MAX 512

struct poll_call {
    struct gw_handler handler;
    struct db_device_login_look look;
    struct db_device_login_collect collect;
    struct gw_new_token new_token;
};

// ---- the answer ----

static void answer(struct gw_exchange *exchange, struct gw_str status, struct gw_str token) {
    struct gw_buf body;
    struct gw_json_writer json;
    char *unused;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    json.status = gw_buf_reserve(&body, ANSWER_BYTES_MAX, &unused); // no copies of the secret
    gw_json_open_object(&json);
    gw_json_put_string(&json, "status", status);
    gw_json_put_string_or_null(&json, "token", token);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit_wiped(&body);
}

static void answer_pending(struct gw_exchange *exchange) {
    answer(exchange, GW_STR("pending"), gw_str(NULL, 0));
}

static void fail_over(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, GW_ERROR_DEVICE_CODE_EXPIRED,
                     "The code has expired, was used, or is unknown. Begin the login anew.");
}

// ---- picking up ----

// A change that waited for another one too long did nothing: the next poll tries again.
static void on_collected(struct db_device_login_collect *collect, enum gw_status status) {
    struct poll_call *call = gw_container_of(collect, struct poll_call, collect);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status == GW_OK)
        answer(exchange, GW_STR("complete"), gw_new_token_secret(&call->new_token));
    else if (status == GW_NOT_FOUND || status == GW_DENIED)
        fail_over(exchange);
    else if (status == GW_BUSY || status == GW_CONFLICT)
        answer_pending(exchange);
    else
        gw_api_reply_database(exchange, status);
}

static void collect(struct poll_call *call) {
    struct gw_exchange *exchange = call->handler.exchange;
    if (!gw_new_token_make(&call->new_token, exchange))
        return;
    memcpy(call->collect.device_digest, call->look.device_digest, DB_DIGEST_LENGTH);
    memcpy(call->collect.digest, call->new_token.digest, DB_DIGEST_LENGTH);
    call->collect.prefix = gw_new_token_prefix(&call->new_token);
    call->collect.collected_from = gw_client_address(&exchange->client);
    call->collect.on_done = on_collected;
    enum gw_status status = db_device_login_collect(exchange->services->pool, &call->collect);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

// ---- looking ----

// HEAD has no body to give the token in, so it takes none.
static void on_looked(struct db_device_login_look *look, enum gw_status status, bool is_approved) {
    struct poll_call *call = gw_container_of(look, struct poll_call, look);
    struct gw_exchange *exchange = call->handler.exchange;
    bool is_get = gw_str_equal(exchange->request->method_name, GW_STR("GET"));
    if (status == GW_NOT_FOUND)
        fail_over(exchange);
    else if (status != GW_OK)
        gw_api_reply_database(exchange, status);
    else if (is_approved && is_get)
        collect(call);
    else
        answer_pending(exchange);
}

static void on_over(struct gw_handler *handler) {
    struct poll_call *call = gw_container_of(handler, struct poll_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->look.query);
    db_pool_cancel(handler->exchange->services->pool, &call->collect.query);
    gw_new_token_wipe(&call->new_token);
}

static void start(struct gw_exchange *exchange, struct gw_str code) {
    static const struct gw_handler_calls calls = {.on_over = on_over};
    struct poll_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    gw_token_digest(code, call->look.device_digest);
    call->look.on_done = on_looked;
    gw_list_init(&call->look.query.link);
    gw_list_init(&call->collect.query.link);
    exchange->handler = &call->handler;
    enum gw_status status = db_device_login_look(exchange->services->pool, &call->look);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

// Over its budget an address learns nothing, and no program that waits there is told to give up.
void gw_device_login_poll(struct gw_exchange *exchange) {
    struct gw_str code = gw_str(NULL, 0);
    struct gw_refusal refusal;
    if (!gw_device_poll_parse(exchange->match.query, &code, &refusal))
        gw_exchange_refuse(exchange, &refusal);
    else if (code.length == 0)
        fail_over(exchange);
    else if (gw_device_limits_charge(exchange->services->auth->device_limits, GW_DEVICE_POLL,
                                     &exchange->client, exchange->services->touched_ms) > 0)
        answer_pending(exchange);
    else
        start(exchange, code);
}
