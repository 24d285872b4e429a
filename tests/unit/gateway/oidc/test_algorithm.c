// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/oidc/algorithm.h"

static void test_algorithms_are_known_by_their_exact_names(void **state) {
    (void)state;
    static const char *const names[] = {"RS256", "RS384", "RS512", "PS256",
                                        "ES256", "ES384", "EdDSA"};
    enum gw_jwk_algorithm algorithm;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(gw_jwk_algorithm_find(gw_str_from(names[i]), &algorithm));
        assert_int_equal(algorithm, i);
    }
    assert_true(gw_jwk_algorithm_find(GW_STR("Ed25519"), &algorithm));
    assert_int_equal(algorithm, GW_JWK_EDDSA);
}

// RFC 8725 sections 2.1 and 3.2.
static void test_what_is_no_signature_or_not_wanted_is_unknown(void **state) {
    (void)state;
    static const char *const names[] = {"none",  "None",  "NONE",   "nOnE",   "",       "HS256",
                                        "HS384", "HS512", "rs256",  "RS256 ", " RS256", "RS25",
                                        "RS1",   "PS384", "PS512",  "ES512",  "ES256K", "EDDSA",
                                        "Ed448", "dir",   "RSA1_5", "A128KW", "eddsa"};
    enum gw_jwk_algorithm algorithm;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_false(gw_jwk_algorithm_find(gw_str_from(names[i]), &algorithm));
    assert_false(gw_jwk_algorithm_find(gw_str("RS256\0", 6), &algorithm));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_algorithms_are_known_by_their_exact_names),
        cmocka_unit_test(test_what_is_no_signature_or_not_wanted_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
