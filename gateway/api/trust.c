// SPDX-License-Identifier: MIT
#include "gateway/api/trust.h"

#include "gateway/api/reply.h"
#include "gateway/api/trust_json.h"
#include "gateway/api/trust_request.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "token/id.h"

#define PAGE_BYTES_MAX (512 * 1024) // it ends with the rule that reaches this

// ---- list ----

struct list_call {
    struct gw_handler handler;
    struct db_trust_list store_call;
};

static void write_page(struct gw_json_writer *json, const struct db_trust_rule *rules, int count,
                       bool has_more) {
    int written = 0;
    gw_json_open_object(json);
    gw_json_key(json, "rules");
    gw_json_open_array(json);
    while (written < count && gw_buf_length(json->out) < PAGE_BYTES_MAX) {
        gw_json_open_object(json);
        gw_trust_json_write(json, &rules[written++]);
        gw_json_close_object(json);
    }
    gw_json_close_array(json);
    if (has_more || written < count)
        gw_json_put_string(json, "next", rules[written - 1].id);
    else
        gw_json_put_null(json, "next");
    gw_json_close_object(json);
}

static void on_listed(struct db_trust_list *store_call, enum gw_status status,
                      const struct db_trust_rule *rules, int count, bool has_more) {
    struct list_call *call = gw_container_of(store_call, struct list_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status != GW_OK) {
        gw_api_reply_database(exchange, status);
        return;
    }
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, PAGE_BYTES_MAX + GW_TRUST_JSON_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    write_page(&json, rules, count, has_more);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_list_over(struct gw_handler *handler) {
    struct list_call *call = gw_container_of(handler, struct list_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
}

void gw_trust_api_list(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_list_over};
    struct gw_trust_list_request request;
    struct gw_refusal refusal;
    gw_assert(exchange->has_identity);
    if (!gw_trust_list_request_parse(exchange->match.query, &request, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    struct list_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.after = request.after;
    call->store_call.limit = request.limit;
    call->store_call.on_done = on_listed;
    gw_list_init(&call->store_call.query.link);
    exchange->handler = &call->handler;
    enum gw_status status = db_trust_list_start(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

// ---- one ----

struct show_call {
    struct gw_handler handler;
    struct db_trust_show store_call;
};

static void on_shown(struct db_trust_show *store_call, enum gw_status status,
                     const struct db_trust_details *details) {
    struct show_call *call = gw_container_of(store_call, struct show_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status != GW_OK) {
        gw_api_reply_rule(exchange, status, DB_REFUSAL_NONE);
        return;
    }
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, GW_TRUST_JSON_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_trust_json_write_details(&json, details);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_show_over(struct gw_handler *handler) {
    struct show_call *call = gw_container_of(handler, struct show_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
}

void gw_trust_api_show(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_show_over};
    gw_assert(exchange->has_identity);
    if (!gw_id_valid(exchange->match.id)) {
        gw_api_reply_rule(exchange, GW_NOT_FOUND, DB_REFUSAL_NONE);
        return;
    }
    struct show_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.id = exchange->match.id;
    call->store_call.on_done = on_shown;
    gw_list_init(&call->store_call.query.link);
    exchange->handler = &call->handler;
    enum gw_status status = db_trust_show_start(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}
