// SPDX-License-Identifier: MIT
#include "gateway/auth/authz.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "gateway/auth/failed_tokens.h"
#include "gateway/auth/last_used.h"
#include "gateway/auth/rate_limit.h"
#include "gateway/auth/secret.h"
#include "gateway/auth/token_row.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/metrics.h"

static bool settle_judged(struct gw_decision *decision, const struct gw_judgement *judgement) {
    decision->verdict = judgement->verdict;
    decision->refusal = judgement->refusal;
    return true;
}

static bool settle(struct gw_decision *decision, enum gw_verdict verdict, enum gw_error error,
                   const char *message) {
    const struct gw_judgement judgement = {verdict, {error, message}};
    return settle_judged(decision, &judgement);
}

// What a client tries that is no live token, whatever is the matter with it.
static bool settle_failed(struct gw_decision *decision) {
    struct gw_services *services = decision->exchange->services;
    services->metrics->failed_tokens_total++;
    gw_failed_tokens_note(services->failed_tokens, &decision->exchange->client,
                          uv_now(services->loop));
    return settle_judged(decision, &gw_judgement_invalid);
}

// Whether the client has failed too often to have another token looked at.
static bool is_over_budget(struct gw_decision *decision) {
    const struct gw_services *services = decision->exchange->services;
    decision->wait_s = gw_failed_tokens_wait_s(services->failed_tokens, &decision->exchange->client,
                                               uv_now(services->loop));
    return decision->wait_s > 0;
}

static bool settle_unseen(struct gw_decision *decision) {
    decision->is_unseen = true;
    return settle(decision, GW_VERDICT_LIMITED, GW_ERROR_TOO_MANY_FAILED_TOKENS,
                  "Too many invalid tokens came from this address to look at another. Try later.");
}

// credentials = "Bearer" 1SP token (RFC 6750 section 2.1; the scheme in any letter case, RFC 9110
// section 11.1). False: another scheme, or nothing behind it, which is as good as no credentials
// (RFC 6750 section 3.1).
static bool parse_bearer(struct gw_str credentials, struct gw_str *secret) {
    *secret = gw_str_slice(credentials, 7, credentials.length);
    return secret->length > 0 &&
           gw_str_equal_nocase(gw_str_slice(credentials, 0, 7), GW_STR("bearer "));
}

bool gw_authz_accepts(const struct gw_config *config, struct gw_str secret) {
    enum gw_token_kind own = config->is_test_environment ? GW_TOKEN_TEST : GW_TOKEN_LIVE;
    enum gw_token_kind kind;
    return gw_token_syntax_parse(secret, &kind) == GW_OK &&
           (kind == own || kind == GW_TOKEN_LEGACY);
}

static bool keep_identity(struct gw_decision *decision, const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    size_t row_bytes = gw_token_row_bytes(row);
    char *block = gw_arena_allocate(&exchange->arena, row_bytes + DB_DIGEST_LENGTH);
    if (block == NULL)
        return false;
    gw_token_row_copy(row, block, &exchange->identity);
    memcpy(block + row_bytes, decision->question.digest, DB_DIGEST_LENGTH);
    exchange->token_digest = (const unsigned char *)block + row_bytes;
    exchange->has_identity = true;
    return true;
}

// Whether the rate limits allow what everything else allows (`row` NULL: without a token). Either
// way the response says how much is left.
static bool is_within_rates(struct gw_decision *decision, const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    struct gw_services *services = exchange->services;
    enum gw_route_rate rate = decision->match->route->rate;
    if (services->rate_limit == NULL || rate == GW_ROUTE_RATE_NONE)
        return true;
    struct gw_rate_subject subject = {.client = &exchange->client,
                                      .is_search = rate == GW_ROUTE_RATE_SEARCH};
    struct gw_rate_use use;
    if (row != NULL) {
        subject.token_id = row->id;
        subject.org_id = row->org_id;
    }
    gw_rate_limit_use(services->rate_limit, &subject, uv_now(services->loop), &use);
    char *fields = gw_arena_allocate(&exchange->arena, use.length + 1);
    if (fields != NULL) {
        memcpy(fields, use.fields, use.length);
        exchange->limit_fields = gw_str(fields, use.length);
    }
    decision->wait_s = use.wait_s;
    return use.is_allowed;
}

