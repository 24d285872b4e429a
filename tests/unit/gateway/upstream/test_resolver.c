// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/upstream/resolver.h"

struct fixture {
    uv_loop_t loop;
    struct gw_upstream_url url;
    struct gw_upstream_addresses addresses;
    int resolved_count;
    bool is_closed;
};

static struct fixture *fixture_of(struct gw_upstream_addresses *addresses) {
    return gw_container_of(addresses, struct fixture, addresses);
}

static void on_resolved(struct gw_upstream_addresses *addresses) {
    fixture_of(addresses)->resolved_count++;
}

static void on_closed(struct gw_upstream_addresses *addresses) {
    fixture_of(addresses)->is_closed = true;
}

static void open_addresses(struct fixture *fixture, const char *url) {
    const char *problem;
    *fixture = (struct fixture){.resolved_count = 0};
    assert_int_equal(gw_upstream_url_parse(gw_str_from(url), &fixture->url, &problem), GW_OK);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    gw_upstream_addresses_open(&fixture->addresses, &fixture->loop, &fixture->url, on_resolved);
}

static void close_addresses(struct fixture *fixture) {
    gw_upstream_addresses_close(&fixture->addresses, on_closed);
    assert_false(fixture->is_closed);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->is_closed);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
}

static void test_a_numeric_host_is_known_at_once(void **state) {
    (void)state;
    struct fixture fixture;
    open_addresses(&fixture, "http://127.0.0.1:8080");
    assert_int_equal(fixture.addresses.count, 1);
    const struct sockaddr_in *address = (const struct sockaddr_in *)&fixture.addresses.list[0];
    assert_int_equal(address->sin_family, AF_INET);
    assert_int_equal(ntohs(address->sin_port), 8080);
    assert_false(gw_upstream_addresses_refresh(&fixture.addresses));
    close_addresses(&fixture);
    assert_int_equal(fixture.resolved_count, 0);
}

static void test_an_ipv6_host_is_known_at_once(void **state) {
    (void)state;
    struct fixture fixture;
    open_addresses(&fixture, "http://[::1]:8080");
    assert_int_equal(fixture.addresses.count, 1);
    assert_int_equal(fixture.addresses.list[0].ss_family, AF_INET6);
    close_addresses(&fixture);
}

static void test_a_name_is_looked_up_at_once(void **state) {
    (void)state;
    struct fixture fixture;
    open_addresses(&fixture, "http://localhost:8080");
    assert_int_equal(fixture.addresses.count, 0);
    while (fixture.resolved_count == 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_true(fixture.addresses.count > 0);
    close_addresses(&fixture);
}

static void
test_a_name_that_fails_keeps_the_old_addresses_and_is_not_asked_again_at_once(void **state) {
    (void)state;
    struct fixture fixture;
    open_addresses(&fixture, "http://no_such_host.invalid:8080");
    fixture.addresses.count = 2;                                    // of a lookup before
    assert_true(gw_upstream_addresses_refresh(&fixture.addresses)); // joins the one under way
    while (fixture.resolved_count == 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(fixture.addresses.count, 2);
    assert_int_equal(fixture.resolved_count, 1);
    uv_update_time(&fixture.loop);
    if (uv_now(&fixture.loop) - fixture.addresses.looked_up_ms < GW_UPSTREAM_RESOLVE_MIN_MS / 2)
        assert_false(gw_upstream_addresses_refresh(&fixture.addresses));
    close_addresses(&fixture);
}

static void test_closing_during_a_lookup_waits_for_it(void **state) {
    (void)state;
    struct fixture fixture;
    open_addresses(&fixture, "http://localhost:8080");
    assert_true(fixture.addresses.is_looking_up);
    close_addresses(&fixture);
    assert_int_equal(fixture.resolved_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_numeric_host_is_known_at_once),
        cmocka_unit_test(test_an_ipv6_host_is_known_at_once),
        cmocka_unit_test(test_a_name_is_looked_up_at_once),
        cmocka_unit_test(
            test_a_name_that_fails_keeps_the_old_addresses_and_is_not_asked_again_at_once),
        cmocka_unit_test(test_closing_during_a_lookup_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
