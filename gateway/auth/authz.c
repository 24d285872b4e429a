// SPDX-License-Identifier: MIT
// From the request to the verdict, top to bottom:
//
//      head ──▶ secret ──▶ question to the cache ──▶ row ──▶ judged (judgement.h) ──▶ admitted
//        │         │                │                          │                        │
//        └─────────┴────────────────┴──────────────────────────┴────────────────────────┴─▶ verdict
//
// What a verdict costs is done here alone: a failed token is counted against its client, an
// admitted use against the rates and as the token's last. A token that is to be looked up is
// charged as a failed one before, and the charge goes back unless it is one: the client cannot try
// more of them at once than one after another.
#include "gateway/auth/authz.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/auth/auth.h"
#include "gateway/auth/bearer.h"
#include "gateway/auth/failed_tokens.h"
#include "gateway/auth/last_used.h"
#include "gateway/auth/rate_limit.h"
#include "gateway/auth/secret.h"
#include "gateway/auth/token_row.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/metrics.h"
#include "gateway/settings/org_metrics.h"
#include "token/limits.h"

static const struct gw_judgement two_fields = {
    GW_VERDICT_REFUSED, {GW_ERROR_BAD_REQUEST, "There must be one Authorization field."}};
static const struct gw_judgement missing_token = {
    GW_VERDICT_UNAUTHENTICATED,
    {GW_ERROR_MISSING_TOKEN,
     "A token is needed: send the field Authorization with Bearer and the token."}};
static const struct gw_judgement over_budget = {
    GW_VERDICT_LIMITED,
    {GW_ERROR_TOO_MANY_FAILED_TOKENS,
     "Too many invalid tokens came from this address to look at another. Try later."}};
static const struct gw_judgement over_rate = {
    GW_VERDICT_LIMITED,
    {GW_ERROR_RATE_LIMITED, "Too many requests; RateLimit says of which limit. Try again later."}};

// ---- the secret of a head ----

static bool has_credentials(const struct gw_exchange *exchange) {
    return gw_http_head_count(exchange->request, GW_FIELD_AUTHORIZATION) > 0;
}

// NULL: the head has one secret.
static const struct gw_judgement *find_secret(const struct gw_exchange *exchange,
                                              struct gw_str *secret) {
    switch (gw_bearer_find(exchange->request, secret)) {
    case GW_BEARER_FOUND:
        return NULL;
    case GW_BEARER_TWICE:
        return &two_fields;
    case GW_BEARER_MISSING:
    default:
        return &missing_token;
    }
}

bool gw_authz_accepts(const struct gw_config *config, struct gw_str secret) {
    enum gw_token_kind own = config->is_test_environment ? GW_TOKEN_TEST : GW_TOKEN_LIVE;
    enum gw_token_kind kind;
    return gw_token_syntax_parse(secret, &kind) == GW_OK &&
           (kind == own || kind == GW_TOKEN_LEGACY);
}

// ---- tokens that are not live ----

// False: the client has tried too many failed tokens to have another looked at.
static bool charge(struct gw_decision *decision) {
    const struct gw_services *services = decision->exchange->services;
    gw_assert(!decision->is_charged);
    decision->wait_s = gw_failed_tokens_charge(services->auth->failed_tokens,
                                               &decision->exchange->client, uv_now(services->loop));
    decision->is_charged = decision->wait_s == 0;
    return decision->is_charged;
}

static void give_back(struct gw_decision *decision) {
    const struct gw_services *services = decision->exchange->services;
    if (decision->is_charged)
        gw_failed_tokens_give_back(services->auth->failed_tokens, &decision->exchange->client,
                                   uv_now(services->loop));
    decision->is_charged = false;
}

static struct gw_judgement refuse_unseen(struct gw_decision *decision) {
    decision->is_unseen = true;
    return over_budget;
}

// Malformed, unknown or revoked: the client's budget pays for it, or has paid.
static struct gw_judgement refuse_failed(struct gw_decision *decision) {
    decision->exchange->services->metrics->failed_tokens_total++;
    if (!decision->is_charged)
        (void)charge(decision);
    return gw_judgement_invalid;
}

// A charge whose client has hung up before the answer, and what it is about.
struct charge_left {
    struct gw_auth_question question;
    const struct gw_services *services;
    struct gw_client client;
};

