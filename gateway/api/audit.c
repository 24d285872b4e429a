// SPDX-License-Identifier: MIT
#include "gateway/api/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "db/audit.h"
#include "gateway/api/audit_request.h"
#include "gateway/api/reply.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"

// The longest event: its facts, and names of which each character is written as six.
#define EVENT_BYTES_MAX (32 * 1024)
#define PAGE_BYTES_MAX (512 * 1024) // it ends with the event that reaches this

struct list_call {
    struct gw_handler handler;
    struct db_audit_list store_call;
};

// The id of an event is opaque to clients, which send it back as they got it: a string, as every
// other id.
static void write_event_id(struct gw_json_writer *json, const char *key, int64_t id) {
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, id);
    gw_json_put_string(json, key, gw_str(digits, (size_t)length));
}

static struct gw_str kind_of_actor(const struct db_audit_event *event) {
    if (event->by_rule)
        return GW_STR("rule");
    if (event->actor_token_id.at != NULL)
        return GW_STR("token");
    if (gw_str_equal(event->action, GW_STR("expire")))
        return GW_STR("expiry");
    if (gw_str_equal(event->actor_name, GW_STR(DB_GITLAB)))
        return GW_STR(DB_GITLAB);
    bool is_registry = gw_str_equal(event->actor_name, GW_STR(DB_REGISTRY));
    return is_registry ? GW_STR(DB_REGISTRY) : GW_STR(DB_OPERATOR);
}

static void write_actor(struct gw_json_writer *json, const struct db_audit_event *event) {
    gw_json_key(json, "actor");
    gw_json_open_object(json);
    gw_json_put_string(json, "kind", kind_of_actor(event));
    gw_json_put_string_or_null(json, "tokenId",
                               event->by_rule ? gw_str(NULL, 0) : event->actor_token_id);
    if (event->by_rule)
        gw_json_put_string(json, "ruleId", event->actor_token_id);
    gw_json_put_string_or_null(json, "name", event->actor_name);
    gw_json_close_object(json);
}

// An operator has no address. A token has one: without it, the client was unknown.
static struct gw_str address_of(const struct db_audit_event *event) {
    bool is_unknown = event->address.at == NULL && event->actor_token_id.at != NULL;
    return is_unknown ? GW_STR("unknown") : event->address;
}

// "name, scopes", as an array.
static void write_changed(struct gw_json_writer *json, struct gw_str members) {
    struct gw_str member;
    gw_json_key(json, "changed");
    gw_json_open_array(json);
    while (gw_str_next(&members, ',', &member))
        gw_json_write_string(json, gw_str_trim(member));
    gw_json_close_array(json);
}

static bool is_of_rule(const struct db_audit_event *event) {
    return gw_str_equal(event->action, GW_STR("trust")) ||
           gw_str_equal(event->action, GW_STR("untrust"));
}

// What was changed: a token, or a rule.
static void write_object(struct gw_json_writer *json, const struct db_audit_event *event) {
    bool is_rule = is_of_rule(event);
    bool is_login = gw_str_equal(event->action, GW_STR("approve"));
    gw_json_put_string_or_null(json, is_rule ? "ruleId" : "tokenId", event->token_id);
    gw_json_put_string_or_null(json, is_rule ? "ruleName" : "tokenName", event->token_name);
    if (event->facts.at == NULL)
        return;
    bool is_leak = gw_str_equal(event->action, GW_STR("revoke"));
    gw_json_key(json, is_rule ? "rule" : is_login ? "login" : is_leak ? "leak" : "identity");
    gw_json_write_raw(json, event->facts);
}

static void write_event(struct gw_json_writer *json, const struct db_audit_event *event) {
    bool is_exchange = gw_str_equal(event->action, GW_STR("exchange"));
    gw_json_open_object(json);
    write_event_id(json, "id", event->id);
    gw_json_put_time(json, "at", event->at_ms);
    gw_json_put_string_or_null(json, "action", event->action);
    write_object(json, event);
    if (event->successor_id.at != NULL)
        gw_json_put_string_or_null(json, "successorId", event->successor_id);
    if (event->ended_ms != DB_NO_TIME)
        gw_json_put_time(json, is_exchange ? "expiresAt" : "endedAt", event->ended_ms);
    if (event->changed.at != NULL)
        write_changed(json, event->changed);
    write_actor(json, event);
    gw_json_put_string_or_null(json, "address", address_of(event));
    gw_json_close_object(json);
}

static void write_next(struct gw_json_writer *json, const struct db_audit_filter *filter,
                       const struct db_audit_event *last, bool has_more) {
    if (filter->order == DB_AUDIT_OLDEST_FIRST)
        write_event_id(json, "next", last != NULL ? last->id : filter->position);
    else if (has_more)
        write_event_id(json, "next", last->id);
    else
        gw_json_put_null(json, "next");
}

static void write_page(struct gw_json_writer *json, const struct db_audit_filter *filter,
                       const struct db_audit_event *events, int count, bool has_more) {
    int written = 0;
    gw_json_open_object(json);
    gw_json_key(json, "events");
    gw_json_open_array(json);
    while (written < count && gw_buf_length(json->out) < PAGE_BYTES_MAX)
        write_event(json, &events[written++]);
    gw_json_close_array(json);
    gw_assert(written > 0 || (count == 0 && !has_more));
    write_next(json, filter, written > 0 ? &events[written - 1] : NULL,
               has_more || written < count);
    gw_json_close_object(json);
}

static void on_listed(struct db_audit_list *store_call, enum gw_status status,
                      const struct db_audit_event *events, int count, bool has_more) {
    struct gw_exchange *exchange =
        gw_container_of(store_call, struct list_call, store_call)->handler.exchange;
    if (status != GW_OK) {
        gw_api_reply_database(exchange, status);
        return;
    }
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, PAGE_BYTES_MAX + EVENT_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    write_page(&json, &store_call->filter, events, count, has_more);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

static void on_over(struct gw_handler *handler) {
    struct list_call *call = gw_container_of(handler, struct list_call, handler);
    db_pool_cancel(handler->exchange->services->pool, &call->store_call.query);
}

void gw_audit_api_list(struct gw_exchange *exchange) {
    static const struct gw_handler_calls calls = {.on_over = on_over};
    struct gw_audit_request request;
    struct gw_refusal refusal;
    if (!gw_audit_request_parse(exchange->match.query, &request, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    struct list_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_assert(exchange->has_identity);
    call->handler = (struct gw_handler){.calls = &calls, .exchange = exchange};
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.filter = request.filter;
    call->store_call.limit = request.limit;
    call->store_call.on_done = on_listed;
    gw_list_init(&call->store_call.query.link);
    exchange->handler = &call->handler;
    enum gw_status status = db_audit_list(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}
