// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "token/syntax.h"

// Bytes 0 to 31 with the CRC-32 of prefix and bytes, computed with zlib.
#define LIVE_SAMPLE "sr_live_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_dEEkW"
#define TEST_SAMPLE "sr_test_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9tSl2T"

static enum gw_status parse(struct gw_str secret, enum gw_token_kind *kind) {
    return gw_token_syntax_parse(secret, kind);
}

static void fill_random(unsigned char random[GW_TOKEN_RANDOM_BYTES]) {
    for (unsigned char i = 0; i < GW_TOKEN_RANDOM_BYTES; i++)
        random[i] = i;
}

static void test_each_kind_is_told_by_its_prefix(void **state) {
    (void)state;
    enum gw_token_kind kind;
    assert_int_equal(parse(GW_STR("sr_live_a1b2c3d4e5f6g7h8i9j0"), &kind), GW_OK);
    assert_int_equal(kind, GW_TOKEN_LIVE);
    assert_int_equal(parse(GW_STR("sr_test_a1b2c3d4e5f6g7h8i9j0"), &kind), GW_OK);
    assert_int_equal(kind, GW_TOKEN_TEST);
    assert_int_equal(parse(GW_STR("sk_a1b2c3d4e5f6g7h8i9-_"), &kind), GW_OK);
    assert_int_equal(kind, GW_TOKEN_LEGACY);
    assert_true(gw_str_equal(gw_token_syntax_prefix(GW_TOKEN_LEGACY), GW_STR("sk_")));
    assert_true(gw_str_equal(gw_token_syntax_prefix(GW_TOKEN_LIVE), GW_STR("sr_live_")));
}

