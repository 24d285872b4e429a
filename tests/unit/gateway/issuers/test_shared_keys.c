// SPDX-License-Identifier: MIT
// The fleet's keys over a database and a fetch of the test's own: what follows stands in for
// db/issuer_keys.c, db_pool_cancel and gateway/issuers/fetch.c at link time, so that every order of
// looks, fetches and puts can be played. Several gateways on one PostgreSQL are in
// tests/e2e/test_issuer_keys.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/issuer_keys.h"
#include "db/pool.h"
#include "gateway/issuers/shared_keys.h"

#define GUARD_MS 60000
#define ISSUER "https://a.test"

// The example of RFC 7517 appendix A.1.
#define KEYS                                                                                       \
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\","                                  \
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                                       \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}"

// ---- what it stands on ----

static struct {
    struct db_issuer_keys_look *look; // NULL: none is under way
    struct db_issuer_keys_put *put;
    struct db_issuer_known known; // of the last look
    int looks, puts, cancels;
    bool is_away; // the pool takes nothing
} database;

enum gw_status db_issuer_keys_look(struct db_pool *pool, struct db_issuer_keys_look *look) {
    (void)pool;
    assert_null(database.look);
    assert_int_equal(look->count, 1);
    if (database.is_away)
        return GW_UNAVAILABLE;
    database.known = look->known[0];
    database.look = look;
    database.looks++;
    return GW_OK;
}

enum gw_status db_issuer_keys_put(struct db_pool *pool, struct db_issuer_keys_put *put) {
    (void)pool;
    assert_null(database.put);
    if (database.is_away)
        return GW_UNAVAILABLE;
    database.put = put;
    database.puts++;
    return GW_OK;
}

void db_pool_cancel(struct db_pool *pool, struct db_query *query) {
    (void)pool;
    if (database.look != NULL && query == &database.look->query)
        database.look = NULL;
    if (database.put != NULL && query == &database.put->query)
        database.put = NULL;
    database.cancels++;
}

static struct {
    struct gw_issuer_fetch *fetch; // NULL: none is under way
    int started, closed;
    char bearer[64];
    const char *refusal; // of a start; NULL: it is taken
} fetching;

enum gw_status gw_issuer_fetch_open(struct gw_issuer_fetch *fetch,
                                    const struct gw_services *services,
                                    const struct gw_issuer_setting *setting,
                                    const struct gw_issuer_proxy *proxy,
                                    struct gw_upstream_problem *problem) {
    (void)services;
    (void)setting;
    (void)proxy;
    (void)problem;
    *fetch = (struct gw_issuer_fetch){.is_busy = false};
    return GW_OK;
}

void gw_issuer_fetch_close(struct gw_issuer_fetch *fetch) {
    (void)fetch;
    fetching.closed++;
}

enum gw_status gw_issuer_fetch_start(struct gw_issuer_fetch *fetch, struct gw_str bearer) {
    assert_null(fetching.fetch);
    if (fetching.refusal != NULL) {
        (void)snprintf(fetch->problem, sizeof(fetch->problem), "%s", fetching.refusal);
        return GW_UNAVAILABLE;
    }
    (void)snprintf(fetching.bearer, sizeof(fetching.bearer), "%.*s", GW_STR_ARG(bearer));
    fetching.fetch = fetch;
    fetching.started++;
    return GW_OK;
}

// ---- a gateway ----

static struct {
    uv_loop_t loop;
    uv_timer_t guard;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_issuer_setting setting;
    struct gw_issuer_keys keys;
    struct gw_shared_keys shared;
    char bearer_file[128];
} world;

static void on_guard(uv_timer_t *timer) {
    (void)timer;
    fail_msg("nothing happened for too long");
}

static void open_world(const char *bearer_file) {
    struct gw_upstream_problem problem;
    memset(&world, 0, sizeof(world));
    memset(&database, 0, sizeof(database));
    memset(&fetching, 0, sizeof(fetching));
    assert_int_equal(uv_loop_init(&world.loop), 0);
    uv_timer_init(&world.loop, &world.guard);
    uv_timer_start(&world.guard, on_guard, GUARD_MS, 0);
    world.services = (struct gw_services){.loop = &world.loop, .metrics = &world.metrics};
    world.setting =
        (struct gw_issuer_setting){.name = "ci", .issuer = ISSUER, .bearer_file = bearer_file};
    gw_issuer_keys_init(&world.keys, 86400000, 1);
    assert_int_equal(gw_shared_keys_open(&world.shared, &world.services), GW_OK);
    assert_int_equal(gw_shared_keys_add(&world.shared, &world.setting, &world.keys, &problem),
                     GW_OK);
}

