// SPDX-License-Identifier: MIT
// Proves of db/hosts.c: a round has each address once, in order; an address that said nothing rests
// as long as there is another, and then one link at a time tries it; prefer-standby and random
// balancing keep what libpq means by them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "db/hosts.h"
#include "tests/support/resolver.h"

#define REST_MS 1000

static struct {
    uv_loop_t loop;
    struct db_url url;
    struct db_hosts hosts;
    struct db_round round;
    int resolved;
    bool is_closed;
} world;

static uint64_t passed_ms; // in a moment

uint64_t uv_now(const uv_loop_t *loop) {
    return loop->time + passed_ms;
}

static void on_resolved(struct db_hosts *hosts) {
    assert_ptr_equal(hosts, &world.hosts);
    world.resolved++;
}

static void on_closed(struct db_hosts *hosts) {
    assert_ptr_equal(hosts, &world.hosts);
    world.is_closed = true;
}

static void open_hosts(const char *url) {
    gw_log_set_level(GW_LOG_ERROR);
    test_resolver_reset();
    memset(&world, 0, sizeof(world));
    assert_int_equal(uv_loop_init(&world.loop), 0);
    assert_int_equal(db_url_parse(url, &world.url), GW_OK);
    assert_int_equal(db_hosts_open(&world.hosts, &world.loop, &world.url, on_resolved), GW_OK);
}

static void close_hosts(void) {
    db_hosts_close(&world.hosts, on_closed);
    (void)uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_true(world.is_closed);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    db_url_deinit(&world.url);
}

static void resolve(int lookups, const char *first, const char *second) {
    assert_true(db_hosts_refresh(&world.hosts));
    test_resolver_answer(lookups, first, second);
    while (db_hosts_are_looking_up(&world.hosts))
        (void)uv_run(&world.loop, UV_RUN_ONCE);
    assert_int_equal(world.resolved, lookups);
}

// The rest of the round as "host=address:attrs ...".
static const char *rest_of_round(void) {
    static char text[512];
    struct db_attempt attempt;
    text[0] = '\0';
    while (db_hosts_next(&world.hosts, &world.round, REST_MS, &attempt)) {
        size_t used = strlen(text);
        const char *host = attempt.what.server->host;
        (void)snprintf(text + used, sizeof(text) - used, "%s%s=%s:%s", used > 0 ? " " : "",
                       host != NULL ? host : "",
                       attempt.what.address != NULL ? attempt.what.address : "",
                       attempt.what.session_attrs != NULL ? attempt.what.session_attrs : "");
    }
    return text;
}

static const char *whole_round(void) {
    db_hosts_plan(&world.hosts, &world.round);
    return rest_of_round();
}

static void note_silent(int place) {
    struct db_attempt attempt = {.key = 0};
    db_hosts_plan(&world.hosts, &world.round);
    for (int i = 0; i <= place; i++)
        assert_true(db_hosts_next(&world.hosts, &world.round, REST_MS, &attempt));
    db_hosts_note_silent(&world.hosts, attempt.key);
}

static void test_a_round_has_each_address_in_order(void **state) {
    (void)state;
    open_hosts("host=/run,10.0.0.1,a.test,b.test,a.test,c.test hostaddr=,,,10.0.0.2,,"
               " port=1,2,3,4,5,6 target_session_attrs=primary");
    assert_true(db_hosts_are_known(&world.hosts));
    assert_string_equal(whole_round(),
                        "/run=:primary 10.0.0.1=10.0.0.1:primary b.test=10.0.0.2:primary");
    resolve(2, "10.0.0.3", "10.0.0.4"); // a.test, once for both of its ports, and c.test
    assert_int_equal(test_resolver_begun(), 2);
    assert_string_equal(whole_round(),
                        "/run=:primary 10.0.0.1=10.0.0.1:primary a.test=10.0.0.3:primary"
                        " a.test=10.0.0.4:primary b.test=10.0.0.2:primary a.test=10.0.0.3:primary"
                        " a.test=10.0.0.4:primary c.test=10.0.0.3:primary"
                        " c.test=10.0.0.4:primary");
    close_hosts();
}

static void test_a_url_without_names_has_nothing_to_look_up(void **state) {
    (void)state;
    open_hosts("host=/run");
    assert_true(db_hosts_are_known(&world.hosts));
    assert_false(db_hosts_refresh(&world.hosts));
    assert_string_equal(whole_round(), "/run=:any");
    close_hosts();
}

