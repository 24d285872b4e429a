// SPDX-License-Identifier: MIT
// The decision, with routes from the real table. What it asks and tells is made here: the functions
// of gateway/auth/cache.h and gateway/auth/last_used.h that it calls stand below, and the linker
// takes them in place of the library's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/auth/auth.h"
#include "gateway/auth/authz.h"
#include "gateway/auth/failed_tokens.h"
#include "gateway/auth/last_used.h"
#include "gateway/auth/rate_limit.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/exchange.h"
#include "token/limits.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BODY "abcdefghijklmnopqrst" // the shortest of a foreign token
#define LIVE "sr_live_" BODY
#define NOW_MS 1700000000000
#define READ GW_SCOPE_READ
#define WRITE GW_SCOPE_WRITE
#define ADMIN GW_SCOPE_ADMIN

// ---- what stands around it ----

struct gw_auth_cache {
    enum gw_auth_answer answer;
    struct db_token_row row;
    struct gw_auth_question *question; // the last one asked
    struct gw_auth_question *heir;     // of one whose client has gone
    int ask_count;
    int cancel_count;
};

struct gw_last_used {
    int note_count;
    char id[DB_ID_LENGTH_MAX + 1];
    int64_t used_ms;
    int64_t before_ms;
};

static struct gw_auth_cache *cancelled_cache;

enum gw_auth_answer gw_auth_cache_ask(struct gw_auth_cache *cache,
                                      struct gw_auth_question *question, struct db_token_row *row) {
    if (question->is_for_known && cache->answer != GW_AUTH_LIVE)
        return GW_AUTH_UNSEEN;
    cache->ask_count++;
    cache->question = question;
    cancelled_cache = cache;
    if (cache->answer == GW_AUTH_LIVE)
        *row = cache->row;
    return cache->answer;
}

void gw_auth_cache_cancel(struct gw_auth_question *question) {
    assert_ptr_equal(question, cancelled_cache->question);
    cancelled_cache->cancel_count++;
}

void gw_auth_cache_hand_over(struct gw_auth_question *question, struct gw_auth_question *heir) {
    assert_ptr_equal(question, cancelled_cache->question);
    cancelled_cache->heir = heir;
}

int64_t gw_last_used_note(struct gw_last_used *last_used, struct gw_str token_id, int64_t used_ms) {
    last_used->note_count++;
    memcpy(last_used->id, token_id.at, token_id.length);
    last_used->id[token_id.length] = '\0';
    last_used->used_ms = used_ms;
    return last_used->before_ms;
}

struct fixture {
    uv_loop_t loop;
    struct gw_config config;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_auth auth;
    struct gw_auth_cache cache;
    struct gw_last_used last_used;
    struct gw_http_head request;
    struct gw_exchange exchange;
    struct gw_decision decision;
    struct gw_buf output;
    int decided_count;
};

static struct gw_buf *on_output_asked(struct gw_exchange *exchange) {
    return &gw_container_of(exchange, struct fixture, exchange)->output;
}

static void on_told(struct gw_exchange *exchange) {
    (void)exchange;
}

static const struct gw_exchange_owner_calls owner_calls = {.output = on_output_asked,
                                                           .on_output = on_told,
                                                           .on_response_end = on_told,
                                                           .on_response_broken = on_told};

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->services = (struct gw_services){.loop = &fixture->loop,
                                             .config = &fixture->config,
                                             .metrics = &fixture->metrics,
                                             .auth = &fixture->auth};
    fixture->last_used.before_ms = DB_NO_TIME;
    fixture->auth = (struct gw_auth){.cache = &fixture->cache, .last_used = &fixture->last_used};
    fixture->cache.answer = GW_AUTH_LIVE;
    fixture->cache.row = (struct db_token_row){.id = GW_STR("clx7f2k3a"),
                                               .name = GW_STR("ci"),
                                               .prefix = GW_STR("sr_live_abcd"),
                                               .scopes = READ,
                                               .created_ms = 1,
                                               .last_used_ms = DB_NO_TIME,
                                               .expires_ms = DB_NO_TIME,
                                               .org_id = GW_STR("clorg"),
                                               .org_slug = GW_STR("acme"),
                                               .org_name = GW_STR("Acme")};
    gw_buf_init(&fixture->output, 65536);
    gw_exchange_init(&fixture->exchange, &fixture->services, &owner_calls);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_deinit(&fixture->exchange);
    gw_buf_deinit(&fixture->output);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

static void on_decided(struct gw_decision *decision) {
    gw_container_of(decision, struct fixture, decision)->decided_count++;
}

// Routes a request with such a field Authorization (NULL: none) and starts the decision.
static bool start(struct fixture *fixture, llhttp_method_t method, const char *target,
                  const char *authorization) {
    fixture->request = (struct gw_http_head){.method = method,
                                             .method_name = gw_str_from(llhttp_method_name(method)),
                                             .target = gw_str_from(target),
                                             .version_minor = 1,
                                             .keep_alive = true};
    if (authorization != NULL)
        fixture->request.fields[fixture->request.field_count++] =
            (struct gw_http_field){.name = GW_STR("Authorization"),
                                   .value = gw_str_from(authorization),
                                   .id = GW_FIELD_AUTHORIZATION};
    gw_exchange_end(&fixture->exchange);
    gw_exchange_start(&fixture->exchange, &fixture->request);
    fixture->services.wall_ms = NOW_MS;
    assert_int_equal(gw_router_match(GW_SITE_GATEWAY, fixture->request.method_name,
                                     fixture->request.target, &fixture->exchange.match),
                     GW_ROUTE_FOUND);
    fixture->decided_count = 0;
    fixture->cache.ask_count = fixture->cache.cancel_count = 0;
    fixture->last_used.note_count = 0;
    return gw_authz_start(&fixture->decision, &fixture->exchange, &fixture->exchange.match,
                          on_decided);
}

