// SPDX-License-Identifier: MIT
#include "gateway/api/tokens.h"

#include "base/json.h"
#include "db/tokens.h"
#include "gateway/api/reply.h"
#include "gateway/api/requests.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/last_used.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/exchange/token_json.h"

#define LIST_BYTES_MAX (512 * 1024)

struct list_call {
    struct gw_handler handler;
    struct db_token_list store_call;
    struct gw_page_request page;
};

static void write_pagination(struct gw_json_writer *json, struct gw_page_request page,
                             uint64_t total) {
    gw_json_key(json, "pagination");
    gw_json_open_object(json);
    gw_json_put_integer(json, "page", page.page);
    gw_json_put_integer(json, "limit", page.limit);
    gw_json_put_integer(json, "total", (int64_t)total);
    gw_json_put_integer(json, "totalPages", (int64_t)((total + page.limit - 1) / page.limit));
    gw_json_close_object(json);
}

// A use that this process has noted and not written yet is newer than the row.
static void write_listed(struct gw_json_writer *json, const struct gw_last_used *last_used,
                         const struct db_token_row *row) {
    struct db_token_row shown = *row;
    int64_t used_ms = gw_last_used_find(last_used, row->id);
    if (used_ms > shown.last_used_ms)
        shown.last_used_ms = used_ms;
    gw_json_open_object(json);
    gw_token_json_write(json, &shown);
    gw_json_close_object(json);
}

static void on_listed(struct db_token_list *store_call, enum gw_status status,
                      const struct db_token_row *rows, int count, uint64_t total) {
    struct list_call *call = gw_container_of(store_call, struct list_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status != GW_OK) {
        gw_api_reply_database(exchange, status);
        return;
    }
    struct gw_buf body;
    gw_buf_init(&body, LIST_BYTES_MAX);
    struct gw_json_writer json;
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_json_key(&json, "tokens");
    gw_json_open_array(&json);
    for (int i = 0; i < count; i++)
        write_listed(&json, exchange->services->auth->last_used, &rows[i]);
    gw_json_close_array(&json);
    write_pagination(&json, call->page, total);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_list_over(struct gw_handler *handler) {
    struct list_call *call = gw_container_of(handler, struct list_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
}

void gw_token_api_list(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_list_over};
    struct gw_page_request page;
    struct gw_refusal refusal;
    if (!gw_page_request_parse(exchange->match.query, &page, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    struct list_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_assert(exchange->has_identity);
    call->page = page;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.offset = (uint64_t)(page.page - 1) * page.limit;
    call->store_call.limit = page.limit;
    call->store_call.on_done = on_listed;
    gw_list_init(&call->store_call.query.link);
    exchange->handler = &call->handler;
    enum gw_status status = db_tokens_list(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}
