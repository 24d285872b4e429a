// SPDX-License-Identifier: MIT
#include "gateway/api/issue.h"

#include <string.h>

#include "base/json.h"
#include "gateway/api/known_names.h"
#include "gateway/api/reply.h"
#include "gateway/api/requests.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/last_used.h"
#include "gateway/exchange/services.h"
#include "gateway/exchange/token_json.h"

struct gw_exchange *gw_issue_exchange(const struct gw_issue_call *call) {
    return call->body.handler.exchange;
}

// ---- the request ----

bool gw_issue_read_key(struct gw_exchange *exchange, struct gw_str *key) {
    struct gw_refusal refusal;
    if (gw_idempotency_key_read(exchange->request, key, &refusal))
        return true;
    gw_exchange_refuse(exchange, &refusal);
    return false;
}

static void on_whole(struct gw_api_body *body) {
    struct gw_issue_call *call = gw_container_of(body, struct gw_issue_call, body);
    struct gw_exchange *exchange = gw_issue_exchange(call);
    struct gw_refusal refusal;
    if (!gw_known_parameters_check(&exchange->arena, exchange->match.query, GW_STR(""), &refusal)) {
        gw_exchange_refuse(exchange, &refusal);
        return;
    }
    gw_token_digest(gw_buf_bytes(&body->bytes), call->request->body_digest);
    call->act(call);
}

static void on_over(struct gw_api_body *body) {
    struct gw_issue_call *call = gw_container_of(body, struct gw_issue_call, body);
    db_pool_cancel(gw_issue_exchange(call)->services->pool, call->query);
    gw_new_token_wipe(&call->new_token);
}

void gw_issue_start(struct gw_issue_call *call, struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    gw_assert(exchange->has_identity);
    gw_list_init(&call->query->link);
    gw_api_body_init(&call->body, exchange, GW_API_BODY_JSON, &calls);
    gw_api_body_read(&call->body);
}

// ---- the outcome ----

bool gw_issue_may_replace(struct gw_exchange *exchange, struct db_request_key *request,
                          char instead_of[DB_ID_LENGTH_MAX],
                          const struct db_earlier_token *earlier) {
    const struct gw_last_used *last_used = exchange->services->auth->last_used;
    bool was_asked = request->instead_of.at != NULL;
    gw_assert(earlier->id.length > 0);
    if (was_asked || !earlier->may_repeat || earlier->id.length > DB_ID_LENGTH_MAX ||
        gw_last_used_find(last_used, earlier->id) != DB_NO_TIME)
        return false;
    memcpy(instead_of, earlier->id.at, earlier->id.length);
    request->instead_of = gw_str(instead_of, earlier->id.length);
    return true;
}

bool gw_issue_replaces(struct gw_issue_call *call, const struct db_earlier_token *earlier) {
    return gw_issue_may_replace(gw_issue_exchange(call), call->request, call->instead_of, earlier);
}

void gw_issue_refuse_superseded(struct gw_exchange *exchange,
                                const struct db_superseded_token *superseded) {
    if (superseded->is_there)
        gw_auth_cache_revoke(exchange->services->auth->cache, superseded->digest,
                             superseded->event_seq);
}

static void write_old(struct gw_json_writer *json, const struct gw_issue_old *old) {
    gw_json_key(json, "replaces");
    gw_json_open_object(json);
    gw_json_put_string(json, "id", old->id);
    gw_json_put_time(json, "expiresAt", old->expires_ms);
    gw_json_close_object(json);
}

void gw_issue_respond(struct gw_issue_call *call, const struct db_token_row *row,
                      const struct gw_issue_old *old) {
    struct gw_buf body;
    gw_buf_init(&body, GW_BODY_OWN_BYTES_MAX);
    struct gw_json_writer json;
    char *unused;
    gw_json_writer_init(&json, &body);
    // The whole memory at once: a buffer that grows would leave copies of the secret behind.
    json.status = gw_buf_reserve(&body, GW_BODY_OWN_BYTES_MAX, &unused);
    gw_json_open_object(&json);
    gw_token_json_write(&json, row);
    gw_json_put_string(&json, "token", gw_new_token_secret(&call->new_token));
    if (old != NULL)
        write_old(&json, old);
    gw_json_close_object(&json);
    gw_api_reply_json(gw_issue_exchange(call), 201, &json);
    gw_buf_deinit_wiped(&body);
}
