// SPDX-License-Identifier: MIT
// The vectors of tests/vectors/jose; its README.md has their form.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbedtls/sha512.h>
#include <stdio.h>
#include <string.h>

#include "base/base64url.h"
#include "gateway/oidc/jwk_key.h"
#include "gateway/oidc/signature.h"
#include "tls/accelerate/gmp_memory.h"
#include "tls/accelerate/sha256.h"

#define LINE_BYTES_MAX 4096
#define ARENA_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct vectors {
    FILE *file;
    struct gw_arena arena;
    struct gw_jwk_set *set; // NULL: the key is refused
    enum gw_jwk_algorithm algorithm;
    int valid;
    int refused;
    char line[LINE_BYTES_MAX];
};

static void open_vectors(struct vectors *vectors, const char *name) {
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/tests/vectors/jose/%s.txt", GATEWAY_SOURCE_DIR, name);
    memset(vectors, 0, sizeof(*vectors));
    vectors->file = fopen(path, "re");
    assert_non_null(vectors->file);
    gw_arena_init(&vectors->arena, ARENA_BYTES_MAX);
}

static void close_vectors(struct vectors *vectors) {
    gw_jwk_set_destroy(vectors->set);
    gw_arena_deinit(&vectors->arena);
    assert_int_equal(fclose(vectors->file), 0);
}

// The next line that is no comment, without its end.
static bool next_line(struct vectors *vectors, struct gw_str *line) {
    do {
        if (fgets(vectors->line, sizeof(vectors->line), vectors->file) == NULL)
            return false;
    } while (vectors->line[0] == '#');
    size_t length = strlen(vectors->line);
    assert_true(length > 0 && vectors->line[length - 1] == '\n');
    *line = gw_str(vectors->line, length - 1);
    return true;
}

static struct gw_str take_word(struct gw_str *rest) {
    struct gw_str word = GW_STR("");
    assert_true(gw_str_next(rest, ' ', &word));
    return word;
}

// The members of `jwk`, and "alg" in front of them if it has one here.
static void take_key(struct vectors *vectors, struct gw_str algorithm, struct gw_str jwk) {
    struct gw_jwk_set_report report;
    const struct gw_str with_algorithm[] = {GW_STR("{\"keys\":[{\"alg\":\""), algorithm,
                                            GW_STR("\","), gw_str_slice(jwk, 1, jwk.length),
                                            GW_STR("]}")};
    const struct gw_str plain[] = {GW_STR("{\"keys\":["), jwk, GW_STR("]}")};
    struct gw_str text = algorithm.length > 0 ? gw_arena_join(&vectors->arena, with_algorithm, 5)
                                              : gw_arena_join(&vectors->arena, plain, 3);
    assert_non_null(text.at);
    gw_jwk_set_destroy(vectors->set);
    vectors->set = NULL;
    if (gw_jwk_set_parse(text, &vectors->set, &report) != GW_OK)
        assert_int_equal(report.fault, GW_JWK_SET_FAULT_NONE_USABLE);
}

static struct gw_str decode(struct vectors *vectors, struct gw_str text) {
    char *bytes = gw_arena_allocate(&vectors->arena, text.length + 1);
    size_t length = 0;
    assert_non_null(bytes);
    if (!gw_str_equal(text, GW_STR("-")))
        assert_int_equal(gw_base64url_decode(text, bytes, text.length, &length), GW_OK);
    return gw_str(bytes, length);
}

static enum gw_status verify(const struct vectors *vectors, const struct gw_jwt *jwt) {
    return vectors->set == NULL ? GW_DENIED : gw_jwk_verify(gw_jwk_set_at(vectors->set, 0), jwt);
}

static void expect(struct vectors *vectors, struct gw_str outcome, struct gw_str number,
                   enum gw_status status) {
    bool is_valid = gw_str_equal(outcome, GW_STR("valid")) && vectors->set != NULL;
    if (status != (is_valid ? GW_OK : GW_DENIED))
        fail_msg("%.*s test %.*s: %d", GW_STR_ARG(outcome), GW_STR_ARG(number), (int)status);
    vectors->valid += is_valid;
    vectors->refused += !is_valid;
}

// ---- signatures ----

static enum gw_status verify_plain(const struct gw_jwk *key, const struct gw_jwt *jwt) {
    unsigned char digest[64];
    if (key->family == GW_JWK_P256)
        tls_sha256(jwt->signing_input, digest);
    else
        assert_int_equal(mbedtls_sha512((const unsigned char *)jwt->signing_input.at,
                                        jwt->signing_input.length, digest, 1),
                         0);
    return tls_ecdsa_verify_plain(key->family == GW_JWK_P256 ? TLS_VERIFY_P256 : TLS_VERIFY_P384,
                                  key->bytes, digest, jwt->signature);
}