static bool settle_over_rate(struct gw_decision *decision) {
    decision->exchange->services->metrics->rate_limited_total++;
    return settle(decision, GW_VERDICT_LIMITED, GW_ERROR_RATE_LIMITED,
                  "Too many requests; RateLimit says of which limit. Try again later.");
}

static bool settle_missing(struct gw_decision *decision) {
    return settle(decision, GW_VERDICT_UNAUTHENTICATED, GW_ERROR_MISSING_TOKEN,
                  "A token is needed: send the field Authorization with Bearer and the token.");
}

static bool settle_anonymous(struct gw_decision *decision) {
    if (!is_within_rates(decision, NULL))
        return settle_over_rate(decision);
    return settle_judged(decision, &gw_judgement_allowed);
}

// What an allowed use costs, and the judgement alone does not: it is counted and noted, and the
// exchange gets the token's identity.
static bool settle_use(struct gw_decision *decision, const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    if (!is_within_rates(decision, row))
        return settle_over_rate(decision);
    if (!keep_identity(decision, row))
        return settle(decision, GW_VERDICT_UNKNOWN, gw_refusal_no_memory.error,
                      gw_refusal_no_memory.message);
    gw_last_used_note(exchange->services->last_used, row->id, exchange->services->wall_ms);
    return settle_judged(decision, &gw_judgement_allowed);
}

// Told with whatever is answered to somebody who may use the token, if not for this.
static void note_end(struct gw_exchange *exchange, const struct db_token_row *row) {
    if (row->expires_ms != DB_NO_TIME &&
        row->expires_ms - exchange->services->wall_ms < GW_EXPIRES_SOON_MS)
        exchange->expires_soon_ms = row->expires_ms;
}

static bool settle_live(struct gw_decision *decision, const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    const struct gw_judged_use use = {.match = decision->match,
                                      .client = &exchange->client,
                                      .now_ms = exchange->services->wall_ms};
    struct gw_judgement judgement = gw_judge_token(row, &use);
    if (judgement.verdict == GW_VERDICT_ALLOW) {
        note_end(exchange, row);
        judgement = gw_judge_reach(row, decision->match);
    }
    if (judgement.verdict == GW_VERDICT_ALLOW && !decision->is_again)
        return settle_use(decision, row);
    return settle_judged(decision, &judgement);
}

static bool settle_absent(struct gw_decision *decision) {
    return decision->is_again ? settle_judged(decision, &gw_judgement_invalid)
                              : settle_failed(decision);
}

static bool settle_unavailable(struct gw_decision *decision) {
    return settle_judged(decision, &gw_judgement_unknown);
}

static void act_on_answer(struct gw_decision *decision, enum gw_auth_answer answer,
                          const struct db_token_row *row) {
    if (answer == GW_AUTH_LIVE)
        (void)settle_live(decision, row);
    else if (answer == GW_AUTH_ABSENT)
        (void)settle_absent(decision);
    else if (answer == GW_AUTH_UNSEEN)
        (void)settle_unseen(decision);
    else
        (void)settle_unavailable(decision);
}

static void count_verdict(const struct gw_decision *decision) {
    if (decision->is_again)
        return;
    struct gw_metrics *metrics = decision->exchange->services->metrics;
    switch (decision->verdict) {
    case GW_VERDICT_ALLOW:
        metrics->decisions_allowed_total++;
        break;
    case GW_VERDICT_FORBIDDEN:
        metrics->decisions_forbidden_total++;
        break;
    case GW_VERDICT_UNKNOWN:
        metrics->decisions_unknown_total++;
        break;
    case GW_VERDICT_LIMITED:
        metrics->decisions_limited_total++;
        break;
    case GW_VERDICT_UNAUTHENTICATED:
    case GW_VERDICT_REFUSED:
    default:
        metrics->decisions_unauthenticated_total++;
    }
}

static void on_answer(struct gw_auth_question *question, enum gw_auth_answer answer,
                      const struct db_token_row *row) {
    struct gw_decision *decision = gw_container_of(question, struct gw_decision, question);
    decision->is_pending = false;
    act_on_answer(decision, answer, row);
    count_verdict(decision);
    decision->on_decided(decision);
}

