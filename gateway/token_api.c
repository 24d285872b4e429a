// SPDX-License-Identifier: MIT
#include "gateway/token_api.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "db/events.h"
#include "gateway/auth_cache.h"
#include "gateway/exchange.h"
#include "gateway/last_used.h"
#include "gateway/services.h"
#include "gateway/token.h"
#include "gateway/token_json.h"
#include "gateway/token_request.h"

#define LIST_BYTES_MAX (256 * 1024)

static void refuse(struct gw_exchange *exchange, const struct gw_refusal *refusal) {
    gw_exchange_fail(exchange, refusal->status, refusal->code, refusal->message);
}

static void fail_no_memory(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, 503, "unavailable", "The gateway is out of memory.");
}

static void fail_database(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, 503, "unavailable",
                     "The token database cannot be reached now. Try again shortly.");
}

// Management answers may carry a secret and are never kept by anyone.
static void respond_json(struct gw_exchange *exchange, int status, struct gw_json_writer *json) {
    const struct gw_response_field field = {GW_STR("Cache-Control"), GW_STR("no-store")};
    if (gw_json_writer_finish(json) == GW_OK)
        gw_exchange_respond(exchange, status, &field, 1, "application/json",
                            gw_buf_bytes(json->out));
    else
        fail_no_memory(exchange);
}

// Memory of the request for a call of the given type, its handler set.
static void *start_call(struct gw_exchange *exchange, size_t size) {
    void *call = gw_arena_allocate(&exchange->arena, size);
    if (call == NULL)
        fail_no_memory(exchange);
    else
        memset(call, 0, size);
    return call;
}

// ---- create -----------------------------------------------------------------------------------------------------

struct create_call {
    struct gw_handler handler;
    struct db_token_create store_call;
    struct gw_buf body;
    struct gw_token_request request;
    struct gw_token_secret secret;
    char id[GW_ID_LENGTH + 1];
    bool is_answered;
};

static struct create_call *create_call_of(struct gw_handler *handler) {
    return gw_container_of(handler, struct create_call, handler);
}

static void write_created(struct gw_json_writer *json, const struct create_call *call,
                          int64_t created_ms) {
    const struct db_token_row row = {.id = gw_str(call->id, GW_ID_LENGTH),
                                     .name = call->request.name,
                                     .prefix = call->store_call.prefix,
                                     .scopes = call->request.scopes,
                                     .created_ms = created_ms,
                                     .last_used_ms = DB_NO_TIME,
                                     .expires_ms = call->request.expires_ms};
    gw_json_open_object(json);
    gw_token_json_write(json, &row);
    gw_json_key(json, "token");
    gw_json_write_string(json, gw_str(call->secret.text, call->secret.length));
    gw_json_close_object(json);
}

