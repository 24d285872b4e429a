// SPDX-License-Identifier: MIT
// The cache over a database, a log and a clock of the test's own: what follows stands in for
// db/pool, db/lookup, db/events and uv_now at link time, so that every order of lookups,
// answers and events can be played.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "db/events.h"
#include "db/pool.h"
#include "db/time.h"
#include "gateway/auth/cache.h"
#include "gateway/settings/metrics.h"

#define TTL_MS 60000
#define NEGATIVE_TTL_MS 10000
#define LEASE_MS 5000
#define STALE_READ_MS 600000
#define STALE_WRITE_MS 60000
#define START_MS 1000000
#define REVOKED_SEQ 70

// ---- what the cache stands on ----

struct db_pool {
    bool is_ready;
    bool is_expected;
};

struct db_lookups {
    struct gw_list pending;
    int asked_count;
    bool is_full;
};

struct db_events {
    uint64_t heard_ms;
    uint64_t applied_seq;
};

struct world {
    uv_loop_t loop; // its data is the clock
    uint64_t now_ms;
    struct db_pool pool;
    struct db_lookups lookups;
    struct db_events events;
    struct gw_metrics metrics;
    struct gw_auth_cache *cache;
};

uint64_t uv_now(const uv_loop_t *loop) {
    return *(const uint64_t *)loop->data;
}

bool db_pool_is_ready(const struct db_pool *pool) {
    return pool->is_ready;
}

bool db_pool_is_expected(const struct db_pool *pool) {
    return pool->is_ready || pool->is_expected;
}

uint64_t db_events_heard_ms(const struct db_events *events) {
    return events->heard_ms;
}

uint64_t db_events_applied_seq(const struct db_events *events) {
    return events->applied_seq;
}

enum gw_status db_lookups_add(struct db_lookups *lookups, struct db_token_lookup *lookup) {
    if (lookups->is_full)
        return GW_UNAVAILABLE;
    gw_list_push_back(&lookups->pending, &lookup->link);
    lookups->asked_count++;
    return GW_OK;
}

static const struct gw_auth_cache_options usual_options = {.entries_max = 100,
                                                           .negative_entries_max = 50,
                                                           .ttl_ms = TTL_MS,
                                                           .negative_ttl_ms = NEGATIVE_TTL_MS,
                                                           .lease_ms = LEASE_MS,
                                                           .stale_read_ms = STALE_READ_MS,
                                                           .stale_write_ms = STALE_WRITE_MS};

// A database that is there and a log that was heard just now.
static void open_world_with(struct world *world, const struct gw_auth_cache_options *options) {
    *world = (struct world){
        .now_ms = START_MS, .pool = {.is_ready = true}, .events = {.heard_ms = START_MS - 1}};
    assert_int_equal(uv_loop_init(&world->loop), 0);
    world->loop.data = &world->now_ms;
    gw_list_init(&world->lookups.pending);
    assert_int_equal(gw_auth_cache_create(&world->loop, options, &world->pool, &world->lookups,
                                          &world->metrics, &world->cache),
                     GW_OK);
    gw_auth_cache_follow(world->cache, &world->events);
}

static void open_world(struct world *world) {
    open_world_with(world, &usual_options);
}

static void close_world(struct world *world) {
    for (struct gw_list *link; (link = gw_list_pop_front(&world->lookups.pending)) != NULL;) {
        struct db_token_lookup *lookup = gw_container_of(link, struct db_token_lookup, link);
        lookup->on_done(lookup, GW_UNAVAILABLE, NULL);
    }
    gw_auth_cache_close(world->cache);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    gw_auth_cache_destroy(world->cache);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

// Time passes; the log is heard all along.
static void pass(struct world *world, uint64_t ms) {
    world->now_ms += ms;
    world->events.heard_ms = world->now_ms;
}

// Time passes; nothing is heard.
static void pass_in_silence(struct world *world, uint64_t ms) {
    world->now_ms += ms;
}

// Events are missing: everything known may be outdated.
static void lose_track_of_the_log(struct world *world) {
    struct db_events_consumer *consumer = gw_auth_cache_consumer(world->cache);
    consumer->on_gap(consumer);
}

// The memory of what has ended is freed in later turns of the loop.
static void run_sweep(struct world *world) {
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
}

// ---- tokens, questions, answers, events ----

static void digest_of(uint32_t token, unsigned char digest[DB_DIGEST_LENGTH]) {
    memset(digest, 0xd1, DB_DIGEST_LENGTH);
    memcpy(digest, &token, sizeof(token));
}

static const struct db_token_row usual_row = {.id = GW_STR_INIT("cl0123456789"),
                                              .name = GW_STR_INIT("ci-deploy"),
                                              .prefix = GW_STR_INIT("sr_live_a1b2"),
                                              .scopes = GW_SCOPE_ADMIN,
                                              .created_ms = 1,
                                              .last_used_ms = DB_NO_TIME,
                                              .expires_ms = DB_NO_TIME,
                                              .org_id = GW_STR_INIT("org1"),
                                              .org_slug = GW_STR_INIT("acme"),
                                              .org_name = GW_STR_INIT("Acme")};

struct question {
    struct gw_auth_question question;
    int answer_count;
    enum gw_auth_answer answer;
    char name[32]; // of the row
};

static void keep_answer(struct question *asked, enum gw_auth_answer answer,
                        const struct db_token_row *row) {
    asked->answer = answer;
    if (answer != GW_AUTH_LIVE)
        return;
    assert_true(row->name.length < sizeof(asked->name));
    memcpy(asked->name, row->name.at, row->name.length);
    asked->name[row->name.length] = '\0';
}

static void on_answer(struct gw_auth_question *question, enum gw_auth_answer answer,
                      const struct db_token_row *row) {
    struct question *asked = gw_container_of(question, struct question, question);
    asked->answer_count++;
    keep_answer(asked, answer, row);
}

static enum gw_auth_answer ask_for(struct world *world, struct question *asked, uint32_t token,
                                   enum gw_scope scope) {
    struct db_token_row row;
    *asked = (struct question){.question = {.scope = scope, .on_answer = on_answer}};
    memcpy(asked->question.prefix, "sr_live_a1b2", GW_TOKEN_PREFIX_LENGTH);
    digest_of(token, asked->question.digest);
    enum gw_auth_answer answer = gw_auth_cache_ask(world->cache, &asked->question, &row);
    keep_answer(asked, answer, &row);
    return answer;
}

static enum gw_auth_answer ask(struct world *world, struct question *asked, uint32_t token) {
    return ask_for(world, asked, token, GW_SCOPE_READ);
}

// What a question is told at once; one that would have to wait is withdrawn.
static enum gw_auth_answer answer_at_once(struct world *world, uint32_t token,
                                          enum gw_scope scope) {
    struct question asked;
    enum gw_auth_answer answer = ask_for(world, &asked, token, scope);
    gw_auth_cache_cancel(&asked.question);
    return answer;
}

static int pending_count(const struct world *world) {
    int count = 0;
    for (struct gw_list *link = world->lookups.pending.next; link != &world->lookups.pending;
         link = link->next)
        count++;
    return count;
}

// A standby that has replayed the log up to `seen_seq` answers the oldest lookup.
static void answer_from_standby(struct world *world, uint64_t seen_seq, enum gw_status status) {
    struct gw_list *link = gw_list_pop_front(&world->lookups.pending);
    assert_non_null(link);
    struct db_token_lookup *lookup = gw_container_of(link, struct db_token_lookup, link);
    lookup->seen_seq = seen_seq;
    lookup->on_done(lookup, status, status == GW_OK ? &usual_row : NULL);
}

// The database answers the oldest lookup.
static void answer_lookup(struct world *world, enum gw_status status,
                          const struct db_token_row *row) {
    struct gw_list *link = gw_list_pop_front(&world->lookups.pending);
    assert_non_null(link);
    struct db_token_lookup *lookup = gw_container_of(link, struct db_token_lookup, link);
    lookup->seen_seq = DB_SEEN_ALL;
    lookup->on_done(lookup, status, row);
}

static void look_up_live(struct world *world, uint32_t token) {
    struct question asked;
    assert_int_equal(ask(world, &asked, token), GW_AUTH_PENDING);
    answer_lookup(world, GW_OK, &usual_row);
    assert_int_equal(asked.answer, GW_AUTH_LIVE);
}

static void look_up_absent(struct world *world, uint32_t token) {
    struct question asked;
    assert_int_equal(ask(world, &asked, token), GW_AUTH_PENDING);
    answer_lookup(world, GW_NOT_FOUND, NULL);
    assert_int_equal(asked.answer, GW_AUTH_ABSENT);
}

static void hear_event(struct world *world, const struct db_event *heard, uint32_t token) {
    struct db_event event = *heard;
    event.org_id = usual_row.org_id;
    if (event.kind != DB_EVENT_ORG_CHANGED)
        digest_of(token, event.digest);
    struct db_events_consumer *consumer = gw_auth_cache_consumer(world->cache);
    consumer->on_event(consumer, &event);
}

static void hear(struct world *world, enum db_event_kind kind, uint32_t token) {
    hear_event(world, &(struct db_event){.seq = 1, .kind = kind}, token);
}

static void revoke_here(struct world *world, uint32_t token) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(token, digest);
    gw_auth_cache_revoke(world->cache, digest, REVOKED_SEQ);
}