static void come_from(struct fixture *fixture, const char *address) {
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str_from(address), &ip), GW_OK);
    fixture->exchange.client = gw_client_at(&ip);
}

#define SKILLS "/api/v1/orgs/acme/skills"
#define WHOAMI "/api/v1/auth/whoami"

static void assert_verdict(const struct fixture *fixture, enum gw_verdict verdict,
                           const char *code) {
    if (fixture->decision.verdict != verdict)
        fail_msg("verdict %d instead of %d", fixture->decision.verdict, verdict);
    if (verdict == GW_VERDICT_ALLOW)
        return;
    assert_string_equal(gw_error_row(fixture->decision.refusal.error)->code, code);
    assert_non_null(fixture->decision.refusal.message);
    // Who is refused has no identity and is no use of the token.
    assert_false(fixture->exchange.has_identity);
    assert_int_equal(fixture->last_used.note_count, 0);
}

// ---- the field ----

static void test_an_open_route_looks_at_no_token(void **state) {
    struct fixture *fixture = *state;
    fixture->cache.answer = GW_AUTH_ABSENT;
    assert_true(start(fixture, HTTP_GET, "/api/v1/public/a", "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    assert_int_equal(fixture->cache.ask_count, 0);
    assert_false(fixture->exchange.has_identity);
    assert_true(start(fixture, HTTP_POST, "/api/v1/auth/cli/initiate", NULL));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
}

static void test_without_a_token_nothing_is_allowed_but_an_optional_route(void **state) {
    struct fixture *fixture = *state;
    assert_true(start(fixture, HTTP_GET, SKILLS, NULL));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "missing_token");
    assert_true(start(fixture, HTTP_GET, WHOAMI, NULL));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "missing_token");
    assert_true(start(fixture, HTTP_GET, "/api/v1/search?q=x", NULL));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    assert_false(fixture->exchange.has_identity);
}

// Where no token is looked at nothing was decided.
static void test_each_verdict_is_counted_once(void **state) {
    struct fixture *fixture = *state;
    const struct gw_metrics *metrics = &fixture->metrics;
    (void)start(fixture, HTTP_GET, "/api/v1/public/a", NULL);
    assert_int_equal(metrics->decisions_total[GW_DECISION_ALLOWED], 0);
    (void)start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE);
    (void)start(fixture, HTTP_POST, SKILLS, "Bearer " LIVE);
    (void)start(fixture, HTTP_GET, SKILLS, NULL);
    fixture->cache.answer = GW_AUTH_UNKNOWN;
    (void)start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE);
    assert_int_equal(metrics->decisions_total[GW_DECISION_ALLOWED], 1);
    assert_int_equal(metrics->decisions_total[GW_DECISION_FORBIDDEN], 1);
    assert_int_equal(metrics->decisions_total[GW_DECISION_UNAUTHENTICATED], 1);
    assert_int_equal(metrics->decisions_total[GW_DECISION_UNKNOWN], 1);
    fixture->cache.answer = GW_AUTH_PENDING;
    (void)start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE);
    assert_int_equal(metrics->decisions_total[GW_DECISION_ALLOWED], 1);
    fixture->cache.question->on_answer(fixture->cache.question, GW_AUTH_LIVE, &fixture->cache.row);
    assert_int_equal(metrics->decisions_total[GW_DECISION_ALLOWED], 2);
}

// Where nobody reads the log, which says how long each took.
static void test_a_decision_from_memory_is_counted_as_nothing_and_not_timed(void **state) {
    struct fixture *fixture = *state;
    const struct gw_histogram *times = &fixture->metrics.decisions;
    (void)start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE);
    assert_int_equal(times->counts[0], 1);
    assert_int_equal(times->sum_ns, 0);
    assert_false(fixture->exchange.report.decision.is_known);
    fixture->cache.answer = GW_AUTH_PENDING;
    (void)start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE);
    fixture->exchange.report.decision.began_ns -= 20000000000;
    fixture->cache.question->on_answer(fixture->cache.question, GW_AUTH_LIVE, &fixture->cache.row);
    assert_int_equal(times->counts[GW_HISTOGRAM_BOUNDS], 1);
    assert_true(times->sum_ns >= 20000000000);
}