// Prefix, digest and is_for_known are set.
static bool put_question(struct gw_decision *decision) {
    struct gw_exchange *exchange = decision->exchange;
    struct gw_auth_question *question = &decision->question;
    struct db_token_row row;
    question->scope = decision->match->route->scope;
    question->on_answer = on_answer;
    enum gw_auth_answer answer = gw_auth_cache_ask(exchange->services->auth, question, &row);
    if (answer == GW_AUTH_UNSEEN && !is_over_budget(decision)) {
        question->is_for_known = false;
        answer = gw_auth_cache_ask(exchange->services->auth, question, &row);
    }
    if (answer == GW_AUTH_PENDING) {
        decision->is_pending = true;
        return false;
    }
    act_on_answer(decision, answer, &row);
    return true;
}

static bool ask(struct gw_decision *decision, struct gw_str secret) {
    struct gw_auth_question *question = &decision->question;
    memcpy(question->prefix, secret.at, GW_TOKEN_PREFIX_LENGTH);
    gw_token_digest(secret, question->digest);
    // Whoever uses a live token is not asked what it did before.
    question->is_for_known = decision->exchange->services->failed_tokens != NULL;
    return put_question(decision);
}

static bool decide(struct gw_decision *decision) {
    struct gw_exchange *exchange = decision->exchange;
    enum gw_route_access access = decision->match->route->access;
    int count = gw_http_head_count(exchange->request, GW_FIELD_AUTHORIZATION);
    if (count == 0 && access == GW_ACCESS_OPTIONAL)
        return settle_anonymous(decision);
    if (count == 0)
        return settle_missing(decision);
    if (count > 1)
        return settle(decision, GW_VERDICT_REFUSED, GW_ERROR_BAD_REQUEST,
                      "There must be one Authorization field.");
    struct gw_str secret;
    if (!parse_bearer(gw_http_head_field(exchange->request, GW_FIELD_AUTHORIZATION)->value,
                      &secret))
        return settle_missing(decision);
    if (!gw_authz_accepts(exchange->services->config, secret))
        return is_over_budget(decision) ? settle_unseen(decision) : settle_failed(decision);
    return ask(decision, secret);
}

static void init(struct gw_decision *decision, struct gw_exchange *exchange,
                 const struct gw_route_match *match,
                 void (*on_decided)(struct gw_decision *decision)) {
    gw_list_init(&decision->question.link);
    decision->exchange = exchange;
    decision->match = match;
    decision->is_pending = false;
    decision->is_again = false;
    decision->is_unseen = false;
    decision->on_decided = on_decided;
}

bool gw_authz_start(struct gw_decision *decision, struct gw_exchange *exchange,
                    const struct gw_route_match *match,
                    void (*on_decided)(struct gw_decision *decision)) {
    init(decision, exchange, match, on_decided);
    // Where no token is looked at there is nothing to decide, and nothing to count.
    if (match->route->access == GW_ACCESS_OPEN)
        return settle_judged(decision, &gw_judgement_allowed);
    if (!decide(decision))
        return false;
    count_verdict(decision);
    return true;
}

bool gw_authz_start_again(struct gw_decision *decision, struct gw_exchange *exchange,
                          void (*on_decided)(struct gw_decision *decision)) {
    struct gw_auth_question *question = &decision->question;
    gw_assert(exchange->has_identity);
    init(decision, exchange, &exchange->match, on_decided);
    decision->is_again = true;
    gw_services_touch(exchange->services);
    memcpy(question->prefix, exchange->identity.prefix.at, GW_TOKEN_PREFIX_LENGTH);
    memcpy(question->digest, exchange->token_digest, DB_DIGEST_LENGTH);
    question->is_for_known = false;
    return put_question(decision);
}

void gw_authz_cancel(struct gw_decision *decision) {
    if (!decision->is_pending)
        return;
    decision->is_pending = false;
    gw_auth_cache_cancel(&decision->question);
}

void gw_authz_refuse(const struct gw_decision *decision) {
    gw_assert(decision->verdict != GW_VERDICT_ALLOW);
    if (decision->verdict != GW_VERDICT_LIMITED) {
        gw_exchange_refuse(decision->exchange, &decision->refusal);
        return;
    }
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, decision->wait_s);
    const struct gw_response_field field = {GW_STR("Retry-After"), gw_str(digits, (size_t)length)};
    gw_exchange_fail_with(decision->exchange, decision->refusal.error, decision->refusal.message,
                          &field);
}