static void test_a_prefix_is_twelve_characters_of_a_kind(void **state) {
    (void)state;
    enum gw_token_kind kind;
    assert_int_equal(gw_token_syntax_parse_prefix(GW_STR("sr_live_a1b2"), &kind), GW_OK);
    assert_int_equal(kind, GW_TOKEN_LIVE);
    assert_int_equal(gw_token_syntax_parse_prefix(GW_STR("sr_test_a-_2"), &kind), GW_OK);
    assert_int_equal(kind, GW_TOKEN_TEST);
    assert_int_equal(gw_token_syntax_parse_prefix(GW_STR("sk_a1b2c3d4e"), &kind), GW_OK);
    assert_int_equal(kind, GW_TOKEN_LEGACY);
    static const char *const wrong[] = {"",
                                        "sr_live_",
                                        "sr_live_a1b",
                                        "sr_live_a1b2c",
                                        "sr_live_a1b.",
                                        "sr_prod_a1b2",
                                        "SR_LIVE_a1b2"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(gw_token_syntax_parse_prefix(gw_str_from(wrong[i]), &kind), GW_INVALID);
}

static void test_body_length_is_20_to_255(void **state) {
    (void)state;
    static const char *const prefixes[] = {"sr_live_", "sr_test_", "sk_"};
    for (size_t i = 0; i < 3; i++) {
        char secret[300];
        size_t prefix_length = strlen(prefixes[i]);
        memset(secret, 'a', sizeof(secret));
        memcpy(secret, prefixes[i], prefix_length);
        enum gw_token_kind kind;
        assert_int_equal(parse(gw_str(secret, prefix_length + 19), &kind), GW_INVALID);
        assert_int_equal(parse(gw_str(secret, prefix_length + 20), &kind), GW_OK);
        assert_int_equal(parse(gw_str(secret, prefix_length + 255), &kind), GW_OK);
        assert_int_equal(parse(gw_str(secret, prefix_length + 256), &kind), GW_INVALID);
    }
}

static void test_foreign_prefixes_are_refused(void **state) {
    (void)state;
    static const char *const secrets[] = {
        "",
        "sr_live_",
        "sk_",
        "SR_LIVE_a1b2c3d4e5f6g7h8i9j0",
        "sr_prod_a1b2c3d4e5f6g7h8i9j0",
        "sr-live-a1b2c3d4e5f6g7h8i9j0",
        "ghp_a1b2c3d4e5f6g7h8i9j0a1b2c3d4",
        " sr_live_a1b2c3d4e5f6g7h8i9j0",
        "sr_liveXa1b2c3d4e5f6g7h8i9j0",
    };
    enum gw_token_kind kind = GW_TOKEN_TEST;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        assert_int_equal(parse(gw_str_from(secrets[i]), &kind), GW_INVALID);
    assert_int_equal(parse(gw_str(NULL, 0), &kind), GW_INVALID);
    assert_int_equal(kind, GW_TOKEN_TEST);
}

static void test_a_foreign_character_anywhere_is_refused(void **state) {
    (void)state;
    static const char foreign[] = {'+', '/', '=', ' ', '.', '\0', '\n', '%', (char)0xC3};
    for (size_t at = 8; at < sizeof(LIVE_SAMPLE) - 1; at++) {
        for (size_t i = 0; i < sizeof(foreign); i++) {
            char secret[] = LIVE_SAMPLE;
            enum gw_token_kind kind;
            secret[at] = foreign[i];
            assert_int_equal(parse(gw_str(secret, sizeof(secret) - 1), &kind), GW_INVALID);
        }
    }
}

static void test_own_secrets_are_the_published_vectors(void **state) {
    (void)state;
    unsigned char random[GW_TOKEN_RANDOM_BYTES];
    char out[GW_TOKEN_LENGTH_MAX];
    fill_random(random);
    assert_int_equal(gw_token_syntax_format(GW_TOKEN_LIVE, random, out), 56);
    assert_memory_equal(out, LIVE_SAMPLE, 56);
    assert_int_equal(gw_token_syntax_format(GW_TOKEN_TEST, random, out), 56);
    assert_memory_equal(out, TEST_SAMPLE, 56);
}

static void test_checksum_holds_for_own_secrets_only(void **state) {
    (void)state;
    assert_true(gw_token_syntax_checksum_ok(GW_STR(LIVE_SAMPLE)));
    assert_true(gw_token_syntax_checksum_ok(GW_STR(TEST_SAMPLE)));
    // well-formed, but of another length: imported
    assert_false(gw_token_syntax_checksum_ok(GW_STR("sk_a1b2c3d4e5f6g7h8i9j0")));
    assert_false(gw_token_syntax_checksum_ok(GW_STR("")));
    // the same body under the other prefix
    assert_false(gw_token_syntax_checksum_ok(
        GW_STR("sr_test_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_dEEkW")));
}

static void test_checksum_notices_each_changed_character(void **state) {
    (void)state;
    for (size_t at = 8; at < sizeof(LIVE_SAMPLE) - 1; at++) {
        char secret[] = LIVE_SAMPLE;
        secret[at] = secret[at] == 'A' ? 'B' : 'A';
        assert_false(gw_token_syntax_checksum_ok(gw_str(secret, sizeof(secret) - 1)));
    }
}

static void test_a_token_is_found_in_a_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *found; // NULL: nothing
    } cases[] = {
        {"sr_live_abcdefgh", "sr_live_abcdefgh"},
        {"a sr_test_abcdefgh, b", "sr_test_abcdefgh"},
        {"xsr_live_abcdefgh", "sr_live_abcdefgh"},
        {"\"sk_abcd-_gh\"", "sk_abcd-_gh"},
        {"sr_live_short sk_abcdefgh", "sk_abcdefgh"},
        {"task_abcdefgh", NULL},
        {"sr_live_, sr_test_ or sk_", NULL},
        {"sr_live_abcdefg", NULL},
        {"", NULL},
        {"s", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_str found = GW_STR("");
        bool is_found = gw_token_syntax_find(gw_str_from(cases[i].text), GW_TOKEN_PART_MIN, &found);
        if (is_found != (cases[i].found != NULL) ||
            (is_found && !gw_str_equal(found, gw_str_from(cases[i].found))))
            fail_msg("%s: %.*s", cases[i].text, GW_STR_ARG(found));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_found_in_a_text),
        cmocka_unit_test(test_each_kind_is_told_by_its_prefix),
        cmocka_unit_test(test_a_prefix_is_twelve_characters_of_a_kind),
        cmocka_unit_test(test_body_length_is_20_to_255),
        cmocka_unit_test(test_foreign_prefixes_are_refused),
        cmocka_unit_test(test_a_foreign_character_anywhere_is_refused),
        cmocka_unit_test(test_own_secrets_are_the_published_vectors),
        cmocka_unit_test(test_checksum_holds_for_own_secrets_only),
        cmocka_unit_test(test_checksum_notices_each_changed_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
