// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/settings/unknown_variables.h"

static int clear(void **state) {
    (void)state;
    return clearenv();
}

// What is said of it alone: NULL: nothing; "": that it is unknown.
static const char *said_of(const char *name) {
    struct gw_unknown_variable variable = {.next = 0};
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv(name, "value", 1), 0);
    if (!gw_unknown_variable_next(&variable))
        return NULL;
    assert_true(gw_str_equal(variable.name, gw_str_from(name)));
    const char *meant = variable.meant != NULL ? variable.meant : "";
    assert_false(gw_unknown_variable_next(&variable));
    return meant;
}

static void test_variables_of_settings_and_of_others_are_not_told_of(void **state) {
    (void)state;
    assert_null(said_of("GATEWAY_RATE_LIMIT"));
    assert_null(said_of("GATEWAY_CONFIG"));
    assert_null(said_of("GATEWAY"));
    assert_null(said_of("MY_GATEWAY_RATE_LIMT"));
    assert_null(said_of("DATABASE_URL"));
}

static void test_a_slip_is_told_of_with_what_was_meant(void **state) {
    (void)state;
    assert_string_equal(said_of("GATEWAY_RATE_LIMT"), "GATEWAY_RATE_LIMIT");
    assert_string_equal(said_of("GATEWAY_REUSE_PROT"), "GATEWAY_REUSE_PORT");
    assert_string_equal(said_of("GATEWAY_REUS_PORT"), "GATEWAY_REUSE_PORT");
    assert_string_equal(said_of("GATEWAY_TLS_CERTS"), "GATEWAY_TLS_CERT");
    assert_string_equal(said_of("GATEWAY_SOMETHING_ELSE"), "");
    assert_string_equal(said_of("GATEWAY_"), "");
}

static void test_what_kubernetes_makes_for_a_service_is_left_alone(void **state) {
    (void)state;
    assert_null(said_of("GATEWAY_SERVICE_HOST"));
    assert_null(said_of("GATEWAY_SERVICE_PORT_HTTPS"));
    assert_null(said_of("GATEWAY_PORT"));
    assert_null(said_of("GATEWAY_PORT_8443_TCP_ADDR"));
    assert_null(said_of("GATEWAY_ADMIN_PORT"));
}

static void test_each_of_several_comes_once(void **state) {
    (void)state;
    struct gw_unknown_variable variable = {.next = 0};
    assert_int_equal(setenv("GATEWAY_ONE_OF_TWO", "1", 1), 0);
    assert_int_equal(setenv("GATEWAY_WORKERS", "2", 1), 0);
    assert_int_equal(setenv("GATEWAY_TWO_OF_TWO", "", 1), 0);
    int count = 0;
    while (gw_unknown_variable_next(&variable))
        count++;
    assert_int_equal(count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables_of_settings_and_of_others_are_not_told_of),
        cmocka_unit_test(test_a_slip_is_told_of_with_what_was_meant),
        cmocka_unit_test(test_what_kubernetes_makes_for_a_service_is_left_alone),
        cmocka_unit_test_setup(test_each_of_several_comes_once, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