// ---- hits and misses ----

static void test_a_miss_asks_once_and_then_hits(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    assert_int_equal(asked.answer_count, 0);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(asked.answer_count, 1);
    assert_string_equal(asked.name, "ci-deploy");
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(&world, &asked, 1), GW_AUTH_LIVE);
    assert_string_equal(asked.name, "ci-deploy");
    assert_int_equal(asked.answer_count, 0);
    assert_int_equal(world.lookups.asked_count, 1);
    assert_int_equal(world.metrics.cache_hits_total, 5);
    assert_int_equal(world.metrics.cache_misses_total, 1);
    assert_int_equal(world.metrics.cache_entries, 1);
    close_world(&world);
}

static enum gw_auth_answer ask_for_known(struct world *world, uint32_t token) {
    struct db_token_row row;
    struct question asked = {
        .question = {.scope = GW_SCOPE_READ, .is_for_known = true, .on_answer = on_answer}};
    memcpy(asked.question.prefix, "sr_live_a1b2", GW_TOKEN_PREFIX_LENGTH);
    digest_of(token, asked.question.digest);
    enum gw_auth_answer answer = gw_auth_cache_ask(world->cache, &asked.question, &row);
    gw_auth_cache_cancel(&asked.question);
    return answer;
}

static void test_a_question_for_known_tokens_looks_up_only_what_was_live(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    look_up_live(&world, 1);
    look_up_absent(&world, 2);
    revoke_here(&world, 3);
    assert_int_equal(ask(&world, &asked, 4), GW_AUTH_PENDING);
    assert_int_equal(ask_for_known(&world, 1), GW_AUTH_LIVE);
    for (uint32_t token = 2; token <= 5; token++)
        assert_int_equal(ask_for_known(&world, token), GW_AUTH_UNSEEN);
    assert_int_equal(world.lookups.asked_count, 3);
    assert_int_equal(world.metrics.cache_misses_total, 3);
    pass(&world, TTL_MS);
    assert_int_equal(ask_for_known(&world, 1), GW_AUTH_PENDING);
    assert_int_equal(world.lookups.asked_count, 4);
    gw_auth_cache_cancel(&asked.question);
    close_world(&world);
}

static void test_many_questions_of_one_token_share_one_lookup(void **state) {
    (void)state;
    enum { COUNT = 100 };
    struct world world;
    struct question asked[COUNT];
    open_world(&world);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(ask(&world, &asked[i], 1), GW_AUTH_PENDING);
    assert_int_equal(world.lookups.asked_count, 1);
    answer_lookup(&world, GW_OK, &usual_row);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(asked[i].answer_count, 1);
        assert_int_equal(asked[i].answer, GW_AUTH_LIVE);
    }
    assert_int_equal(world.metrics.lookups_joined_total, COUNT - 1);
    close_world(&world);
}

static void test_each_token_has_a_lookup_of_its_own(void **state) {
    (void)state;
    struct world world;
    struct question asked[3];
    open_world(&world);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(ask(&world, &asked[i], i), GW_AUTH_PENDING);
    assert_int_equal(pending_count(&world), 3);
    answer_lookup(&world, GW_OK, &usual_row);
    answer_lookup(&world, GW_NOT_FOUND, NULL);
    answer_lookup(&world, GW_UNAVAILABLE, NULL);
    assert_int_equal(asked[0].answer, GW_AUTH_LIVE);
    assert_int_equal(asked[1].answer, GW_AUTH_ABSENT);
    assert_int_equal(asked[2].answer, GW_AUTH_UNKNOWN);
    close_world(&world);
}

static void test_an_absent_token_is_remembered_for_its_own_shorter_time(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_absent(&world, 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    assert_int_equal(world.lookups.asked_count, 1);
    assert_int_equal(world.metrics.cache_negative_entries, 1);
    pass(&world, NEGATIVE_TTL_MS);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_PENDING);
    close_world(&world);
}

static void test_an_outage_is_not_remembered_as_absence(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    answer_lookup(&world, GW_UNAVAILABLE, NULL);
    assert_int_equal(asked.answer, GW_AUTH_UNKNOWN);
    assert_int_equal(world.metrics.cache_negative_entries, 0);
    look_up_live(&world, 1);
    close_world(&world);
}

static void test_a_flood_of_absent_tokens_evicts_no_live_one(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    for (uint32_t token = 0; token < 100; token++)
        look_up_live(&world, token);
    for (uint32_t token = 1000; token < 2000; token++)
        look_up_absent(&world, token);
    assert_int_equal(world.metrics.cache_entries, 100);
    assert_int_equal(world.metrics.cache_negative_entries, 50);
    for (uint32_t token = 0; token < 100; token++)
        assert_int_equal(answer_at_once(&world, token, GW_SCOPE_READ), GW_AUTH_LIVE);
    close_world(&world);
}

