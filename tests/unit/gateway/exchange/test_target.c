// SPDX-License-Identifier: MIT
// test_router.c has more of these, through a route.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/exchange/target.h"
#include "gateway/http/parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_slice(struct gw_str slice, const char *expected) {
    if (expected == NULL)
        assert_null(slice.at);
    else if (!gw_str_equal(slice, gw_str_from(expected)))
        fail_msg("%.*s instead of %s", GW_STR_ARG(slice), expected);
}

static void test_a_target_is_its_path_and_its_query(void **state) {
    (void)state;
    static const struct {
        const char *target, *path, *query; // NULL: no query
    } cases[] = {
        {"/", "/", NULL},
        {"/a", "/a", NULL},
        {"/a/", "/a/", NULL},
        {"/a?", "/a", ""},
        {"/a?b=c", "/a", "b=c"},
        {"/a?b?c", "/a", "b?c"},
        {"/a%2Fb/c;x?%61", "/a%2Fb/c;x", "%61"},
        {"/a?../..//", "/a", "../..//"},
        {"/a?b=c|d^{e}`", "/a", "b=c|d^{e}`"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_str target = gw_str_from(cases[i].target);
        struct gw_str path;
        struct gw_str query;
        if (!gw_target_split(target, &path, &query))
            fail_msg("%s", cases[i].target);
        assert_ptr_equal(path.at, target.at);
        assert_slice(path, cases[i].path);
        assert_slice(query, cases[i].query);
    }
}

static void test_a_target_that_can_be_read_in_two_ways_is_refused(void **state) {
    (void)state;
    static const char *const targets[] = {
        "",        "a",         "?a",    "//",    "/a//b",  "/.",     "/a/../b", "/%2e",
        "/..;x",   "/a%2f%2fb", "/a\\b", "/a%5c", "/%00",   "/a%1f",  "/a%",     "/a%zz",
        "/a%252f", "/\xc3\xa4", "/%ff",  "/a#b",  "/a?b%0", "/a?%00", "/a?b c",  "/a?\x7f",
        "/a|b",    "/a^b",      "/{a}",  "/a`b",  "/a?b\"", "/a?b<c", "/a?b>c",  "/a?b\\c"};
    for (size_t i = 0; i < COUNT(targets); i++) {
        struct gw_str path;
        struct gw_str query;
        if (gw_target_split(gw_str_from(targets[i]), &path, &query))
            fail_msg("%s", targets[i]);
    }
}

static void test_a_target_is_as_long_as_the_limit(void **state) {
    (void)state;
    static char target[GW_HTTP_TARGET_BYTES_MAX + 1];
    struct gw_str path;
    struct gw_str query;
    memset(target, 'a', sizeof(target));
    target[0] = '/';
    assert_true(gw_target_split(gw_str(target, sizeof(target) - 1), &path, &query));
    assert_false(gw_target_split(gw_str(target, sizeof(target)), &path, &query));
}

static void test_a_parameter_is_counted_and_a_disguise_twice(void **state) {
    (void)state;
    static const struct {
        const char *query, *value;
        int count;
    } cases[] = {
        {"", NULL, 0},          {"a=b", NULL, 0},
        {"organ=a", NULL, 0},   {"xorg=a", NULL, 0},
        {"org=a", "a", 1},      {"a=b&org=a&c=d", "a", 1},
        {"org=a=b", "a=b", 1},  {"org", "", 1},
        {"org=", "", 1},        {"org=a&org=b", "b", 2},
        {"Org=a", NULL, 2},     {"%6frg=a", NULL, 2},
        {"org[]=a", NULL, 2},   {"org%5b%5d=a", NULL, 2},
        {"+org=a", NULL, 2},    {"%09%20org=a", NULL, 2},
        {"x=y;org=a", NULL, 2}, {"org=a&ORG=b", "a", 3},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int count;
        struct gw_str value =
            gw_target_parameter(gw_str_from(cases[i].query), GW_STR("org"), &count);
        if (count != cases[i].count)
            fail_msg("%s: %d", cases[i].query, count);
        assert_slice(value, cases[i].value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_target_is_its_path_and_its_query),
        cmocka_unit_test(test_a_target_that_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(test_a_target_is_as_long_as_the_limit),
        cmocka_unit_test(test_a_parameter_is_counted_and_a_disguise_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
