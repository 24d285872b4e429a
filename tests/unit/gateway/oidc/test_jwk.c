// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64url.h"
#include "gateway/oidc/jwk.h"
#include "tls/accelerate/verify.h"

#define X256 "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU" // RFC 7515 appendix A.3
#define Y256 "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define X25519 "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" // RFC 8037 appendix A.2
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\",\"y\":\"" Y256 "\""
#define EC_SET "{\"keys\":[{" EC "}]}"

static struct gw_arena arena;
static struct gw_jwk_set_report report;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, (size_t)4 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

// NULL: refused, and `report` says why.
static struct gw_jwk_set *parse(struct gw_str text) {
    struct gw_jwk_set *set = NULL;
    enum gw_status status = gw_jwk_set_parse(text, &set, &report);
    assert_int_equal(status, set != NULL ? GW_OK : GW_INVALID);
    assert_int_equal(report.fault == GW_JWK_SET_FAULT_NONE, set != NULL);
    return set;
}

static struct gw_jwk_set *parse_key(const char *members) {
    struct gw_str text = gw_arena_printf(&arena, "{\"keys\":[{%s}]}", members);
    assert_non_null(text.at);
    return parse(text);
}

static void expect_taken(const char *members, unsigned algorithms) {
    struct gw_jwk_set *set = parse_key(members);
    if (set == NULL)
        fail_msg("refused: %s", members);
    for (int i = GW_JWK_RS256; i <= GW_JWK_EDDSA; i++)
        assert_int_equal(gw_jwk_takes(gw_jwk_set_at(set, 0), (enum gw_jwk_algorithm)i),
                         (algorithms >> i) & 1);
    gw_jwk_set_destroy(set);
}

static void expect_left_out(const char *members, enum gw_jwk_reason reason) {
    struct gw_jwk_set *set = parse_key(members);
    if (set != NULL || report.left_out[reason] != 1)
        fail_msg("not left out for %s: %s", gw_jwk_reason_text(reason), members);
    assert_int_equal(report.fault, GW_JWK_SET_FAULT_NONE_USABLE);
}

static void expect_refused(const char *text, enum gw_jwk_set_fault fault) {
    assert_null(parse(gw_str_from(text)));
    assert_int_equal(report.fault, fault);
}

// The members of an RSA key: a modulus of so many bytes with this first and last one, and "e".
static const char *rsa(size_t bytes, unsigned char first, unsigned char last,
                       const char *exponent) {
    unsigned char modulus[1024];
    char text[gw_base64url_length(sizeof(modulus)) + 1];
    assert_true(bytes <= sizeof(modulus));
    memset(modulus, 0xa5, bytes);
    modulus[0] = first;
    modulus[bytes - 1] = last;
    gw_base64url_encode(modulus, bytes, text);
    struct gw_str members = gw_arena_printf(&arena, "\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%s\"",
                                            (int)gw_base64url_length(bytes), text, exponent);
    assert_non_null(members.at);
    return members.at;
}

static const char *with(const char *members, const char *more) {
    struct gw_str joined = gw_arena_printf(&arena, "%s,%s", members, more);
    assert_non_null(joined.at);
    return joined.at;
}

static unsigned bit(enum gw_jwk_algorithm algorithm) {
    return 1U << algorithm;
}

// ---- which algorithms a key verifies ----

static void test_a_key_without_alg_verifies_what_its_type_and_curve_do(void **state) {
    (void)state;
    expect_taken(EC, bit(GW_JWK_ES256));
    expect_taken(rsa(256, 0x80, 1, "AQAB"),
                 bit(GW_JWK_RS256) | bit(GW_JWK_RS384) | bit(GW_JWK_RS512));
#if TLS_HAS_ED25519
    expect_taken("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X25519 "\"", bit(GW_JWK_EDDSA));
#endif
}

