// SPDX-License-Identifier: MIT
// The table of alerts. That they arrive is in test_session.c and test_session_client.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls/alerts.h"

static mbedtls_ssl_context ssl;
static mbedtls_ssl_session session;

static int set_up(void **state) {
    (void)state;
    ssl = (mbedtls_ssl_context){0};
    session = (mbedtls_ssl_session){0};
    ssl.MBEDTLS_PRIVATE(session) = &session;
    return 0;
}

static void test_errors_of_the_protocol(void **state) {
    (void)state;
    static const struct {
        int code;
        unsigned char alert;
    } cases[] = {
        {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, 10}, {MBEDTLS_ERR_SSL_INVALID_MAC, 20},
        {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, 40},  {MBEDTLS_ERR_X509_INVALID_NAME, 42},
        {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, 47},  {MBEDTLS_ERR_SSL_INVALID_RECORD, 50},
        {MBEDTLS_ERR_SSL_DECODE_ERROR, 50},       {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, 70},
        {MBEDTLS_ERR_SSL_INTERNAL_ERROR, 80},     {MBEDTLS_ERR_SSL_ALLOC_FAILED, 80},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(tls_alert_for(&ssl, cases[i].code), cases[i].alert);
}

static void test_faults_of_a_certificate(void **state) {
    (void)state;
    static const struct {
        uint32_t faults;
        unsigned char alert;
    } cases[] = {
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED, 48},
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_EXPIRED, 48},
        {MBEDTLS_X509_BADCERT_EXPIRED, 45},
        {MBEDTLS_X509_BADCERT_FUTURE, 45},
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, 42},
        {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, 42},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        session.MBEDTLS_PRIVATE(verify_result) = cases[i].faults;
        assert_int_equal(tls_alert_for(&ssl, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED), cases[i].alert);
    }
}

static void test_a_record_that_does_not_fit_and_a_key_that_is_invalid(void **state) {
    (void)state;
    ssl.MBEDTLS_PRIVATE(in_left) = 5; // only the head of the record was read
    assert_int_equal(tls_alert_for(&ssl, MBEDTLS_ERR_SSL_BAD_INPUT_DATA), 22);
    ssl.MBEDTLS_PRIVATE(in_left) = 100;
    assert_int_equal(tls_alert_for(&ssl, MBEDTLS_ERR_SSL_BAD_INPUT_DATA), 47);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_errors_of_the_protocol, set_up),
        cmocka_unit_test_setup(test_faults_of_a_certificate, set_up),
        cmocka_unit_test_setup(test_a_record_that_does_not_fit_and_a_key_that_is_invalid, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
