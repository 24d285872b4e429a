// SPDX-License-Identifier: MIT
#include "base/base64url.h"
#include "base/json.h"
#include "base/random.h"
#include "db/device_login.h"
#include "gateway/api/device_login.h"
#include "gateway/api/device_request.h"
#include "gateway/api/reply.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/device_limits.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"

#define ANSWER_BYTES_MAX 1024
#define DRAWS_MAX 3 // of a user code that somebody has already: rare, and rarer each time

struct start_call {
    struct gw_handler handler;
    struct db_device_login_start store_call;
    char device_code[GW_DEVICE_CODE_LENGTH];
    char user_code[GW_USER_CODE_LENGTH + 1];
    int draws;
};

static void fail_until(struct gw_exchange *exchange, enum gw_error error, const char *message,
                       uint64_t wait_s) {
    gw_exchange_fail_until(exchange, error, message, wait_s > 0 ? wait_s : 1);
}

// ---- the answer ----

static void answer(struct start_call *call, int64_t expires_ms) {
    struct gw_buf body;
    struct gw_json_writer json;
    char *unused;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    json.status = gw_buf_reserve(&body, ANSWER_BYTES_MAX, &unused); // no copies of the codes
    gw_json_open_object(&json);
    gw_json_put_string(&json, "deviceCode", gw_str(call->device_code, GW_DEVICE_CODE_LENGTH));
    gw_json_put_string(&json, "userCode", gw_str_from(call->user_code));
    gw_json_put_string(&json, "verificationUrl", GW_STR(GW_DEVICE_PAGE_PATH));
    gw_json_put_time(&json, "expiresAt", expires_ms);
    gw_json_put_integer(&json, "expiresIn", DB_DEVICE_LOGIN_S);
    gw_json_put_integer(&json, "interval", GW_DEVICE_INTERVAL_S);
    gw_json_close_object(&json);
    gw_api_reply_json(call->handler.exchange, 200, &json);
    gw_buf_deinit_wiped(&body);
}

// By the clock of this gateway, which may differ from the database's: never less than a second.
static void fail_full(struct gw_exchange *exchange, bool is_here, int64_t until_ms) {
    int64_t wait_ms = until_ms - exchange->services->wall_ms;
    uint64_t wait_s = wait_ms > 0 ? (uint64_t)(wait_ms / 1000 + 1) : 1;
    if (is_here)
        fail_until(exchange, GW_ERROR_TOO_MANY_LOGINS,
                   "Too many logins of this address wait for an approval. Try again later.",
                   wait_s);
    else
        fail_until(exchange, GW_ERROR_UNAVAILABLE,
                   "Too many logins wait for an approval. Try again later.", wait_s);
}

// ---- from its start to its end ----

static void submit(struct start_call *call);

static void on_started(struct db_device_login_start *store_call, enum gw_status status,
                       enum db_device_start_outcome outcome, int64_t expires_ms) {
    struct start_call *call = gw_container_of(store_call, struct start_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status == GW_OK && outcome == DB_DEVICE_TAKEN && call->draws < DRAWS_MAX)
        submit(call);
    else if (status != GW_OK || outcome == DB_DEVICE_TAKEN)
        gw_api_reply_database(exchange, status);
    else if (outcome == DB_DEVICE_STARTED)
        answer(call, expires_ms);
    else
        fail_full(exchange, outcome == DB_DEVICE_TOO_MANY_HERE, expires_ms);
}

static bool draw(struct start_call *call) {
    unsigned char random[GW_DEVICE_CODE_RANDOM_BYTES + GW_USER_CODE_RANDOM_BYTES];
    bool is_drawn = gw_random_bytes(random, sizeof(random)) == GW_OK &&
                    gw_user_code_make(random + GW_DEVICE_CODE_RANDOM_BYTES,
                                      GW_USER_CODE_RANDOM_BYTES, call->user_code);
    gw_base64url_encode(random, GW_DEVICE_CODE_RANDOM_BYTES, call->device_code);
    gw_bytes_wipe(random, sizeof(random));
    return is_drawn;
}

static void submit(struct start_call *call) {
    struct gw_exchange *exchange = call->handler.exchange;
    call->draws++;
    if (!draw(call)) {
        gw_exchange_fail(exchange, GW_ERROR_UNAVAILABLE,
                         "No random number can be had now. Try again shortly.");
        return;
    }
    gw_token_digest(gw_str(call->device_code, GW_DEVICE_CODE_LENGTH),
                    call->store_call.device_digest);
    gw_token_digest(gw_str_from(call->user_code), call->store_call.user_digest);
    enum gw_status status = db_device_login_start(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void on_over(struct gw_handler *handler) {
    struct start_call *call = gw_container_of(handler, struct start_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
    gw_bytes_wipe(call->device_code, sizeof(call->device_code));
    gw_bytes_wipe(call->user_code, sizeof(call->user_code));
}

void gw_device_login_start(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_over};
    uint64_t wait_s =
        gw_device_limits_charge(exchange->services->auth->device_limits, GW_DEVICE_START,
                                &exchange->client, exchange->services->touched_ms);
    if (wait_s > 0) {
        fail_until(exchange, GW_ERROR_TOO_MANY_LOGINS,
                   "Too many logins were begun from this address. Try again later.", wait_s);
        return;
    }
    struct start_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->store_call.requested_from = gw_client_address(&exchange->client);
    call->store_call.user_agent = gw_device_user_agent(&exchange->arena, exchange->request);
    call->store_call.on_done = on_started;
    gw_list_init(&call->store_call.query.link);
    exchange->handler = &call->handler;
    submit(call);
}
