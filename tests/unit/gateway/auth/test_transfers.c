// SPDX-License-Identifier: MIT
// What a token has under way, with exchanges that only take notes. What is asked and heard is made
// here: the functions of gateway/auth/cache.h and db/events.h that are called stand below, and the
// linker takes them in place of the libraries'. Time does not count: turns of the loop do, and what
// was done in each.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "db/events.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/transfers.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/metrics.h"

#define MANY 10000
#define ENDED_PER_TURN_MAX (GW_TRANSFER_WORK_PER_TURN / 16 + 1)
#define TURNS_MAX 100000
#define WATCHDOG_MS 60000
#define SKILLS "/api/v1/orgs/acme/skills"

// ---- what stands around it ----

struct gw_auth_cache {
    struct gw_auth_watcher *watcher;
    enum gw_auth_answer answer;
    struct db_token_row row;
    struct gw_list pending;
    int pending_count;
    int ask_count;
    int cancel_count;
    struct gw_auth_question *question; // the last one asked
};

static struct gw_auth_cache fake;
static uint64_t heard_ms;

void gw_auth_cache_watch(struct gw_auth_cache *cache, struct gw_auth_watcher *watcher) {
    cache->watcher = watcher;
}

enum gw_auth_answer gw_auth_cache_ask(struct gw_auth_cache *cache,
                                      struct gw_auth_question *question, struct db_token_row *row) {
    cache->ask_count++;
    cache->question = question;
    gw_list_init(&question->link);
    if (cache->answer == GW_AUTH_LIVE)
        *row = cache->row;
    if (cache->answer == GW_AUTH_PENDING) {
        cache->pending_count++;
        gw_list_push_back(&cache->pending, &question->link);
    }
    return cache->answer;
}

void gw_auth_cache_cancel(struct gw_auth_question *question) {
    fake.cancel_count++;
    fake.pending_count--;
    gw_list_remove(&question->link);
}

// The oldest question that waits.
static void answer_one(enum gw_auth_answer answer) {
    struct gw_list *node = gw_list_pop_front(&fake.pending);
    assert_non_null(node);
    fake.pending_count--;
    struct gw_auth_question *question = gw_container_of(node, struct gw_auth_question, link);
    question->on_answer(question, answer, answer == GW_AUTH_LIVE ? &fake.row : NULL);
}

uint64_t db_events_heard_ms(const struct db_events *events) {
    (void)events;
    return heard_ms;
}

struct under_way {
    struct gw_exchange exchange;
    struct gw_transfer transfer;
    unsigned char digest[DB_DIGEST_LENGTH];
    int ended_count;
    struct gw_judgement judgement;
};

struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct gw_config config;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_auth auth;
    struct gw_transfers *transfers;
    struct under_way *list;
    int count;
};

static int ended_in_turn;

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("what was waited for did not happen");
}

static void on_ended(struct gw_transfer *transfer, const struct gw_judgement *judgement) {
    struct under_way *own = gw_container_of(transfer, struct under_way, transfer);
    own->ended_count++;
    own->judgement = *judgement;
    ended_in_turn++;
    gw_transfer_remove(transfer);
    memset(transfer, 0xff, sizeof(*transfer)); // it goes with its exchange
}

static int set_up_when_heard(void **state, uint64_t when_ms) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fake = (struct gw_auth_cache){.answer = GW_AUTH_ABSENT,
                                  .row = {.id = GW_STR("clx7f2k3a"),
                                          .prefix = GW_STR("sr_live_abcd"),
                                          .scopes = GW_SCOPE_WRITE,
                                          .expires_ms = DB_NO_TIME,
                                          .org_id = GW_STR("clorg"),
                                          .org_slug = GW_STR("acme")}};
    gw_list_init(&fake.pending);
    heard_ms = when_ms;
    gw_log_set_level(GW_LOG_WARNING);
    uv_timer_init(&fixture->loop, &fixture->watchdog);
    uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0);
    fixture->services = (struct gw_services){.loop = &fixture->loop,
                                             .config = &fixture->config,
                                             .metrics = &fixture->metrics,
                                             .auth = &fixture->auth};
    fixture->auth.cache = &fake;
    assert_int_equal(gw_transfers_create(&fixture->services, &fake, &fixture->transfers), GW_OK);
    assert_non_null(fake.watcher);
    uv_run(&fixture->loop, UV_RUN_NOWAIT); // the loop's own beginnings
    *state = fixture;
    return 0;
}

static int set_up(void **state) {
    return set_up_when_heard(state, 1);
}

