// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "tests/support/certificate.h"
#include "tls/file.h"

#define CONTENT_BYTES_MAX 8192

static void parse(const struct tls_files *files, const struct test_certificate *certificate,
                  int expected) {
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    mbedtls_x509_crt_init(&chain);
    mbedtls_pk_init(&key);
    int code = tls_file_parse_certificates(files, certificate->certificate_file, &chain);
    assert_int_equal(code, expected == 0 ? 0 : MBEDTLS_ERR_PK_FILE_IO_ERROR);
    code = tls_file_parse_key(files, certificate->key_file, &key);
    assert_int_equal(code, expected == 0 ? 0 : MBEDTLS_ERR_PK_FILE_IO_ERROR);
    if (expected == 0) {
        assert_int_equal(chain.version, 3);
        assert_int_equal(mbedtls_pk_get_type(&key), MBEDTLS_PK_ECKEY);
    }
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&chain);
}

static size_t content_of(const char *path, char bytes[CONTENT_BYTES_MAX]) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(bytes, 1, CONTENT_BYTES_MAX - 1, file);
    assert_int_equal(fclose(file), 0);
    bytes[length] = '\0';
    return length;
}

static void test_content_is_as_good_as_the_file(void **state) {
    (void)state;
    struct test_certificate certificate;
    char chain[CONTENT_BYTES_MAX], key[CONTENT_BYTES_MAX];
    test_certificate_create(&certificate, TEST_KEY_EC);
    parse(NULL, &certificate, 0);
    const struct tls_file found[] = {
        {certificate.certificate_file, chain, content_of(certificate.certificate_file, chain)},
        {certificate.key_file, key, content_of(certificate.key_file, key)}};
    test_certificate_destroy(&certificate); // the disk is not asked again
    parse(&(struct tls_files){found, 2}, &certificate, 0);
    parse(NULL, &certificate, -1);
}

static void test_der_is_read_as_well(void **state) {
    (void)state;
    struct test_certificate certificate;
    mbedtls_x509_crt pem;
    char bytes[CONTENT_BYTES_MAX] = "";
    test_certificate_create(&certificate, TEST_KEY_EC);
    mbedtls_x509_crt_init(&pem);
    assert_int_equal(tls_file_parse_certificates(NULL, certificate.certificate_file, &pem), 0);
    memcpy(bytes, pem.raw.p, pem.raw.len);
    const struct tls_file der = {"der", bytes, pem.raw.len};
    mbedtls_x509_crt chain;
    mbedtls_x509_crt_init(&chain);
    assert_int_equal(tls_file_parse_certificates(&(struct tls_files){&der, 1}, "der", &chain), 0);
    mbedtls_x509_crt_free(&chain);
    mbedtls_x509_crt_free(&pem);
    test_certificate_destroy(&certificate);
}

static void test_a_file_without_content_cannot_be_read(void **state) {
    (void)state;
    struct test_certificate certificate;
    test_certificate_create(&certificate, TEST_KEY_EC);
    const struct tls_file missing[] = {{.name = certificate.certificate_file},
                                       {.name = certificate.key_file}};
    parse(&(struct tls_files){missing, 2}, &certificate, -1);
    test_certificate_destroy(&certificate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_is_as_good_as_the_file),
        cmocka_unit_test(test_der_is_read_as_well),
        cmocka_unit_test(test_a_file_without_content_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