static int set_up(void **state) {
    (void)state;
    open_world(NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    if (!world.shared.is_closing)
        gw_shared_keys_close(&world.shared);
    uv_close((uv_handle_t *)&world.guard, NULL);
    assert_int_equal(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    gw_issuer_keys_deinit(&world.keys);
    assert_int_equal(fetching.closed, 1);
    return 0;
}

// A turn that runs its timers first would wait for the next event behind them.
static void run_until_looking(void) {
    while (database.look == NULL)
        uv_run(&world.loop, UV_RUN_NOWAIT);
}

static uint64_t due_in_ms(void) {
    assert_true(uv_is_active((const uv_handle_t *)&world.shared.timer));
    return uv_timer_get_due_in(&world.shared.timer);
}

static void answer_look(struct db_issuer_keys_row row) {
    struct db_issuer_keys_look *look = database.look;
    assert_non_null(look);
    database.look = NULL;
    row.issuer = GW_STR(ISSUER);
    look->on_done(look, GW_OK, &row, 1);
}

// Nobody has fetched yet, and this gateway is to do so.
static void take_lease(void) {
    run_until_looking();
    answer_look((struct db_issuer_keys_row){.age_ms = -1, .taken_ms = 0, .is_ours = true});
}

static void end_fetch(enum gw_status status, const char *text) {
    struct gw_issuer_fetch *fetch = fetching.fetch;
    assert_non_null(fetch);
    fetching.fetch = NULL;
    if (status != GW_OK)
        (void)snprintf(fetch->problem, sizeof(fetch->problem), "%s", text);
    fetch->on_done(fetch, status, gw_str_from(status == GW_OK ? text : ""));
}

static void answer_put(enum db_issuer_keys_outcome outcome) {
    struct db_issuer_keys_put *put = database.put;
    assert_non_null(put);
    database.put = NULL;
    put->on_done(put, GW_OK, outcome);
}

static int64_t fetches(enum gw_key_fetch outcome) {
    return world.metrics.oidc_key_fetches_total[outcome];
}

static void use_keys(uint64_t version) {
    run_until_looking();
    answer_look((struct db_issuer_keys_row){
        .version = version, .keys = GW_STR(KEYS), .age_ms = 1000, .taken_ms = 1000});
}

// ---- looking ----

static void test_it_looks_at_once_and_soon_again_without_keys(void **state) {
    (void)state;
    run_until_looking();
    assert_true(gw_str_equal(database.known.issuer, GW_STR(ISSUER)));
    assert_int_equal(database.known.version, 0);
    assert_false(database.known.is_asked);
    answer_look((struct db_issuer_keys_row){.age_ms = -1, .taken_ms = 500});
    assert_int_equal(world.metrics.oidc_issuers_without_keys, 1);
    assert_int_equal(due_in_ms(), GW_KEYS_LOOK_SOON_MS);
    assert_int_equal(fetching.started, 0);
}

static void test_keys_of_others_are_used(void **state) {
    (void)state;
    const struct gw_jwk *key;
    use_keys(7);
    assert_int_equal(
        gw_issuer_keys_find(&world.keys, GW_STR("a"), (int64_t)uv_now(&world.loop), &key), GW_OK);
    assert_int_equal(world.metrics.oidc_issuers_without_keys, 0);
    assert_true(world.metrics.oidc_keys_age_ms >= 1000);
    assert_int_equal(due_in_ms(), GW_KEYS_LOOK_MS);
    gw_shared_keys_hurry(&world.shared);
    assert_int_equal(database.known.version, 7);
}

static void test_a_set_that_cannot_be_used_leaves_the_old_one(void **state) {
    (void)state;
    use_keys(1);
    gw_shared_keys_hurry(&world.shared);
    answer_look((struct db_issuer_keys_row){
        .version = 2, .keys = GW_STR("{\"keys\":[]}"), .age_ms = 0, .taken_ms = 0});
    assert_int_equal(gw_jwk_set_count(world.keys.set), 1);
    assert_true(world.metrics.oidc_keys_age_ms >= 1000); // it is no younger for that
    gw_shared_keys_hurry(&world.shared);
    assert_int_equal(database.known.version, 2); // not looked at again
}

static void test_what_comes_while_it_looks_is_looked_for_behind_it(void **state) {
    (void)state;
    run_until_looking();
    gw_shared_keys_hurry(&world.shared);
    gw_shared_keys_hurry(&world.shared);
    assert_int_equal(database.looks, 1);
    answer_look((struct db_issuer_keys_row){.age_ms = -1, .taken_ms = -1});
    assert_int_equal(database.looks, 2);
    answer_look((struct db_issuer_keys_row){.age_ms = -1, .taken_ms = -1});
    assert_int_equal(database.looks, 2);
}

static void test_a_database_that_is_away_is_asked_again(void **state) {
    (void)state;
    database.is_away = true;
    gw_shared_keys_hurry(&world.shared);
    assert_null(database.look);
    assert_int_equal(due_in_ms(), GW_KEYS_LOOK_SOON_MS);
    database.is_away = false;
    gw_shared_keys_hurry(&world.shared);
    struct db_issuer_keys_look *look = database.look;
    database.look = NULL;
    look->on_done(look, GW_UNAVAILABLE, NULL, 0);
    assert_int_equal(due_in_ms(), GW_KEYS_LOOK_SOON_MS);
}

static void test_an_unknown_key_is_asked_for_when_a_fetch_may_be_made(void **state) {
    (void)state;
    const struct gw_jwk *key;
    use_keys(1); // fetched a second ago
    assert_int_equal(
        gw_issuer_keys_find(&world.keys, GW_STR("b"), (int64_t)uv_now(&world.loop), &key),
        GW_UNAVAILABLE);
    gw_shared_keys_ask(&world.shared);
    assert_in_range(due_in_ms(), DB_ISSUER_FETCH_PAUSE_MS - 2000, DB_ISSUER_FETCH_PAUSE_MS - 1000);
    gw_shared_keys_hurry(&world.shared);
    assert_true(database.known.is_asked);
    answer_look((struct db_issuer_keys_row){.version = 1, .age_ms = 61000, .taken_ms = 61000});
    assert_int_equal(due_in_ms(), GW_KEYS_LOOK_PAUSE_MS); // another gateway was not faster
}

// ---- fetching ----

static void test_who_has_the_lease_fetches_and_brings(void **state) {
    (void)state;
    take_lease();
    assert_int_equal(fetching.started, 1);
    assert_string_equal(fetching.bearer, "");
    gw_shared_keys_hurry(&world.shared);
    answer_look((struct db_issuer_keys_row){.age_ms = -1, .taken_ms = 0, .is_ours = true});
    assert_int_equal(fetching.started, 1); // it is at it
    end_fetch(GW_OK, KEYS);
    assert_true(gw_str_equal(database.put->keys, GW_STR(KEYS)));
    assert_true(gw_str_equal(database.put->issuer, GW_STR(ISSUER)));
    assert_int_equal(database.put->gateway_id.length, GW_ID_LENGTH);
    assert_null(world.keys.set); // what the database has counts
    answer_put(DB_ISSUER_KEYS_CHANGED);
    assert_int_equal(fetches(GW_KEY_FETCH_CHANGED), 1);
    assert_non_null(database.look); // for what was brought
    use_keys(1);
    assert_int_equal(gw_jwk_set_count(world.keys.set), 1);
}

static void expect_outcome(const char *outcome) {
    assert_null(database.put->keys.at);
    assert_int_equal(database.put->outcome.length, strlen(outcome));
    assert_memory_equal(database.put->outcome.at, outcome, strlen(outcome));
    answer_put(DB_ISSUER_KEYS_FAILED);
}

static void test_what_is_no_key_set_is_not_brought(void **state) {
    (void)state;
    take_lease();
    end_fetch(GW_OK, "{\"keys\":[]}");
    expect_outcome("its key set cannot be used: it has no usable key");
    assert_int_equal(fetches(GW_KEY_FETCH_FAILED), 1);
}

static void test_a_failure_is_brought_with_its_reason(void **state) {
    (void)state;
    take_lease();
    end_fetch(GW_INVALID, "it answered 500");
    expect_outcome("it answered 500");
    fetching.refusal = "could not connect";
    take_lease();
    expect_outcome("could not connect");
    assert_int_equal(fetches(GW_KEY_FETCH_FAILED), 2);
    assert_string_equal(world.shared.of[0].problem, "could not connect");
    fetching.refusal = NULL;
    take_lease();
    end_fetch(GW_OK, KEYS);
    answer_put(DB_ISSUER_KEYS_SAME);
    assert_string_equal(world.shared.of[0].problem, "");
    assert_int_equal(fetches(GW_KEY_FETCH_SAME), 1);
}

static void test_a_lost_lease_counts_as_a_failure(void **state) {
    (void)state;
    take_lease();
    end_fetch(GW_OK, KEYS);
    answer_put(DB_ISSUER_KEYS_LOST);
    assert_int_equal(fetches(GW_KEY_FETCH_FAILED), 1);
    take_lease();
    assert_int_equal(fetching.started, 2); // it may try again
    database.is_away = true;
    end_fetch(GW_OK, KEYS);
    assert_int_equal(fetches(GW_KEY_FETCH_FAILED), 2);
}

// ---- the bearer file ----

static void write_bearer(const char *text) {
    FILE *file = fopen(world.bearer_file, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up_bearer(void **state) {
    (void)state;
    char path[sizeof(world.bearer_file)];
    const char *parent = getenv("TMPDIR");
    (void)snprintf(path, sizeof(path), "%s/bearer.XXXXXX", parent != NULL ? parent : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    open_world(world.bearer_file);
    memcpy(world.bearer_file, path, sizeof(path));
    return 0;
}

static int tear_down_bearer(void **state) {
    (void)unlink(world.bearer_file);
    return tear_down(state);
}

static void test_the_bearer_file_is_read_before_each_fetch(void **state) {
    (void)state;
    static const char *const texts[] = {"first.token\n", "second.token"};
    static const char *const expected[] = {"first.token", "second.token"};
    for (int i = 0; i < 2; i++) {
        write_bearer(texts[i]);
        take_lease();
        while (fetching.fetch == NULL)
            uv_run(&world.loop, UV_RUN_ONCE);
        assert_string_equal(fetching.bearer, expected[i]);
        end_fetch(GW_OK, KEYS);
        answer_put(DB_ISSUER_KEYS_SAME);
    }
}

static void test_a_bearer_that_ends_its_field_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"two words", "ta\tb", "\n", "\x7f"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        write_bearer(wrong[i]);
        take_lease();
        while (database.put == NULL)
            uv_run(&world.loop, UV_RUN_ONCE);
        assert_true(
            gw_str_starts_with(database.put->outcome, GW_STR("cannot use its bearer-file: ")));
        answer_put(DB_ISSUER_KEYS_FAILED);
    }
    assert_int_equal(fetching.started, 0);
}

// ---- the end ----

static void test_a_close_leaves_nothing_under_way(void **state) {
    (void)state;
    take_lease();
    end_fetch(GW_OK, KEYS);
    gw_shared_keys_hurry(&world.shared);
    assert_non_null(database.put);
    gw_shared_keys_close(&world.shared);
    assert_null(database.put);
    assert_null(database.look);
    gw_shared_keys_hurry(&world.shared); // an event that comes late
    assert_null(database.look);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_OF_BEARER(name) cmocka_unit_test_setup_teardown(name, set_up_bearer, tear_down_bearer)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_it_looks_at_once_and_soon_again_without_keys),
        TEST(test_keys_of_others_are_used),
        TEST(test_a_set_that_cannot_be_used_leaves_the_old_one),
        TEST(test_what_comes_while_it_looks_is_looked_for_behind_it),
        TEST(test_a_database_that_is_away_is_asked_again),
        TEST(test_an_unknown_key_is_asked_for_when_a_fetch_may_be_made),
        TEST(test_who_has_the_lease_fetches_and_brings),
        TEST(test_what_is_no_key_set_is_not_brought),
        TEST(test_a_failure_is_brought_with_its_reason),
        TEST(test_a_lost_lease_counts_as_a_failure),
        TEST_OF_BEARER(test_the_bearer_file_is_read_before_each_fetch),
        TEST_OF_BEARER(test_a_bearer_that_ends_its_field_is_refused),
        TEST(test_a_close_leaves_nothing_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