static void test_a_key_with_alg_verifies_that_alone(void **state) {
    (void)state;
    const char *key = rsa(256, 0x80, 1, "AQAB");
    expect_taken(with(key, "\"alg\":\"RS256\""), bit(GW_JWK_RS256));
    expect_taken(with(key, "\"alg\":\"RS512\""), bit(GW_JWK_RS512));
    expect_taken(with(key, "\"alg\":\"PS256\""), bit(GW_JWK_PS256));
    expect_taken(with(EC, "\"alg\":\"ES256\""), bit(GW_JWK_ES256));
}

static void test_an_alg_of_another_kind_of_key_is_left_out(void **state) {
    (void)state;
    expect_left_out(with(EC, "\"alg\":\"RS256\""), GW_JWK_REASON_MISMATCH);
    expect_left_out(with(EC, "\"alg\":\"ES384\""), GW_JWK_REASON_MISMATCH);
    expect_left_out(with(rsa(256, 0x80, 1, "AQAB"), "\"alg\":\"ES256\""), GW_JWK_REASON_MISMATCH);
}

static void test_what_is_not_verified_here_is_left_out(void **state) {
    (void)state;
    const char *key = rsa(256, 0x80, 1, "AQAB");
    expect_left_out(with(EC, "\"alg\":\"HS256\""), GW_JWK_REASON_KIND);
    expect_left_out(with(EC, "\"alg\":\"none\""), GW_JWK_REASON_KIND);
    expect_left_out(with(key, "\"alg\":\"PS512\""), GW_JWK_REASON_KIND);
    expect_left_out(with(key, "\"alg\":\"RSA-OAEP\""), GW_JWK_REASON_KIND);
    expect_left_out("\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"",
                    GW_JWK_REASON_KIND);
    expect_left_out("\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"",
                    GW_JWK_REASON_KIND);
    expect_left_out("\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" X25519 "\"", GW_JWK_REASON_KIND);
    expect_left_out("\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" X256 "\"", GW_JWK_REASON_KIND);
    expect_left_out("\"kty\":\"AKP\",\"crv\":\"ML-DSA-44\"", GW_JWK_REASON_KIND);
#if !TLS_HAS_ED25519
    expect_left_out("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X25519 "\"", GW_JWK_REASON_KIND);
#endif
}

static void test_a_key_that_is_not_for_signatures_is_left_out(void **state) {
    (void)state;
    expect_taken(with(EC, "\"use\":\"sig\""), bit(GW_JWK_ES256));
    expect_taken(with(EC, "\"key_ops\":[\"sign\",\"verify\"]"), bit(GW_JWK_ES256));
    expect_left_out(with(EC, "\"use\":\"enc\""), GW_JWK_REASON_USE);
    expect_left_out(with(EC, "\"use\":\"SIG\""), GW_JWK_REASON_USE);
    expect_left_out(with(EC, "\"use\":\"\""), GW_JWK_REASON_USE);
    expect_left_out(with(EC, "\"key_ops\":[]"), GW_JWK_REASON_USE);
    expect_left_out(with(EC, "\"key_ops\":[\"sign\"]"), GW_JWK_REASON_USE);
    expect_left_out(with(EC, "\"use\":\"sig\",\"key_ops\":[\"encrypt\"]"), GW_JWK_REASON_USE);
}

// Whoever can read it can sign.
static void test_a_secret_that_is_published_is_left_out(void **state) {
    (void)state;
    expect_left_out(with(EC, "\"d\":\"AA\""), GW_JWK_REASON_SECRET);
    expect_left_out(with(rsa(256, 0x80, 1, "AQAB"), "\"d\":\"AA\""), GW_JWK_REASON_SECRET);
    expect_left_out("\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMko\"",
                    GW_JWK_REASON_SECRET);
    expect_left_out(with(EC, "\"k\":\"AA\""), GW_JWK_REASON_SECRET);
}

// ---- numbers ----

