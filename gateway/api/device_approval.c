// SPDX-License-Identifier: MIT
#include "base/json.h"
#include "db/device_login.h"
#include "gateway/api/body.h"
#include "gateway/api/device_login.h"
#include "gateway/api/device_request.h"
#include "gateway/api/known_names.h"
#include "gateway/api/reply.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/device_limits.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "token/id.h"

#define ANSWER_BYTES_MAX (4 * 1024)

static void fail_unknown(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, GW_ERROR_DEVICE_CODE_NOT_FOUND,
                     "No login with this code waits for an approval: it is mistyped, was approved "
                     "already, or has expired.");
}

// ---- guesses ----

static bool charge(struct gw_exchange *exchange) {
    uint64_t wait_s =
        gw_device_limits_charge(exchange->services->auth->device_limits, GW_DEVICE_GUESS,
                                &exchange->client, exchange->services->touched_ms);
    if (wait_s > 0)
        gw_exchange_fail_until(exchange, GW_ERROR_TOO_MANY_LOGINS,
                               "Too many codes of this address were wrong. Try again later.",
                               wait_s);
    return wait_s == 0;
}

static void give_back(struct gw_exchange *exchange) {
    gw_device_limits_give_back(exchange->services->auth->device_limits, GW_DEVICE_GUESS,
                               &exchange->client, exchange->services->touched_ms);
}

// ---- lookup ----

struct lookup_call {
    struct gw_api_body body;
    struct db_device_login_show show;
    char user_code[GW_USER_CODE_LENGTH + 1];
};

