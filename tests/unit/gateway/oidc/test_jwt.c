// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/oidc/jwt.h"
#include "tests/support/identity_token.h"

#define GOOD_HEADER "{\"alg\":\"RS256\",\"kid\":\"key 1\",\"typ\":\"JWT\",\"x5t\":\"abc\"}"
#define GOOD_CLAIMS "{\"iss\":\"https://issuer.example\"}"

static struct gw_arena arena;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, (size_t)1024 * 1024);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

static enum gw_jwt_fault fault_of(struct gw_str text) {
    struct gw_jwt jwt;
    enum gw_jwt_fault fault = GW_JWT_FAULT_NONE;
    enum gw_status status = gw_jwt_parse(&arena, text, &jwt, &fault);
    assert_int_equal(status, fault == GW_JWT_FAULT_NONE ? GW_OK : GW_INVALID);
    return fault;
}

static enum gw_jwt_fault fault_of_header(const char *header) {
    return fault_of(identity_token_text(&arena, gw_str_from(header), GW_STR(GOOD_CLAIMS)));
}

static enum gw_jwt_fault fault_of_claims(const char *claims) {
    return fault_of(identity_token_text(&arena, GW_STR(GOOD_HEADER), gw_str_from(claims)));
}

static void test_a_token_is_taken_apart(void **state) {
    (void)state;
    struct gw_jwt jwt;
    struct gw_json issuer;
    enum gw_jwt_fault fault;
    struct gw_str text = identity_token_text(&arena, GW_STR(GOOD_HEADER), GW_STR(GOOD_CLAIMS));
    assert_int_equal(gw_jwt_parse(&arena, text, &jwt, &fault), GW_OK);
    assert_int_equal(jwt.algorithm, GW_JWK_RS256);
    assert_true(gw_str_equal(jwt.key_id, GW_STR("key 1")));
    assert_ptr_equal(jwt.signing_input.at, text.at);
    assert_int_equal(jwt.signing_input.length, text.length - strlen(".c2lnbmF0dXJl"));
    assert_int_equal(jwt.signature_length, 9);
    assert_memory_equal(jwt.signature, "signature", 9);
    assert_true(gw_json_member(jwt.claims, GW_STR("iss"), &issuer));
}

static void test_a_token_needs_neither_a_key_id_nor_a_type(void **state) {
    (void)state;
    struct gw_jwt jwt;
    enum gw_jwt_fault fault;
    struct gw_str text =
        identity_token_text(&arena, GW_STR("{\"alg\":\"EdDSA\"}"), GW_STR(GOOD_CLAIMS));
    assert_int_equal(gw_jwt_parse(&arena, text, &jwt, &fault), GW_OK);
    assert_null(jwt.key_id.at);
    assert_int_equal(fault_of_header("{\"alg\":\"ES256\",\"typ\":\"jwt\"}"), GW_JWT_FAULT_NONE);
    assert_int_equal(fault_of_header("{\"alg\":\"ES256\",\"typ\":\"JOSE\"}"), GW_JWT_FAULT_NONE);
}

