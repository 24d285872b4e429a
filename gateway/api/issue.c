// SPDX-License-Identifier: MIT
#include "gateway/api/issue.h"

#include <string.h>

#include "base/json.h"
#include "db/tokens.h"
#include "gateway/api/body.h"
#include "gateway/api/reply.h"
#include "gateway/api/requests.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/last_used.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/services.h"
#include "gateway/exchange/token_json.h"
#include "token/id.h"

// ---- both ----

struct issue_call {
    struct gw_api_body body;
    struct gw_token_secret secret;
    unsigned char digest[DB_DIGEST_LENGTH];
    char id[GW_ID_LENGTH + 1];
    struct db_query *query;
    void (*act)(struct issue_call *call); // on the whole body
};

static struct issue_call *issue_call_of(struct gw_api_body *body) {
    return gw_container_of(body, struct issue_call, body);
}

static struct gw_exchange *exchange_of(const struct issue_call *call) {
    return call->body.handler.exchange;
}

static struct gw_str secret_of(const struct issue_call *call) {
    return gw_str(call->secret.text, call->secret.length);
}

static struct gw_str prefix_of(const struct issue_call *call) {
    return gw_str_slice(secret_of(call), 0, GW_TOKEN_PREFIX_LENGTH);
}

// A secret, its digest and an id. False: answered.
static bool mint(struct issue_call *call) {
    struct gw_exchange *exchange = exchange_of(call);
    bool is_test = exchange->services->config->is_test_environment;
    if (gw_token_mint(is_test ? GW_TOKEN_TEST : GW_TOKEN_LIVE, &call->secret) != GW_OK ||
        gw_id_make(call->id) != GW_OK) {
        gw_exchange_fail(exchange, GW_ERROR_UNAVAILABLE, "The system gives no random numbers now.");
        return false;
    }
    gw_token_digest(secret_of(call), call->digest);
    return true;
}

static void write_issued(struct gw_json_writer *json, const struct issue_call *call,
                         const struct db_token_row *row) {
    gw_token_json_write(json, row);
    gw_json_put_string(json, "token", secret_of(call));
}

static void write_replaced(struct gw_json_writer *json, struct gw_str id, int64_t expires_ms) {
    gw_json_key(json, "replaces");
    gw_json_open_object(json);
    gw_json_put_string(json, "id", id);
    gw_json_put_time(json, "expiresAt", expires_ms);
    gw_json_close_object(json);
}

// `rotation` NULL: a creation.
static void respond_issued(struct issue_call *call, const struct db_token_row *row,
                           const struct db_token_rotation *rotation) {
    struct gw_exchange *exchange = exchange_of(call);
    struct gw_buf body;
    gw_buf_init(&body, GW_BODY_OWN_BYTES_MAX);
    struct gw_json_writer json;
    char *unused;
    gw_json_writer_init(&json, &body);
    // The whole memory at once: a buffer that grows would leave copies of the secret behind.
    json.status = gw_buf_reserve(&body, GW_BODY_OWN_BYTES_MAX, &unused);
    gw_json_open_object(&json);
    write_issued(&json, call, row);
    if (rotation != NULL)
        write_replaced(&json, exchange->match.id, rotation->old_expires_ms);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 201, &json);
    gw_buf_deinit_wiped(&body);
}

static void on_whole(struct gw_api_body *body) {
    struct issue_call *call = issue_call_of(body);
    call->act(call);
}

static void on_over(struct gw_api_body *body) {
    struct issue_call *call = issue_call_of(body);
    db_pool_cancel(body->handler.exchange->services->pool, call->query);
    gw_bytes_wipe(&call->secret, sizeof(call->secret));
}

// `query` and `act` belong to the call that embeds this one.
static void start(struct issue_call *call, struct gw_exchange *exchange, struct db_query *query,
                  void (*act)(struct issue_call *call)) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    gw_assert(exchange->has_identity);
    gw_list_init(&query->link);
    call->query = query;
    call->act = act;
    gw_api_body_init(&call->body, exchange, &calls);
    gw_api_body_read(&call->body);
}

// ---- create ----

struct create_call {
    struct issue_call issue;
    struct db_token_create store_call;
    struct gw_token_request request;
};

// GW_NOT_FOUND: the organisation is gone, and with it the token that asks.
static void on_created(struct db_token_create *store_call, enum gw_status status,
                       const struct db_token_row *made) {
    struct create_call *call = gw_container_of(store_call, struct create_call, store_call);
    if (status == GW_OK)
        respond_issued(&call->issue, made, NULL);
    else if (status == GW_NOT_FOUND)
        gw_api_reply_change(exchange_of(&call->issue), GW_DENIED, DB_REFUSAL_NOT_LIVE);
    else if (status == GW_DENIED && store_call->refusal == DB_REFUSAL_ENDS_TOO_LATE)
        gw_api_reply_ends_too_late(exchange_of(&call->issue), store_call->expires_ms_max);
    else
        gw_api_reply_change(exchange_of(&call->issue), status, store_call->refusal);
}

