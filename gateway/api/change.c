// SPDX-License-Identifier: MIT
#include "gateway/api/change.h"

#include "base/clock.h"
#include "db/token_change.h"
#include "gateway/api/body.h"
#include "gateway/api/change_request.h"
#include "gateway/api/ending.h"
#include "gateway/api/reply.h"
#include "gateway/api/revoke_request.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/exchange/services.h"
#include "gateway/exchange/token_json.h"
#include "token/id.h"
#include "token/limits.h"

#define ANSWER_BYTES_MAX (32 * 1024) // of the longest name, description and list of addresses
#define ADDRESSES_BYTES_MAX (GW_ALLOWED_IPS_MAX * (GW_IP_RANGE_TEXT_BYTES_MAX + 2))

struct change_call {
    struct gw_api_body body;
    struct db_token_change store_call;
    struct gw_ending_request request;
    struct gw_api_ending ending;
};

// ---- what is wider, with what is there ----

static void refuse_wider(struct gw_exchange *exchange, struct gw_str message) {
    if (message.at != NULL)
        gw_exchange_fail(exchange, GW_ERROR_VALIDATION_FAILED, message.at);
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
}

static void refuse_scopes(struct gw_exchange *exchange, const struct db_token_row *token) {
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
    (void)gw_scope_format(token->scopes, ", ", scopes);
    refuse_wider(exchange,
                 gw_arena_printf(&exchange->arena,
                                 "scopes can only become less, and the token has %s.", scopes));
}

static void refuse_end(struct gw_exchange *exchange, const struct db_token_row *token) {
    char end[GW_CLOCK_ISO_LENGTH];
    gw_clock_format_iso(token->expires_ms, end);
    refuse_wider(exchange, gw_arena_printf(&exchange->arena,
                                           "expiresAt can only come earlier, and the token ends at "
                                           "%.*s.",
                                           GW_CLOCK_ISO_LENGTH, end));
}

static void refuse_addresses(struct gw_exchange *exchange, const struct db_token_row *token) {
    char texts[ADDRESSES_BYTES_MAX];
    size_t used = 0;
    for (int i = 0; i < token->allowed_ip_count; i++) {
        if (i > 0) {
            texts[used++] = ',';
            texts[used++] = ' ';
        }
        used += gw_ip_range_format(&token->allowed_ips[i], texts + used);
    }
    refuse_wider(exchange, gw_arena_printf(&exchange->arena,
                                           "allowedIps can only become fewer: each must lie in one "
                                           "of %.*s.",
                                           (int)used, texts));
}

static void reply_unchanged(struct gw_exchange *exchange, enum gw_status status,
                            enum db_refusal refusal, const struct db_token_row *token) {
    if (token == NULL)
        gw_api_reply_change(exchange, status, refusal);
    else if (refusal == DB_REFUSAL_WIDER_SCOPES)
        refuse_scopes(exchange, token);
    else if (refusal == DB_REFUSAL_LATER_END)
        refuse_end(exchange, token);
    else
        refuse_addresses(exchange, token);
}

// ---- the change ----

static void on_changed(struct db_token_change *store_call, enum gw_status status,
                       const struct db_token_row *token) {
    struct change_call *call = gw_container_of(store_call, struct change_call, store_call);
    struct gw_exchange *exchange = call->body.handler.exchange;
    if (status != GW_OK) {
        reply_unchanged(exchange, status, store_call->refusal, token);
        return;
    }
    if (store_call->event_seq > 0)
        gw_auth_cache_change(exchange->services->auth->cache, store_call->digest,
                             store_call->event_seq);
    gw_token_json_write(gw_api_ending_open(&call->ending), token);
    gw_api_ending_answer(&call->ending, store_call->event_seq, call->request.wait_ms);
}

static void submit(struct change_call *call, const struct gw_change_request *request) {
    struct gw_exchange *exchange = call->body.handler.exchange;
    struct db_token_change *store_call = &call->store_call;
    store_call->org_id = exchange->identity.org_id;
    store_call->id = exchange->match.id;
    store_call->name = request->name;
    store_call->description = request->description;
    store_call->expires_ms = request->expires_ms;
    store_call->scopes = request->scopes;
    store_call->sets_addresses = request->has_addresses;
    store_call->allowed_ips = request->addresses.ranges;
    store_call->allowed_ip_count = request->addresses.count;
    store_call->changed_by = exchange->identity.id;
    store_call->changed_from = gw_client_address(&exchange->client);
    store_call->may_end_last = call->request.may_end_last;
    store_call->on_done = on_changed;
    enum gw_status status = db_token_change_submit(exchange->services->pool, store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void on_whole(struct gw_api_body *body) {
    struct change_call *call = gw_container_of(body, struct change_call, body);
    struct gw_exchange *exchange = body->handler.exchange;
    struct gw_change_request request;
    struct gw_refusal refusal;
    if (gw_change_request_parse(&exchange->arena, gw_buf_bytes(&body->bytes),
                                exchange->services->wall_ms, &request, &refusal))
        submit(call, &request);
    else
        gw_exchange_refuse(exchange, &refusal);
}

static void on_over(struct gw_api_body *body) {
    struct change_call *call = gw_container_of(body, struct change_call, body);
    db_pool_cancel(body->handler.exchange->services->pool, &call->store_call.query);
    gw_api_ending_deinit(&call->ending);
}

static void read_body(struct gw_exchange *exchange, const struct gw_ending_request *request) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    struct change_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->request = *request;
    gw_list_init(&call->store_call.query.link);
    gw_api_ending_init(&call->ending, exchange, ANSWER_BYTES_MAX);
    gw_api_body_init(&call->body, exchange, GW_API_BODY_JSON, &calls);
    gw_api_body_read(&call->body);
}

void gw_token_change_start(struct gw_exchange *exchange) {
    struct gw_ending_request request;
    struct gw_refusal refusal;
    gw_assert(exchange->has_identity);
    if (!gw_id_valid(exchange->match.id))
        gw_api_reply_no_token(exchange);
    else if (!gw_ending_request_parse(&exchange->arena, exchange->match.query, &request, &refusal))
        gw_exchange_refuse(exchange, &refusal);
    else if (gw_api_body_check(exchange, GW_API_BODY_JSON, false))
        read_body(exchange, &request);
}
