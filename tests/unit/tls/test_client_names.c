// SPDX-License-Identifier: MIT
// Certificates are made with a subjectAltName of raw bytes, so that hostile ones can be made too.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/san.h"
#include "base/str.h"
#include "tls/client_names.h"

#define DNS 0x82
#define URI 0x86
#define EMAIL 0x81
#define ADDRESS 0x87
#define OTHER 0xa0
#define URI_CONSTRUCTED 0xa6

struct entry {
    unsigned char tag;
    struct gw_str bytes;
};

struct fixture {
    mbedtls_pk_context key;
    mbedtls_x509_crt certificate;
    char *names;
};

// ---- DER ----

static void put_length(struct gw_buf *out, size_t length) {
    unsigned char bytes[] = {0x82, (unsigned char)(length >> 8), (unsigned char)length};
    if (length < 0x80)
        assert_int_equal(gw_buf_append(out, &bytes[2], 1), GW_OK);
    else
        assert_int_equal(gw_buf_append(out, bytes, sizeof(bytes)), GW_OK);
}

static void put_element(struct gw_buf *out, unsigned char tag, struct gw_str bytes) {
    assert_int_equal(gw_buf_append(out, &tag, 1), GW_OK);
    put_length(out, bytes.length);
    assert_int_equal(gw_buf_append(out, bytes.at, bytes.length), GW_OK);
}

// ---- certificates ----

static int write_certificate(mbedtls_pk_context *key, struct gw_str extension, unsigned char *der,
                             size_t der_max) {
    mbedtls_x509write_cert crt;
    unsigned char serial = 1;
    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, key);
    mbedtls_x509write_crt_set_issuer_key(&crt, key);
    assert_int_equal(mbedtls_x509write_crt_set_serial_raw(&crt, &serial, 1), 0);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(&crt, "CN=client.example.org"), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&crt, "CN=client.example.org"), 0);
    assert_int_equal(mbedtls_x509write_crt_set_validity(&crt, "20200101000000", "20991231235959"),
                     0);
    if (extension.length > 0)
        assert_int_equal(mbedtls_x509write_crt_set_extension(
                             &crt, MBEDTLS_OID_SUBJECT_ALT_NAME,
                             MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
                             (const unsigned char *)extension.at, extension.length),
                         0);
    int length = mbedtls_x509write_crt_der(&crt, der, der_max, mbedtls_psa_get_random,
                                           MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_x509write_crt_free(&crt);
    assert_true(length > 0);
    return length; // at the end of `der`
}

static int parse(struct fixture *fixture, struct gw_str extension) {
    static unsigned char der[64 * 1024];
    int length = write_certificate(&fixture->key, extension, der, sizeof(der));
    mbedtls_x509_crt_free(&fixture->certificate);
    mbedtls_x509_crt_init(&fixture->certificate);
    return mbedtls_x509_crt_parse_der(&fixture->certificate, der + sizeof(der) - length,
                                      (size_t)length);
}

// The code of the library's parser.
static int make(struct fixture *fixture, const struct entry *entries, size_t count) {
    struct gw_buf content, extension;
    gw_buf_init(&content, 48 * 1024);
    gw_buf_init(&extension, 48 * 1024);
    for (size_t i = 0; i < count; i++)
        put_element(&content, entries[i].tag, entries[i].bytes);
    put_element(&extension, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE,
                gw_buf_bytes(&content));
    int code = parse(fixture, gw_buf_bytes(&extension));
    gw_buf_deinit(&content);
    gw_buf_deinit(&extension);
    return code;
}

// "" for NULL.
static const char *read_names(struct fixture *fixture) {
    free(fixture->names);
    fixture->names = NULL;
    assert_int_equal(tls_client_names_read(&fixture->certificate, &fixture->names), 0);
    return fixture->names != NULL ? fixture->names : "";
}

#define NAMES_OF(fixture, ...)                                                                     \
    (assert_int_equal(make(fixture, (const struct entry[]){__VA_ARGS__},                           \
                           sizeof((const struct entry[]){__VA_ARGS__}) / sizeof(struct entry)),    \
                      0),                                                                          \
     read_names(fixture))

// ---- tests ----

static void test_names_come_in_their_order(void **state) {
    assert_string_equal(NAMES_OF(*state, {DNS, GW_STR("ci.example.org")},
                                 {URI, GW_STR("spiffe://example.org/ci")},
                                 {DNS, GW_STR("b.example.org")}),
                        "ci.example.org\nspiffe://example.org/ci\nb.example.org\n");
}