// The two that nettle refuses though they are good: both of their points are the same one, and it
// adds them where it would have to double. No signer meets that but on purpose.
static bool is_doubling(const struct vectors *vectors, struct gw_str number) {
    return GATEWAY_NETTLE &&
           gw_str_equal(number, vectors->algorithm == GW_JWK_ES256 ? GW_STR("204") : GW_STR("228"));
}

static void run_signature(struct vectors *vectors, struct gw_str line) {
    struct gw_str outcome = take_word(&line);
    if (gw_str_equal(outcome, GW_STR("key"))) {
        struct gw_str algorithm = take_word(&line);
        assert_true(gw_jwk_algorithm_find(algorithm, &vectors->algorithm));
        take_key(vectors, algorithm, line);
        return;
    }
    struct gw_str number = take_word(&line);
    struct gw_str message = decode(vectors, take_word(&line));
    struct gw_str signature = decode(vectors, take_word(&line));
    const struct gw_jwt jwt = {.signing_input = message,
                               .algorithm = vectors->algorithm,
                               .signature = (const unsigned char *)signature.at,
                               .signature_length = signature.length};
    bool is_curve = vectors->algorithm == GW_JWK_ES256 || vectors->algorithm == GW_JWK_ES384;
    enum gw_status status = verify(vectors, &jwt);
    if (is_curve && signature.length == gw_jwk_set_at(vectors->set, 0)->length) {
        enum gw_status plain = verify_plain(gw_jwk_set_at(vectors->set, 0), &jwt);
        if (!is_doubling(vectors, number))
            assert_int_equal(status, plain);
        status = plain;
    }
    expect(vectors, outcome, number, status);
}

static void run_signatures(const char *name, int valid, int refused) {
    struct vectors vectors;
    struct gw_str line;
    open_vectors(&vectors, name);
    while (next_line(&vectors, &line))
        run_signature(&vectors, line);
    if (vectors.valid != valid || vectors.refused != refused)
        fail_msg("%s: %d valid, %d refused", name, vectors.valid, vectors.refused);
    close_vectors(&vectors);
}

// A key with the exponent 3 is none here, so nothing is valid under it.
static void test_rsa_signatures_of_wycheproof(void **state) {
    (void)state;
    run_signatures("rsa_signature_2048_sha256", 7, 252);
    run_signatures("rsa_signature_2048_sha384", 7, 251);
    run_signatures("rsa_signature_2048_sha512", 7, 252);
    run_signatures("rsa_signature_3072_sha256", 7, 252);
    run_signatures("rsa_signature_3072_sha384", 7, 252);
    run_signatures("rsa_signature_3072_sha512", 7, 253);
    run_signatures("rsa_signature_4096_sha256", 7, 251);
    run_signatures("rsa_signature_4096_sha384", 7, 252);
    run_signatures("rsa_signature_4096_sha512", 7, 252);
}

static void test_rsa_pss_signatures_of_wycheproof(void **state) {
    (void)state;
    run_signatures("rsa_pss_2048_sha256_mgf1_32", 63, 45);
    run_signatures("rsa_pss_3072_sha256_mgf1_32", 63, 45);
    run_signatures("rsa_pss_4096_sha256_mgf1_32", 63, 45);
}

static void test_ecdsa_signatures_of_wycheproof(void **state) {
    (void)state;
    run_signatures("ecdsa_secp256r1_sha256_p1363", 173, 89);
    run_signatures("ecdsa_secp384r1_sha384_p1363", 193, 87);
}

static void test_ed25519_signatures_of_wycheproof(void **state) {
    (void)state;
#if TLS_HAS_ED25519
    run_signatures("ed25519", 88, 63);
#else
    run_signatures("ed25519", 0, 151);
#endif
}

// ---- tokens ----

// Most of these tokens hold no claims but any bytes, which comes out last: then the signature is
// looked at all the same.
static enum gw_status judge(struct vectors *vectors, struct gw_str token) {
    struct gw_jwt jwt;
    enum gw_jwt_fault fault;
    enum gw_status status = gw_jwt_parse(&vectors->arena, token, &jwt, &fault);
    if (status == GW_OK)
        return verify(vectors, &jwt);
    assert_int_equal(status, GW_INVALID);
    if (fault != GW_JWT_FAULT_CLAIMS)
        return GW_DENIED;
    const struct gw_str claims = GW_STR("e30"); // an empty object instead, for the header
    struct gw_str parts = token;
    struct gw_str header = GW_STR("");
    struct gw_str signature = GW_STR("");
    assert_true(gw_str_next(&parts, '.', &header) && gw_str_next(&parts, '.', &signature) &&
                gw_str_next(&parts, '.', &signature));
    const struct gw_str pieces[] = {header, GW_STR("."), claims, GW_STR("."), signature};
    struct gw_str other = gw_arena_join(&vectors->arena, pieces, 5);
    assert_int_equal(gw_jwt_parse(&vectors->arena, other, &jwt, &fault), GW_OK);
    jwt.signing_input = gw_str(token.at, token.length - signature.length - 1);
    return verify(vectors, &jwt);
}

