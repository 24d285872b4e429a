// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/support/certificate.h"
#include "tls/client_context.h"

static void test_authorities_are_read(void **state) {
    (void)state;
    struct test_certificate certificate;
    struct tls_client_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create(&certificate, TEST_KEY_EC);
    assert_int_equal(tls_client_context_create(certificate.certificate_file, &context, error),
                     GW_OK);
    tls_client_context_destroy(context);
    test_certificate_destroy(&certificate);
}

static void test_a_file_that_is_not_there_is_named(void **state) {
    (void)state;
    struct tls_client_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    assert_int_equal(tls_client_context_create("/no/such/file.pem", &context, error), GW_INVALID);
    assert_string_equal(error, "/no/such/file.pem: cannot read the authorities");
}

static void test_a_file_without_a_certificate_is_named(void **state) {
    (void)state;
    struct test_certificate certificate;
    struct tls_client_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create(&certificate, TEST_KEY_EC);
    test_file_write(certificate.certificate_file, "not a certificate\n");
    assert_int_equal(tls_client_context_create(certificate.certificate_file, &context, error),
                     GW_INVALID);
    assert_non_null(strstr(error, certificate.certificate_file));
    assert_non_null(strstr(error, "holds no PEM certificate"));
    test_certificate_destroy(&certificate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorities_are_read),
        cmocka_unit_test(test_a_file_that_is_not_there_is_named),
        cmocka_unit_test(test_a_file_without_a_certificate_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