static int set_up_unheard(void **state) {
    return set_up_when_heard(state, 0);
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < fixture->count; i++) {
        if (fixture->list[i].ended_count == 0)
            gw_transfer_remove(&fixture->list[i].transfer);
    }
    assert_int_equal(fake.pending_count, 0);
    gw_transfers_close(fixture->transfers);
    assert_null(fake.watcher);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    free(fixture->list);
    test_free(fixture);
    return 0;
}

// ---- transfers ----

static void make(struct fixture *fixture, int count) {
    fixture->list = calloc((size_t)count, sizeof(*fixture->list));
    assert_non_null(fixture->list);
    fixture->count = count;
}

// A token for each number; the organisation of the row.
static void begin(struct fixture *fixture, int index, int token) {
    struct under_way *own = &fixture->list[index];
    memcpy(own->digest, &token, sizeof(token));
    own->exchange.services = &fixture->services;
    own->exchange.identity = fake.row;
    own->exchange.token_digest = own->digest;
    own->exchange.has_identity = true;
    assert_int_equal(
        gw_router_match(GW_SITE_GATEWAY, GW_STR("POST"), GW_STR(SKILLS), &own->exchange.match),
        GW_ROUTE_FOUND);
    own->transfer.on_ended = on_ended;
    assert_int_equal(gw_transfers_add(fixture->transfers, &own->transfer, &own->exchange), GW_OK);
}

static void hear_of_token(const struct fixture *fixture, int index) {
    fake.watcher->on_token(fake.watcher, fixture->list[index].digest);
}

// One turn, and what must hold of each.
static void turn(struct fixture *fixture) {
    ended_in_turn = 0;
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_true(ended_in_turn <= ENDED_PER_TURN_MAX);
}

static bool is_at_rest(struct fixture *fixture) {
    return uv_backend_timeout(&fixture->loop) != 0;
}

// Until there is nothing to do at once; how many turns.
static int run_until_rest(struct fixture *fixture) {
    int turns = 0;
    for (; !is_at_rest(fixture); turns++) {
        assert_true(turns < TURNS_MAX);
        turn(fixture);
    }
    return turns;
}

// For what the module does by its own clock: the loop sleeps until then.
static void run_until_asked(struct fixture *fixture, int count) {
    while (fake.ask_count < count)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    run_until_rest(fixture);
}

static void run_until_ended(struct fixture *fixture, int index) {
    while (fixture->list[index].ended_count == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    run_until_rest(fixture);
}

static int count_ended(const struct fixture *fixture) {
    int count = 0;
    for (int i = 0; i < fixture->count; i++) {
        assert_true(fixture->list[i].ended_count <= 1);
        count += fixture->list[i].ended_count;
    }
    return count;
}

static void assert_ended(const struct fixture *fixture, int index, enum gw_verdict verdict,
                         const char *code) {
    const struct under_way *own = &fixture->list[index];
    assert_int_equal(own->ended_count, 1);
    assert_int_equal(own->judgement.verdict, verdict);
    assert_string_equal(gw_error_row(own->judgement.refusal.error)->code, code);
}

// ---- news ----

static void test_a_revoked_token_s_transfers_end_and_nobody_else_s(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 4);
    for (int i = 0; i < 3; i++)
        begin(fixture, i, 1);
    begin(fixture, 3, 2);
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    for (int i = 0; i < 3; i++)
        assert_ended(fixture, i, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_int_equal(fixture->list[3].ended_count, 0);
    assert_int_equal(fake.ask_count, 1);
    assert_int_equal(fixture->metrics.transfers_ended_total, 3);
}

static void test_news_of_a_token_without_a_transfer_is_nothing(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 2);
    begin(fixture, 0, 1);
    fixture->list[1].digest[0] = 2;
    hear_of_token(fixture, 1);
    assert_true(is_at_rest(fixture));
    gw_transfer_remove(&fixture->list[0].transfer);
    gw_transfer_remove(&fixture->list[0].transfer);
    hear_of_token(fixture, 0);
    assert_true(is_at_rest(fixture));
    assert_int_equal(fake.ask_count, 0);
}

static void test_the_question_names_the_token_and_takes_no_stale_answer(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 1);
    begin(fixture, 0, 7);
    fake.answer = GW_AUTH_PENDING;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    assert_memory_equal(fake.question->digest, fixture->list[0].digest, DB_DIGEST_LENGTH);
    assert_memory_equal(fake.question->prefix, "sr_live_abcd", GW_TOKEN_PREFIX_LENGTH);
    assert_int_equal(fake.question->scope, GW_SCOPE_ADMIN);
    assert_false(fake.question->is_for_known);
    answer_one(GW_AUTH_ABSENT);
    assert_int_equal(count_ended(fixture), 0); // with this answer may come many
    run_until_rest(fixture);
    assert_int_equal(count_ended(fixture), 1);
}