static void on_created(struct db_token_create *store_call, enum gw_status status,
                       int64_t created_ms) {
    struct create_call *call = gw_container_of(store_call, struct create_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    call->is_answered = true;
    if (status != GW_OK) {
        fail_database(exchange);
        return;
    }
    struct gw_buf body;
    gw_buf_init(&body, GW_BODY_OWN_BYTES_MAX);
    struct gw_json_writer json;
    gw_json_writer_init(&json, &body);
    write_created(&json, call, created_ms);
    respond_json(exchange, 201, &json);
    if (body.memory != NULL)
        gw_bytes_wipe(body.memory, body.capacity);
    gw_buf_deinit(&body);
}

static void store_token(struct create_call *call) {
    struct gw_exchange *exchange = call->handler.exchange;
    const struct gw_services *services = exchange->services;
    enum gw_token_kind kind = services->config->is_test_environment ? GW_TOKEN_TEST : GW_TOKEN_LIVE;
    struct db_token_create *store_call = &call->store_call;
    if (gw_token_mint(kind, &call->secret) != GW_OK || gw_id_make(call->id) != GW_OK) {
        gw_exchange_fail(exchange, 503, "unavailable", "The system gives no random numbers now.");
        return;
    }
    struct gw_str secret = gw_str(call->secret.text, call->secret.length);
    gw_token_digest(secret, store_call->digest);
    store_call->org_id = exchange->identity.org_id;
    store_call->id = gw_str(call->id, GW_ID_LENGTH);
    store_call->name = call->request.name;
    store_call->prefix = gw_str_slice(secret, 0, GW_TOKEN_PREFIX_LENGTH);
    store_call->scopes = call->request.scopes;
    store_call->expires_ms = call->request.expires_ms;
    store_call->created_by = exchange->identity.id;
    store_call->on_done = on_created;
    if (db_token_store_create_token(services->tokens, store_call) != GW_OK)
        fail_database(exchange);
}

static void on_create_body(struct gw_handler *handler, struct gw_str bytes) {
    struct create_call *call = create_call_of(handler);
    if (call->is_answered)
        return;
    enum gw_status status = gw_buf_append_str(&call->body, bytes);
    call->is_answered = status != GW_OK;
    if (status == GW_TOO_BIG)
        gw_exchange_fail(handler->exchange, 413, "body_too_large", "The body is over 16 KiB.");
    else if (status != GW_OK)
        fail_no_memory(handler->exchange);
}

static void on_create_body_end(struct gw_handler *handler) {
    struct create_call *call = create_call_of(handler);
    struct gw_exchange *exchange = handler->exchange;
    struct gw_refusal refusal;
    if (call->is_answered)
        return;
    if (gw_token_request_parse(&exchange->arena, gw_buf_bytes(&call->body),
                               exchange->services->wall_ms, &call->request, &refusal))
        store_token(call);
    else
        refuse(exchange, &refusal);
}

static void on_create_over(struct gw_handler *handler) {
    struct create_call *call = create_call_of(handler);
    db_token_store_cancel(handler->exchange->services->tokens, &call->store_call.query);
    gw_bytes_wipe(&call->secret, sizeof call->secret);
    gw_buf_deinit(&call->body);
}

void gw_token_api_create(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {
        .on_body = on_create_body, .on_body_end = on_create_body_end, .on_over = on_create_over};
    const struct gw_http_field *type = gw_http_head_field(exchange->request, GW_FIELD_CONTENT_TYPE);
    if (exchange->request->has_content_length &&
        exchange->request->content_length > GW_BODY_OWN_BYTES_MAX) {
        gw_exchange_fail(exchange, 413, "body_too_large", "The body is over 16 KiB.");
        return;
    }
    if (type == NULL || !gw_is_json_content_type(type->value)) {
        gw_exchange_fail(exchange, 415, "unsupported_media_type",
                         "The body must be application/json.");
        return;
    }
    struct create_call *call = start_call(exchange, sizeof *call);
    if (call == NULL)
        return;
    gw_list_init(&call->store_call.query.link);
    gw_buf_init(&call->body, GW_BODY_OWN_BYTES_MAX);
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    exchange->handler = &call->handler;
    gw_exchange_continue(exchange);
}

// ---- list -------------------------------------------------------------------------------------------------------

struct list_call {
    struct gw_handler handler;
    struct db_token_list store_call;
    struct gw_page_request page;
};

static void write_pagination(struct gw_json_writer *json, struct gw_page_request page,
                             uint64_t total) {
    gw_json_key(json, "pagination");
    gw_json_open_object(json);
    gw_json_key(json, "page");
    gw_json_write_integer(json, page.page);
    gw_json_key(json, "limit");
    gw_json_write_integer(json, page.limit);
    gw_json_key(json, "total");
    gw_json_write_integer(json, (int64_t)total);
    gw_json_key(json, "totalPages");
    gw_json_write_integer(json, (int64_t)((total + page.limit - 1) / page.limit));
    gw_json_close_object(json);
}

// What this process has noted and not written yet is newer than the row.
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
        fail_database(exchange);
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
        write_listed(&json, exchange->services->last_used, &rows[i]);
    gw_json_close_array(&json);
    write_pagination(&json, call->page, total);
    gw_json_close_object(&json);
    respond_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_list_over(struct gw_handler *handler) {
    struct list_call *call = gw_container_of(handler, struct list_call, handler);
    db_token_store_cancel(handler->exchange->services->tokens, &call->store_call.query);
}

void gw_token_api_list(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_list_over};
    struct gw_page_request page;
    struct gw_refusal refusal;
    if (!gw_page_request_parse(exchange->match.query, &page, &refusal)) {
        refuse(exchange, &refusal);
        return;
    }
    struct list_call *call = start_call(exchange, sizeof *call);
    if (call == NULL)
        return;
    call->page = page;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.offset = (uint64_t)(page.page - 1) * page.limit;
    call->store_call.limit = page.limit;
    call->store_call.on_done = on_listed;
    gw_list_init(&call->store_call.query.link);
    exchange->handler = &call->handler;
    if (db_token_store_list_tokens(exchange->services->tokens, &call->store_call) != GW_OK)
        fail_database(exchange);
}