static void on_answer_to_nobody(struct gw_auth_question *question, enum gw_auth_answer answer,
                                const struct db_token_row *row) {
    struct charge_left *left = gw_container_of(question, struct charge_left, question);
    (void)row;
    if (answer != GW_AUTH_ABSENT)
        gw_failed_tokens_give_back(left->services->auth->failed_tokens, &left->client,
                                   uv_now(left->services->loop));
    free(left);
}

// The lookup goes on without its client, and still says whether the charge stays. Without memory
// that stays.
static void leave_charge(struct gw_decision *decision) {
    struct charge_left *left = malloc(sizeof(*left));
    if (left == NULL)
        return;
    *left = (struct charge_left){.question = decision->question,
                                 .services = decision->exchange->services,
                                 .client = decision->exchange->client};
    left->question.on_answer = on_answer_to_nobody;
    gw_list_init(&left->question.link);
    gw_auth_cache_hand_over(&decision->question, &left->question);
}

// ---- admitting: what an allowed use costs ----

// The rate limits allow what everything else allows (`row` NULL: without a token). Either way the
// response says how much is left.
static bool is_within_rates(struct gw_decision *decision, const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    struct gw_services *services = exchange->services;
    enum gw_route_rate rate = decision->match->route->rate;
    if (services->auth->rate_limit == NULL || rate == GW_ROUTE_RATE_NONE)
        return true;
    struct gw_rate_subject subject = {.client = &exchange->client,
                                      .is_search = rate == GW_ROUTE_RATE_SEARCH};
    struct gw_rate_use use;
    if (row != NULL) {
        subject.token_id = row->id;
        subject.org_id = row->org_id;
    }
    gw_rate_limit_use(services->auth->rate_limit, &subject, uv_now(services->loop), &use);
    char *fields = gw_arena_allocate(&exchange->arena, use.length + 1);
    if (fields != NULL) {
        memcpy(fields, use.fields, use.length);
        exchange->limit_fields = gw_str(fields, use.length);
    }
    decision->wait_s = use.wait_s;
    if (!use.is_allowed)
        services->metrics->rate_limited_total++;
    return use.is_allowed;
}

static bool keep_identity(struct gw_decision *decision, const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    size_t row_bytes = gw_token_row_bytes(row);
    gw_assert(!exchange->has_identity);
    char *block = gw_arena_allocate(&exchange->arena, row_bytes + DB_DIGEST_LENGTH);
    if (block == NULL)
        return false;
    gw_token_row_copy(row, block, &exchange->identity);
    memcpy(block + row_bytes, decision->question.digest, DB_DIGEST_LENGTH);
    exchange->token_digest = (const unsigned char *)block + row_bytes;
    exchange->has_identity = true;
    return true;
}

static struct gw_judgement admit(struct gw_decision *decision, const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    if (!is_within_rates(decision, row))
        return over_rate;
    if (!keep_identity(decision, row))
        return (struct gw_judgement){GW_VERDICT_UNKNOWN, gw_refusal_no_memory};
    int64_t before_ms = gw_last_used_note(exchange->services->auth->last_used, row->id,
                                          exchange->services->wall_ms);
    if (before_ms > exchange->identity.last_used_ms)
        exchange->identity.last_used_ms = before_ms;
    return gw_judgement_allowed;
}

static struct gw_judgement admit_anonymous(struct gw_decision *decision) {
    return is_within_rates(decision, NULL) ? gw_judgement_allowed : over_rate;
}

// ---- the cache's answer, judged ----

// Any response to a client that may use the token says that its end is near, a refusal for another
// reason too.
static void note_end(const struct gw_decision *decision, const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    struct gw_services *services = exchange->services;
    if (row->expires_ms == DB_NO_TIME || row->expires_ms - services->wall_ms >= GW_EXPIRES_SOON_MS)
        return;
    exchange->expires_soon_ms = row->expires_ms;
    if (!decision->is_again)
        services->metrics->decisions_expiring_total++;
}