// As for a proxy that asks: the route of the question is open, the one that it asks about is not.
static void test_the_match_that_is_given_is_judged_not_the_exchange_s_own(void **state) {
    struct fixture *fixture = *state;
    struct gw_route_match original;
    assert_int_equal(gw_router_match(GW_SITE_GATEWAY, GW_STR("POST"), GW_STR(SKILLS), &original),
                     GW_ROUTE_FOUND);
    assert_true(start(fixture, HTTP_GET, "/authz", "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    assert_true(gw_authz_start(&fixture->decision, &fixture->exchange, &original, on_decided));
    assert_verdict(fixture, GW_VERDICT_FORBIDDEN, "insufficient_scope");
}

// A route that names no organisation needs the scope all the same.
static void test_a_scope_route_takes_any_organisation_and_no_smaller_scope(void **state) {
    struct fixture *fixture = *state;
    assert_true(start(fixture, HTTP_POST, "/oauth2/introspect", "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_FORBIDDEN, "insufficient_scope");
    fixture->cache.row.scopes = ADMIN;
    assert_true(start(fixture, HTTP_POST, "/oauth2/introspect", "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    assert_true(start(fixture, HTTP_POST, "/oauth2/introspect", NULL));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "missing_token");
}

static void test_two_authorization_fields_are_a_bad_request(void **state) {
    struct fixture *fixture = *state;
    (void)start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE);
    fixture->request.fields[fixture->request.field_count++] = fixture->request.fields[0];
    fixture->cache.ask_count = fixture->last_used.note_count = 0;
    fixture->exchange.has_identity = false;
    assert_true(gw_authz_start(&fixture->decision, &fixture->exchange, &fixture->exchange.match,
                               on_decided));
    assert_verdict(fixture, GW_VERDICT_REFUSED, "bad_request");
    assert_int_equal(fixture->cache.ask_count, 0);
}

// Who speaks another scheme is told which one is spoken here, not that its token is wrong.
static void test_a_field_without_a_bearer_token_is_as_good_as_none(void **state) {
    struct fixture *fixture = *state;
    static const char *const fields[] = {
        "",           "Bearer",      "Bearer ", "Bearer\t" LIVE, "Basic " LIVE,
        "Basic YTpi", "Token " LIVE, LIVE,      "Bearer=" LIVE,  "Bearer:" LIVE,
    };
    for (size_t i = 0; i < COUNT(fields); i++) {
        assert_true(start(fixture, HTTP_GET, SKILLS, fields[i]));
        assert_int_equal(fixture->cache.ask_count, 0);
        assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "missing_token");
    }
    assert_int_equal(fixture->metrics.failed_tokens_total, 0);
    // What is sent must be a token, also where none is needed.
    assert_true(start(fixture, HTTP_GET, "/api/v1/search", "Basic YTpi"));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "missing_token");
}

static void test_what_is_no_token_is_refused_without_asking(void **state) {
    struct fixture *fixture = *state;
    static const char *const fields[] = {
        "Bearer  " LIVE,
        "Bearer " LIVE " ",
        "Bearer " LIVE ", Bearer " LIVE,
        "Bearer " LIVE "," LIVE,
        "Bearer \"" LIVE "\"",
        "Bearer Bearer " LIVE,
        "Bearer sr_live_",
        "Bearer sr_live_abcdefghijklmnopqrs",
        "Bearer sr_live_abcdefghijklmnopqrs!",
        "Bearer sr_live_abcdefghijklmnopqrs=",
        "Bearer SR_LIVE_" BODY,
        "Bearer xx_live_" BODY,
        "Bearer " BODY,
        "Bearer sr_prod_" BODY,
        "Bearer sk-" BODY,
        "Bearer sr_live_abcdefghij+/lmnopqrst",
        "Bearer sr_live_abcdefghij lmnopqrst",
        "Bearer sr_live_\xc3\xa4" BODY,
    };
    for (size_t i = 0; i < COUNT(fields); i++) {
        assert_true(start(fixture, HTTP_GET, SKILLS, fields[i]));
        if (fixture->cache.ask_count > 0)
            fail_msg("%s is asked about", fields[i]);
        assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    }
    // A token that is sent must be one, also where none is needed.
    assert_true(start(fixture, HTTP_GET, "/api/v1/search", "Bearer a"));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
}

static void test_the_scheme_is_read_in_any_letters(void **state) {
    struct fixture *fixture = *state;
    static const char *const fields[] = {"Bearer " LIVE, "bearer " LIVE, "BEARER " LIVE,
                                         "bEaReR " LIVE};
    for (size_t i = 0; i < COUNT(fields); i++) {
        assert_true(start(fixture, HTTP_GET, SKILLS, fields[i]));
        assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    }
}

static void test_the_question_names_prefix_digest_and_scope(void **state) {
    struct fixture *fixture = *state;
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
    gw_token_digest(GW_STR(LIVE), digest);
    (void)start(fixture, HTTP_POST, SKILLS, "Bearer " LIVE);
    assert_memory_equal(fixture->cache.question->prefix, "sr_live_abcd", GW_TOKEN_PREFIX_LENGTH);
    assert_memory_equal(fixture->cache.question->digest, digest, sizeof(digest));
    assert_int_equal(fixture->cache.question->scope, WRITE);
}

static void test_tokens_of_the_other_environment_are_refused(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *field;
        bool is_accepted[2]; // live, test
    } cases[] = {
        {"Bearer sr_live_" BODY, {true, false}},
        {"Bearer sr_test_" BODY, {false, true}},
        {"Bearer sk_" BODY, {true, true}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (int is_test = 0; is_test < 2; is_test++) {
            fixture->config.is_test_environment = is_test != 0;
            assert_true(start(fixture, HTTP_GET, SKILLS, cases[i].field));
            assert_verdict(fixture,
                           cases[i].is_accepted[is_test] ? GW_VERDICT_ALLOW
                                                         : GW_VERDICT_UNAUTHENTICATED,
                           "invalid_token");
            assert_int_equal(fixture->cache.ask_count, cases[i].is_accepted[is_test] ? 1 : 0);
        }
    }
}

// ---- failed tokens ----

static void limit_failures(struct fixture *fixture, uint64_t per_minute) {
    assert_int_equal(
        gw_failed_tokens_create(per_minute, &fixture->metrics, &fixture->auth.failed_tokens),
        GW_OK);
    come_from(fixture, "192.0.2.1");
}

static void test_over_its_budget_a_client_has_no_token_looked_at_but_live_ones(void **state) {
    struct fixture *fixture = *state;
    limit_failures(fixture, 2);
    fixture->cache.answer = GW_AUTH_ABSENT;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer malformed"));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "too_many_failed_tokens");
    assert_int_equal(fixture->decision.wait_s, 30);
    assert_int_equal(fixture->cache.ask_count, 0);
    assert_true(start(fixture, HTTP_GET, "/api/v1/search", "Bearer malformed"));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "too_many_failed_tokens");
    assert_int_equal(fixture->metrics.failed_tokens_total, 2);
    assert_int_equal(fixture->metrics.decisions_total[GW_DECISION_LIMITED], 2);
    // What needs no token, or none that is looked up, goes on.
    assert_true(start(fixture, HTTP_GET, "/api/v1/search", NULL));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    assert_true(start(fixture, HTTP_GET, SKILLS, NULL));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "missing_token");
    fixture->cache.answer = GW_AUTH_LIVE;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    gw_failed_tokens_destroy(fixture->auth.failed_tokens);
}

static void test_only_failures_count_and_only_for_their_address(void **state) {
    struct fixture *fixture = *state;
    limit_failures(fixture, 1);
    fixture->cache.row.expires_ms = NOW_MS;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE)); // expired, but known
    fixture->cache.answer = GW_AUTH_UNKNOWN;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNKNOWN, "unavailable");
    fixture->cache.answer = GW_AUTH_ABSENT;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "too_many_failed_tokens");
    come_from(fixture, "192.0.2.2");
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    gw_failed_tokens_destroy(fixture->auth.failed_tokens);
}