// ---- revoke -----------------------------------------------------------------------------------------------------

struct revoke_call {
    struct gw_handler handler;
    struct db_token_revoke store_call;
    struct db_events_wait wait;
    uint64_t wait_ms; // 0: do not
    struct gw_str name;
    int64_t revoked_ms;
};

static void fail_not_found(struct gw_exchange *exchange) {
    gw_exchange_fail(exchange, 404, "not_found", "There is no live token with this id here.");
}

static void write_revoked(struct gw_json_writer *json, const struct revoke_call *call) {
    gw_json_key(json, "id");
    gw_json_write_string(json, call->store_call.id);
    gw_json_key(json, "name");
    gw_json_write_string(json, call->name);
    gw_json_key(json, "revokedAt");
    gw_json_write_time(json, call->revoked_ms);
}

// With a wait also `gateways`: how many have applied it (200), or `pending`: how many have not, null when that cannot be known
// (202).
static void respond_revoked(struct revoke_call *call, enum gw_status waited, int count) {
    struct gw_exchange *exchange = call->handler.exchange;
    bool is_applied = waited == GW_OK;
    struct gw_buf body;
    gw_buf_init(&body, GW_BODY_OWN_BYTES_MAX);
    struct gw_json_writer json;
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    write_revoked(&json, call);
    if (call->wait_ms > 0) {
        gw_json_key(&json, is_applied ? "gateways" : "pending");
        if (waited == GW_UNAVAILABLE)
            gw_json_write_null(&json);
        else
            gw_json_write_integer(&json, count);
    }
    gw_json_close_object(&json);
    respond_json(exchange, is_applied ? 200 : 202, &json);
    gw_buf_deinit(&body);
}

static void on_waited(struct db_events_wait *wait, enum gw_status status, int count) {
    respond_revoked(gw_container_of(wait, struct revoke_call, wait), status, count);
}

static void on_revoked(struct db_token_revoke *store_call, enum gw_status status,
                       struct gw_str name, int64_t revoked_ms) {
    struct revoke_call *call = gw_container_of(store_call, struct revoke_call, store_call);
    struct gw_exchange *exchange = call->handler.exchange;
    if (status == GW_NOT_FOUND) {
        fail_not_found(exchange);
        return;
    }
    if (status != GW_OK) {
        fail_database(exchange);
        return;
    }
    gw_auth_cache_revoke(exchange->services->auth, store_call->digest);
    call->name = gw_str(gw_arena_copy(&exchange->arena, name), name.length);
    call->revoked_ms = revoked_ms;
    if (call->name.at == NULL)
        call->name = GW_STR("");
    if (call->wait_ms == 0) {
        respond_revoked(call, GW_OK, 0);
        return;
    }
    call->wait.on_done = on_waited;
    db_events_wait_applied(exchange->services->events, &call->wait, store_call->event_seq,
                           call->wait_ms);
}

static void on_revoke_over(struct gw_handler *handler) {
    struct revoke_call *call = gw_container_of(handler, struct revoke_call, handler);
    db_token_store_cancel(handler->exchange->services->tokens, &call->store_call.query);
    db_events_cancel_wait(&call->wait);
}

void gw_token_api_revoke(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_revoke_over};
    struct gw_refusal refusal;
    uint64_t wait_ms;
    if (!gw_id_valid(exchange->match.id)) {
        fail_not_found(exchange);
        return;
    }
    if (!gw_revoke_wait_parse(exchange->match.query, &wait_ms, &refusal)) {
        refuse(exchange, &refusal);
        return;
    }
    struct revoke_call *call = start_call(exchange, sizeof *call);
    if (call == NULL)
        return;
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->wait_ms = wait_ms;
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.id = exchange->match.id;
    call->store_call.revoked_by = exchange->identity.id;
    call->store_call.on_done = on_revoked;
    gw_list_init(&call->store_call.query.link);
    gw_list_init(&call->wait.link);
    exchange->handler = &call->handler;
    if (db_token_store_revoke_token(exchange->services->tokens, &call->store_call) != GW_OK)
        fail_database(exchange);
}