static enum gw_decision_kind kind_of(enum gw_verdict verdict) {
    static const enum gw_decision_kind kinds[] = {
        [GW_VERDICT_ALLOW] = GW_DECISION_ALLOWED,
        [GW_VERDICT_UNAUTHENTICATED] = GW_DECISION_UNAUTHENTICATED,
        [GW_VERDICT_FORBIDDEN] = GW_DECISION_FORBIDDEN,
        [GW_VERDICT_REFUSED] = GW_DECISION_UNAUTHENTICATED,
        [GW_VERDICT_LIMITED] = GW_DECISION_LIMITED,
        [GW_VERDICT_UNKNOWN] = GW_DECISION_UNKNOWN};
    return kinds[verdict];
}

static void count_for_org(const struct gw_decision *decision, const struct db_token_row *row,
                          enum gw_verdict verdict) {
    const struct gw_services *services = decision->exchange->services;
    if (services->org_metrics != NULL && !decision->is_again)
        gw_org_metrics_count(services->org_metrics, services->worker_index, row->org_slug,
                             kind_of(verdict));
}

// The connection of a question about another request is that of the proxy that asks.
static struct gw_str certificate_names(const struct gw_decision *decision) {
    const struct gw_exchange *exchange = decision->exchange;
    return decision->match == &exchange->match ? gw_exchange_certificate_names(exchange)
                                               : gw_str(NULL, 0);
}

static struct gw_judgement judge_live(struct gw_decision *decision,
                                      const struct db_token_row *row) {
    struct gw_exchange *exchange = decision->exchange;
    gw_report_note_token(&exchange->report, row);
    const struct gw_judged_use use = {.match = decision->match,
                                      .client = &exchange->client,
                                      .certificate_names = certificate_names(decision),
                                      .now_ms = exchange->services->wall_ms};
    struct gw_judgement judgement = gw_judge_token(row, &use);
    if (judgement.verdict == GW_VERDICT_ALLOW) {
        note_end(decision, row);
        judgement = gw_judge_reach(row, decision->match);
    }
    if (judgement.verdict == GW_VERDICT_ALLOW && !decision->is_again)
        judgement = admit(decision, row);
    count_for_org(decision, row, judgement.verdict);
    return judgement;
}

static struct gw_judgement judge_answer(struct gw_decision *decision, enum gw_auth_answer answer,
                                        const struct db_token_row *row) {
    if (answer != GW_AUTH_ABSENT)
        give_back(decision);
    switch (answer) {
    case GW_AUTH_LIVE:
        return judge_live(decision, row);
    case GW_AUTH_ABSENT:
        return decision->is_again ? gw_judgement_invalid : refuse_failed(decision);
    case GW_AUTH_UNSEEN:
        return refuse_unseen(decision);
    case GW_AUTH_UNKNOWN:
    case GW_AUTH_PENDING:
    default:
        return gw_judgement_unknown;
    }
}

// ---- the verdict ----

// For the access log and Server-Timing.
static void report_verdict(const struct gw_decision *decision) {
    struct gw_report *report = &decision->exchange->report;
    if (decision->has_waited || report->is_wanted ||
        decision->exchange->services->config->server_timing)
        gw_report_end_time(&report->decision);
    report->source = decision->question.source;
    report->verdict = decision->verdict == GW_VERDICT_ALLOW     ? GW_REPORT_ALLOW
                      : decision->verdict == GW_VERDICT_UNKNOWN ? GW_REPORT_UNKNOWN
                                                                : GW_REPORT_DENY;
}

static void put_verdict(struct gw_decision *decision, const struct gw_judgement *judgement) {
    decision->verdict = judgement->verdict;
    decision->refusal = judgement->refusal;
    report_verdict(decision);
}

static void count_verdict(const struct gw_decision *decision) {
    decision->exchange->services->metrics->decisions_total[kind_of(decision->verdict)]++;
}

static void decide_as(struct gw_decision *decision, struct gw_judgement judgement) {
    gw_assert(!decision->is_pending);
    put_verdict(decision, &judgement);
    if (decision->is_again)
        return;
    count_verdict(decision);
    // One from memory counts as 0, without the log: it takes less than the first bound of the
    // histogram, and reading the clock would cost a tenth of it.
    gw_histogram_observe(&decision->exchange->services->metrics->decisions,
                         decision->exchange->report.decision.took_ns);
}

// ---- asking ----