static void test_a_token_that_still_may_goes_on(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 3);
    for (int i = 0; i < 3; i++)
        begin(fixture, i, 1);
    fake.answer = GW_AUTH_LIVE;
    for (int i = 0; i < 2; i++) {
        hear_of_token(fixture, 0);
        run_until_rest(fixture);
        assert_int_equal(fake.ask_count, i + 1);
        assert_int_equal(count_ended(fixture), 0);
    }
    fake.answer = GW_AUTH_ABSENT;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    assert_int_equal(count_ended(fixture), 3);
}

static void test_a_narrowed_scope_ends_what_needs_it(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 2);
    begin(fixture, 0, 1);
    begin(fixture, 1, 1);
    assert_int_equal(gw_router_match(GW_SITE_GATEWAY, GW_STR("GET"), GW_STR(SKILLS),
                                     &fixture->list[1].exchange.match),
                     GW_ROUTE_FOUND);
    fake.answer = GW_AUTH_LIVE;
    fake.row.scopes = GW_SCOPE_READ;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    assert_ended(fixture, 0, GW_VERDICT_FORBIDDEN, "insufficient_scope");
    assert_int_equal(fixture->list[1].ended_count, 0);
}

static struct gw_client client_at(const char *address) {
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str_from(address), &ip), GW_OK);
    return gw_client_at(&ip);
}

static void test_narrowed_addresses_end_those_from_elsewhere(void **state) {
    struct fixture *fixture = *state;
    struct gw_ip_range range;
    make(fixture, 2);
    begin(fixture, 0, 1);
    begin(fixture, 1, 1);
    fixture->list[0].exchange.client = client_at("192.0.2.1");
    fixture->list[1].exchange.client = client_at("10.0.0.1");
    assert_int_equal(gw_ip_range_parse(GW_STR("10.0.0.0/8"), &range), GW_OK);
    fake.answer = GW_AUTH_PENDING;
    fake.row.allowed_ips = &range;
    fake.row.allowed_ip_count = 1;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    answer_one(GW_AUTH_LIVE);
    memset(&range, 0xff, sizeof(range)); // the row is gone with its call
    run_until_rest(fixture);
    assert_ended(fixture, 0, GW_VERDICT_FORBIDDEN, "address_not_allowed");
    assert_int_equal(fixture->list[1].ended_count, 0);
}

static void test_an_organisation_s_news_are_for_all_its_tokens(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 6);
    for (int i = 0; i < 5; i++)
        begin(fixture, i, i / 2);
    fake.row.org_id = GW_STR("clother");
    begin(fixture, 5, 5);
    fake.watcher->on_org(fake.watcher, GW_STR("clorg"));
    assert_int_equal(fake.ask_count, 0);
    run_until_rest(fixture);
    assert_int_equal(fake.ask_count, 3);
    assert_int_equal(count_ended(fixture), 5);
    assert_int_equal(fixture->list[5].ended_count, 0);
    fake.watcher->on_org(fake.watcher, GW_STR("clorg"));
    assert_true(is_at_rest(fixture));
}

static void test_after_a_gap_every_token_is_asked_for(void **state) {
    struct fixture *fixture = *state;
    char org_ids[20][16];
    make(fixture, 20);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(org_ids[i], sizeof(org_ids[i]), "cl%d", i);
        fake.row.org_id = gw_str_from(org_ids[i]);
        begin(fixture, i, i);
    }
    fake.answer = GW_AUTH_LIVE;
    fake.watcher->on_all(fake.watcher);
    run_until_rest(fixture);
    assert_int_equal(fake.ask_count, 20);
    assert_int_equal(count_ended(fixture), 0);
    fake.answer = GW_AUTH_ABSENT;
    fake.watcher->on_all(fake.watcher);
    run_until_rest(fixture);
    assert_int_equal(count_ended(fixture), 20);
}

// The log is followed from its newest row on.
static void test_what_began_before_the_log_was_heard_is_asked_for_then(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 1);
    begin(fixture, 0, 1);
    fake.answer = GW_AUTH_LIVE;
    heard_ms = 1;
    run_until_asked(fixture, 1);
    assert_int_equal(count_ended(fixture), 0);
}

// ---- answers that come late, or not ----