static void test_a_token_has_three_parts(void **state) {
    (void)state;
    static const char *const texts[] = {
        "a",
        "a.b",
        "eyJhbGciOiJSUzI1NiJ9.e30",
        "eyJhbGciOiJSUzI1NiJ9.e30.YQ.",
        "eyJhbGciOiJSUzI1NiJ9.e30.YQ.YQ",
        "eyJhbGciOiJSUzI1NiJ9.e30.YQ.YQ.YQ" // a JWE has five
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(fault_of(gw_str_from(texts[i])), GW_JWT_FAULT_PARTS);
    assert_int_equal(fault_of(GW_STR("eyJhbGciOiJSUzI1NiJ9.e30.YQ")), GW_JWT_FAULT_NONE);
}

static void test_a_token_is_bounded(void **state) {
    (void)state;
    static char text[GW_JWT_BYTES_MAX + 1];
    memset(text, 'A', sizeof(text));
    assert_int_equal(fault_of(GW_STR("")), GW_JWT_FAULT_SIZE);
    assert_int_equal(fault_of(gw_str(text, sizeof(text))), GW_JWT_FAULT_SIZE);
    assert_int_equal(fault_of(gw_str(text, sizeof(text) - 1)), GW_JWT_FAULT_PARTS);
}

// One text for each token: padding, another alphabet, blanks or stray bits would make two.
static void test_base64url_has_one_form(void **state) {
    (void)state;
    static const char *const texts[] = {
        "eyJhbGciOiJSUzI1NiJ9=.e30.YQ",  "eyJhbGciOiJSUzI1NiJ9.e30=.YQ",
        "eyJhbGciOiJSUzI1NiJ9.e30.YQ==", "eyJhbGciOiJSUzI1NiJ9.e30.YR",
        "eyJhbGciOiJSUzI1NiJ9.e31.YQ",   "eyJhbGciOiJSUzI1NiJ9.e30.Y",
        "eyJhbGciOiJSUzI1NiJ9.e30.Y+Q",  "eyJhbGciOiJSUzI1NiJ9.e30.Y/Q",
        "eyJhbGciOiJSUzI1NiJ9.e30.Y Q",  "eyJhbGciOiJSUzI1NiJ9.e30.YQ\n",
        " eyJhbGciOiJSUzI1NiJ9.e30.YQ",  "eyJhbGciOiJSUzI1NiJ9?.e30.YQ"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(fault_of(gw_str_from(texts[i])), GW_JWT_FAULT_BASE64URL);
}

// RFC 8725 sections 2.1, 3.1 and 3.2.
static void test_the_algorithm_is_a_known_signature(void **state) {
    (void)state;
    static const char *const headers[] = {"{}",
                                          "{\"alg\":\"none\"}",
                                          "{\"alg\":\"None\"}",
                                          "{\"alg\":\"\"}",
                                          "{\"alg\":\"HS256\"}",
                                          "{\"alg\":\"HS512\"}",
                                          "{\"alg\":\"ES512\"}",
                                          "{\"alg\":\"ES256K\"}",
                                          "{\"alg\":\"PS512\"}",
                                          "{\"alg\":\"RSA-OAEP\"}",
                                          "{\"alg\":\"dir\"}",
                                          "{\"alg\":null}",
                                          "{\"alg\":256}",
                                          "{\"alg\":[\"RS256\"]}",
                                          "{\"alg\":\"RS256\\u0000\"}",
                                          "{\"ALG\":\"RS256\"}"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_int_equal(fault_of_header(headers[i]), GW_JWT_FAULT_ALGORITHM);
    assert_int_equal(fault_of_header("{\"\\u0061lg\":\"RS256\"}"), GW_JWT_FAULT_NONE);
}

// RFC 8725 section 2.4: no signature is no token.
static void test_a_signature_is_there_and_bounded(void **state) {
    (void)state;
    static char text[64 + 4 * GW_JWT_SIGNATURE_BYTES_MAX / 3 + 4] = "eyJhbGciOiJSUzI1NiJ9.e30.";
    size_t head = strlen(text);
    size_t fits = (4 * GW_JWT_SIGNATURE_BYTES_MAX + 2) / 3;
    assert_int_equal(fault_of(GW_STR("eyJhbGciOiJSUzI1NiJ9.e30.")), GW_JWT_FAULT_SIGNATURE);
    memset(text + head, 'A', sizeof(text) - head);
    assert_int_equal(fault_of(gw_str(text, head + fits)), GW_JWT_FAULT_NONE);
    assert_int_equal(fault_of(gw_str(text, head + fits + 1)), GW_JWT_FAULT_SIGNATURE);
}

// RFC 7515 section 4.1.11, RFC 7797, and what is no plain signature.
static void test_an_extension_is_refused_whatever_it_says(void **state) {
    (void)state;
    static const char *const headers[] = {"{\"alg\":\"RS256\",\"crit\":[\"exp\"]}",
                                          "{\"alg\":\"RS256\",\"crit\":[]}",
                                          "{\"alg\":\"RS256\",\"crit\":null}",
                                          "{\"alg\":\"RS256\",\"b64\":false,\"crit\":[\"b64\"]}",
                                          "{\"alg\":\"RS256\",\"b64\":false}",
                                          "{\"alg\":\"RS256\",\"b64\":true}",
                                          "{\"alg\":\"RS256\",\"zip\":\"DEF\"}",
                                          "{\"alg\":\"RS256\",\"enc\":\"A128GCM\"}",
                                          "{\"alg\":\"RS256\",\"cty\":\"JWT\"}",
                                          "{\"alg\":\"RS256\",\"\\u0063rit\":[\"exp\"]}"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_int_equal(fault_of_header(headers[i]), GW_JWT_FAULT_EXTENSION);
}

// RFC 8725 section 3.10: a token does not bring its key.
static void test_a_key_in_the_header_is_refused(void **state) {
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"RSA\"}}",
        "{\"alg\":\"RS256\",\"jku\":\"https://attacker.example/keys\"}",
        "{\"alg\":\"RS256\",\"x5u\":\"https://attacker.example/cert\"}",
        "{\"alg\":\"RS256\",\"x5c\":[\"MII\"]}",
        "{\"alg\":\"RS256\",\"x5c\":null}",
        "{\"alg\":\"RS256\",\"\\u006au\\u006B\":1,\"\\u006Aku\":1}"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_int_equal(fault_of_header(headers[i]), GW_JWT_FAULT_KEY);
}

static void test_a_key_id_is_a_bounded_text(void **state) {
    (void)state;
    char header[GW_JWT_KEY_ID_BYTES_MAX + 64] = "{\"alg\":\"RS256\",\"kid\":\"";
    size_t head = strlen(header);
    assert_int_equal(fault_of_header("{\"alg\":\"RS256\",\"kid\":\"\"}"), GW_JWT_FAULT_KEY_ID);
    assert_int_equal(fault_of_header("{\"alg\":\"RS256\",\"kid\":7}"), GW_JWT_FAULT_KEY_ID);
    assert_int_equal(fault_of_header("{\"alg\":\"RS256\",\"kid\":null}"), GW_JWT_FAULT_KEY_ID);
    memset(header + head, 'k', GW_JWT_KEY_ID_BYTES_MAX);
    memcpy(header + head + GW_JWT_KEY_ID_BYTES_MAX, "\"}", 3);
    assert_int_equal(fault_of_header(header), GW_JWT_FAULT_NONE);
    memcpy(header + head + GW_JWT_KEY_ID_BYTES_MAX, "k\"}", 4);
    assert_int_equal(fault_of_header(header), GW_JWT_FAULT_KEY_ID);
}

// RFC 8725 sections 2.8 and 3.11.
static void test_another_type_of_token_is_refused(void **state) {
    (void)state;
    static const char *const types[] = {
        "\"at+jwt\"", "\"logout+jwt\"", "\"dpop+jwt\"", "\"secevent+jwt\"", "\"\"", "null", "1"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct gw_str header = gw_arena_printf(&arena, "{\"alg\":\"RS256\",\"typ\":%s}", types[i]);
        assert_int_equal(fault_of_header(header.at), GW_JWT_FAULT_TYPE);
    }
}

static void test_header_and_claims_are_objects_with_each_name_once(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "null",
                                        "[]",
                                        "\"alg\"",
                                        "{",
                                        "{\"alg\":\"RS256\"}x",
                                        "{\"alg\":\"RS256\",\"alg\":\"none\"}",
                                        "{\"alg\":\"RS256\",\"\\u0061lg\":\"RS256\"}",
                                        "{\"alg\":\"RS256\",\"a\":{\"b\":1,\"b\":1}}",
                                        "{\"alg\":\"\xff\"}",
                                        "\xef\xbb\xbf{\"alg\":\"RS256\"}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(fault_of_header(texts[i]), GW_JWT_FAULT_HEADER);
        assert_int_equal(fault_of_claims(texts[i]), GW_JWT_FAULT_CLAIMS);
    }
}

static void test_the_largest_token_fits_into_its_arena(void **state) {
    (void)state;
    static char claims[6000];
    struct gw_arena own;
    struct gw_jwt jwt;
    enum gw_jwt_fault fault;
    size_t used = 1;
    claims[0] = '{';
    for (int i = 0; i < 511; i++) // with the object and their values the most tokens of JSON
        used += (size_t)snprintf(claims + used, sizeof(claims) - used, "%s\"%d\":0",
                                 i > 0 ? "," : "", i);
    claims[used++] = '}';
    gw_arena_init(&own, GW_JWT_ARENA_BYTES);
    struct gw_str text =
        identity_token_text(&arena, GW_STR("{\"alg\":\"RS256\"}"), gw_str(claims, used));
    assert_int_equal(gw_jwt_parse(&own, text, &jwt, &fault), GW_OK);
    gw_arena_deinit(&own);
    gw_arena_init(&own, 1024);
    assert_int_equal(gw_jwt_parse(&own, text, &jwt, &fault), GW_NO_MEMORY);
    gw_arena_deinit(&own);
}

static void test_faults_have_texts(void **state) {
    (void)state;
    assert_string_equal(gw_jwt_fault_text(GW_JWT_FAULT_PARTS),
                        "the token does not have three parts");
    assert_string_equal(gw_jwt_fault_text(GW_JWT_FAULT_SIGNATURE),
                        "the signature is empty or too long");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_taken_apart),
        cmocka_unit_test(test_a_token_needs_neither_a_key_id_nor_a_type),
        cmocka_unit_test(test_a_token_has_three_parts),
        cmocka_unit_test(test_a_token_is_bounded),
        cmocka_unit_test(test_base64url_has_one_form),
        cmocka_unit_test(test_the_algorithm_is_a_known_signature),
        cmocka_unit_test(test_a_signature_is_there_and_bounded),
        cmocka_unit_test(test_an_extension_is_refused_whatever_it_says),
        cmocka_unit_test(test_a_key_in_the_header_is_refused),
        cmocka_unit_test(test_a_key_id_is_a_bounded_text),
        cmocka_unit_test(test_another_type_of_token_is_refused),
        cmocka_unit_test(test_header_and_claims_are_objects_with_each_name_once),
        cmocka_unit_test(test_the_largest_token_fits_into_its_arena),
        cmocka_unit_test(test_faults_have_texts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
