// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/support/certificate.h"
#include "tls/context.h"

// A PEM frame around bytes that are no key: refused before they are looked at, because no
// passphrase is there.
#define ENCRYPTED_PKCS8                                                                            \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                                                      \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"                           \
    "-----END ENCRYPTED PRIVATE KEY-----\n"
#define ENCRYPTED_TRADITIONAL                                                                      \
    "-----BEGIN EC PRIVATE KEY-----\n"                                                             \
    "Proc-Type: 4,ENCRYPTED\n"                                                                     \
    "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n"                                     \
    "\n"                                                                                           \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"                           \
    "-----END EC PRIVATE KEY-----\n"

struct fixture {
    struct test_certificate ec;
    struct test_certificate rsa;
};

static int set_up(void **state) {
    static struct fixture fixture;
    test_certificate_create(&fixture.ec, TEST_KEY_EC);
    test_certificate_create(&fixture.rsa, TEST_KEY_RSA);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    test_certificate_destroy(&fixture->ec);
    test_certificate_destroy(&fixture->rsa);
    return 0;
}

static enum gw_status create(const char *certificate_file, const char *key_file,
                             struct tls_context **context, char *error) {
    struct tls_context_options options = {.certificate_file = certificate_file,
                                          .key_file = key_file};
    error[0] = '\0';
    return tls_context_create_server(&options, context, error);
}

static void assert_accepted(const struct test_certificate *certificate) {
    struct tls_context *context = NULL;
    char error[TLS_ERROR_TEXT_BYTES];
    enum gw_status status =
        create(certificate->certificate_file, certificate->key_file, &context, error);
    assert_string_equal(error, "");
    assert_int_equal(status, GW_OK);
    assert_ptr_equal(tls_context_acquire(context), context);
    tls_context_release(context);
    tls_context_release(context);
}

// The sentence names the file and says `expected`.
static void assert_refused(const char *certificate_file, const char *key_file,
                           const char *blamed_file, const char *expected) {
    struct tls_context *context = NULL;
    char error[TLS_ERROR_TEXT_BYTES];
    assert_int_equal(create(certificate_file, key_file, &context, error), GW_INVALID);
    assert_null(context);
    if (strstr(error, blamed_file) != error || strstr(error, expected) == NULL)
        fail_msg("\"%s\" does not blame %s: %s", error, blamed_file, expected);
}

static void test_ec_and_rsa_pairs_are_accepted(void **state) {
    struct fixture *fixture = *state;
    assert_accepted(&fixture->ec);
    assert_accepted(&fixture->rsa);
}

static void test_missing_files_are_named(void **state) {
    struct fixture *fixture = *state;
    assert_refused("/nonexistent/cert.pem", fixture->ec.key_file, "/nonexistent/cert.pem",
                   "cannot read the certificate");
    assert_refused(fixture->ec.certificate_file, "/nonexistent/key.pem", "/nonexistent/key.pem",
                   "cannot read the private key");
}

static void test_files_of_the_wrong_kind_are_refused(void **state) {
    struct fixture *fixture = *state;
    assert_refused(fixture->ec.key_file, fixture->ec.key_file, fixture->ec.key_file,
                   "no PEM certificate");
    assert_refused(fixture->ec.certificate_file, fixture->ec.certificate_file,
                   fixture->ec.certificate_file, "no PEM private key");
}

static void test_empty_certificate_file_is_refused(void **state) {
    struct fixture *fixture = *state;
    struct test_certificate broken;
    test_certificate_create(&broken, TEST_KEY_EC);
    test_file_write(broken.certificate_file, "");
    assert_refused(broken.certificate_file, fixture->ec.key_file, broken.certificate_file,
                   "no PEM certificate");
    test_certificate_destroy(&broken);
}

static void test_key_of_another_certificate_is_refused(void **state) {
    struct fixture *fixture = *state;
    struct test_certificate other;
    test_certificate_create(&other, TEST_KEY_EC);
    assert_refused(fixture->ec.certificate_file, other.key_file, other.key_file, "does not belong");
    assert_refused(fixture->ec.certificate_file, fixture->rsa.key_file, fixture->rsa.key_file,
                   "does not belong");
    test_certificate_destroy(&other);
}

static void test_encrypted_keys_are_refused_with_advice(void **state) {
    struct fixture *fixture = *state;
    struct test_certificate broken;
    test_certificate_create(&broken, TEST_KEY_EC);
    test_file_write(broken.key_file, ENCRYPTED_PKCS8);
    assert_refused(fixture->ec.certificate_file, broken.key_file, broken.key_file,
                   "is encrypted; store it without a passphrase");
    test_file_write(broken.key_file, ENCRYPTED_TRADITIONAL);
    assert_refused(fixture->ec.certificate_file, broken.key_file, broken.key_file,
                   "is encrypted; store it without a passphrase");
    test_certificate_destroy(&broken);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ec_and_rsa_pairs_are_accepted),
        cmocka_unit_test(test_missing_files_are_named),
        cmocka_unit_test(test_files_of_the_wrong_kind_are_refused),
        cmocka_unit_test(test_empty_certificate_file_is_refused),
        cmocka_unit_test(test_key_of_another_certificate_is_refused),
        cmocka_unit_test(test_encrypted_keys_are_refused_with_advice),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