static void test_what_cannot_be_known_ends_nothing_and_is_asked_again(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 2);
    begin(fixture, 0, 1);
    begin(fixture, 1, 1);
    fake.answer = GW_AUTH_UNKNOWN;
    hear_of_token(fixture, 0);
    run_until_asked(fixture, 3);
    assert_int_equal(count_ended(fixture), 0);
    fake.answer = GW_AUTH_ABSENT;
    run_until_ended(fixture, 0);
    assert_int_equal(count_ended(fixture), 2);
}

static void test_an_answer_counts_for_those_that_were_there_at_the_news(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 2);
    begin(fixture, 0, 1);
    fake.answer = GW_AUTH_PENDING;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    begin(fixture, 1, 1); // allowed by what is known now: it was imported again
    answer_one(GW_AUTH_ABSENT);
    run_until_rest(fixture);
    assert_int_equal(fixture->list[0].ended_count, 1);
    assert_int_equal(fixture->list[1].ended_count, 0);
}

static void test_news_overtake_an_answer(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 2);
    begin(fixture, 0, 1);
    fake.answer = GW_AUTH_PENDING;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    begin(fixture, 1, 1);
    hear_of_token(fixture, 0);
    assert_int_equal(fake.cancel_count, 1);
    run_until_rest(fixture);
    assert_int_equal(fake.ask_count, 2);
    answer_one(GW_AUTH_LIVE);
    hear_of_token(fixture, 0); // before it was judged by
    run_until_rest(fixture);
    assert_int_equal(fake.ask_count, 3);
    answer_one(GW_AUTH_ABSENT);
    run_until_rest(fixture);
    assert_int_equal(count_ended(fixture), 2);
}

static void test_who_is_gone_waits_for_no_answer(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 1);
    begin(fixture, 0, 1);
    fake.answer = GW_AUTH_PENDING;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    gw_transfer_remove(&fixture->list[0].transfer);
    assert_int_equal(fake.cancel_count, 1);
    assert_int_equal(fake.pending_count, 0);
}

// ---- the end of a token ----

static void test_at_its_own_end_a_token_s_transfers_end_unasked(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 3);
    fake.row.expires_ms = gw_clock_wall_ms() + INT64_C(3600) * 1000;
    begin(fixture, 0, 1);
    fake.row.expires_ms = gw_clock_wall_ms() - 1;
    begin(fixture, 1, 2);
    begin(fixture, 2, 2);
    run_until_ended(fixture, 1);
    assert_ended(fixture, 1, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_ended(fixture, 2, GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    assert_int_equal(fixture->list[0].ended_count, 0);
    assert_int_equal(fake.ask_count, 0);
}

static void test_an_end_that_is_set_later_counts(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 1);
    begin(fixture, 0, 1);
    fake.answer = GW_AUTH_PENDING;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    fake.row.expires_ms = gw_clock_wall_ms() + 50;
    answer_one(GW_AUTH_LIVE);
    run_until_ended(fixture, 0);
    assert_true(gw_clock_wall_ms() >= fake.row.expires_ms);
    assert_int_equal(fake.ask_count, 1);
}

// Not even where the database cannot be asked.
static void test_a_token_of_which_nothing_is_known_ends_at_the_end_it_had(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 1);
    fake.row.expires_ms = gw_clock_wall_ms() + 50;
    begin(fixture, 0, 1);
    fake.answer = GW_AUTH_PENDING;
    hear_of_token(fixture, 0);
    run_until_rest(fixture);
    run_until_ended(fixture, 0);
    assert_int_equal(fake.cancel_count, 1);
}

static void test_an_end_that_was_put_off_ends_nothing(void **state) {
    struct fixture *fixture = *state;
    make(fixture, 2);
    fake.row.expires_ms = gw_clock_wall_ms() - 1;
    begin(fixture, 0, 1);
    begin(fixture, 1, 2);
    fake.row.expires_ms = DB_NO_TIME;
    fake.answer = GW_AUTH_LIVE;
    hear_of_token(fixture, 0);
    run_until_ended(fixture, 1);
    assert_int_equal(fixture->list[0].ended_count, 0);
}

// ---- how much at once ----

static void test_ten_thousand_of_one_token_end_in_small_steps(void **state) {
    struct fixture *fixture = *state;
    make(fixture, MANY);
    for (int i = 0; i < MANY; i++)
        begin(fixture, i, 1);
    hear_of_token(fixture, 0);
    assert_int_equal(count_ended(fixture), 0);
    assert_int_equal(fake.ask_count, 0);
    int turns = run_until_rest(fixture); // each of them is looked at
    assert_true(turns >= MANY / ENDED_PER_TURN_MAX);
    assert_int_equal(count_ended(fixture), MANY);
    assert_int_equal(fake.ask_count, 1);
    assert_int_equal(fixture->metrics.transfers_ended_total, MANY);
}