static void run_tokens(const char *name, int valid, int refused) {
    struct vectors vectors;
    struct gw_str line;
    open_vectors(&vectors, name);
    while (next_line(&vectors, &line)) {
        struct gw_str outcome = take_word(&line);
        if (gw_str_equal(outcome, GW_STR("key"))) {
            take_key(&vectors, GW_STR(""), line);
            continue;
        }
        struct gw_str number = take_word(&line);
        expect(&vectors, outcome, number, judge(&vectors, line));
    }
    if (vectors.valid != valid || vectors.refused != refused)
        fail_msg("%s: %d valid, %d refused", name, vectors.valid, vectors.refused);
    close_vectors(&vectors);
}

static void test_tokens_of_wycheproof(void **state) {
    (void)state;
    run_tokens("json_web_signature", 24, 377);
}

// HS256 (A.1) and ES512 (A.4) are refused.
static void test_tokens_of_the_standards(void **state) {
    (void)state;
    run_tokens("rfc", 2 + TLS_HAS_ED25519, 3 - TLS_HAS_ED25519);
}

// ---- the key decides ----

static void test_a_key_verifies_no_other_algorithm(void **state) {
    (void)state;
    struct vectors vectors;
    struct gw_str line;
    struct gw_jwt jwt;
    enum gw_jwt_fault fault;
    open_vectors(&vectors, "rfc");
    assert_true(next_line(&vectors, &line));
    take_word(&line);
    take_key(&vectors, GW_STR("RS384"), line);
    assert_true(next_line(&vectors, &line));
    take_word(&line);
    take_word(&line);
    assert_int_equal(gw_jwt_parse(&vectors.arena, line, &jwt, &fault), GW_OK);
    assert_int_equal(verify(&vectors, &jwt), GW_DENIED); // good, and of another algorithm
    jwt.algorithm = GW_JWK_PS256;
    assert_int_equal(verify(&vectors, &jwt), GW_DENIED);
    close_vectors(&vectors);
}

// A good signature with a byte behind it is another one, and none.
static void test_a_signature_is_as_long_as_its_key_wants(void **state) {
    (void)state;
    struct vectors vectors;
    struct gw_str line;
    open_vectors(&vectors, "rfc");
    while (next_line(&vectors, &line)) {
        struct gw_str outcome = take_word(&line);
        if (gw_str_equal(outcome, GW_STR("key")))
            take_key(&vectors, GW_STR(""), line);
        if (!gw_str_equal(outcome, GW_STR("valid")))
            continue;
        take_word(&line);
        size_t head = 0;
        struct gw_str rest = line;
        struct gw_str part = GW_STR("");
        while (gw_str_next(&rest, '.', &part))
            head = part.length;
        struct gw_str bytes = decode(&vectors, part);
        char *longer = gw_arena_copy(&vectors.arena, bytes);
        assert_non_null(longer);
        struct gw_jwt jwt = {.signing_input = gw_str(line.at, line.length - head - 1),
                             .signature = (const unsigned char *)longer,
                             .signature_length = bytes.length};
        for (int i = GW_JWK_RS256; i <= GW_JWK_EDDSA; i++) {
            jwt.algorithm = (enum gw_jwk_algorithm)i;
            jwt.signature_length = bytes.length + 1;
            assert_int_equal(verify(&vectors, &jwt), GW_DENIED);
            jwt.signature_length = bytes.length - 1;
            assert_int_equal(verify(&vectors, &jwt), GW_DENIED);
        }
    }
    close_vectors(&vectors);
}

// GMP ends the process when it gets no memory: it must need none of the machine's.
static void test_curves_fit_into_the_memory_of_gmp(void **state) {
    (void)state;
#if GATEWAY_NETTLE
    assert_int_equal(tls_gmp_memory_used(), 0);
    assert_in_range(tls_gmp_memory_peak(), 1, TLS_GMP_MEMORY_BYTES / 2);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rsa_signatures_of_wycheproof),
        cmocka_unit_test(test_rsa_pss_signatures_of_wycheproof),
        cmocka_unit_test(test_ecdsa_signatures_of_wycheproof),
        cmocka_unit_test(test_ed25519_signatures_of_wycheproof),
        cmocka_unit_test(test_tokens_of_wycheproof),
        cmocka_unit_test(test_tokens_of_the_standards),
        cmocka_unit_test(test_a_key_verifies_no_other_algorithm),
        cmocka_unit_test(test_a_signature_is_as_long_as_its_key_wants),
        cmocka_unit_test(test_curves_fit_into_the_memory_of_gmp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