static void on_answer(struct gw_auth_question *question, enum gw_auth_answer answer,
                      const struct db_token_row *row) {
    struct gw_decision *decision = gw_container_of(question, struct gw_decision, question);
    gw_assert(decision->is_pending);
    decision->is_pending = false;
    gw_report_end_time(&decision->exchange->report.lookup);
    decide_as(decision, judge_answer(decision, answer, row));
    decision->on_decided(decision);
}

// Prefix, digest and is_for_known are set. False: on_answer follows.
static bool put_question(struct gw_decision *decision) {
    struct gw_exchange *exchange = decision->exchange;
    struct gw_auth_question *question = &decision->question;
    struct db_token_row row;
    question->scope = decision->match->route->scope;
    question->on_answer = on_answer;
    enum gw_auth_answer answer = gw_auth_cache_ask(exchange->services->auth->cache, question, &row);
    if (answer == GW_AUTH_UNSEEN && charge(decision)) {
        question->is_for_known = false;
        answer = gw_auth_cache_ask(exchange->services->auth->cache, question, &row);
    }
    if (answer == GW_AUTH_PENDING) {
        decision->is_pending = decision->has_waited = true;
        gw_report_begin_time(&exchange->report.lookup);
        return false;
    }
    decide_as(decision, judge_answer(decision, answer, &row));
    return true;
}

static bool ask_for_secret(struct gw_decision *decision, struct gw_str secret) {
    struct gw_auth_question *question = &decision->question;
    memcpy(question->prefix, secret.at, GW_TOKEN_PREFIX_LENGTH);
    gw_token_digest(secret, question->digest);
    // Cache first: a live token is never refused for its client's earlier failures.
    question->is_for_known = decision->exchange->services->auth->failed_tokens != NULL;
    return put_question(decision);
}

static bool decide(struct gw_decision *decision) {
    struct gw_exchange *exchange = decision->exchange;
    struct gw_str secret;
    if (decision->match->route->access == GW_ACCESS_OPTIONAL && !has_credentials(exchange)) {
        decide_as(decision, admit_anonymous(decision));
        return true;
    }
    const struct gw_judgement *refusal = find_secret(exchange, &secret);
    if (refusal != NULL) {
        decide_as(decision, *refusal);
        return true;
    }
    if (!gw_authz_accepts(exchange->services->config, secret)) {
        decide_as(decision, charge(decision) ? refuse_failed(decision) : refuse_unseen(decision));
        return true;
    }
    return ask_for_secret(decision, secret);
}

static void init(struct gw_decision *decision, struct gw_exchange *exchange,
                 const struct gw_route_match *match,
                 void (*on_decided)(struct gw_decision *decision)) {
    gw_list_init(&decision->question.link);
    decision->question.source = GW_REPORT_NO_SOURCE;
    exchange->report.route = match->route;
    if (match->route->access != GW_ACCESS_OPEN)
        gw_report_begin_decision(&exchange->report);
    decision->exchange = exchange;
    decision->match = match;
    decision->is_pending = decision->has_waited = false;
    decision->is_again = false;
    decision->is_charged = false;
    decision->is_unseen = false;
    decision->on_decided = on_decided;
}

bool gw_authz_start(struct gw_decision *decision, struct gw_exchange *exchange,
                    const struct gw_route_match *match,
                    void (*on_decided)(struct gw_decision *decision)) {
    init(decision, exchange, match, on_decided);
    // An open route looks at no token: there is nothing to decide, and nothing to count.
    if (match->route->access == GW_ACCESS_OPEN) {
        put_verdict(decision, &gw_judgement_allowed);
        return true;
    }
    return decide(decision);
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
    if (decision->is_charged)
        leave_charge(decision);
    gw_auth_cache_cancel(&decision->question);
}

void gw_authz_refuse(const struct gw_decision *decision) {
    gw_assert(!decision->is_pending && decision->verdict != GW_VERDICT_ALLOW);
    if (decision->verdict != GW_VERDICT_LIMITED) {
        gw_exchange_refuse(decision->exchange, &decision->refusal);
        return;
    }
    gw_exchange_fail_until(decision->exchange, decision->refusal.error, decision->refusal.message,
                           decision->wait_s);
}