static void test_unknown_clients_use_up_a_budget_of_their_own(void **state) {
    struct fixture *fixture = *state;
    limit_failures(fixture, 1);
    fixture->cache.answer = GW_AUTH_ABSENT;
    fixture->exchange.client = gw_client_unknown();
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "too_many_failed_tokens");
    come_from(fixture, "192.0.2.1");
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    gw_failed_tokens_destroy(fixture->auth.failed_tokens);
}

static void on_decided_elsewhere(struct gw_decision *decision) {
    assert_false(decision->is_pending);
}

// Tokens that wait for their lookups, from one client: as many as it may try one after another.
static void test_tries_at_once_are_no_more_than_tries_one_after_another(void **state) {
    struct fixture *fixture = *state;
    limit_failures(fixture, 2);
    fixture->cache.answer = GW_AUTH_PENDING;
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    struct gw_decision first = fixture->decision;
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    struct gw_decision second = fixture->decision;
    first.on_decided = second.on_decided = on_decided_elsewhere;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "too_many_failed_tokens");
    assert_int_equal(fixture->cache.ask_count, 0);
    assert_int_equal(fixture->metrics.failed_tokens_total, 0);
    // One turns out to be live, which makes room; one that cannot be known makes room as well.
    first.question.on_answer(&first.question, GW_AUTH_LIVE, &fixture->cache.row);
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    second.question.on_answer(&second.question, GW_AUTH_UNKNOWN, NULL);
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    // One that is no token does not, and is charged once.
    fixture->cache.question->on_answer(fixture->cache.question, GW_AUTH_ABSENT, NULL);
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "too_many_failed_tokens");
    gw_failed_tokens_destroy(fixture->auth.failed_tokens);
}

// A client that hangs up pays as one that waits: for a token that is none.
static void test_hanging_up_makes_no_try_cheaper(void **state) {
    struct fixture *fixture = *state;
    limit_failures(fixture, 1);
    fixture->cache.answer = GW_AUTH_PENDING;
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    gw_authz_cancel(&fixture->decision);
    struct gw_auth_question *heir = fixture->cache.heir;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "too_many_failed_tokens");
    heir->on_answer(heir, GW_AUTH_LIVE, &fixture->cache.row);
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    gw_authz_cancel(&fixture->decision);
    fixture->cache.heir->on_answer(fixture->cache.heir, GW_AUTH_ABSENT, NULL);
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "too_many_failed_tokens");
    assert_int_equal(fixture->decided_count, 0);
    gw_failed_tokens_destroy(fixture->auth.failed_tokens);
}

// ---- rates ----