static void test_an_unknown_name_has_an_empty_round(void **state) {
    (void)state;
    open_hosts("host=a.test");
    assert_false(db_hosts_are_known(&world.hosts));
    assert_string_equal(whole_round(), "");
    close_hosts();
}

static void test_a_silent_address_rests_and_is_tried_by_one(void **state) {
    (void)state;
    open_hosts("host=a.test");
    resolve(1, "10.0.0.1", "10.0.0.2");
    note_silent(0);
    assert_string_equal(whole_round(), "a.test=10.0.0.2:any");
    passed_ms += DB_HOSTS_REST_MS;
    struct db_attempt attempt;
    db_hosts_plan(&world.hosts, &world.round);
    assert_true(db_hosts_next(&world.hosts, &world.round, REST_MS, &attempt));
    assert_true(attempt.was_silent);
    assert_string_equal(attempt.what.address, "10.0.0.1");
    assert_string_equal(whole_round(), "a.test=10.0.0.2:any"); // of another link
    db_hosts_note_answer(&world.hosts, attempt.key);
    assert_string_equal(whole_round(), "a.test=10.0.0.1:any a.test=10.0.0.2:any");
    close_hosts();
}

static void test_addresses_that_are_all_silent_are_tried(void **state) {
    (void)state;
    open_hosts("host=a.test");
    resolve(1, "10.0.0.1", "10.0.0.2");
    note_silent(0);
    note_silent(0); // the other one
    assert_string_equal(whole_round(), "a.test=10.0.0.1:any a.test=10.0.0.2:any");
    close_hosts();
}

static void test_an_address_that_is_gone_is_left_out(void **state) {
    (void)state;
    open_hosts("host=a.test,10.0.0.9");
    resolve(1, "10.0.0.1", "10.0.0.2");
    db_hosts_plan(&world.hosts, &world.round);
    passed_ms += GW_NAME_REFRESH_MIN_MS;
    world.resolved = 0;
    resolve(1, "10.0.0.3", NULL);
    assert_string_equal(rest_of_round(), "a.test=10.0.0.3:any 10.0.0.9=10.0.0.9:any");
    close_hosts();
}

static void test_prefer_standby_asks_all_for_a_standby_first(void **state) {
    (void)state;
    open_hosts("host=10.0.0.1,10.0.0.2 target_session_attrs=prefer-standby");
    assert_string_equal(whole_round(), "10.0.0.1=10.0.0.1:standby 10.0.0.2=10.0.0.2:standby"
                                       " 10.0.0.1=10.0.0.1:any 10.0.0.2=10.0.0.2:any");
    close_hosts();
}

// libpq reads load_balance_hosts from PostgreSQL 16 on.
static void test_random_balancing_begins_anywhere(void **state) {
    (void)state;
    open_hosts("host=a.test,10.0.0.3");
    resolve(1, "10.0.0.1", "10.0.0.2");
    world.url.is_balanced = true;
    int firsts[3] = {0};
    for (int i = 0; i < 300; i++) {
        const char *text = whole_round();
        assert_int_equal(world.round.count, 3);
        firsts[0] += strncmp(text, "a.test=10.0.0.1", 15) == 0;
        firsts[1] += strncmp(text, "a.test=10.0.0.2", 15) == 0;
        firsts[2] += strncmp(text, "10.0.0.3", 8) == 0;
    }
    assert_int_equal(firsts[0] + firsts[1] + firsts[2], 300);
    for (int i = 0; i < 3; i++)
        assert_true(firsts[i] > 30);
    close_hosts();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_round_has_each_address_in_order),
        cmocka_unit_test(test_a_url_without_names_has_nothing_to_look_up),
        cmocka_unit_test(test_an_unknown_name_has_an_empty_round),
        cmocka_unit_test(test_a_silent_address_rests_and_is_tried_by_one),
        cmocka_unit_test(test_addresses_that_are_all_silent_are_tried),
        cmocka_unit_test(test_an_address_that_is_gone_is_left_out),
        cmocka_unit_test(test_prefer_standby_asks_all_for_a_standby_first),
        cmocka_unit_test(test_random_balancing_begins_anywhere),
    };
    return cmocka_run_group_tests_name("hosts", tests, NULL, NULL);
}