// Asking and looking have their turns, too.
static void test_ten_thousand_tokens_of_an_organisation_end_in_small_steps(void **state) {
    struct fixture *fixture = *state;
    make(fixture, MANY);
    for (int i = 0; i < MANY; i++)
        begin(fixture, i, i);
    fake.watcher->on_org(fake.watcher, GW_STR("clorg"));
    assert_int_equal(fake.ask_count, 0);
    int asked_before = 0;
    while (!is_at_rest(fixture)) {
        turn(fixture);
        assert_true(fake.ask_count - asked_before <= GW_TRANSFER_WORK_PER_TURN / 4);
        asked_before = fake.ask_count;
    }
    assert_int_equal(count_ended(fixture), MANY);
    assert_int_equal(fake.ask_count, MANY);
}

static void test_ten_thousand_that_end_by_themselves_do_so_in_small_steps(void **state) {
    struct fixture *fixture = *state;
    make(fixture, MANY);
    fake.row.expires_ms = gw_clock_wall_ms() - 1;
    for (int i = 0; i < MANY; i++)
        begin(fixture, i, i % (MANY / 2));
    while (fixture->list[0].ended_count == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_true(run_until_rest(fixture) >= MANY / ENDED_PER_TURN_MAX - 1);
    assert_int_equal(count_ended(fixture), MANY);
}

static void test_the_database_is_asked_for_a_few_at_once(void **state) {
    struct fixture *fixture = *state;
    make(fixture, MANY);
    for (int i = 0; i < MANY; i++)
        begin(fixture, i, i);
    fake.answer = GW_AUTH_PENDING;
    fake.watcher->on_all(fake.watcher);
    run_until_rest(fixture);
    assert_int_equal(fake.pending_count, GW_TRANSFER_LOOKUPS_MAX);
    while (fake.pending_count > 0) {
        answer_one(GW_AUTH_ABSENT);
        run_until_rest(fixture);
        assert_true(fake.pending_count <= GW_TRANSFER_LOOKUPS_MAX);
    }
    assert_int_equal(count_ended(fixture), MANY);
}

static void test_a_token_with_many_keeps_no_other_waiting(void **state) {
    struct fixture *fixture = *state;
    make(fixture, MANY + 1);
    for (int i = 0; i < MANY; i++)
        begin(fixture, i, 1);
    begin(fixture, MANY, 2);
    hear_of_token(fixture, 0);
    hear_of_token(fixture, MANY);
    turn(fixture);
    turn(fixture);
    assert_int_equal(fixture->list[MANY].ended_count, 1);
    assert_true(count_ended(fixture) < MANY);
}

static void test_what_it_costs_is_as_written_down(void **state) {
    (void)state;
    assert_true(sizeof(struct gw_transfer) <= 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_revoked_token_s_transfers_end_and_nobody_else_s),
        TEST(test_news_of_a_token_without_a_transfer_is_nothing),
        TEST(test_the_question_names_the_token_and_takes_no_stale_answer),
        TEST(test_a_token_that_still_may_goes_on),
        TEST(test_a_narrowed_scope_ends_what_needs_it),
        TEST(test_narrowed_addresses_end_those_from_elsewhere),
        TEST(test_an_organisation_s_news_are_for_all_its_tokens),
        TEST(test_after_a_gap_every_token_is_asked_for),
        cmocka_unit_test_setup_teardown(test_what_began_before_the_log_was_heard_is_asked_for_then,
                                        set_up_unheard, tear_down),
        TEST(test_what_cannot_be_known_ends_nothing_and_is_asked_again),
        TEST(test_an_answer_counts_for_those_that_were_there_at_the_news),
        TEST(test_news_overtake_an_answer),
        TEST(test_who_is_gone_waits_for_no_answer),
        TEST(test_at_its_own_end_a_token_s_transfers_end_unasked),
        TEST(test_an_end_that_is_set_later_counts),
        TEST(test_a_token_of_which_nothing_is_known_ends_at_the_end_it_had),
        TEST(test_an_end_that_was_put_off_ends_nothing),
        TEST(test_ten_thousand_of_one_token_end_in_small_steps),
        TEST(test_ten_thousand_tokens_of_an_organisation_end_in_small_steps),
        TEST(test_ten_thousand_that_end_by_themselves_do_so_in_small_steps),
        TEST(test_the_database_is_asked_for_a_few_at_once),
        TEST(test_a_token_with_many_keeps_no_other_waiting),
        TEST(test_what_it_costs_is_as_written_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