static void store_created(struct create_call *call) {
    struct gw_exchange *exchange = exchange_of(&call->issue);
    struct db_token_create *store_call = &call->store_call;
    memcpy(store_call->digest, call->issue.digest, DB_DIGEST_LENGTH);
    store_call->org_id = exchange->identity.org_id;
    store_call->id = gw_str(call->issue.id, GW_ID_LENGTH);
    store_call->name = call->request.name;
    store_call->prefix = prefix_of(&call->issue);
    store_call->scopes = call->request.scopes;
    store_call->expires_ms = call->request.expires_ms;
    store_call->binds_children = call->request.binds_children;
    store_call->allowed_ips = call->request.allowed_ips;
    store_call->allowed_ip_count = call->request.allowed_ip_count;
    store_call->created_by = exchange->identity.id;
    store_call->created_from = gw_client_address(&exchange->client);
    store_call->on_done = on_created;
    enum gw_status status = db_tokens_create(exchange->services->pool, store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void act_on_create(struct issue_call *issue) {
    struct create_call *call = gw_container_of(issue, struct create_call, issue);
    struct gw_exchange *exchange = exchange_of(issue);
    struct gw_refusal refusal;
    if (!gw_token_request_parse(&exchange->arena, gw_buf_bytes(&issue->body.bytes),
                                exchange->services->wall_ms, &call->request, &refusal))
        gw_exchange_refuse(exchange, &refusal);
    else if (mint(issue))
        store_created(call);
}

void gw_token_issue_create(struct gw_exchange *exchange) {
    if (!gw_api_body_check(exchange, GW_API_BODY_JSON, false))
        return;
    struct create_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call != NULL)
        start(&call->issue, exchange, &call->store_call.query, act_on_create);
}

// ---- rotate ----

struct rotate_call {
    struct issue_call issue;
    struct db_token_rotate store_call;
    struct gw_rotate_request request;
};

static void submit(struct rotate_call *call) {
    struct gw_exchange *exchange = exchange_of(&call->issue);
    enum gw_status status = db_tokens_rotate(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void fail_rotated(struct gw_exchange *exchange, struct gw_str successor_id) {
    struct gw_str message =
        gw_arena_printf(&exchange->arena, "The token has been rotated: its successor is %.*s.",
                        GW_STR_ARG(successor_id));
    if (message.at != NULL)
        gw_exchange_fail(exchange, GW_ERROR_ALREADY_ROTATED, message.at);
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
}

// The token has a successor. The same rotation may be repeated, unless this process has noted a use
// of the successor that the database does not have yet.
static void act_on_successor(struct rotate_call *call, const struct db_token_rotation *rotation) {
    struct gw_exchange *exchange = exchange_of(&call->issue);
    struct gw_str id = rotation->successor.id;
    gw_assert(id.length > 0);
    bool was_asked = call->store_call.instead_of.at != NULL;
    if (was_asked || !rotation->may_repeat ||
        gw_last_used_find(exchange->services->auth->last_used, id) != DB_NO_TIME) {
        fail_rotated(exchange, id);
        return;
    }
    call->store_call.instead_of = gw_str(gw_arena_copy(&exchange->arena, id), id.length);
    if (call->store_call.instead_of.at != NULL)
        submit(call);
    else
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
}

// Brings the cache up to date with the tokens that the rotation ended or will end.
static void note_rotated(struct gw_auth_cache *cache, const struct db_token_rotation *rotation) {
    bool is_ended = rotation->old_expires_ms != DB_NO_TIME &&
                    rotation->old_expires_ms <= rotation->successor.created_ms;
    if (is_ended)
        gw_auth_cache_end(cache, rotation->old_digest, rotation->old_event_seq);
    else
        gw_auth_cache_forget(cache, rotation->old_digest);
    if (rotation->has_revoked)
        gw_auth_cache_revoke(cache, rotation->revoked_digest, rotation->revoked_event_seq);
}

static void on_rotated(struct db_token_rotate *store_call, enum gw_status status,
                       const struct db_token_rotation *rotation) {
    struct rotate_call *call = gw_container_of(store_call, struct rotate_call, store_call);
    struct gw_exchange *exchange = exchange_of(&call->issue);
    if (status == GW_OK) {
        note_rotated(exchange->services->auth->cache, rotation);
        respond_issued(&call->issue, &rotation->successor, rotation);
    } else if (status == GW_CONFLICT) {
        act_on_successor(call, rotation);
    } else {
        gw_api_reply_change(exchange, status, store_call->refusal);
    }
}

static void store_rotated(struct rotate_call *call) {
    struct gw_exchange *exchange = exchange_of(&call->issue);
    struct db_token_rotate *store_call = &call->store_call;
    memcpy(store_call->new_digest, call->issue.digest, DB_DIGEST_LENGTH);
    store_call->org_id = exchange->identity.org_id;
    store_call->id = exchange->match.id;
    store_call->new_id = gw_str(call->issue.id, GW_ID_LENGTH);
    store_call->new_prefix = prefix_of(&call->issue);
    store_call->overlap_s = call->request.overlap_s;
    store_call->expires_ms = call->request.expires_ms;
    gw_token_digest(gw_buf_bytes(&call->issue.body.bytes), store_call->body_digest);
    store_call->rotated_by = exchange->identity.id;
    store_call->rotated_from = gw_client_address(&exchange->client);
    store_call->on_done = on_rotated;
    submit(call);
}

static void act_on_rotate(struct issue_call *issue) {
    struct rotate_call *call = gw_container_of(issue, struct rotate_call, issue);
    struct gw_exchange *exchange = exchange_of(issue);
    struct gw_refusal refusal;
    if (!gw_rotate_request_parse(&exchange->arena, gw_buf_bytes(&issue->body.bytes),
                                 exchange->services->wall_ms, &call->request, &refusal))
        gw_exchange_refuse(exchange, &refusal);
    else if (mint(issue))
        store_rotated(call);
}

void gw_token_issue_rotate(struct gw_exchange *exchange) {
    struct gw_refusal refusal;
    struct gw_str key;
    if (!gw_id_valid(exchange->match.id)) {
        gw_api_reply_no_token(exchange);
        return;
    }
    if (!gw_idempotency_key_read(exchange->request, &key, &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    if (!gw_api_body_check(exchange, GW_API_BODY_JSON, true))
        return;
    struct rotate_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    call->store_call.key = key;
    start(&call->issue, exchange, &call->store_call.query, act_on_rotate);
}
