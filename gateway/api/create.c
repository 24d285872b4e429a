// SPDX-License-Identifier: MIT
#include "gateway/api/create.h"

#include <string.h>

#include "gateway/api/issue.h"
#include "gateway/api/reply.h"
#include "gateway/api/requests.h"
#include "gateway/exchange/services.h"

struct create_call {
    struct gw_issue_call issue;
    struct db_token_create store_call;
    struct gw_token_request request;
};

static void submit(struct create_call *call) {
    struct gw_exchange *exchange = gw_issue_exchange(&call->issue);
    enum gw_status status = db_tokens_create(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void fail_created(struct gw_exchange *exchange, const struct db_earlier_token *earlier) {
    struct gw_str message = gw_arena_printf(
        &exchange->arena,
        "A request with this Idempotency-Key has made the token %.*s, which was used%s.",
        GW_STR_ARG(earlier->id), earlier->is_revoked ? ", and is revoked" : "");
    if (message.at != NULL)
        gw_exchange_fail(exchange, GW_ERROR_ALREADY_CREATED, message.at);
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
}

// An id or a digest that is taken, without an earlier token, is an accident of random numbers.
static void act_on_earlier(struct create_call *call) {
    struct gw_exchange *exchange = gw_issue_exchange(&call->issue);
    const struct db_earlier_token *earlier = &call->store_call.earlier;
    if (earlier->id.at == NULL)
        gw_api_reply_database(exchange, GW_CONFLICT);
    else if (gw_issue_replaces(&call->issue, earlier))
        submit(call);
    else
        fail_created(exchange, earlier);
}

static void fail_denied(struct gw_exchange *exchange, const struct db_token_create *store_call) {
    if (store_call->refusal == DB_REFUSAL_ENDS_TOO_LATE)
        gw_api_reply_ends_too_late(exchange, store_call->expires_ms_max);
    else
        gw_api_reply_change(exchange, GW_DENIED, store_call->refusal);
}

// GW_NOT_FOUND: the organisation is gone, and with it the token that asks.
static void on_created(struct db_token_create *store_call, enum gw_status status,
                       const struct db_token_row *made) {
    struct create_call *call = gw_container_of(store_call, struct create_call, store_call);
    struct gw_exchange *exchange = gw_issue_exchange(&call->issue);
    if (status == GW_OK) {
        gw_issue_refuse_superseded(exchange, &store_call->superseded);
        gw_issue_respond(&call->issue, made, NULL);
    } else if (status == GW_CONFLICT) {
        act_on_earlier(call);
    } else if (status == GW_NOT_FOUND) {
        gw_api_reply_change(exchange, GW_DENIED, DB_REFUSAL_NOT_LIVE);
    } else if (status == GW_DENIED) {
        fail_denied(exchange, store_call);
    } else {
        gw_api_reply_database(exchange, status);
    }
}

static void store_created(struct create_call *call) {
    struct gw_exchange *exchange = gw_issue_exchange(&call->issue);
    struct db_token_create *store_call = &call->store_call;
    memcpy(store_call->digest, call->issue.new_token.digest, DB_DIGEST_LENGTH);
    store_call->org_id = exchange->identity.org_id;
    store_call->id = gw_str(call->issue.new_token.id, GW_ID_LENGTH);
    store_call->name = call->request.name;
    store_call->prefix = gw_new_token_prefix(&call->issue.new_token);
    store_call->description = call->request.description;
    store_call->scopes = call->request.scopes;
    store_call->expires_ms = call->request.expires_ms;
    store_call->binds_children = call->request.binds_children;
    store_call->rotates_itself = call->request.rotates_itself;
    store_call->bound_san = call->request.bound_san;
    store_call->allowed_ips = call->request.allowed_ips;
    store_call->allowed_ip_count = call->request.allowed_ip_count;
    store_call->created_by = exchange->identity.id;
    store_call->created_from = gw_client_address(&exchange->client);
    store_call->on_done = on_created;
    submit(call);
}

static void act_on_create(struct gw_issue_call *issue) {
    struct create_call *call = gw_container_of(issue, struct create_call, issue);
    struct gw_exchange *exchange = gw_issue_exchange(issue);
    struct gw_refusal refusal;
    if (!gw_token_request_parse(&exchange->arena, gw_buf_bytes(&issue->body.bytes),
                                exchange->services->wall_ms, &call->request, &refusal))
        gw_exchange_refuse(exchange, &refusal);
    else if (gw_new_token_make(&issue->new_token, exchange))
        store_created(call);
}

void gw_token_create_start(struct gw_exchange *exchange) {
    struct gw_str key;
    if (!gw_issue_read_key(exchange, &key) || !gw_api_body_check(exchange, GW_API_BODY_JSON, false))
        return;
    struct create_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->store_call.request.key = key;
    call->issue.query = &call->store_call.query;
    call->issue.request = &call->store_call.request;
    call->issue.act = act_on_create;
    gw_issue_start(&call->issue, exchange);
}