static void test_without_a_cache_questions_still_share_a_lookup(void **state) {
    (void)state;
    struct world world;
    struct question asked[2];
    struct gw_auth_cache_options options = usual_options;
    options.entries_max = 0;
    open_world_with(&world, &options);
    for (int round = 1; round <= 2; round++) {
        assert_int_equal(ask(&world, &asked[0], 1), GW_AUTH_PENDING);
        assert_int_equal(ask(&world, &asked[1], 1), GW_AUTH_PENDING);
        answer_lookup(&world, GW_OK, &usual_row);
        assert_int_equal(asked[0].answer, GW_AUTH_LIVE);
        assert_int_equal(asked[1].answer, GW_AUTH_LIVE);
        assert_int_equal(world.lookups.asked_count, round);
    }
    look_up_absent(&world, 2);
    look_up_absent(&world, 2);
    assert_int_equal(world.metrics.cache_entries, 0);
    assert_int_equal(world.metrics.cache_negative_entries, 0);
    close_world(&world);
}

// ---- time to live ----

// Of many entries made at one moment none answers past the time to live, none ends before four
// fifths of it, and they do not end together.
static void test_the_time_to_live_is_spread_within_its_bounds(void **state) {
    (void)state;
    enum { COUNT = 100 };
    struct world world;
    int fresh_at_middle = 0;
    open_world(&world);
    for (uint32_t token = 0; token < COUNT; token++)
        look_up_live(&world, token);
    world.lookups.is_full = true; // no refreshes: they would renew
    pass(&world, TTL_MS * 4 / 5 - 1);
    for (uint32_t token = 0; token < COUNT; token++)
        assert_int_equal(answer_at_once(&world, token, GW_SCOPE_READ), GW_AUTH_LIVE);
    assert_int_equal(world.metrics.cache_misses_total, COUNT);
    pass(&world, TTL_MS / 10);
    for (uint32_t token = 0; token < COUNT; token++) {
        int64_t misses = world.metrics.cache_misses_total;
        (void)answer_at_once(&world, token, GW_SCOPE_READ);
        fresh_at_middle += world.metrics.cache_misses_total == misses;
    }
    assert_in_range(fresh_at_middle, COUNT / 5, COUNT * 4 / 5);
    pass(&world, TTL_MS / 10 + 1);
    int64_t hits = world.metrics.cache_hits_total;
    for (uint32_t token = 0; token < COUNT; token++)
        (void)answer_at_once(&world, token, GW_SCOPE_READ);
    assert_int_equal(world.metrics.cache_hits_total, hits);
    close_world(&world);
}

static void test_a_used_entry_is_refreshed_in_the_background_once(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    struct db_token_row renamed = usual_row;
    renamed.name = GW_STR("renamed");
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, TTL_MS / 2);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_LIVE);
    assert_int_equal(pending_count(&world), 0);
    pass(&world, TTL_MS / 4 + 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(&world, &asked, 1), GW_AUTH_LIVE);
    assert_int_equal(pending_count(&world), 1);
    assert_int_equal(world.metrics.cache_refreshes_total, 1);
    answer_lookup(&world, GW_OK, &renamed);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_LIVE);
    assert_string_equal(asked.name, "renamed");
    // It lives on from its refresh.
    pass(&world, TTL_MS / 2);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_LIVE);
    assert_int_equal(pending_count(&world), 0);
    close_world(&world);
}

static void test_a_refresh_that_failed_is_tried_again(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, TTL_MS * 3 / 4);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    answer_lookup(&world, GW_UNAVAILABLE, NULL);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    assert_int_equal(pending_count(&world), 1);
    close_world(&world);
}

static void test_a_refresh_that_finds_nothing_ends_the_entry(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, TTL_MS * 3 / 4);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    answer_lookup(&world, GW_NOT_FOUND, NULL);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    assert_int_equal(world.metrics.cache_entries, 0);
    close_world(&world);
}

static void test_without_a_connection_nothing_is_refreshed(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, TTL_MS * 3 / 4);
    world.pool.is_ready = false;
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    assert_int_equal(pending_count(&world), 0);
    close_world(&world);
}

// ---- questions that leave ----

static void test_a_cancelled_question_is_not_answered(void **state) {
    (void)state;
    struct world world;
    struct question gone;
    struct question stays;
    open_world(&world);
    assert_int_equal(ask(&world, &gone, 1), GW_AUTH_PENDING);
    assert_int_equal(ask(&world, &stays, 1), GW_AUTH_PENDING);
    gw_auth_cache_cancel(&gone.question);
    gw_auth_cache_cancel(&gone.question);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(gone.answer_count, 0);
    assert_int_equal(stays.answer_count, 1);
    close_world(&world);
}