static void test_other_kinds_are_left_out(void **state) {
    static const char other_name[] = {0x06,       0x03, 0x2a, 0x03, 0x04,
                                      (char)0xa0, 0x03, 0x0c, 0x01, 'x'};
    assert_string_equal(NAMES_OF(*state, {EMAIL, GW_STR("ci@example.org")},
                                 {ADDRESS, GW_STR("\xc0\x00\x02\x01")},
                                 {OTHER, gw_str(other_name, sizeof(other_name))},
                                 {URI, GW_STR("spiffe://example.org/ci")}),
                        "spiffe://example.org/ci\n");
}

static void test_without_names_there_is_no_list(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(parse(fixture, gw_str(NULL, 0)), 0); // its common name is none
    assert_string_equal(read_names(fixture), "");
    assert_null(fixture->names);
    assert_string_equal(NAMES_OF(fixture, {EMAIL, GW_STR("ci@example.org")}), "");
}

// A name must not end where C would end it, nor become two, nor be of the other kind.
static void test_hostile_names_are_left_out(void **state) {
    assert_string_equal(
        NAMES_OF(*state, {URI, GW_STR("spiffe://example.org/ci\0.evil")},
                 {DNS, GW_STR("ci.example.org\0.evil.example")},
                 {URI, GW_STR("spiffe://example.org/x\nspiffe://example.org/ci")},
                 {DNS, GW_STR("x\nci.example.org")}, {DNS, GW_STR("spiffe://example.org/ci")},
                 {URI, GW_STR("ci.example.org")}, {URI, GW_STR("spiffe://example.org/\xff")},
                 {DNS, GW_STR("*.example.org")}, {DNS, GW_STR("")}, {URI, GW_STR("")},
                 {DNS, GW_STR("\n")}, {URI, GW_STR("good:one")}),
        "good:one\n");
}

static void test_a_constructed_name_is_none(void **state) {
    struct fixture *fixture = *state;
    const struct entry entry = {URI_CONSTRUCTED, GW_STR("\x16\x03"
                                                        "a:b")};
    if (make(fixture, &entry, 1) == 0)
        assert_string_equal(read_names(fixture), "");
}

static void test_long_names_are_left_out(void **state) {
    char uri[GW_SAN_BYTES_MAX + 1];
    memset(uri, 'a', sizeof(uri));
    memcpy(uri, "spiffe://", 9);
    const char *names = NAMES_OF(*state, {URI, gw_str(uri, GW_SAN_BYTES_MAX + 1)},
                                 {URI, gw_str(uri, GW_SAN_BYTES_MAX)});
    assert_int_equal(strlen(names), GW_SAN_BYTES_MAX + 1);
}

static void test_the_walk_is_bounded(void **state) {
    struct fixture *fixture = *state;
    static struct entry entries[2000];
    for (size_t i = 0; i < 2000; i++)
        entries[i] = (struct entry){EMAIL, GW_STR("a@b")};
    entries[TLS_CLIENT_NAMES_MAX - 1] = (struct entry){DNS, GW_STR("last.example.org")};
    entries[TLS_CLIENT_NAMES_MAX] = (struct entry){DNS, GW_STR("late.example.org")};
    assert_int_equal(make(fixture, entries, 2000), 0);
    assert_string_equal(read_names(fixture), "last.example.org\n");
}

static void test_the_list_is_bounded(void **state) {
    struct fixture *fixture = *state;
    char uri[GW_SAN_BYTES_MAX];
    struct entry entries[20];
    memset(uri, 'a', sizeof(uri));
    memcpy(uri, "spiffe://", 9);
    for (size_t i = 0; i < 19; i++)
        entries[i] = (struct entry){URI, gw_str(uri, sizeof(uri))};
    entries[19] = (struct entry){DNS, GW_STR("short.example.org")}; // has room behind the others
    assert_int_equal(make(fixture, entries, 20), 0);
    const char *names = read_names(fixture);
    assert_int_equal(strlen(names), 7 * (sizeof(uri) + 1) + 18);
    assert_true(gw_san_list_has(gw_str_from(names), GW_STR("short.example.org")));
}

static int set_up(void **state) {
    static struct fixture fixture;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    mbedtls_x509_crt_init(&fixture.certificate);
    mbedtls_pk_init(&fixture.key);
    assert_int_equal(mbedtls_pk_setup(&fixture.key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)),
                     0);
    assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(fixture.key),
                                         mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE),
                     0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    mbedtls_x509_crt_free(&fixture->certificate);
    mbedtls_pk_free(&fixture->key);
    free(fixture->names);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_come_in_their_order),
        cmocka_unit_test(test_other_kinds_are_left_out),
        cmocka_unit_test(test_without_names_there_is_no_list),
        cmocka_unit_test(test_hostile_names_are_left_out),
        cmocka_unit_test(test_a_constructed_name_is_none),
        cmocka_unit_test(test_long_names_are_left_out),
        cmocka_unit_test(test_the_walk_is_bounded),
        cmocka_unit_test(test_the_list_is_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
