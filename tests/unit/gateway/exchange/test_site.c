// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/exchange/site.h"

static void test_fields_are_whole_lines(void **state) {
    (void)state;
    struct gw_str rest = gw_site_fields(GW_SITE_PAGE);
    struct gw_str line;
    int count = 0;
    assert_int_equal(rest.at[rest.length - 1], '\n');
    while (gw_str_next(&rest, '\n', &line) && line.length > 0) {
        assert_int_equal(line.at[line.length - 1], '\r');
        assert_true(gw_str_find(line, ':') < line.length);
        count++;
    }
    assert_int_equal(count, 5);
}

static void test_the_other_sites_say_nothing_of_their_own(void **state) {
    (void)state;
    assert_int_equal(gw_site_fields(GW_SITE_GATEWAY).length, 0);
    assert_int_equal(gw_site_fields(GW_SITE_ADMIN).length, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_whole_lines),
        cmocka_unit_test(test_the_other_sites_say_nothing_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