static void test_an_rsa_modulus_is_odd_and_of_2048_to_4096_bits(void **state) {
    (void)state;
    unsigned all = bit(GW_JWK_RS256) | bit(GW_JWK_RS384) | bit(GW_JWK_RS512);
    expect_taken(rsa(256, 0x80, 1, "AQAB"), all);
    expect_taken(rsa(257, 0x01, 1, "AQAB"), all);
    expect_taken(rsa(512, 0xff, 0xff, "AQAB"), all);
    expect_left_out(rsa(256, 0x7f, 1, "AQAB"), GW_JWK_REASON_RSA);
    expect_left_out(rsa(255, 0xff, 1, "AQAB"), GW_JWK_REASON_RSA);
    expect_left_out(rsa(128, 0xff, 1, "AQAB"), GW_JWK_REASON_RSA);
    expect_left_out(rsa(513, 0x01, 1, "AQAB"), GW_JWK_REASON_RSA);
    expect_left_out(rsa(256, 0x80, 2, "AQAB"), GW_JWK_REASON_RSA);
    expect_left_out(rsa(1024, 0x80, 1, "AQAB"), GW_JWK_REASON_FORM);
    // Zeros in front are no part of the number, and do not make it longer.
    expect_taken(rsa(513, 0x00, 1, "AQAB"), all);
    expect_left_out(rsa(256, 0x00, 1, "AQAB"), GW_JWK_REASON_RSA);
}

