// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "gateway/token.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MANY 2000

static int compare_ids(const void *a, const void *b) {
    return strcmp(a, b);
}

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

static void test_names(void **state) {
    (void)state;
    static const struct {
        struct gw_str name;
        bool is_valid;
    } cases[] = {
        {GW_STR_INIT("a"), true},
        {GW_STR_INIT("ci deploy/\"x\" <y> \\ '"), true},
        {GW_STR_INIT("\xc3\xa4\xe6\x97\xa5\xf0\x9f\x94\x92"), true},
        {GW_STR_INIT(" a "), true},
        {GW_STR_INIT(""), false},
        {GW_STR_INIT(" "), false},
        {GW_STR_INIT("\xc2\xa0\xe3\x80\x80\xe2\x80\x83"), false}, // no-break, ideographic, em space
        {GW_STR_INIT("\xe2\x80\x8d\xcc\x81"), false},     // a joiner, an accent without a letter
        {GW_STR_INIT("\xe3\x85\xa4\xe2\xa0\x80"), false}, // a filler, Braille without a dot
        {GW_STR_INIT("e\xcc\x81"), true},
        {GW_STR_INIT("a\tb"), false},
        {GW_STR_INIT("a\nb"), false},
        {GW_STR_INIT("a\0b"), false},
        {GW_STR_INIT("a\x7f"), false},
        {GW_STR_INIT("a\xc2\x85"), false},     // C1
        {GW_STR_INIT("a\xe2\x80\xae"), false}, // turns the text around
        {GW_STR_INIT("a\xe4"), false},
        {GW_STR_INIT("a\xed\xa0\x80"), false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (gw_token_name_valid(cases[i].name) != cases[i].is_valid)
            fail_msg("%.*s", GW_STR_ARG(cases[i].name));
    }
}

static void test_a_name_has_100_characters_not_bytes(void **state) {
    (void)state;
    char name[4 * (GW_TOKEN_NAME_CHARACTERS_MAX + 1)];
    for (size_t i = 0; i < sizeof(name); i += 4)
        memcpy(name + i, "\xf0\x9f\x94\x92", 4);
    size_t longest = (size_t)4 * GW_TOKEN_NAME_CHARACTERS_MAX;
    assert_true(gw_token_name_valid(gw_str(name, longest)));
    assert_false(gw_token_name_valid(gw_str(name, longest + 4)));
    memset(name, 'a', sizeof(name));
    assert_true(gw_token_name_valid(gw_str(name, GW_TOKEN_NAME_CHARACTERS_MAX)));
    assert_false(gw_token_name_valid(gw_str(name, GW_TOKEN_NAME_CHARACTERS_MAX + 1)));
}

static void test_slugs(void **state) {
    (void)state;
    static const char *const good[] = {
        "ac", "acme", "a-b", "0-9", "a--b", "a23456789012345678901234567890123456789012345678"};
    static const char *const bad[] = {
        "",          "a",
        "-a",        "a-",
        "Acme",      "a_b",
        "a.b",       "a b",
        "a/b",       "a%62",
        "b\xc3\xa4", "a;b",
        "--",        "a234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(gw_org_slug_valid(gw_str_from(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(gw_org_slug_valid(gw_str_from(bad[i])));
    assert_false(gw_org_slug_valid(GW_STR("a\0b")));
}

static void test_ids_are_unique_and_what_is_said_of_them(void **state) {
    (void)state;
    static char ids[MANY][GW_ID_LENGTH + 1];
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(gw_id_make(ids[i]), GW_OK);
        assert_int_equal(strlen(ids[i]), GW_ID_LENGTH);
        assert_memory_equal(ids[i], "cl", 2);
        assert_true(gw_id_valid(gw_str_from(ids[i])));
    }
    qsort(ids, MANY, sizeof(ids[0]), compare_ids);
    for (size_t i = 1; i < MANY; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

static void test_ids_sort_by_age(void **state) {
    (void)state;
    char first[GW_ID_LENGTH + 1];
    char second[GW_ID_LENGTH + 1];
    assert_int_equal(gw_id_make(first), GW_OK);
    int64_t now_ms = gw_clock_wall_ms();
    while (gw_clock_wall_ms() <= now_ms) // the next millisecond
        continue;
    assert_int_equal(gw_id_make(second), GW_OK);
    assert_true(strcmp(first, second) < 0);
}

static void test_ids_of_clients(void **state) {
    (void)state;
    static const char *const good[] = {"clx7f2k3a", "0", "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const bad[] = {"",
                                      "Clx",
                                      "cl-x",
                                      "cl_x",
                                      "cl x",
                                      "cl%78",
                                      "cl.x",
                                      "cl'",
                                      "cl/x",
                                      "\xc3\xa4",
                                      "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(gw_id_valid(gw_str_from(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(gw_id_valid(gw_str_from(bad[i])));
    assert_false(gw_id_valid(GW_STR("cl\0x")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_minted_secret_has_the_shape_and_the_checksum),
        cmocka_unit_test(test_minted_secrets_differ_everywhere),
        cmocka_unit_test(test_the_digest_is_sha_256),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_name_has_100_characters_not_bytes),
        cmocka_unit_test(test_slugs),
        cmocka_unit_test(test_ids_are_unique_and_what_is_said_of_them),
        cmocka_unit_test(test_ids_sort_by_age),
        cmocka_unit_test(test_ids_of_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