static void test_an_heir_gets_the_answer(void **state) {
    (void)state;
    struct world world;
    struct question asked, heir;
    open_world(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    heir = asked;
    gw_list_init(&heir.question.link);
    gw_auth_cache_hand_over(&asked.question, &heir.question);
    gw_auth_cache_cancel(&asked.question); // harmless
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(asked.answer_count, 0);
    assert_int_equal(heir.answer_count, 1);
    assert_int_equal(heir.answer, GW_AUTH_LIVE);
    close_world(&world);
}

static void test_a_lookup_that_nobody_waits_for_is_remembered(void **state) {
    (void)state;
    struct world world;
    struct question gone;
    open_world(&world);
    assert_int_equal(ask(&world, &gone, 1), GW_AUTH_PENDING);
    gw_auth_cache_cancel(&gone.question);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    close_world(&world);
}

struct chain {
    struct gw_auth_question question;
    struct world *world;
    struct question *other;
};

// Cancels another question of the same lookup and asks a new one, as a client that pipelines may
// bring about.
static void on_answer_cancel_and_ask(struct gw_auth_question *question, enum gw_auth_answer answer,
                                     const struct db_token_row *row) {
    struct chain *chain = gw_container_of(question, struct chain, question);
    (void)row;
    assert_int_equal(answer, GW_AUTH_LIVE);
    gw_auth_cache_cancel(&chain->other->question);
    assert_int_equal(answer_at_once(chain->world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    assert_int_equal(answer_at_once(chain->world, 2, GW_SCOPE_READ), GW_AUTH_PENDING);
}

static void test_an_answer_may_cancel_and_ask_others(void **state) {
    (void)state;
    struct world world;
    struct question other;
    struct question last;
    struct db_token_row row;
    struct chain chain = {.world = &world, .other = &other};
    open_world(&world);
    chain.question.scope = GW_SCOPE_READ;
    chain.question.on_answer = on_answer_cancel_and_ask;
    memcpy(chain.question.prefix, "sr_live_a1b2", GW_TOKEN_PREFIX_LENGTH);
    digest_of(1, chain.question.digest);
    assert_int_equal(gw_auth_cache_ask(world.cache, &chain.question, &row), GW_AUTH_PENDING);
    assert_int_equal(ask(&world, &other, 1), GW_AUTH_PENDING);
    assert_int_equal(ask(&world, &last, 1), GW_AUTH_PENDING);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(other.answer_count, 0);
    assert_int_equal(last.answer_count, 1);
    close_world(&world);
}

// ---- events ----

static void test_a_revocation_heard_of_ends_the_entry(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    hear(&world, DB_EVENT_TOKEN_REVOKED, 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    assert_int_equal(world.lookups.asked_count, 1);
    assert_int_equal(world.metrics.events_applied_total, 1);
    close_world(&world);
}

static void test_a_late_yes_does_not_overtake_a_no(void **state) {
    (void)state;
    struct world world;
    struct question before;
    struct question after;
    open_world(&world);
    assert_int_equal(ask(&world, &before, 1), GW_AUTH_PENDING);
    hear(&world, DB_EVENT_TOKEN_REVOKED, 1);
    assert_int_equal(ask(&world, &after, 1), GW_AUTH_ABSENT);
    answer_lookup(&world, GW_OK, &usual_row); // read before the revocation
    if (pending_count(&world) > 0)
        answer_lookup(&world, GW_OK, &usual_row); // from a replica that lags
    assert_int_equal(before.answer_count, 1);
    assert_int_equal(before.answer, GW_AUTH_ABSENT);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    close_world(&world);
}

// The same with nowhere to remember the revocation: the database is asked again.
static void test_a_late_yes_does_not_overtake_a_no_without_a_cache(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    struct gw_auth_cache_options options = usual_options;
    options.entries_max = 0;
    open_world_with(&world, &options);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    revoke_here(&world, 1);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(asked.answer_count, 0);
    answer_lookup(&world, GW_NOT_FOUND, NULL);
    assert_int_equal(asked.answer, GW_AUTH_ABSENT);
    close_world(&world);
}

static void test_a_late_no_does_not_overtake_a_creation(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    hear(&world, DB_EVENT_TOKEN_CREATED, 1);
    answer_lookup(&world, GW_NOT_FOUND, NULL); // read before the creation
    assert_int_equal(asked.answer_count, 0);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(asked.answer_count, 1);
    assert_int_equal(asked.answer, GW_AUTH_LIVE);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    close_world(&world);
}

// ---- revoked, ended, and made again ----

static enum gw_auth_answer answer_after(struct world *world, enum db_event_kind kind,
                                        uint64_t seq) {
    hear_event(world, &(struct db_event){.seq = seq, .kind = kind}, 1);
    return answer_at_once(world, 1, GW_SCOPE_READ);
}

// Deleted and imported again: by a higher number. What was told before the revocation, and is heard
// late, clears nothing.
static void test_a_revoked_token_that_is_made_again_is_looked_up(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    revoke_here(&world, 1);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CREATED, REVOKED_SEQ - 1), GW_AUTH_ABSENT);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CREATED, REVOKED_SEQ), GW_AUTH_ABSENT);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CHANGED, REVOKED_SEQ + 1), GW_AUTH_ABSENT);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CREATED, REVOKED_SEQ + 2),
                     GW_AUTH_PENDING);
    close_world(&world);
}

// What is heard again, late, takes nothing back.
static void test_an_older_revocation_does_not_lower_the_number(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    revoke_here(&world, 1);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_REVOKED, REVOKED_SEQ - 5), GW_AUTH_ABSENT);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CREATED, REVOKED_SEQ - 1), GW_AUTH_ABSENT);
    close_world(&world);
}

// The clock of the database may be ahead of ours: what it has ended is refused, whatever the row's
// time says here.
static void test_an_ended_token_is_refused_until_it_is_changed(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    unsigned char digest[DB_DIGEST_LENGTH];
    open_world(&world);
    digest_of(1, digest);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    gw_auth_cache_end(world.cache, digest, REVOKED_SEQ);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    answer_lookup(&world, GW_OK, &usual_row); // sent before
    if (pending_count(&world) > 0)
        answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(asked.answer, GW_AUTH_ABSENT);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CHANGED, REVOKED_SEQ), GW_AUTH_ABSENT);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CHANGED, REVOKED_SEQ + 1),
                     GW_AUTH_PENDING);
    close_world(&world);
}

static void test_an_end_heard_of_is_believed(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    const struct db_event ended = {.seq = 5, .kind = DB_EVENT_TOKEN_CHANGED, .is_ended = true};
    hear_event(&world, &ended, 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    assert_int_equal(world.lookups.asked_count, 1);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CREATED, 6), GW_AUTH_PENDING);
    close_world(&world);
}

// The database's clock may be ahead of ours; what is older than the log can be is as old as that.
static void test_the_lag_of_an_event_is_never_negative(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    const struct gw_histogram *lags = &world.metrics.event_lags;
    const int64_t hour_us = INT64_C(3600) * 1000000;
    struct db_event event = {.seq = 5, .kind = DB_EVENT_TOKEN_CHANGED};
    event.written_us = gw_clock_wall_us() + hour_us;
    hear_event(&world, &event, 1);
    assert_int_equal(lags->counts[0], 1);
    assert_int_equal(lags->sum_ns, 0);
    event.written_us = gw_clock_wall_us() - hour_us;
    hear_event(&world, &event, 1);
    assert_int_equal(lags->counts[GW_HISTOGRAM_BOUNDS], 1);
    assert_true(lags->sum_ns >= hour_us * 1000 && lags->sum_ns < 2 * hour_us * 1000);
    event.written_us = DB_TIME_FIRST_MS * 1000;
    int64_t before_ns = lags->sum_ns;
    hear_event(&world, &event, 1);
    assert_int_equal(lags->sum_ns - before_ns, 24 * hour_us * 1000);
    close_world(&world);
}

// An organisation that is restored brings back none of its revoked and ended tokens.
static void test_a_change_of_the_organisation_clears_neither(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    revoke_here(&world, 1);
    hear(&world, DB_EVENT_ORG_CHANGED, 0);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    close_world(&world);
}

// After a gap the numbers may be those of another log.
static void test_after_a_gap_any_creation_clears_a_revocation(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    revoke_here(&world, 1);
    lose_track_of_the_log(&world);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    assert_int_equal(answer_after(&world, DB_EVENT_TOKEN_CREATED, 3), GW_AUTH_PENDING);
    close_world(&world);
}

static void test_a_creation_clears_the_absence(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_absent(&world, 1);
    hear(&world, DB_EVENT_TOKEN_CREATED, 1);
    look_up_live(&world, 1);
    close_world(&world);
}

static void test_a_changed_token_is_looked_up_again(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    look_up_live(&world, 2);
    hear(&world, DB_EVENT_TOKEN_CHANGED, 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_PENDING);
    assert_int_equal(answer_at_once(&world, 2, GW_SCOPE_READ), GW_AUTH_LIVE);
    close_world(&world);
}

// A token that changes as often as it is asked for is not asked for without end, and nobody is
// refused for it.
static void test_a_lookup_outdated_again_and_again_is_given_up(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    while (pending_count(&world) > 0) {
        assert_true(world.lookups.asked_count < 10);
        hear(&world, DB_EVENT_TOKEN_CHANGED, 1);
        answer_lookup(&world, GW_OK, &usual_row);
    }
    assert_true(world.lookups.asked_count > 1);
    assert_int_equal(asked.answer_count, 1);
    assert_int_equal(asked.answer, GW_AUTH_UNKNOWN);
    close_world(&world);
}

