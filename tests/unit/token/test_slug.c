// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "token/slug.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_slugs(void **state) {
    (void)state;
    static const char *const good[] = {
        "ac", "acme", "a-b", "0-9", "a--b", "a23456789012345678901234567890123456789012345678"};
    static const char *const bad[] = {
        "",          "a",
        "-a",        "a-",
        "Acme",      "a_b",
        "a.b",       "a b",
        "a/b",       "a%62",
        "b\xc3\xa4", "a;b",
        "--",        "a234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(gw_org_slug_valid(gw_str_from(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(gw_org_slug_valid(gw_str_from(bad[i])));
    assert_false(gw_org_slug_valid(GW_STR("a\0b")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slugs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
