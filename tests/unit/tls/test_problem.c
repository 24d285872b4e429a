// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tls/problem.h"

static mbedtls_ssl_context ssl;
static mbedtls_ssl_session session;
static unsigned char message[2];

static int set_up(void **state) {
    (void)state;
    ssl = (mbedtls_ssl_context){0};
    session = (mbedtls_ssl_session){0};
    ssl.MBEDTLS_PRIVATE(session) = &session;
    ssl.MBEDTLS_PRIVATE(in_msg) = message;
    return 0;
}

static void test_an_alert_of_the_peer_is_named(void **state) {
    (void)state;
    message[0] = MBEDTLS_SSL_ALERT_LEVEL_FATAL;
    message[1] = MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA;
    struct tls_problem problem = tls_problem_of(&ssl, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, -1);
    assert_string_equal(problem.reason, "the peer gave up");
    assert_string_equal(problem.alert, "unknown_ca");
    message[1] = 255;
    problem = tls_problem_of(&ssl, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, -1);
    assert_string_equal(problem.alert, "unknown");
}

static void test_an_alert_in_the_clear_is_one_too(void **state) {
    (void)state;
    int alert = tls_alert_in_clear(GW_STR("\x15\x03\x03\x00\x02\x02\x30"));
    assert_int_equal(alert, MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA);
    assert_int_equal(tls_alert_in_clear(GW_STR("\x15\x03\x03\x00\x02\x02")), -1);
    assert_int_equal(tls_alert_in_clear(GW_STR("\x17\x03\x03\x00\x02\x02\x30")), -1);
    struct tls_problem problem = tls_problem_of(&ssl, MBEDTLS_ERR_SSL_INVALID_MAC, alert);
    assert_string_equal(problem.reason, "the peer gave up");
    assert_string_equal(problem.alert, "unknown_ca");
    problem = tls_problem_of(&ssl, MBEDTLS_ERR_SSL_INVALID_MAC, -1);
    assert_string_equal(problem.alert, "bad_record_mac");
}

static void test_an_error_has_the_reason_of_the_library_and_our_alert(void **state) {
    (void)state;
    struct tls_problem problem = tls_problem_of(&ssl, MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, -1);
    assert_non_null(strstr(problem.reason, "protocol"));
    assert_string_equal(problem.alert, "protocol_version");
    problem = tls_problem_of(&ssl, -1, -1); // of no module
    assert_non_null(problem.reason);
    assert_string_equal(problem.alert, "internal_error");
}

static void test_a_change_of_keys_is_named(void **state) {
    (void)state;
    ssl.MBEDTLS_PRIVATE(state) = MBEDTLS_SSL_HANDSHAKE_OVER;
    ssl.MBEDTLS_PRIVATE(in_msgtype) = MBEDTLS_SSL_MSG_HANDSHAKE;
    message[0] = 24;
    struct tls_problem problem = tls_problem_of(&ssl, MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, -1);
    assert_non_null(strstr(problem.reason, "KeyUpdate"));
    message[0] = 1;
    problem = tls_problem_of(&ssl, MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, -1);
    assert_null(strstr(problem.reason, "KeyUpdate"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_alert_of_the_peer_is_named, set_up),
        cmocka_unit_test_setup(test_an_alert_in_the_clear_is_one_too, set_up),
        cmocka_unit_test_setup(test_an_error_has_the_reason_of_the_library_and_our_alert, set_up),
        cmocka_unit_test_setup(test_a_change_of_keys_is_named, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
