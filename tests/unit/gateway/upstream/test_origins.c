// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/upstream/origins.h"

static struct gw_upstream_origins origins;
static struct gw_upstream_problem problem;
static int resolved_count;
static int closed_count;

static int set_up(void **state) {
    (void)state;
    origins = (struct gw_upstream_origins){.count = 0};
    resolved_count = closed_count = 0;
    return 0;
}

static enum gw_status read_texts(const char *first, const char *second) {
    const char *const texts[] = {first, second};
    const struct gw_upstream_options options = {.texts = texts, .text_count = 2};
    return gw_upstream_origins_read(&origins, &options, &problem);
}

static void assert_culprit(const char *expected) {
    assert_true(strlen(problem.text) > 0);
    assert_true(gw_str_equal(problem.culprit, gw_str_from(expected)));
}

static void test_texts_hold_one_address_or_several(void **state) {
    (void)state;
    assert_int_equal(read_texts(" http://a,http://b:81\n", "http://c"), GW_OK);
    assert_int_equal(origins.count, 3);
    assert_string_equal(origins.list[0].url.host, "a");
    assert_string_equal(origins.list[1].url.host, "b");
    assert_int_equal(origins.list[1].url.port, 81);
    assert_string_equal(origins.list[2].url.host, "c");
    assert_null(origins.tls);
    gw_upstream_origins_deinit(&origins);
}

static void test_a_bad_address_is_named(void **state) {
    static const struct {
        const char *texts[2];
        const char *culprit;
    } cases[] = {
        {{"http://registry/prefix", "http://b"}, "http://registry/prefix"},
        {{"http://a,http://b", "http://c ftp://d"}, "ftp://d"},
        {{"http://a", "http://A"}, "http://A"},
        {{" ,", ","}, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_up(state);
        assert_int_equal(read_texts(cases[i].texts[0], cases[i].texts[1]), GW_INVALID);
        assert_culprit(cases[i].culprit);
    }
}

static void test_too_many_addresses_are_refused(void **state) {
    (void)state;
    char text[1024] = "";
    for (int i = 0; i <= GW_UPSTREAM_ORIGINS_MAX; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "http://h%d ", i);
    }
    assert_int_equal(read_texts(text, ""), GW_INVALID);
    assert_culprit("http://h16");
}

static void test_authorities_are_read_for_https_alone(void **state) {
    (void)state;
    const char *const plain[] = {"http://a"};
    const char *const secure[] = {"http://a https://b"};
    struct gw_upstream_options options = {
        .texts = plain, .text_count = 1, .authorities_file = "/nowhere/authorities.pem"};
    assert_int_equal(gw_upstream_origins_read(&origins, &options, &problem), GW_OK);
    gw_upstream_origins_deinit(&origins);
    set_up(state);
    options.texts = secure;
    assert_int_equal(gw_upstream_origins_read(&origins, &options, &problem), GW_INVALID);
    assert_culprit("b");
}

static void on_resolved(struct gw_upstream_origins *from, struct gw_upstream_origin *origin) {
    assert_ptr_equal(from, &origins);
    assert_int_equal(origin->name.count, 1);
    resolved_count++;
}

static void on_closed(struct gw_upstream_origins *from) {
    assert_ptr_equal(from, &origins);
    closed_count++;
}

static void test_numeric_addresses_are_there_at_once_and_close_together(void **state) {
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(read_texts("http://127.0.0.1:81", "http://[::1]:82"), GW_OK);
    gw_upstream_origins_open(&origins, &loop, on_resolved);
    assert_int_equal(resolved_count, 2);
    assert_false(gw_upstream_origins_refresh(&origins)); // a number needs no lookup
    assert_false(gw_upstream_origins_are_looking_up(&origins));
    gw_upstream_origins_close(&origins, on_closed);
    assert_false(gw_upstream_origins_are_closed(&origins));
    assert_int_equal(closed_count, 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(gw_upstream_origins_are_closed(&origins));
    assert_int_equal(closed_count, 1);
    gw_upstream_origins_deinit(&origins);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_texts_hold_one_address_or_several, set_up),
        cmocka_unit_test_setup(test_a_bad_address_is_named, set_up),
        cmocka_unit_test_setup(test_too_many_addresses_are_refused, set_up),
        cmocka_unit_test_setup(test_authorities_are_read_for_https_alone, set_up),
        cmocka_unit_test_setup(test_numeric_addresses_are_there_at_once_and_close_together, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
