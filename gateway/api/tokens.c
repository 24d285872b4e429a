// SPDX-License-Identifier: MIT
#include "gateway/api/tokens.h"

#include "base/json.h"
#include "base/san.h"
#include "db/token_list.h"
#include "gateway/api/list_cursor.h"
#include "gateway/api/list_request.h"
#include "gateway/api/reply.h"
#include "gateway/api/token_entry_json.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/last_used.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/exchange/token_json.h"
#include "token/limits.h"
#include "token/name.h"

// The longest token of a list: of each character that is written as \u and four digits (& is one)
// 100 in its name, in that of the token that revoked it and in the reason, which has it again, and
// 500 in its description; GW_ALLOWED_IPS_MAX ranges; a binding; all other members with their names.
#define ENTRY_BYTES_MAX                                                                            \
    (6 * (3 * GW_TOKEN_NAME_CHARACTERS_MAX + GW_TOKEN_DESCRIPTION_CHARACTERS_MAX) +                \
     GW_ALLOWED_IPS_MAX * (GW_IP_RANGE_TEXT_BYTES_MAX + 3) + GW_SAN_BYTES_MAX + 1024)
// A page by its number has all of its tokens, and fits a transport's output. A page by a cursor
// ends earlier instead.
#define LIST_BYTES_MAX (GW_LIST_LIMIT_MAX * ENTRY_BYTES_MAX + 1024)
#define CURSOR_PAGE_BYTES_MAX (512 * 1024)
#define TOKEN_BYTES_MAX (20 * 1024)

// A use that this process has noted and not written yet is newer than the row.
static struct db_token_row with_last_use(const struct gw_exchange *exchange,
                                         const struct db_token_row *row) {
    struct db_token_row shown = *row;
    int64_t used_ms = gw_last_used_find(exchange->services->auth->last_used, row->id);
    if (used_ms > shown.last_used_ms)
        shown.last_used_ms = used_ms;
    return shown;
}

// ---- list ----

struct list_call {
    struct gw_handler handler;
    struct db_token_list store_call;
    struct gw_list_request request;
};

static void write_pagination(struct gw_json_writer *json, const struct gw_list_request *request,
                             uint64_t total) {
    gw_json_key(json, "pagination");
    gw_json_open_object(json);
    gw_json_put_integer(json, "page", request->page);
    gw_json_put_integer(json, "limit", request->limit);
    gw_json_put_integer(json, "total", (int64_t)total);
    gw_json_put_integer(json, "totalPages",
                        (int64_t)((total + request->limit - 1) / request->limit));
    gw_json_close_object(json);
}

// `last`: the last token of a page that others follow; NULL at the end.
static void write_next(struct gw_json_writer *json, enum db_token_order order,
                       const struct db_token_entry *last) {
    char cursor[GW_LIST_CURSOR_CHARS_MAX];
    if (last == NULL)
        gw_json_put_null(json, "next");
    else
        gw_json_put_string(json, "next",
                           gw_str(cursor, gw_list_cursor_write(order, &last->position, cursor)));
}

static void write_entry(struct gw_json_writer *json, const struct list_call *call,
                        const struct db_token_entry *entry) {
    struct db_token_row shown = with_last_use(call->handler.exchange, &entry->row);
    gw_json_open_object(json);
    gw_token_json_write(json, &shown);
    if (call->request.filter.all)
        gw_token_entry_json_write_state(json, entry);
    gw_json_close_object(json);
}

// Returns how many it wrote: a page by a cursor ends when it is long enough.
static int write_entries(struct gw_json_writer *json, const struct list_call *call,
                         const struct db_token_page *page) {
    int count = 0;
    gw_json_key(json, "tokens");
    gw_json_open_array(json);
    while (count < page->count &&
           (!call->request.by_cursor || gw_buf_length(json->out) < CURSOR_PAGE_BYTES_MAX))
        write_entry(json, call, &page->entries[count++]);
    gw_json_close_array(json);
    return count;
}

static void write_page(struct gw_json_writer *json, const struct list_call *call,
                       const struct db_token_page *page) {
    gw_json_open_object(json);
    int count = write_entries(json, call, page);
    bool has_more = page->has_more || count < page->count;
    if (call->request.by_cursor)
        write_next(json, call->request.order, has_more ? &page->entries[count - 1] : NULL);
    else
        write_pagination(json, &call->request, page->total);
    if (page->minted > 0)
        gw_json_put_integer(json, "minted", page->minted);
    if (call->request.filter.minted)
        gw_json_put_boolean(json, "mintedOnly", true);
    gw_json_close_object(json);
}

static void on_listed(struct db_token_list *store_call, enum gw_status status,
                      const struct db_token_page *page) {
    struct list_call *call = gw_container_of(store_call, struct list_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status != GW_OK) {
        gw_api_reply_database(exchange, status);
        return;
    }
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, LIST_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    write_page(&json, call, page);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_list_over(struct gw_handler *handler) {
    struct list_call *call = gw_container_of(handler, struct list_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
}

static void fill_list(struct db_token_list *list, const struct gw_exchange *exchange,
                      const struct gw_list_request *request) {
    list->org_id = exchange->identity.org_id;
    list->filter = request->filter;
    list->order = request->order;
    list->after = request->after;
    list->limit = request->limit;
    list->offset = (uint64_t)(request->page - 1) * request->limit;
    list->counts = !request->by_cursor;
    list->on_done = on_listed;
    gw_list_init(&list->query.link);
}

void gw_token_api_list(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_list_over};
    struct gw_list_request request;
    struct gw_refusal refusal;
    gw_assert(exchange->has_identity);
    if (!gw_list_request_parse(&exchange->arena, exchange->match.query, &request, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    struct list_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->request = request;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    fill_list(&call->store_call, exchange, &call->request);
    exchange->handler = &call->handler;
    enum gw_status status = db_token_list_start(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

// ---- one ----

struct show_call {
    struct gw_handler handler;
    struct db_token_show store_call;
};

static void on_shown(struct db_token_show *store_call, enum gw_status status,
                     const struct db_token_details *details) {
    struct show_call *call = gw_container_of(store_call, struct show_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status == GW_NOT_FOUND) {
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND,
                         "There is no token with this id in this organisation.");
        return;
    }
    if (status != GW_OK) {
        gw_api_reply_database(exchange, status);
        return;
    }
    struct gw_buf body;
    struct gw_json_writer json;
    struct db_token_details shown = *details;
    shown.entry.row = with_last_use(exchange, &details->entry.row);
    gw_buf_init(&body, TOKEN_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_token_entry_json_write_details(&json, &shown);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_show_over(struct gw_handler *handler) {
    struct show_call *call = gw_container_of(handler, struct show_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
}

void gw_token_api_show(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_show_over};
    struct show_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_assert(exchange->has_identity);
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.id = exchange->match.id;
    call->store_call.on_done = on_shown;
    gw_list_init(&call->store_call.query.link);
    exchange->handler = &call->handler;
    enum gw_status status = db_token_show_start(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}