static void test_an_outdated_refresh_does_not_renew(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, TTL_MS * 3 / 4);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    revoke_here(&world, 1);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    close_world(&world);
}

static void test_a_revocation_here_is_final(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    revoke_here(&world, 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    hear(&world, DB_EVENT_TOKEN_CREATED, 1); // older than the revocation, heard after it
    hear(&world, DB_EVENT_TOKEN_CHANGED, 1);
    lose_track_of_the_log(&world);
    pass_in_silence(&world, 24ULL * 3600 * 1000);
    world.pool.is_ready = false;
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_ABSENT);
    close_world(&world);
}

static void test_an_organisation_that_changed_takes_its_tokens_along(void **state) {
    (void)state;
    struct world world;
    struct question other;
    struct db_token_row foreign = usual_row;
    foreign.org_id = GW_STR("org2");
    open_world(&world);
    look_up_live(&world, 1);
    look_up_live(&world, 2);
    assert_int_equal(ask(&world, &other, 3), GW_AUTH_PENDING);
    answer_lookup(&world, GW_OK, &foreign);
    hear(&world, DB_EVENT_ORG_CHANGED, 0);
    run_sweep(&world);
    assert_int_equal(world.metrics.cache_entries, 1);
    assert_int_equal(answer_at_once(&world, 3, GW_SCOPE_READ), GW_AUTH_LIVE);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_PENDING);
    assert_int_equal(answer_at_once(&world, 2, GW_SCOPE_READ), GW_AUTH_PENDING);
    close_world(&world);
}

static void test_a_lookup_under_way_is_outdated_by_its_organisation(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    hear(&world, DB_EVENT_ORG_CHANGED, 0); // deleted
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(asked.answer_count, 0);
    answer_lookup(&world, GW_NOT_FOUND, NULL);
    assert_int_equal(asked.answer, GW_AUTH_ABSENT);
    close_world(&world);
}

// Absent tokens have no organisation to go by.
static void test_an_organisation_that_came_back_brings_its_tokens_along(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_absent(&world, 1);
    hear(&world, DB_EVENT_ORG_CHANGED, 0); // restored
    look_up_live(&world, 1);
    close_world(&world);
}

static void test_a_gap_in_the_log_clears_what_is_known_and_under_way(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    look_up_live(&world, 1);
    look_up_absent(&world, 2);
    assert_int_equal(ask(&world, &asked, 3), GW_AUTH_PENDING);
    lose_track_of_the_log(&world);
    run_sweep(&world);
    assert_int_equal(world.metrics.cache_entries, 0);
    assert_int_equal(world.metrics.cache_negative_entries, 0);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(asked.answer_count, 0);
    answer_lookup(&world, GW_NOT_FOUND, NULL);
    assert_int_equal(asked.answer, GW_AUTH_ABSENT);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_PENDING);
    close_world(&world);
}

// ---- the lease and the stale policy ----

static void test_within_the_lease_a_silent_log_is_trusted(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, 10000); // heard last now
    pass_in_silence(&world, LEASE_MS - 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_ADMIN), GW_AUTH_LIVE);
    assert_int_equal(world.lookups.asked_count, 1);
    close_world(&world);
}

static void test_past_the_lease_the_database_is_asked(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    look_up_absent(&world, 2);
    pass_in_silence(&world, LEASE_MS);
    // Also for what was looked up just now: nobody who revokes waits for us any more.
    for (int i = 0; i < 3; i++) {
        look_up_live(&world, 1);
        look_up_absent(&world, 2);
    }
    pass(&world, 0);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_ADMIN), GW_AUTH_LIVE);
    assert_int_equal(answer_at_once(&world, 2, GW_SCOPE_ADMIN), GW_AUTH_ABSENT);
    close_world(&world);
}

static void test_a_log_heard_again_is_trusted_again(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass_in_silence(&world, LEASE_MS * 2);
    pass(&world, 0);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    assert_int_equal(world.lookups.asked_count, 1);
    close_world(&world);
}

// The end of the lease counts from the log, not from a later lookup.
static void test_a_lookup_does_not_prolong_the_lease(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    pass_in_silence(&world, LEASE_MS - 2);
    look_up_live(&world, 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    pass_in_silence(&world, 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_PENDING);
    close_world(&world);
}

static void test_with_a_log_never_heard_the_database_is_asked_each_time(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    world.events.heard_ms = 0;
    look_up_live(&world, 1);
    look_up_live(&world, 1);
    world.pool.is_ready = false;
    // Nor does memory decide: nobody who revokes knows of this process.
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_UNKNOWN);
    assert_int_equal(world.metrics.cache_stale_total, 0);
    close_world(&world);
}

static void test_a_lookup_waits_for_a_connection_that_is_expected(void **state) {
    (void)state;
    struct world world;
    struct question question;
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, TTL_MS);
    world.pool = (struct db_pool){.is_expected = true};
    // what memory may decide it decides at once
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    assert_int_equal(ask(&world, &question, 2), GW_AUTH_PENDING);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(question.answer, GW_AUTH_LIVE);
    world.pool.is_expected = false;
    assert_int_equal(answer_at_once(&world, 3, GW_SCOPE_READ), GW_AUTH_UNKNOWN);
    close_world(&world);
}

// The log is followed from its newest row on: of a change between the lookup and that moment
// nothing will ever be heard.
static void test_what_was_looked_up_before_the_log_began_is_looked_up_again(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    world.events.heard_ms = 0;
    look_up_live(&world, 1);
    pass(&world, 1000); // the first that is heard of the log
    look_up_live(&world, 1);
    pass_in_silence(&world, 1);
    look_up_live(&world, 1);
    pass(&world, LEASE_MS);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_READ), GW_AUTH_LIVE);
    close_world(&world);
}

static void assert_answers(struct world *world, uint32_t token, enum gw_auth_answer read,
                           enum gw_auth_answer write) {
    assert_int_equal(answer_at_once(world, token, GW_SCOPE_READ), read);
    assert_int_equal(answer_at_once(world, token, GW_SCOPE_WRITE), write);
    assert_int_equal(answer_at_once(world, token, GW_SCOPE_ADMIN), GW_AUTH_UNKNOWN);
    assert_int_equal(pending_count(world), 0);
}

// Counted from when the log was last heard, though the entry is older; and nothing waits for a
// database that is not there.
static void test_without_the_database_the_scope_says_how_long(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, 30000);
    world.pool.is_ready = false;
    pass_in_silence(&world, LEASE_MS);
    assert_answers(&world, 1, GW_AUTH_LIVE, GW_AUTH_LIVE);
    assert_int_equal(world.metrics.cache_stale_total, 2);
    pass_in_silence(&world, STALE_WRITE_MS - LEASE_MS - 1);
    assert_answers(&world, 1, GW_AUTH_LIVE, GW_AUTH_LIVE);
    pass_in_silence(&world, 1);
    assert_answers(&world, 1, GW_AUTH_LIVE, GW_AUTH_UNKNOWN);
    pass_in_silence(&world, STALE_READ_MS - STALE_WRITE_MS - 1);
    assert_answers(&world, 1, GW_AUTH_LIVE, GW_AUTH_UNKNOWN);
    pass_in_silence(&world, 1);
    assert_answers(&world, 1, GW_AUTH_UNKNOWN, GW_AUTH_UNKNOWN);
    close_world(&world);
}