static void test_what_everything_else_allows_may_be_over_a_rate(void **state) {
    struct fixture *fixture = *state;
    const struct gw_rate one = {.count = 1, .period_s = 3600, .burst = 1};
    const struct gw_rate_limit_options options = {.token = one, .search = one};
    assert_int_equal(gw_rate_limit_create(&options, &fixture->metrics, &fixture->auth.rate_limit),
                     GW_OK);
    assert_true(start(fixture, HTTP_POST, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_FORBIDDEN, "insufficient_scope");
    assert_int_equal(fixture->exchange.limit_fields.length, 0);
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    assert_true(fixture->exchange.limit_fields.length > 0);
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "rate_limited");
    assert_false(fixture->decision.is_unseen);
    assert_int_equal(fixture->decision.wait_s, 3600);
    assert_true(fixture->exchange.limit_fields.length > 0);
    fixture->cache.row.scopes = ADMIN;
    assert_true(start(fixture, HTTP_DELETE, "/api/v1/orgs/acme/tokens/cl1", "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    assert_true(start(fixture, HTTP_DELETE, "/api/v1/auth/token", "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    // Without a token the search is the only one that counts.
    assert_true(start(fixture, HTTP_GET, "/api/v1/search", NULL));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    assert_true(start(fixture, HTTP_GET, "/api/v1/search", NULL));
    assert_verdict(fixture, GW_VERDICT_LIMITED, "rate_limited");
    assert_int_equal(fixture->metrics.rate_limited_total, 2);
    gw_rate_limit_destroy(fixture->auth.rate_limit);
}

// ---- the row ----

static void test_what_is_not_there_is_refused_and_what_cannot_be_known_is_unknown(void **state) {
    struct fixture *fixture = *state;
    fixture->cache.answer = GW_AUTH_ABSENT;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    fixture->cache.answer = GW_AUTH_UNKNOWN;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNKNOWN, "unavailable");
    assert_true(start(fixture, HTTP_GET, "/api/v1/search", "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNKNOWN, "unavailable");
}

static void test_a_token_expires_at_its_very_millisecond(void **state) {
    struct fixture *fixture = *state;
    fixture->cache.row.expires_ms = NOW_MS + 1;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    fixture->cache.row.expires_ms = NOW_MS;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    fixture->cache.row.expires_ms = 0;
    assert_true(start(fixture, HTTP_GET, WHOAMI, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
}

#define DOWNLOAD "/api/v1/catalog/github/a/versions/1/download"

// Told with every answer to a live token, refusals too; never to one that is dead already.
static void test_an_expiry_within_14_days_is_to_be_told(void **state) {
    struct fixture *fixture = *state;
    const int64_t soon_ms = NOW_MS + GW_EXPIRES_SOON_MS;
    const struct {
        int64_t expires_ms;
        int64_t told_ms;
    } cases[] = {
        {DB_NO_TIME, DB_NO_TIME}, {soon_ms, DB_NO_TIME}, {soon_ms - 1, soon_ms - 1},
        {NOW_MS + 1, NOW_MS + 1}, {NOW_MS, DB_NO_TIME},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        fixture->cache.row.expires_ms = cases[i].expires_ms;
        assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
        assert_true(fixture->exchange.expires_soon_ms == cases[i].told_ms);
        assert_true(start(fixture, HTTP_DELETE, SKILLS "/a", "Bearer " LIVE)); // scope too small
        assert_true(fixture->exchange.expires_soon_ms == cases[i].told_ms);
    }
    assert_int_equal(fixture->metrics.decisions_expiring_total, 4);
    assert_true(start(fixture, HTTP_GET, SKILLS, NULL));
    assert_true(fixture->exchange.expires_soon_ms == DB_NO_TIME);
    assert_int_equal(fixture->metrics.decisions_expiring_total, 4);
}

static void test_a_token_is_good_from_its_own_addresses_alone(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *address;
        enum gw_verdict verdict;
    } cases[] = {
        {"10.1.2.3", GW_VERDICT_ALLOW},        {"::ffff:10.1.2.3", GW_VERDICT_ALLOW},
        {"11.0.0.1", GW_VERDICT_FORBIDDEN},    {"192.0.2.7", GW_VERDICT_ALLOW},
        {"192.0.2.8", GW_VERDICT_FORBIDDEN},   {"2001:db8::1", GW_VERDICT_ALLOW},
        {"2001:db9::1", GW_VERDICT_FORBIDDEN}, {"::10.1.2.3", GW_VERDICT_FORBIDDEN},
    };
    struct gw_ip_range ranges[3];
    assert_int_equal(gw_ip_range_parse(GW_STR("10.0.0.0/8"), &ranges[0]), GW_OK);
    assert_int_equal(gw_ip_range_parse(GW_STR("192.0.2.7"), &ranges[1]), GW_OK);
    assert_int_equal(gw_ip_range_parse(GW_STR("2001:db8::/32"), &ranges[2]), GW_OK);
    fixture->cache.row.allowed_ips = ranges;
    fixture->cache.row.allowed_ip_count = 3;
    for (size_t i = 0; i < COUNT(cases); i++) {
        come_from(fixture, cases[i].address);
        assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
        assert_verdict(fixture, cases[i].verdict, "address_not_allowed");
        // Elsewhere it tells nothing of what it could do here.
        assert_true(start(fixture, HTTP_GET, "/api/v1/orgs/other/skills", "Bearer " LIVE));
        assert_verdict(fixture, GW_VERDICT_FORBIDDEN,
                       cases[i].verdict == GW_VERDICT_ALLOW ? "org_mismatch"
                                                            : "address_not_allowed");
    }
    come_from(fixture, "10.1.2.3");
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    const struct db_token_row *identity = &fixture->exchange.identity;
    assert_true(identity->allowed_ips != ranges); // the row's are gone by then
    assert_memory_equal(identity->allowed_ips, ranges, sizeof(ranges));
    assert_int_equal(identity->allowed_ip_count, 3);
}

static void test_a_token_is_good_for_its_own_organisation_alone(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *target;
        bool is_own;
    } cases[] = {
        {"/api/v1/orgs/acme/skills", true},
        {"/api/v1/orgs/other/skills", false},
        {"/api/v1/orgs/ACME/skills", false},
        {"/api/v1/orgs/%61cme/skills", false},
        {"/api/v1/orgs/acme;x/skills", false},
        {"/api/v1/orgs/acmee/skills", false},
        {"/api/v1/orgs/acm/skills", false},
        {DOWNLOAD "?asOrg=acme", true},
        {DOWNLOAD "?asOrg=other", false},
        {DOWNLOAD "?asOrg=", false},
        {DOWNLOAD "?asOrg", false},
        {DOWNLOAD "?asOrg=acme;asOrg=other", false},
        {"/api/v1/search", true},
        {"/api/v1/search?org=acme", true},
        {"/api/v1/search?org=other", false},
        {"/api/v1/search?org=", false},
        {"/api/v1/auth/whoami?org=other", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(start(fixture, HTTP_GET, cases[i].target, "Bearer " LIVE));
        bool is_allowed = fixture->decision.verdict == GW_VERDICT_ALLOW;
        if (is_allowed != cases[i].is_own)
            fail_msg("%s", cases[i].target);
        if (!is_allowed)
            assert_verdict(fixture, GW_VERDICT_FORBIDDEN, "org_mismatch");
    }
}

static void test_the_organisation_is_judged_before_the_scope(void **state) {
    struct fixture *fixture = *state;
    assert_true(start(fixture, HTTP_DELETE, "/api/v1/orgs/other/skills/a", "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_FORBIDDEN, "org_mismatch");
}

static void test_each_scope_contains_those_below_it(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *target;
        llhttp_method_t method;
        enum gw_scope needed;
    } routes[] = {
        {SKILLS, HTTP_GET, READ},
        {"/api/v1/search", HTTP_GET, READ},
        {SKILLS, HTTP_POST, WRITE},
        {"/api/v1/orgs/acme/skills/a", HTTP_DELETE, ADMIN},
        {"/api/v1/orgs/acme/tokens", HTTP_GET, ADMIN},
        {"/api/v1/orgs/acme/settings", HTTP_GET, ADMIN},
    };
    static const char *const named[] = {
        [READ] = "scope read", [WRITE] = "scope write", [ADMIN] = "scope admin"};
    for (size_t i = 0; i < COUNT(routes); i++) {
        for (int held = 0; held <= (READ | WRITE | ADMIN); held++) {
            fixture->cache.row.scopes = (gw_scope_set)held;
            assert_true(start(fixture, routes[i].method, routes[i].target, "Bearer " LIVE));
            if (held >= (int)routes[i].needed) {
                assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
                continue;
            }
            assert_verdict(fixture, GW_VERDICT_FORBIDDEN, "insufficient_scope");
            assert_non_null(strstr(fixture->decision.refusal.message, named[routes[i].needed]));
        }
    }
}

static void test_any_live_token_may_ask_who_it_is(void **state) {
    struct fixture *fixture = *state;
    for (int held = 0; held <= (READ | WRITE | ADMIN); held++) {
        fixture->cache.row.scopes = (gw_scope_set)held;
        assert_true(start(fixture, HTTP_GET, WHOAMI, "Bearer " LIVE));
        assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    }
}

// ---- what an allowed request has ----

static void assert_identity(const struct gw_exchange *exchange) {
    const struct db_token_row *identity = &exchange->identity;
    assert_true(exchange->has_identity);
    assert_true(gw_str_equal(identity->id, GW_STR("clx7f2k3a")));
    assert_true(gw_str_equal(identity->name, GW_STR("ci")));
    assert_true(gw_str_equal(identity->prefix, GW_STR("sr_live_abcd")));
    assert_true(gw_str_equal(identity->org_id, GW_STR("clorg")));
    assert_true(gw_str_equal(identity->org_slug, GW_STR("acme")));
    assert_true(gw_str_equal(identity->org_name, GW_STR("Acme")));
    assert_int_equal(identity->scopes, READ);
    assert_int_equal(identity->created_ms, 1);
    assert_int_equal(identity->last_used_ms, DB_NO_TIME);
    assert_int_equal(identity->expires_ms, DB_NO_TIME);
}

static void test_an_answer_from_the_loop_decides_and_its_row_is_copied(void **state) {
    struct fixture *fixture = *state;
    char slug[] = "acme";
    fixture->cache.answer = GW_AUTH_PENDING;
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_true(fixture->decision.is_pending);
    assert_false(fixture->exchange.has_identity);
    struct db_token_row row = fixture->cache.row;
    row.org_slug = gw_str_from(slug);
    fixture->cache.question->on_answer(fixture->cache.question, GW_AUTH_LIVE, &row);
    assert_int_equal(fixture->decided_count, 1);
    assert_false(fixture->decision.is_pending);
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    memset(slug, 'x', sizeof(slug));
    memset(&row, 0, sizeof(row));
    assert_identity(&fixture->exchange);
}

static void test_other_answers_from_the_loop(void **state) {
    struct fixture *fixture = *state;
    fixture->cache.answer = GW_AUTH_PENDING;
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    fixture->cache.question->on_answer(fixture->cache.question, GW_AUTH_ABSENT, NULL);
    assert_verdict(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_int_equal(fixture->decided_count, 1);
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    fixture->cache.question->on_answer(fixture->cache.question, GW_AUTH_UNKNOWN, NULL);
    assert_verdict(fixture, GW_VERDICT_UNKNOWN, "unavailable");
    assert_int_equal(fixture->decided_count, 1);
}

static void test_an_answer_at_once_calls_nothing_back(void **state) {
    struct fixture *fixture = *state;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_int_equal(fixture->decided_count, 0);
    assert_identity(&fixture->exchange);
}

static void test_an_allowed_request_is_a_use_of_its_token(void **state) {
    struct fixture *fixture = *state;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_int_equal(fixture->last_used.note_count, 1);
    assert_string_equal(fixture->last_used.id, "clx7f2k3a");
    assert_int_equal(fixture->last_used.used_ms, NOW_MS);
    assert_int_equal(fixture->exchange.identity.last_used_ms, DB_NO_TIME);
}

static void test_the_use_before_is_the_newest_that_is_known(void **state) {
    struct fixture *fixture = *state;
    fixture->cache.row.last_used_ms = NOW_MS - 2;
    fixture->last_used.before_ms = NOW_MS - 1;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_int_equal(fixture->exchange.identity.last_used_ms, NOW_MS - 1);
    fixture->last_used.before_ms = NOW_MS - 3;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_int_equal(fixture->exchange.identity.last_used_ms, NOW_MS - 2);
}

static void test_without_memory_for_the_identity_nobody_passes(void **state) {
    struct fixture *fixture = *state;
    fixture->exchange.arena.bytes_max = 4;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_UNKNOWN, "unavailable");
}

static void test_cancelling_takes_back_a_question_that_waits(void **state) {
    struct fixture *fixture = *state;
    fixture->cache.answer = GW_AUTH_PENDING;
    assert_false(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    gw_authz_cancel(&fixture->decision);
    gw_authz_cancel(&fixture->decision);
    assert_int_equal(fixture->cache.cancel_count, 1);
    fixture->cache.answer = GW_AUTH_LIVE;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    gw_authz_cancel(&fixture->decision);
    assert_int_equal(fixture->cache.cancel_count, 0);
    assert_int_equal(fixture->decided_count, 0);
}

// ---- once more, at the end of a body ----

static bool start_again(struct fixture *fixture) {
    fixture->cache.ask_count = fixture->last_used.note_count = 0;
    fixture->decided_count = 0;
    return gw_authz_start_again(&fixture->decision, &fixture->exchange, on_decided);
}

static void assert_again(const struct fixture *fixture, enum gw_verdict verdict, const char *code) {
    assert_int_equal(fixture->decision.verdict, verdict);
    if (verdict != GW_VERDICT_ALLOW)
        assert_string_equal(gw_error_row(fixture->decision.refusal.error)->code, code);
    assert_int_equal(fixture->last_used.note_count, 0);
    assert_int_equal(fixture->metrics.failed_tokens_total, 0);
}

static void test_once_more_the_same_token_is_asked_about(void **state) {
    struct fixture *fixture = *state;
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
    gw_token_digest(GW_STR(LIVE), digest);
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_memory_equal(fixture->exchange.token_digest, digest, sizeof(digest));
    memset(&fixture->decision, 0xff, sizeof(fixture->decision));
    assert_true(start_again(fixture));
    assert_again(fixture, GW_VERDICT_ALLOW, NULL);
    assert_int_equal(fixture->cache.ask_count, 1);
    assert_memory_equal(fixture->cache.question->prefix, "sr_live_abcd", GW_TOKEN_PREFIX_LENGTH);
    assert_memory_equal(fixture->cache.question->digest, digest, sizeof(digest));
    assert_int_equal(fixture->cache.question->scope, READ);
}

static void test_what_was_taken_away_meanwhile_is_refused(void **state) {
    struct fixture *fixture = *state;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    fixture->cache.row.scopes = 0;
    assert_true(start_again(fixture));
    assert_again(fixture, GW_VERDICT_FORBIDDEN, "insufficient_scope");
    fixture->cache.row.org_slug = GW_STR("globex");
    assert_true(start_again(fixture));
    assert_again(fixture, GW_VERDICT_FORBIDDEN, "org_mismatch");
    fixture->cache.row.expires_ms = NOW_MS;
    assert_true(start_again(fixture));
    assert_again(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    fixture->cache.answer = GW_AUTH_ABSENT;
    assert_true(start_again(fixture));
    assert_again(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    fixture->cache.answer = GW_AUTH_UNKNOWN;
    assert_true(start_again(fixture));
    assert_again(fixture, GW_VERDICT_UNKNOWN, "unavailable");
}

static void test_judging_once_more_costs_nothing(void **state) {
    struct fixture *fixture = *state;
    const struct gw_rate one = {.count = 1, .period_s = 3600, .burst = 1};
    const struct gw_rate_limit_options options = {.token = one};
    limit_failures(fixture, 1);
    assert_int_equal(gw_rate_limit_create(&options, &fixture->metrics, &fixture->auth.rate_limit),
                     GW_OK);
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    assert_verdict(fixture, GW_VERDICT_ALLOW, NULL);
    for (int i = 0; i < 3; i++) {
        assert_true(start_again(fixture));
        assert_again(fixture, GW_VERDICT_ALLOW, NULL);
    }
    fixture->cache.answer = GW_AUTH_ABSENT;
    for (int i = 0; i < 3; i++) {
        assert_true(start_again(fixture));
        assert_again(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    }
    assert_int_equal(fixture->metrics.decisions_total[GW_DECISION_ALLOWED], 1);
    assert_int_equal(fixture->metrics.decisions_total[GW_DECISION_UNAUTHENTICATED], 0);
    assert_int_equal(fixture->metrics.rate_limited_total, 0);
    gw_rate_limit_destroy(fixture->auth.rate_limit);
    gw_failed_tokens_destroy(fixture->auth.failed_tokens);
}

static void test_the_answer_to_asking_once_more_may_come_later_or_be_given_up(void **state) {
    struct fixture *fixture = *state;
    assert_true(start(fixture, HTTP_GET, SKILLS, "Bearer " LIVE));
    fixture->cache.answer = GW_AUTH_PENDING;
    assert_false(start_again(fixture));
    fixture->cache.question->on_answer(fixture->cache.question, GW_AUTH_ABSENT, NULL);
    assert_int_equal(fixture->decided_count, 1);
    assert_again(fixture, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_false(start_again(fixture));
    gw_authz_cancel(&fixture->decision);
    assert_int_equal(fixture->cache.cancel_count, 1);
}

// ---- refusing ----

static void test_the_answers_to_refused_requests(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *target;
        const char *field;
        const char *code;
        const char *added; // the field that tells the client what to do
        enum gw_auth_answer answer;
        int status;
    } cases[] = {
        {SKILLS, NULL, "missing_token", "WWW-Authenticate: Bearer\r\n", GW_AUTH_LIVE, 401},
        {SKILLS, "Basic x", "missing_token", "WWW-Authenticate: Bearer\r\n", GW_AUTH_LIVE, 401},
        {SKILLS, "Bearer x", "invalid_token", "WWW-Authenticate: Bearer error=", GW_AUTH_LIVE, 401},
        {SKILLS, "Bearer " LIVE, "invalid_token", "WWW-Authenticate: Bearer error=", GW_AUTH_ABSENT,
         401},
        {SKILLS, "Bearer " LIVE, "unavailable", "Retry-After: ", GW_AUTH_UNKNOWN, 503},
        {"/api/v1/orgs/other/skills", "Bearer " LIVE, "org_mismatch", "\r\n", GW_AUTH_LIVE, 403},
        {"/api/v1/orgs/acme/tokens", "Bearer " LIVE, "insufficient_scope",
         "WWW-Authenticate: Bearer error=\"insufficient_scope\"", GW_AUTH_LIVE, 403},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        fixture->cache.answer = cases[i].answer;
        assert_true(start(fixture, HTTP_GET, cases[i].target, cases[i].field));
        gw_buf_clear(&fixture->output);
        gw_authz_refuse(&fixture->decision);
        assert_int_equal(fixture->exchange.status, cases[i].status);
        struct gw_str output = gw_buf_bytes(&fixture->output);
        assert_non_null(memmem(output.at, output.length, cases[i].code, strlen(cases[i].code)));
        assert_non_null(memmem(output.at, output.length, cases[i].added, strlen(cases[i].added)));
        // Nothing of the token comes back.
        assert_null(memmem(output.at, output.length, BODY, strlen(BODY)));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_an_open_route_looks_at_no_token),
        TEST(test_without_a_token_nothing_is_allowed_but_an_optional_route),
        TEST(test_each_verdict_is_counted_once),
        TEST(test_a_decision_from_memory_is_counted_as_nothing_and_not_timed),
        TEST(test_the_match_that_is_given_is_judged_not_the_exchange_s_own),
        TEST(test_a_scope_route_takes_any_organisation_and_no_smaller_scope),
        TEST(test_two_authorization_fields_are_a_bad_request),
        TEST(test_a_field_without_a_bearer_token_is_as_good_as_none),
        TEST(test_what_is_no_token_is_refused_without_asking),
        TEST(test_the_scheme_is_read_in_any_letters),
        TEST(test_the_question_names_prefix_digest_and_scope),
        TEST(test_tokens_of_the_other_environment_are_refused),
        TEST(test_over_its_budget_a_client_has_no_token_looked_at_but_live_ones),
        TEST(test_only_failures_count_and_only_for_their_address),
        TEST(test_unknown_clients_use_up_a_budget_of_their_own),
        TEST(test_tries_at_once_are_no_more_than_tries_one_after_another),
        TEST(test_hanging_up_makes_no_try_cheaper),
        TEST(test_what_everything_else_allows_may_be_over_a_rate),
        TEST(test_what_is_not_there_is_refused_and_what_cannot_be_known_is_unknown),
        TEST(test_a_token_expires_at_its_very_millisecond),
        TEST(test_an_expiry_within_14_days_is_to_be_told),
        TEST(test_a_token_is_good_from_its_own_addresses_alone),
        TEST(test_a_token_is_good_for_its_own_organisation_alone),
        TEST(test_the_organisation_is_judged_before_the_scope),
        TEST(test_each_scope_contains_those_below_it),
        TEST(test_any_live_token_may_ask_who_it_is),
        TEST(test_an_answer_from_the_loop_decides_and_its_row_is_copied),
        TEST(test_other_answers_from_the_loop),
        TEST(test_an_answer_at_once_calls_nothing_back),
        TEST(test_an_allowed_request_is_a_use_of_its_token),
        TEST(test_the_use_before_is_the_newest_that_is_known),
        TEST(test_without_memory_for_the_identity_nobody_passes),
        TEST(test_cancelling_takes_back_a_question_that_waits),
        TEST(test_once_more_the_same_token_is_asked_about),
        TEST(test_what_was_taken_away_meanwhile_is_refused),
        TEST(test_judging_once_more_costs_nothing),
        TEST(test_the_answer_to_asking_once_more_may_come_later_or_be_given_up),
        TEST(test_the_answers_to_refused_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
