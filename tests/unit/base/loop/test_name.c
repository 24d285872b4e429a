// SPDX-License-Identifier: MIT
// Proves of base/loop/name.c: a numeric host is never looked up; a resolver that hangs, fails or
// answers late holds up neither the loop nor the end, and leaves the addresses that were there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/log.h"
#include "base/loop/name.h"
#include "tests/support/resolver.h"

struct fixture {
    uv_loop_t loop;
    struct gw_name name;
    int resolved_count;
    bool is_closed;
};

static uint64_t passed_ms; // in a moment

uint64_t uv_now(const uv_loop_t *loop) {
    return loop->time + passed_ms;
}

static struct fixture *fixture_of(struct gw_name *name) {
    return gw_container_of(name, struct fixture, name);
}

static void on_resolved(struct gw_name *name) {
    fixture_of(name)->resolved_count++;
}

static void on_closed(struct gw_name *name) {
    fixture_of(name)->is_closed = true;
}

static void open_name(struct fixture *fixture, const char *host) {
    gw_log_set_level(GW_LOG_ERROR);
    test_resolver_reset();
    passed_ms = 0;
    *fixture = (struct fixture){.resolved_count = 0};
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    gw_name_open(&fixture->name, &fixture->loop, "test", host, 8080, on_resolved);
}

static void close_name(struct fixture *fixture) {
    gw_name_close(&fixture->name, on_closed);
    assert_false(fixture->is_closed);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->is_closed);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
}

static void run_until_resolved(struct fixture *fixture, int times) {
    while (fixture->resolved_count < times)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(fixture->resolved_count, times);
}

static void resolve_to(struct fixture *fixture, const char *first, const char *second) {
    test_resolver_answer(1, first, second);
    run_until_resolved(fixture, fixture->resolved_count + 1);
}

static void wait_until_begun(int lookups) {
    while (test_resolver_begun() < lookups)
        continue;
}

static void assert_is_at(const struct fixture *fixture, int index, const char *address) {
    char text[INET_ADDRSTRLEN];
    const struct sockaddr_in *found = (const struct sockaddr_in *)&fixture->name.list[index];
    assert_int_equal(found->sin_family, AF_INET);
    assert_int_equal(ntohs(found->sin_port), 8080);
    assert_int_equal(uv_ip4_name(found, text, sizeof(text)), 0);
    assert_string_equal(text, address);
}

static void test_a_numeric_host_is_known_at_once(void **state) {
    (void)state;
    struct fixture fixture;
    open_name(&fixture, "127.0.0.1");
    assert_int_equal(fixture.name.count, 1);
    assert_is_at(&fixture, 0, "127.0.0.1");
    assert_false(gw_name_refresh(&fixture.name));
    close_name(&fixture);
    assert_int_equal(fixture.resolved_count, 0);
}

static void test_an_ipv6_host_is_known_at_once(void **state) {
    (void)state;
    struct fixture fixture;
    open_name(&fixture, "::1");
    assert_int_equal(fixture.name.count, 1);
    assert_int_equal(fixture.name.list[0].ss_family, AF_INET6);
    close_name(&fixture);
}

static void test_a_name_is_looked_up_when_asked(void **state) {
    (void)state;
    struct fixture fixture;
    open_name(&fixture, "registry.test");
    assert_false(gw_name_is_looking_up(&fixture.name));
    assert_true(gw_name_refresh(&fixture.name));
    assert_int_equal(fixture.resolved_count, 0);
    resolve_to(&fixture, "127.0.0.1", "127.0.0.2");
    assert_true(test_resolver_was_asked_for("registry.test"));
    assert_int_equal(fixture.name.count, 2);
    assert_is_at(&fixture, 0, "127.0.0.1");
    assert_is_at(&fixture, 1, "127.0.0.2");
    close_name(&fixture);
}

static void test_a_name_that_fails_keeps_the_old_addresses(void **state) {
    (void)state;
    struct fixture fixture;
    open_name(&fixture, "registry.test");
    assert_true(gw_name_refresh(&fixture.name));
    resolve_to(&fixture, "127.0.0.1", NULL);
    assert_false(gw_name_refresh(&fixture.name)); // that was just now
    passed_ms += GW_NAME_REFRESH_MIN_MS;
    assert_true(gw_name_refresh(&fixture.name));
    assert_true(gw_name_refresh(&fixture.name)); // joins the one under way
    resolve_to(&fixture, NULL, NULL);
    assert_int_equal(test_resolver_begun(), 2);
    assert_int_equal(fixture.name.count, 1);
    assert_is_at(&fixture, 0, "127.0.0.1");
    passed_ms += GW_NAME_REFRESH_MIN_MS;
    assert_true(gw_name_refresh(&fixture.name));
    resolve_to(&fixture, "127.0.0.3", NULL);
    assert_is_at(&fixture, 0, "127.0.0.3");
    close_name(&fixture);
}

// The thread that is left behind ends later, and finds nobody.
static void test_closing_does_not_wait_for_a_lookup_that_hangs(void **state) {
    (void)state;
    struct fixture fixture;
    open_name(&fixture, "registry.test");
    assert_true(gw_name_refresh(&fixture.name));
    wait_until_begun(1);
    close_name(&fixture);
    assert_int_equal(test_resolver_ended(), 0);
    test_resolver_answer(1, "127.0.0.1", NULL);
    while (test_resolver_taken() == 0)
        continue; // freed by the thread
    assert_int_equal(fixture.resolved_count, 0);
}

static void test_a_lookup_that_hangs_is_passed_by_one_more(void **state) {
    (void)state;
    struct fixture fixture;
    open_name(&fixture, "registry.test");
    assert_true(gw_name_refresh(&fixture.name));
    wait_until_begun(1);
    passed_ms += GW_NAME_STUCK_MS - 1;
    assert_true(gw_name_refresh(&fixture.name));
    passed_ms += 1;
    assert_true(gw_name_refresh(&fixture.name));
    wait_until_begun(2);
    passed_ms += GW_NAME_STUCK_MS;
    assert_true(gw_name_refresh(&fixture.name)); // there are enough of them
    resolve_to(&fixture, "127.0.0.1", NULL);     // whichever it was
    test_resolver_answer(1, "127.0.0.2", NULL);
    while (test_resolver_ended() < 2)
        continue;
    close_name(&fixture);
    assert_int_equal(test_resolver_begun(), 2);
    assert_in_range(fixture.resolved_count, 1, 2); // the older one may have been the first
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_numeric_host_is_known_at_once),
        cmocka_unit_test(test_an_ipv6_host_is_known_at_once),
        cmocka_unit_test(test_a_name_is_looked_up_when_asked),
        cmocka_unit_test(test_a_name_that_fails_keeps_the_old_addresses),
        cmocka_unit_test(test_closing_does_not_wait_for_a_lookup_that_hangs),
        cmocka_unit_test(test_a_lookup_that_hangs_is_passed_by_one_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