// Who revokes reckons from the last sign of life of this process, and knows nothing of its lookups.
static void test_a_lookup_does_not_prolong_the_stale_time(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass(&world, 1);
    pass_in_silence(&world, STALE_WRITE_MS - 1);
    look_up_live(&world, 1);
    look_up_live(&world, 2);
    world.pool.is_ready = false;
    for (uint32_t token = 1; token <= 2; token++)
        assert_answers(&world, token, GW_AUTH_LIVE, GW_AUTH_LIVE);
    pass_in_silence(&world, 1);
    for (uint32_t token = 1; token <= 2; token++)
        assert_answers(&world, token, GW_AUTH_LIVE, GW_AUTH_UNKNOWN);
    pass_in_silence(&world, STALE_READ_MS - STALE_WRITE_MS);
    for (uint32_t token = 1; token <= 2; token++)
        assert_answers(&world, token, GW_AUTH_UNKNOWN, GW_AUTH_UNKNOWN);
    close_world(&world);
}

// The revoke may have come between the lookup and the question, and nothing would tell.
static void test_who_asks_late_while_nothing_is_heard_has_another_lookup(void **state) {
    (void)state;
    struct world world;
    struct question early;
    struct question late[2];
    open_world(&world);
    pass_in_silence(&world, LEASE_MS);
    assert_int_equal(ask(&world, &early, 1), GW_AUTH_PENDING);
    assert_int_equal(ask(&world, &late[0], 1), GW_AUTH_PENDING);
    assert_int_equal(ask(&world, &late[1], 1), GW_AUTH_PENDING);
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(early.answer, GW_AUTH_LIVE);
    assert_int_equal(late[0].answer_count + late[1].answer_count, 0);
    assert_int_equal(pending_count(&world), 1);
    answer_lookup(&world, GW_NOT_FOUND, NULL);
    assert_int_equal(late[0].answer, GW_AUTH_ABSENT);
    assert_int_equal(late[1].answer, GW_AUTH_ABSENT);
    assert_int_equal(world.lookups.asked_count, 2);
    close_world(&world);
}

static void test_who_asks_late_without_room_for_a_lookup_is_not_told_yes(void **state) {
    (void)state;
    struct world world;
    struct question early;
    struct question late;
    open_world(&world);
    world.events.heard_ms = 0;
    assert_int_equal(ask(&world, &early, 1), GW_AUTH_PENDING);
    assert_int_equal(ask(&world, &late, 1), GW_AUTH_PENDING);
    world.lookups.is_full = true;
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(early.answer, GW_AUTH_LIVE);
    assert_int_equal(late.answer_count, 1);
    assert_int_equal(late.answer, GW_AUTH_UNKNOWN);
    close_world(&world);
}

static void assert_means(const struct world *world, enum gw_auth_means means) {
    assert_int_equal(gw_auth_cache_means(world->cache), means);
}

static void test_its_means_are_the_database_or_what_is_known_for_a_while(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    assert_means(&world, GW_AUTH_BY_DATABASE);
    world.pool.is_ready = false;
    assert_means(&world, GW_AUTH_BY_NOTHING);
    world.pool.is_ready = true;
    look_up_live(&world, 1);
    pass(&world, 1);
    world.pool.is_ready = false;
    pass_in_silence(&world, STALE_READ_MS - 1);
    assert_means(&world, GW_AUTH_BY_MEMORY);
    pass_in_silence(&world, 1);
    assert_means(&world, GW_AUTH_TOO_LATE);
    world.pool.is_ready = true;
    assert_means(&world, GW_AUTH_BY_DATABASE);
    close_world(&world);
}

static void test_without_a_cache_the_database_is_its_only_means(void **state) {
    (void)state;
    struct world world;
    struct gw_auth_cache_options options = usual_options;
    options.entries_max = 0;
    open_world_with(&world, &options);
    look_up_live(&world, 1);
    assert_means(&world, GW_AUTH_BY_DATABASE);
    world.pool.is_ready = false;
    assert_means(&world, GW_AUTH_BY_NOTHING);
    close_world(&world);
}

static void test_a_token_never_seen_is_unknown_in_an_outage(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    world.pool.is_ready = false;
    assert_answers(&world, 1, GW_AUTH_UNKNOWN, GW_AUTH_UNKNOWN);
    close_world(&world);
}

static void test_absence_is_not_known_past_its_time_in_an_outage(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_absent(&world, 1);
    world.pool.is_ready = false;
    pass_in_silence(&world, LEASE_MS);
    assert_answers(&world, 1, GW_AUTH_UNKNOWN, GW_AUTH_UNKNOWN);
    close_world(&world);
}

static void test_a_lookup_that_fails_leaves_each_question_to_its_own_scope(void **state) {
    (void)state;
    struct world world;
    struct question asked[3];
    open_world(&world);
    look_up_live(&world, 1);
    pass_in_silence(&world, LEASE_MS);
    assert_int_equal(ask_for(&world, &asked[0], 1, GW_SCOPE_READ), GW_AUTH_PENDING);
    assert_int_equal(ask_for(&world, &asked[1], 1, GW_SCOPE_WRITE), GW_AUTH_PENDING);
    assert_int_equal(ask_for(&world, &asked[2], 1, GW_SCOPE_ADMIN), GW_AUTH_PENDING);
    answer_lookup(&world, GW_UNAVAILABLE, NULL);
    assert_int_equal(asked[0].answer, GW_AUTH_LIVE);
    assert_string_equal(asked[0].name, "ci-deploy");
    assert_int_equal(asked[1].answer, GW_AUTH_LIVE);
    assert_int_equal(asked[2].answer, GW_AUTH_UNKNOWN);
    close_world(&world);
}

static void test_a_full_queue_is_answered_at_once(void **state) {
    (void)state;
    struct world world;
    open_world(&world);
    look_up_live(&world, 1);
    pass_in_silence(&world, LEASE_MS);
    world.lookups.is_full = true;
    assert_answers(&world, 1, GW_AUTH_LIVE, GW_AUTH_LIVE);
    assert_answers(&world, 2, GW_AUTH_UNKNOWN, GW_AUTH_UNKNOWN);
    world.lookups.is_full = false;
    look_up_live(&world, 2);
    close_world(&world);
}

static void test_the_queue_is_full_when_an_outdated_lookup_is_asked_again(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    hear(&world, DB_EVENT_TOKEN_CHANGED, 1);
    world.lookups.is_full = true;
    answer_lookup(&world, GW_OK, &usual_row);
    assert_int_equal(asked.answer_count, 1);
    assert_int_equal(asked.answer, GW_AUTH_UNKNOWN);
    assert_int_equal(world.metrics.cache_entries, 0);
    close_world(&world);
}

