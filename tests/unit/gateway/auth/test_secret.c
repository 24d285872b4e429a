// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/hex.h"
#include "gateway/auth/secret.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_a_minted_secret_has_the_shape_and_the_checksum(void **state) {
    (void)state;
    static const enum gw_token_kind kinds[] = {GW_TOKEN_LIVE, GW_TOKEN_TEST};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct gw_token_secret secret;
        enum gw_token_kind kind;
        assert_int_equal(gw_token_mint(kinds[i], &secret), GW_OK);
        struct gw_str text = gw_str(secret.text, secret.length);
        assert_int_equal(text.length, gw_token_syntax_prefix(kinds[i]).length + GW_TOKEN_BODY_OWN);
        assert_int_equal(gw_token_syntax_parse(text, &kind), GW_OK);
        assert_int_equal(kind, kinds[i]);
        assert_true(gw_token_syntax_checksum_ok(text));
    }
}

// Each of the 32 random bytes takes part: none of the characters made from them alone is the same
// in all.
static void test_minted_secrets_differ_everywhere(void **state) {
    (void)state;
    struct gw_token_secret first;
    struct gw_token_secret other;
    bool differs[GW_TOKEN_LENGTH_MAX] = {false};
    assert_int_equal(gw_token_mint(GW_TOKEN_LIVE, &first), GW_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(gw_token_mint(GW_TOKEN_LIVE, &other), GW_OK);
        assert_memory_not_equal(first.text, other.text, first.length);
        for (size_t c = 0; c < first.length; c++)
            differs[c] = differs[c] || first.text[c] != other.text[c];
    }
    for (size_t c = gw_token_syntax_prefix(GW_TOKEN_LIVE).length; c < first.length; c++)
        assert_true(differs[c]);
}

// FIPS 180-2, appendix B.
static void test_the_digest_is_sha_256(void **state) {
    (void)state;
    static const struct {
        struct gw_str text;
        const char *hex;
    } cases[] = {
        {GW_STR_INIT("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {GW_STR_INIT(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {GW_STR_INIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
        char hex[2 * GW_TOKEN_DIGEST_LENGTH];
        gw_token_digest(cases[i].text, digest);
        gw_hex_encode(digest, sizeof(digest), hex);
        assert_memory_equal(hex, cases[i].hex, sizeof(hex));
    }
}

static void test_a_digest_is_read_from_its_digits(void **state) {
    (void)state;
    static const char hex[] = "BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    unsigned char wanted[GW_TOKEN_DIGEST_LENGTH];
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
    gw_token_digest(GW_STR("abc"), wanted);
    assert_int_equal(gw_token_digest_parse(gw_str_from(hex), digest), GW_OK);
    assert_memory_equal(digest, wanted, sizeof(wanted));
    assert_int_equal(gw_token_digest_parse(gw_str(hex, 63), digest), GW_INVALID);
    assert_int_equal(gw_token_digest_parse(gw_str(hex, 62), digest), GW_INVALID);
    assert_int_equal(gw_token_digest_parse(GW_STR(""), digest), GW_INVALID);
    char wrong[sizeof(hex)];
    for (size_t i = 0; i < sizeof(hex) - 1; i++) {
        memcpy(wrong, hex, sizeof(hex));
        wrong[i] = 'g';
        assert_int_equal(gw_token_digest_parse(gw_str_from(wrong), digest), GW_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_minted_secret_has_the_shape_and_the_checksum),
        cmocka_unit_test(test_minted_secrets_differ_everywhere),
        cmocka_unit_test(test_the_digest_is_sha_256),
        cmocka_unit_test(test_a_digest_is_read_from_its_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
