// SPDX-License-Identifier: MIT
#include "gateway/api/rotate.h"

#include <string.h>

#include "gateway/api/issue.h"
#include "gateway/api/reply.h"
#include "gateway/api/requests.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/exchange/services.h"

struct rotate_call {
    struct gw_issue_call issue;
    struct db_token_rotate store_call;
    struct gw_rotate_request request;
};

static void submit(struct rotate_call *call) {
    struct gw_exchange *exchange = gw_issue_exchange(&call->issue);
    enum gw_status status = db_tokens_rotate(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void fail_rotated(struct gw_exchange *exchange, const struct db_earlier_token *successor) {
    struct gw_str message = gw_arena_printf(
        &exchange->arena, "The token has been rotated: its successor is %.*s%s.",
        GW_STR_ARG(successor->id), successor->is_revoked ? ", which was used and is revoked" : "");
    if (message.at != NULL)
        gw_exchange_fail(exchange, GW_ERROR_ALREADY_ROTATED, message.at);
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
}

static void act_on_successor(struct rotate_call *call) {
    if (gw_issue_replaces(&call->issue, &call->store_call.earlier))
        submit(call);
    else
        fail_rotated(gw_issue_exchange(&call->issue), &call->store_call.earlier);
}

static void fail_denied(struct gw_exchange *exchange, const struct db_token_rotate *store_call) {
    if (store_call->refusal == DB_REFUSAL_LIVES_TOO_LONG)
        gw_api_reply_lives_too_long(exchange, store_call->expires_ms_max);
    else
        gw_api_reply_change(exchange, GW_DENIED, store_call->refusal);
}

// Brings the cache up to date with the end of the old token.
static void note_old(struct gw_auth_cache *cache, const struct db_token_rotation *rotation) {
    bool is_ended = rotation->old_expires_ms != DB_NO_TIME &&
                    rotation->old_expires_ms <= rotation->successor.created_ms;
    if (is_ended)
        gw_auth_cache_end(cache, rotation->old_digest, rotation->old_event_seq);
    else
        gw_auth_cache_forget(cache, rotation->old_digest);
}

static void finish(struct rotate_call *call, const struct db_token_rotation *rotation) {
    struct gw_exchange *exchange = gw_issue_exchange(&call->issue);
    note_old(exchange->services->auth->cache, rotation);
    gw_issue_refuse_superseded(exchange, &rotation->superseded);
    gw_issue_respond(&call->issue, &rotation->successor,
                     &(struct gw_issue_old){call->store_call.id, rotation->old_expires_ms});
}

static void on_rotated(struct db_token_rotate *store_call, enum gw_status status,
                       const struct db_token_rotation *rotation) {
    struct rotate_call *call = gw_container_of(store_call, struct rotate_call, store_call);
    struct gw_exchange *exchange = gw_issue_exchange(&call->issue);
    if (status == GW_OK)
        finish(call, rotation);
    else if (status == GW_CONFLICT)
        act_on_successor(call);
    else if (status == GW_DENIED)
        fail_denied(exchange, store_call);
    else
        gw_api_reply_change(exchange, status, store_call->refusal);
}

static void store_rotated(struct rotate_call *call) {
    struct gw_exchange *exchange = gw_issue_exchange(&call->issue);
    struct db_token_rotate *store_call = &call->store_call;
    memcpy(store_call->new_digest, call->issue.new_token.digest, DB_DIGEST_LENGTH);
    store_call->org_id = exchange->identity.org_id;
    store_call->new_id = gw_str(call->issue.new_token.id, GW_ID_LENGTH);
    store_call->new_prefix = gw_new_token_prefix(&call->issue.new_token);
    store_call->overlap_s = call->request.overlap_s;
    store_call->expires_ms = call->request.expires_ms;
    store_call->rotated_by = exchange->identity.id;
    store_call->rotated_from = gw_client_address(&exchange->client);
    store_call->on_done = on_rotated;
    submit(call);
}

static void act_on_rotate(struct gw_issue_call *issue) {
    struct rotate_call *call = gw_container_of(issue, struct rotate_call, issue);
    struct gw_exchange *exchange = gw_issue_exchange(issue);
    struct gw_refusal refusal;
    if (!gw_rotate_request_parse(&exchange->arena, gw_buf_bytes(&issue->body.bytes),
                                 exchange->services->wall_ms, &call->request, &refusal))
        gw_exchange_refuse(exchange, &refusal);
    else if (gw_new_token_make(&issue->new_token, exchange))
        store_rotated(call);
}

static void start(struct gw_exchange *exchange, struct gw_str id, bool is_own) {
    struct gw_str key;
    if (!gw_issue_read_key(exchange, &key) || !gw_api_body_check(exchange, GW_API_BODY_JSON, true))
        return;
    struct rotate_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->store_call.id = id;
    call->store_call.is_own = is_own;
    call->store_call.request.key = key;
    call->issue.query = &call->store_call.query;
    call->issue.request = &call->store_call.request;
    call->issue.act = act_on_rotate;
    gw_issue_start(&call->issue, exchange);
}

void gw_token_rotate_start(struct gw_exchange *exchange) {
    if (gw_id_valid(exchange->match.id))
        start(exchange, exchange->match.id, false);
    else
        gw_api_reply_no_token(exchange);
}

void gw_token_rotate_own_start(struct gw_exchange *exchange) {
    start(exchange, exchange->identity.id, true);
}