// Nothing of the row is kept, and so it is asked for each time; but who uses a live token is known
// for it.
static void test_without_a_cache_a_token_that_was_live_is_still_known(void **state) {
    (void)state;
    struct world world;
    struct gw_auth_cache_options options = usual_options;
    options.entries_max = 0;
    open_world_with(&world, &options);
    assert_int_equal(ask_for_known(&world, 1), GW_AUTH_UNSEEN);
    look_up_live(&world, 1);
    assert_int_equal(ask_for_known(&world, 1), GW_AUTH_PENDING);
    answer_lookup(&world, GW_NOT_FOUND, NULL);
    assert_int_equal(ask_for_known(&world, 1), GW_AUTH_UNSEEN);
    look_up_live(&world, 2);
    revoke_here(&world, 2);
    assert_int_equal(ask_for_known(&world, 2), GW_AUTH_UNSEEN);
    look_up_absent(&world, 3);
    assert_int_equal(ask_for_known(&world, 3), GW_AUTH_UNSEEN);
    close_world(&world);
}

// ---- a standby ----

static void test_a_standby_that_lags_is_asked_again(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    look_up_absent(&world, 9); // the log is followed from here on
    pass(&world, 1);
    world.events.applied_seq = 7;
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    answer_from_standby(&world, 6, GW_OK);
    assert_int_equal(asked.answer_count, 0);
    answer_from_standby(&world, 7, GW_OK);
    assert_int_equal(asked.answer_count, 1);
    assert_int_equal(asked.answer, GW_AUTH_LIVE);
    assert_int_equal(world.metrics.lookups_behind_total, 1);
    assert_int_equal(answer_at_once(&world, 1, GW_SCOPE_ADMIN), GW_AUTH_LIVE);
    close_world(&world);
}

static void test_a_standby_that_stays_behind_is_not_believed(void **state) {
    (void)state;
    const enum gw_status answers[] = {GW_OK, GW_NOT_FOUND};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct world world;
        struct question asked;
        open_world(&world);
        world.events.applied_seq = 7;
        assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
        while (pending_count(&world) > 0)
            answer_from_standby(&world, 6, answers[i]);
        assert_int_equal(asked.answer_count, 1);
        assert_int_equal(asked.answer, GW_AUTH_UNKNOWN);
        assert_true(world.lookups.asked_count <= 3);
        assert_int_equal(world.metrics.cache_entries + world.metrics.cache_negative_entries, 0);
        close_world(&world);
    }
}

// It knows no more than the log did when that was last heard: what was true then, and for no longer
// than that may count.
static void test_the_word_of_a_standby_is_as_old_as_the_log(void **state) {
    (void)state;
    struct world world;
    struct question read;
    struct question write;
    struct question admin;
    struct question absent;
    open_world(&world);
    look_up_absent(&world, 9); // the log is followed from here on
    pass(&world, 1);
    pass_in_silence(&world, STALE_WRITE_MS);
    assert_int_equal(ask_for(&world, &read, 1, GW_SCOPE_READ), GW_AUTH_PENDING);
    assert_int_equal(ask_for(&world, &write, 1, GW_SCOPE_WRITE), GW_AUTH_PENDING);
    assert_int_equal(ask_for(&world, &admin, 1, GW_SCOPE_ADMIN), GW_AUTH_PENDING);
    answer_from_standby(&world, 0, GW_OK);
    assert_int_equal(read.answer, GW_AUTH_LIVE);
    assert_int_equal(write.answer, GW_AUTH_UNKNOWN);
    assert_int_equal(admin.answer, GW_AUTH_UNKNOWN);
    assert_int_equal(ask(&world, &absent, 2), GW_AUTH_PENDING);
    answer_from_standby(&world, 0, GW_NOT_FOUND);
    assert_int_equal(absent.answer, GW_AUTH_UNKNOWN);
    pass_in_silence(&world, STALE_READ_MS - STALE_WRITE_MS);
    assert_int_equal(ask(&world, &read, 1), GW_AUTH_PENDING);
    answer_from_standby(&world, 0, GW_OK);
    assert_int_equal(read.answer, GW_AUTH_UNKNOWN);
    close_world(&world);
}

static void test_a_standby_is_not_believed_before_the_log_was_heard(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    world.events.heard_ms = 0;
    world.now_ms = 10; // as after the start of a machine: soon after "never"
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    answer_from_standby(&world, 100, GW_OK);
    assert_int_equal(asked.answer, GW_AUTH_UNKNOWN);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    answer_from_standby(&world, 100, GW_NOT_FOUND);
    assert_int_equal(asked.answer, GW_AUTH_UNKNOWN);
    close_world(&world);
}

// Before the log tells of it, and with nowhere to remember it.
static void test_a_standby_without_a_revocation_made_here_is_not_believed(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    struct gw_auth_cache_options options = usual_options;
    options.entries_max = 0;
    open_world_with(&world, &options);
    revoke_here(&world, 1);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    answer_from_standby(&world, REVOKED_SEQ - 1, GW_OK);
    assert_int_equal(asked.answer_count, 0);
    answer_from_standby(&world, REVOKED_SEQ, GW_NOT_FOUND);
    assert_int_equal(asked.answer, GW_AUTH_ABSENT);
    // an older log, of a database restored: the numbers start again
    lose_track_of_the_log(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    answer_from_standby(&world, 1, GW_OK);
    assert_int_equal(asked.answer, GW_AUTH_LIVE);
    close_world(&world);
}

static void test_a_revocation_heard_of_is_no_matter_of_the_age_of_a_standby(void **state) {
    (void)state;
    struct world world;
    struct question asked;
    open_world(&world);
    assert_int_equal(ask(&world, &asked, 1), GW_AUTH_PENDING);
    hear(&world, DB_EVENT_TOKEN_REVOKED, 1);
    pass_in_silence(&world, LEASE_MS);
    while (pending_count(&world) > 0)
        answer_from_standby(&world, 0, GW_OK);
    assert_int_equal(asked.answer, GW_AUTH_ABSENT);
    close_world(&world);
}

// ---- who listens ----

struct listener {
    struct gw_auth_watcher watcher;
    int token_count;
    int org_count;
    int all_count;
    unsigned char digest[DB_DIGEST_LENGTH];
};

static void on_token(struct gw_auth_watcher *watcher, const unsigned char *digest) {
    struct listener *listener = gw_container_of(watcher, struct listener, watcher);
    listener->token_count++;
    memcpy(listener->digest, digest, DB_DIGEST_LENGTH);
}

static void on_org(struct gw_auth_watcher *watcher, struct gw_str org_id) {
    assert_true(gw_str_equal(org_id, usual_row.org_id));
    gw_container_of(watcher, struct listener, watcher)->org_count++;
}

static void on_all(struct gw_auth_watcher *watcher) {
    gw_container_of(watcher, struct listener, watcher)->all_count++;
}

static void assert_told_of(struct listener *listener, uint32_t token) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(token, digest);
    assert_int_equal(listener->token_count, 1);
    assert_memory_equal(listener->digest, digest, sizeof(digest));
    listener->token_count = 0;
}

