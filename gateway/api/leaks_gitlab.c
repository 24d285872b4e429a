// SPDX-License-Identifier: MIT
#include "gateway/api/leaks_gitlab.h"

#include "base/json.h"
#include "db/leaks.h"
#include "gateway/api/body.h"
#include "gateway/api/leak_report.h"
#include "gateway/api/reply.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/bearer.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/cache_changes.h"
#include "gateway/auth/failed_tokens.h"
#include "gateway/auth/leak_secret.h"
#include "gateway/exchange/services.h"

#define TYPES_BYTES_MAX 1024

struct leaks_call {
    struct gw_api_body body;
    struct db_leaks store_call;
    struct gw_leak_report report;
};

// ---- who asks ----

static void refuse_secret(struct gw_exchange *exchange) {
    struct gw_services *services = exchange->services;
    uint64_t wait_s = gw_failed_tokens_charge(services->auth->failed_tokens, &exchange->client,
                                              services->touched_ms);
    services->metrics->failed_tokens_total++;
    services->metrics->leak_reports_total[GW_LEAK_REPORT_REFUSED]++;
    if (wait_s == 0)
        gw_exchange_fail(exchange, GW_ERROR_INVALID_TOKEN,
                         "The secret is not that of --leaks-gitlab-secret-file.");
    else
        gw_exchange_fail_until(exchange, GW_ERROR_TOO_MANY_FAILED_TOKENS,
                               "Too many invalid tokens came from this address. Try later.",
                               wait_s);
}

// GitLab sends its secret without a scheme; one that has the scheme in front is the same.
static struct gw_str shown_secret(const struct gw_http_head *request) {
    struct gw_str secret;
    return gw_bearer_find(request, &secret) == GW_BEARER_FOUND
               ? secret
               : gw_http_head_field(request, GW_FIELD_AUTHORIZATION)->value;
}

// False: the exchange is answered.
static bool is_gitlab(struct gw_exchange *exchange) {
    const struct gw_leak_secret *secret = exchange->services->leak_secret;
    int count = gw_http_head_count(exchange->request, GW_FIELD_AUTHORIZATION);
    bool is_it = false;
    if (secret == NULL || !secret->is_set)
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND,
                         "GitLab reports nothing here: there is no --leaks-gitlab-secret-file.");
    else if (count == 0)
        gw_exchange_fail(exchange, GW_ERROR_MISSING_TOKEN,
                         "The secret of GitLab is needed in the field Authorization.");
    else if (count > 1)
        gw_exchange_fail(exchange, GW_ERROR_BAD_REQUEST, "There must be one Authorization field.");
    else if (!(is_it = gw_leak_secret_is(secret, shown_secret(exchange->request))))
        refuse_secret(exchange);
    return is_it;
}

// ---- types ----

void gw_leaks_gitlab_start_types(struct gw_exchange *exchange) {
    struct gw_buf body;
    struct gw_json_writer json;
    if (!is_gitlab(exchange))
        return;
    gw_buf_init(&body, TYPES_BYTES_MAX);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_json_key(&json, "types");
    gw_json_open_array(&json);
    gw_json_write_string(&json, GW_STR(GW_LEAK_TYPE_GITLAB));
    gw_json_close_array(&json);
    gw_json_close_object(&json);
    gw_api_reply_json(exchange, 200, &json);
    gw_buf_deinit(&body);
}

// ---- a report ----

static void respond(struct leaks_call *call) {
    struct gw_exchange *exchange = call->body.handler.exchange;
    exchange->services->metrics->leak_reports_total[GW_LEAK_REPORT_TAKEN]++;
    gw_exchange_respond(exchange, 204, NULL, 0, NULL, GW_STR(""));
}

static void refuse_report(struct gw_exchange *exchange, const struct gw_refusal *refusal) {
    exchange->services->metrics->leak_reports_total[GW_LEAK_REPORT_REFUSED]++;
    gw_exchange_refuse(exchange, refusal);
}

static void fail_report(struct gw_exchange *exchange, enum gw_status status) {
    exchange->services->metrics->leak_reports_total[GW_LEAK_REPORT_FAILED]++;
    gw_api_reply_database(exchange, status);
}

// This gateway refuses them from now on; the others hear of it by the log.
static void on_revoked(struct db_leaks *store_call, enum gw_status status,
                       const struct db_leaked_token *tokens, int count) {
    struct leaks_call *call = gw_container_of(store_call, struct leaks_call, store_call);
    struct gw_services *services = call->body.handler.exchange->services;
    int64_t *leaked = services->metrics->leaked_tokens_total;
    if (status != GW_OK) {
        fail_report(call->body.handler.exchange, status);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (tokens[i].event_seq != 0)
            gw_auth_cache_revoke(services->auth->cache, tokens[i].digest, tokens[i].event_seq);
        leaked[tokens[i].event_seq != 0 ? GW_LEAKED_REVOKED : GW_LEAKED_ENDED]++;
    }
    leaked[GW_LEAKED_UNKNOWN] += call->report.leak_count - count;
    respond(call);
}

static void on_whole(struct gw_api_body *body) {
    struct leaks_call *call = gw_container_of(body, struct leaks_call, body);
    struct gw_exchange *exchange = body->handler.exchange;
    struct gw_refusal refusal;
    if (!gw_leak_report_parse(&exchange->arena, gw_buf_bytes(&body->bytes), &call->report,
                              &refusal)) {
        refuse_report(exchange, &refusal);
        return;
    }
    if (call->report.leak_count == 0) {
        respond(call);
        return;
    }
    call->store_call.leaks = call->report.leaks;
    call->store_call.leak_count = call->report.leak_count;
    call->store_call.reported_by = GW_STR(DB_GITLAB);
    call->store_call.from = gw_client_address(&exchange->client);
    call->store_call.on_done = on_revoked;
    enum gw_status status = db_leaks_submit(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        fail_report(exchange, status);
}

static void on_over(struct gw_api_body *body) {
    struct leaks_call *call = gw_container_of(body, struct leaks_call, body);
    db_pool_cancel(body->handler.exchange->services->pool, &call->store_call.query);
}

void gw_leaks_gitlab_start(struct gw_exchange *exchange) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    if (!is_gitlab(exchange) || !gw_api_body_check(exchange, GW_API_BODY_LEAKS, false))
        return;
    struct leaks_call *call = gw_api_reply_start_call(exchange, sizeof(*call));
    if (call == NULL)
        return;
    gw_list_init(&call->store_call.query.link);
    gw_api_body_init(&call->body, exchange, GW_API_BODY_LEAKS, &calls);
    gw_api_body_read_secret(&call->body);
}