static void answer_lookup(struct lookup_call *call, const struct db_device_login *login) {
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_json_put_string(&json, "userCode", gw_str_from(call->user_code));
    gw_json_put_string(&json, "requestedFrom",
                       login->requested_from.at != NULL ? login->requested_from
                                                        : GW_STR("unknown"));
    gw_json_put_string_or_null(&json, "userAgent", login->user_agent);
    gw_json_put_time(&json, "requestedAt", login->requested_ms);
    gw_json_put_time(&json, "expiresAt", login->expires_ms);
    gw_json_close_object(&json);
    gw_api_reply_json(call->body.handler.exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_shown(struct db_device_login_show *show, enum gw_status status,
                     const struct db_device_login *login) {
    struct lookup_call *call = gw_container_of(show, struct lookup_call, show);
    struct gw_exchange *exchange = call->body.handler.exchange;
    if (status != GW_NOT_FOUND)
        give_back(exchange);
    if (status == GW_OK)
        answer_lookup(call, login);
    else if (status == GW_NOT_FOUND)
        fail_unknown(exchange);
    else
        gw_api_reply_database(exchange, status);
}

static void look_up(struct gw_api_body *body) {
    struct lookup_call *call = gw_container_of(body, struct lookup_call, body);
    struct gw_exchange *exchange = body->handler.exchange;
    struct gw_refusal refusal;
    if (!gw_known_parameters_check(&exchange->arena, exchange->match.query, GW_STR(""), &refusal) ||
        !gw_device_lookup_parse(&exchange->arena, gw_buf_bytes(&body->bytes), call->user_code,
                                &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    if (!charge(exchange))
        return;
    gw_token_digest(gw_str_from(call->user_code), call->show.user_digest);
    call->show.on_done = on_shown;
    enum gw_status status = db_device_login_show(exchange->services->pool, &call->show);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void on_lookup_over(struct gw_api_body *body) {
    struct lookup_call *call = gw_container_of(body, struct lookup_call, body);
    db_pool_cancel(body->handler.exchange->services->pool, &call->show.query);
}

void gw_device_login_lookup(struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = look_up, .on_over = on_lookup_over};
    gw_assert(exchange->has_identity);
    if (!gw_api_body_check(exchange, GW_API_BODY_JSON, false))
        return;
    struct lookup_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_list_init(&call->show.query.link);
    gw_api_body_init(&call->body, exchange, GW_API_BODY_JSON, &calls);
    gw_api_body_read(&call->body);
}

// ---- approve ----

struct approve_call {
    struct gw_api_body body;
    struct db_device_login_approve store_call;
    struct gw_device_approval approval;
    char token_id[GW_ID_LENGTH + 1];
};

static void answer_approval(struct approve_call *call, int64_t expires_ms,
                            struct gw_str requested_from) {
    struct gw_exchange *exchange = call->body.handler.exchange;
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, ANSWER_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_json_put_string(&json, "userCode", gw_str_from(call->approval.user_code));
    gw_json_put_string(&json, "org", exchange->identity.org_slug);
    gw_json_put_string(&json, "tokenId", gw_str_from(call->token_id));
    gw_json_key(&json, "scopes");
    gw_scope_write_json(&json, call->approval.scopes);
    gw_json_put_time(&json, "expiresAt", expires_ms);
    gw_json_put_string(&json, "requestedFrom",
                       requested_from.at != NULL ? requested_from : GW_STR("unknown"));
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_approved(struct db_device_login_approve *store_call, enum gw_status status,
                        int64_t expires_ms, struct gw_str requested_from) {
    struct approve_call *call = gw_container_of(store_call, struct approve_call, store_call);
    struct gw_exchange *exchange = call->body.handler.exchange;
    if (status != GW_NOT_FOUND)
        give_back(exchange);
    if (status == GW_OK)
        answer_approval(call, expires_ms, requested_from);
    else if (status == GW_NOT_FOUND)
        fail_unknown(exchange);
    else if (status == GW_DENIED && store_call->refusal == DB_REFUSAL_ENDS_TOO_LATE)
        gw_api_reply_ends_too_late(exchange, expires_ms);
    else
        gw_api_reply_change(exchange, status, store_call->refusal);
}

static void store_approval(struct approve_call *call) {
    struct gw_exchange *exchange = call->body.handler.exchange;
    struct db_device_login_approve *store_call = &call->store_call;
    store_call->org_id = exchange->identity.org_id;
    store_call->approved_by = exchange->identity.id;
    store_call->approved_from = gw_client_address(&exchange->client);
    store_call->token_id = gw_str(call->token_id, GW_ID_LENGTH);
    store_call->token_name = call->approval.token_name;
    store_call->description = call->approval.description;
    store_call->scopes = call->approval.scopes;
    store_call->expires_ms = call->approval.expires_ms;
    store_call->on_done = on_approved;
    gw_token_digest(gw_str_from(call->approval.user_code), store_call->user_digest);
    enum gw_status status = db_device_login_approve(exchange->services->pool, store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void approve(struct gw_api_body *body) {
    struct approve_call *call = gw_container_of(body, struct approve_call, body);
    struct gw_exchange *exchange = body->handler.exchange;
    struct gw_refusal refusal;
    if (!gw_known_parameters_check(&exchange->arena, exchange->match.query, GW_STR(""), &refusal) ||
        !gw_device_approval_parse(&exchange->arena, gw_buf_bytes(&body->bytes),
                                  exchange->services->wall_ms, &call->approval, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    if (!charge(exchange))
        return;
    if (gw_id_make(call->token_id) == GW_OK)
        store_approval(call);
    else
        gw_exchange_fail(exchange, GW_ERROR_UNAVAILABLE,
                         "No random number can be had now. Try again shortly.");
}

static void on_approve_over(struct gw_api_body *body) {
    struct approve_call *call = gw_container_of(body, struct approve_call, body);
    db_pool_cancel(body->handler.exchange->services->pool, &call->store_call.query);
}

void gw_device_login_approve(struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = approve, .on_over = on_approve_over};
    gw_assert(exchange->has_identity);
    if (!gw_api_body_check(exchange, GW_API_BODY_JSON, false))
        return;
    struct approve_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_list_init(&call->store_call.query.link);
    gw_api_body_init(&call->body, exchange, GW_API_BODY_JSON, &calls);
    gw_api_body_read(&call->body);
}