// Whichever way they come, and whether the token was known or not.
static void test_whoever_listens_hears_all_news(void **state) {
    (void)state;
    struct world world;
    struct listener listener = {
        .watcher = {.on_token = on_token, .on_org = on_org, .on_all = on_all}};
    unsigned char digest[DB_DIGEST_LENGTH];
    open_world(&world);
    gw_auth_cache_watch(world.cache, &listener.watcher);
    look_up_live(&world, 1);
    assert_int_equal(listener.token_count, 0);
    hear(&world, DB_EVENT_TOKEN_CHANGED, 1);
    assert_told_of(&listener, 1);
    hear(&world, DB_EVENT_TOKEN_REVOKED, 2);
    assert_told_of(&listener, 2);
    hear(&world, DB_EVENT_TOKEN_CREATED, 3);
    assert_told_of(&listener, 3);
    revoke_here(&world, 4);
    assert_told_of(&listener, 4);
    digest_of(5, digest);
    gw_auth_cache_forget(world.cache, digest);
    assert_told_of(&listener, 5);
    assert_int_equal(listener.org_count + listener.all_count, 0);
    hear(&world, DB_EVENT_ORG_CHANGED, 0);
    assert_int_equal(listener.org_count, 1);
    lose_track_of_the_log(&world);
    assert_int_equal(listener.all_count, 1);
    gw_auth_cache_watch(world.cache, NULL);
    revoke_here(&world, 6);
    assert_int_equal(listener.token_count, 0);
    close_world(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whoever_listens_hears_all_news),
        cmocka_unit_test(test_a_miss_asks_once_and_then_hits),
        cmocka_unit_test(test_a_question_for_known_tokens_looks_up_only_what_was_live),
        cmocka_unit_test(test_many_questions_of_one_token_share_one_lookup),
        cmocka_unit_test(test_each_token_has_a_lookup_of_its_own),
        cmocka_unit_test(test_an_absent_token_is_remembered_for_its_own_shorter_time),
        cmocka_unit_test(test_an_outage_is_not_remembered_as_absence),
        cmocka_unit_test(test_a_flood_of_absent_tokens_evicts_no_live_one),
        cmocka_unit_test(test_without_a_cache_questions_still_share_a_lookup),
        cmocka_unit_test(test_the_time_to_live_is_spread_within_its_bounds),
        cmocka_unit_test(test_a_used_entry_is_refreshed_in_the_background_once),
        cmocka_unit_test(test_a_refresh_that_failed_is_tried_again),
        cmocka_unit_test(test_a_refresh_that_finds_nothing_ends_the_entry),
        cmocka_unit_test(test_without_a_connection_nothing_is_refreshed),
        cmocka_unit_test(test_a_cancelled_question_is_not_answered),
        cmocka_unit_test(test_an_heir_gets_the_answer),
        cmocka_unit_test(test_a_lookup_that_nobody_waits_for_is_remembered),
        cmocka_unit_test(test_an_answer_may_cancel_and_ask_others),
        cmocka_unit_test(test_a_revocation_heard_of_ends_the_entry),
        cmocka_unit_test(test_a_late_yes_does_not_overtake_a_no),
        cmocka_unit_test(test_a_late_yes_does_not_overtake_a_no_without_a_cache),
        cmocka_unit_test(test_a_late_no_does_not_overtake_a_creation),
        cmocka_unit_test(test_without_a_cache_a_token_that_was_live_is_still_known),
        cmocka_unit_test(test_a_standby_that_lags_is_asked_again),
        cmocka_unit_test(test_a_standby_that_stays_behind_is_not_believed),
        cmocka_unit_test(test_the_word_of_a_standby_is_as_old_as_the_log),
        cmocka_unit_test(test_a_standby_is_not_believed_before_the_log_was_heard),
        cmocka_unit_test(test_a_standby_without_a_revocation_made_here_is_not_believed),
        cmocka_unit_test(test_a_revocation_heard_of_is_no_matter_of_the_age_of_a_standby),
        cmocka_unit_test(test_a_revoked_token_that_is_made_again_is_looked_up),
        cmocka_unit_test(test_an_older_revocation_does_not_lower_the_number),
        cmocka_unit_test(test_an_ended_token_is_refused_until_it_is_changed),
        cmocka_unit_test(test_an_end_heard_of_is_believed),
        cmocka_unit_test(test_the_lag_of_an_event_is_never_negative),
        cmocka_unit_test(test_a_change_of_the_organisation_clears_neither),
        cmocka_unit_test(test_after_a_gap_any_creation_clears_a_revocation),
        cmocka_unit_test(test_a_creation_clears_the_absence),
        cmocka_unit_test(test_a_changed_token_is_looked_up_again),
        cmocka_unit_test(test_a_lookup_outdated_again_and_again_is_given_up),
        cmocka_unit_test(test_an_outdated_refresh_does_not_renew),
        cmocka_unit_test(test_a_revocation_here_is_final),
        cmocka_unit_test(test_an_organisation_that_changed_takes_its_tokens_along),
        cmocka_unit_test(test_a_lookup_under_way_is_outdated_by_its_organisation),
        cmocka_unit_test(test_an_organisation_that_came_back_brings_its_tokens_along),
        cmocka_unit_test(test_a_gap_in_the_log_clears_what_is_known_and_under_way),
        cmocka_unit_test(test_within_the_lease_a_silent_log_is_trusted),
        cmocka_unit_test(test_past_the_lease_the_database_is_asked),
        cmocka_unit_test(test_a_log_heard_again_is_trusted_again),
        cmocka_unit_test(test_a_lookup_does_not_prolong_the_lease),
        cmocka_unit_test(test_with_a_log_never_heard_the_database_is_asked_each_time),
        cmocka_unit_test(test_a_lookup_waits_for_a_connection_that_is_expected),
        cmocka_unit_test(test_what_was_looked_up_before_the_log_began_is_looked_up_again),
        cmocka_unit_test(test_without_the_database_the_scope_says_how_long),
        cmocka_unit_test(test_a_lookup_does_not_prolong_the_stale_time),
        cmocka_unit_test(test_who_asks_late_while_nothing_is_heard_has_another_lookup),
        cmocka_unit_test(test_who_asks_late_without_room_for_a_lookup_is_not_told_yes),
        cmocka_unit_test(test_its_means_are_the_database_or_what_is_known_for_a_while),
        cmocka_unit_test(test_without_a_cache_the_database_is_its_only_means),
        cmocka_unit_test(test_a_token_never_seen_is_unknown_in_an_outage),
        cmocka_unit_test(test_absence_is_not_known_past_its_time_in_an_outage),
        cmocka_unit_test(test_a_lookup_that_fails_leaves_each_question_to_its_own_scope),
        cmocka_unit_test(test_a_full_queue_is_answered_at_once),
        cmocka_unit_test(test_the_queue_is_full_when_an_outdated_lookup_is_asked_again),
    };
    return cmocka_run_group_tests_name("gateway/auth_cache", tests, NULL, NULL);
}