static void test_an_rsa_exponent_is_65537(void **state) {
    (void)state;
    static const char *const wrong[] = {"Aw", "AQ", "AQAA", "AQAC", "AQABAA", "EQ", ""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_left_out(rsa(256, 0x80, 1, wrong[i]), GW_JWK_REASON_RSA);
    expect_taken(rsa(256, 0x80, 1, "AAEAAQ"),
                 bit(GW_JWK_RS256) | bit(GW_JWK_RS384) | bit(GW_JWK_RS512));
}

static void test_a_point_is_on_its_curve_and_of_its_length(void **state) {
    (void)state;
    expect_left_out("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\",\"y\":\"" X256 "\"",
                    GW_JWK_REASON_POINT);
    expect_left_out("\"kty\":\"EC\",\"crv\":\"P-256\","
                    "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
                    "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
                    GW_JWK_REASON_POINT);
    expect_left_out("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"" Y256 "\"",
                    GW_JWK_REASON_FORM);
    expect_left_out("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "\",\"y\":\"AA\"",
                    GW_JWK_REASON_FORM);
    expect_left_out("\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X256 "\",\"y\":\"" Y256 "\"",
                    GW_JWK_REASON_FORM);
#if TLS_HAS_ED25519
    expect_left_out("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"", GW_JWK_REASON_FORM);
#endif
}

static void test_a_key_of_no_form_is_left_out(void **state) {
    (void)state;
    expect_left_out("", GW_JWK_REASON_FORM);
    expect_left_out("\"kty\":7", GW_JWK_REASON_FORM);
    expect_left_out("\"kty\":\"EC\"", GW_JWK_REASON_FORM);
    expect_left_out("\"kty\":\"RSA\"", GW_JWK_REASON_FORM);
    expect_left_out("\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"", GW_JWK_REASON_FORM);
    expect_left_out(with(EC, "\"use\":1"), GW_JWK_REASON_FORM);
    expect_left_out(with(EC, "\"alg\":1"), GW_JWK_REASON_FORM);
    expect_left_out(with(EC, "\"kid\":1"), GW_JWK_REASON_FORM);
    expect_left_out(with(EC, "\"kid\":\"\""), GW_JWK_REASON_FORM);
    expect_left_out(with(EC, "\"key_ops\":\"verify\""), GW_JWK_REASON_FORM);
    expect_left_out(with(EC, "\"key_ops\":[1]"), GW_JWK_REASON_FORM);
    expect_left_out("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X256 "=\",\"y\":\"" Y256 "\"",
                    GW_JWK_REASON_FORM);
}

// ---- sets ----

static void test_a_set_is_an_object_with_a_list_of_keys(void **state) {
    (void)state;
    expect_refused("", GW_JWK_SET_FAULT_JSON);
    expect_refused("<html>", GW_JWK_SET_FAULT_JSON);
    expect_refused("[]", GW_JWK_SET_FAULT_JSON);
    expect_refused("{\"keys\":[],\"keys\":[]}", GW_JWK_SET_FAULT_JSON);
    expect_refused("{}", GW_JWK_SET_FAULT_KEYS);
    expect_refused("{\"keys\":{}}", GW_JWK_SET_FAULT_KEYS);
    expect_refused("{\"keys\":[]}", GW_JWK_SET_FAULT_NONE_USABLE);
    expect_refused("{\"keys\":[1,null]}", GW_JWK_SET_FAULT_NONE_USABLE);
    assert_int_equal(report.left_out[GW_JWK_REASON_FORM], 2);
}

static void test_a_set_is_bounded(void **state) {
    (void)state;
    size_t length = GW_JWK_SET_BYTES_MAX;
    char *text = gw_arena_allocate(&arena, length + 1);
    assert_non_null(text);
    memset(text, ' ', length + 1);
    memcpy(text, EC_SET, strlen(EC_SET));
    struct gw_jwk_set *set = parse(gw_str(text, length));
    assert_non_null(set);
    gw_jwk_set_destroy(set);
    assert_null(parse(gw_str(text, length + 1)));
    assert_int_equal(report.fault, GW_JWK_SET_FAULT_SIZE);
}

static struct gw_str set_of(int count) {
    struct gw_str text = GW_STR("{\"keys\":[");
    for (int i = 0; i < count; i++) {
        text = gw_arena_printf(&arena, "%.*s%s{" EC ",\"kid\":\"%d\"}", GW_STR_ARG(text),
                               i > 0 ? "," : "", i);
        assert_non_null(text.at);
    }
    return gw_arena_printf(&arena, "%.*s]}", GW_STR_ARG(text));
}

static void test_a_set_has_at_most_32_usable_keys(void **state) {
    (void)state;
    struct gw_jwk_set *set = parse(set_of(GW_JWK_KEYS_MAX));
    assert_non_null(set);
    assert_int_equal(gw_jwk_set_count(set), GW_JWK_KEYS_MAX);
    gw_jwk_set_destroy(set);
    assert_null(parse(set_of(GW_JWK_KEYS_MAX + 1)));
    assert_int_equal(report.fault, GW_JWK_SET_FAULT_TOO_MANY);
}

static void test_a_set_with_two_usable_keys_of_one_id_is_refused(void **state) {
    (void)state;
    expect_refused("{\"keys\":[{" EC ",\"kid\":\"a\"},{" EC ",\"kid\":\"a\"}]}",
                   GW_JWK_SET_FAULT_TWICE);
    expect_refused("{\"keys\":[{" EC ",\"kid\":\"a\"},{" EC ",\"kid\":\"\\u0061\"}]}",
                   GW_JWK_SET_FAULT_TWICE);
    struct gw_jwk_set *set =
        parse(GW_STR("{\"keys\":[{" EC ",\"kid\":\"a\"},{" EC ",\"use\":\"enc\",\"kid\":\"a\"}]}"));
    assert_non_null(set);
    assert_int_equal(gw_jwk_set_count(set), 1);
    assert_int_equal(report.left_out[GW_JWK_REASON_USE], 1);
    gw_jwk_set_destroy(set);
}

static void test_a_key_is_found_by_its_id(void **state) {
    (void)state;
    struct gw_jwk_set *set =
        parse(GW_STR("{\"keys\":[{" EC "},{" EC ",\"kid\":\"a\"},{" EC ",\"kid\":\"b\\\"c\"}]}"));
    assert_non_null(set);
    assert_ptr_equal(gw_jwk_set_find(set, GW_STR("a")), gw_jwk_set_at(set, 1));
    assert_ptr_equal(gw_jwk_set_find(set, GW_STR("b\"c")), gw_jwk_set_at(set, 2));
    assert_true(gw_str_equal(gw_jwk_id(gw_jwk_set_at(set, 2)), GW_STR("b\"c")));
    assert_null(gw_jwk_id(gw_jwk_set_at(set, 0)).at);
    assert_null(gw_jwk_set_find(set, GW_STR("A")));
    assert_null(gw_jwk_set_find(set, GW_STR("")));
    assert_null(gw_jwk_set_find(set, gw_str(NULL, 0))); // which of the three?
    gw_jwk_set_destroy(set);
}

static void test_a_key_that_is_alone_is_found_without_an_id(void **state) {
    (void)state;
    struct gw_jwk_set *set = parse(GW_STR(EC_SET));
    assert_non_null(set);
    assert_ptr_equal(gw_jwk_set_find(set, gw_str(NULL, 0)), gw_jwk_set_at(set, 0));
    assert_null(gw_jwk_set_find(set, GW_STR("a")));
    gw_jwk_set_destroy(set);
}

// What GitHub published, with certificates' digests and the like.
static void test_the_set_of_a_real_issuer_is_taken(void **state) {
    (void)state;
    static char text[GW_JWK_SET_BYTES_MAX];
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/tests/vectors/jose/github.json", GATEWAY_SOURCE_DIR);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text), file);
    assert_int_equal(fclose(file), 0);
    struct gw_jwk_set *set = parse(gw_str(text, length));
    assert_non_null(set);
    assert_int_equal(gw_jwk_set_count(set), 4);
    const struct gw_jwk *key = gw_jwk_set_find(set, GW_STR("cc413527-173f-5a05-976e-9c52b1d7b431"));
    assert_non_null(key);
    assert_true(gw_jwk_takes(key, GW_JWK_RS256));
    assert_false(gw_jwk_takes(key, GW_JWK_RS512));
    assert_string_equal(gw_jwk_kind(key), "RSA-2048");
    gw_jwk_set_destroy(set);
}

static void test_kinds_reasons_and_faults_have_texts(void **state) {
    (void)state;
    struct gw_jwk_set *set = parse(GW_STR(EC_SET));
    assert_non_null(set);
    assert_string_equal(gw_jwk_kind(gw_jwk_set_at(set, 0)), "P-256");
    gw_jwk_set_destroy(set);
    assert_string_equal(gw_jwk_reason_text(GW_JWK_REASON_POINT), "its point is not on the curve");
    assert_string_equal(gw_jwk_set_fault_text(GW_JWK_SET_FAULT_NONE_USABLE),
                        "it has no usable key");
    gw_jwk_set_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_without_alg_verifies_what_its_type_and_curve_do),
        cmocka_unit_test(test_a_key_with_alg_verifies_that_alone),
        cmocka_unit_test(test_an_alg_of_another_kind_of_key_is_left_out),
        cmocka_unit_test(test_what_is_not_verified_here_is_left_out),
        cmocka_unit_test(test_a_key_that_is_not_for_signatures_is_left_out),
        cmocka_unit_test(test_a_secret_that_is_published_is_left_out),
        cmocka_unit_test(test_an_rsa_modulus_is_odd_and_of_2048_to_4096_bits),
        cmocka_unit_test(test_an_rsa_exponent_is_65537),
        cmocka_unit_test(test_a_point_is_on_its_curve_and_of_its_length),
        cmocka_unit_test(test_a_key_of_no_form_is_left_out),
        cmocka_unit_test(test_a_set_is_an_object_with_a_list_of_keys),
        cmocka_unit_test(test_a_set_is_bounded),
        cmocka_unit_test(test_a_set_has_at_most_32_usable_keys),
        cmocka_unit_test(test_a_set_with_two_usable_keys_of_one_id_is_refused),
        cmocka_unit_test(test_a_key_is_found_by_its_id),
        cmocka_unit_test(test_a_key_that_is_alone_is_found_without_an_id),
        cmocka_unit_test(test_the_set_of_a_real_issuer_is_taken),
        cmocka_unit_test(test_kinds_reasons_and_faults_have_texts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
