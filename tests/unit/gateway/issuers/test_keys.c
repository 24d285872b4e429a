// SPDX-License-Identifier: MIT
// Proves of gateway/issuers/keys.c: what is there is found while it counts; an id that is not there
// is unknown for sure only after a fetch that began later than it was seen, and asks once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/issuers/keys.h"

// The example of RFC 7517 appendix A.1, and the other coordinates of RFC 7515 appendix A.3.
#define KEY_A                                                                                      \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\","                                             \
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                                       \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define KEY_B                                                                                      \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"b\","                                             \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                       \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define MAX_AGE_MS 86400000

static struct gw_issuer_keys keys;
static const struct gw_jwk *key;

static int init(void **state) {
    (void)state;
    gw_issuer_keys_init(&keys, MAX_AGE_MS, 1);
    return 0;
}

static int deinit(void **state) {
    (void)state;
    gw_issuer_keys_deinit(&keys);
    return 0;
}

static void take(const char *text) {
    struct gw_jwk_set_report report;
    assert_int_equal(gw_issuer_keys_take(&keys, gw_str_from(text), &report), GW_OK);
}

static enum gw_status find(const char *id, int64_t now_ms) {
    return gw_issuer_keys_find(&keys, gw_str_from(id), now_ms, &key);
}

static void test_without_keys_nobody_can_say(void **state) {
    (void)state;
    assert_int_equal(find("a", 1000), GW_UNAVAILABLE);
    assert_false(keys.is_asked);
    assert_false(gw_issuer_keys_are_fresh(&keys, 1000));
}

static void test_a_key_is_found_until_the_keys_are_too_old(void **state) {
    (void)state;
    take("{\"keys\":[" KEY_A "]}");
    gw_issuer_keys_note_fetch(&keys, 1000);
    assert_int_equal(find("a", 1000 + MAX_AGE_MS - 1), GW_OK);
    assert_true(gw_str_equal(gw_jwk_id(key), GW_STR("a")));
    assert_int_equal(find("a", 1000 + MAX_AGE_MS), GW_UNAVAILABLE);
    gw_issuer_keys_note_fetch(&keys, 5000);
    gw_issuer_keys_note_fetch(&keys, 2000); // an answer that came late
    assert_int_equal(find("a", 5000 + MAX_AGE_MS - 1), GW_OK);
}

static void test_keys_may_be_older_than_the_clock(void **state) {
    (void)state;
    take("{\"keys\":[" KEY_A "]}");
    gw_issuer_keys_note_fetch(&keys, 1000 - MAX_AGE_MS);
    assert_int_equal(find("a", 999), GW_OK);
    assert_int_equal(find("a", 1000), GW_UNAVAILABLE);
}

static void test_without_an_id_it_is_the_only_key(void **state) {
    (void)state;
    take("{\"keys\":[" KEY_A "]}");
    gw_issuer_keys_note_fetch(&keys, 1000);
    assert_int_equal(gw_issuer_keys_find(&keys, gw_str(NULL, 0), 2000, &key), GW_OK);
    take("{\"keys\":[" KEY_A "," KEY_B "]}");
    assert_int_equal(gw_issuer_keys_find(&keys, gw_str(NULL, 0), 2000, &key), GW_NOT_FOUND);
    assert_false(keys.is_asked);
}

static void test_a_new_id_asks_and_is_unknown_after_a_later_fetch(void **state) {
    (void)state;
    take("{\"keys\":[" KEY_A "]}");
    gw_issuer_keys_note_fetch(&keys, 1000);
    assert_int_equal(find("b", 2000), GW_UNAVAILABLE);
    assert_true(keys.is_asked);
    gw_issuer_keys_note_fetch(&keys, 2000); // it may have begun just before
    assert_true(keys.is_asked);
    assert_int_equal(find("b", 2001), GW_UNAVAILABLE);
    gw_issuer_keys_note_fetch(&keys, 2100);
    assert_false(keys.is_asked);
    assert_int_equal(find("b", 2200), GW_NOT_FOUND);
    assert_false(keys.is_asked);
    assert_int_equal(find("b", 2100 + GW_ISSUER_ASK_AGAIN_MS - 1), GW_NOT_FOUND);
    assert_false(keys.is_asked);
    assert_int_equal(find("b", 2100 + GW_ISSUER_ASK_AGAIN_MS), GW_NOT_FOUND);
    assert_true(keys.is_asked);
    assert_int_equal(keys.unknown_total, 5);
}

static void test_a_rotated_key_is_found(void **state) {
    (void)state;
    take("{\"keys\":[" KEY_A "]}");
    gw_issuer_keys_note_fetch(&keys, 1000);
    assert_int_equal(find("b", 2000), GW_UNAVAILABLE);
    take("{\"keys\":[" KEY_B "]}");
    gw_issuer_keys_note_fetch(&keys, 2500);
    assert_int_equal(find("b", 2600), GW_OK);
    assert_int_equal(find("a", 2600), GW_UNAVAILABLE); // who knows
}

static void test_what_is_no_set_leaves_the_old_keys(void **state) {
    (void)state;
    struct gw_jwk_set_report report;
    take("{\"keys\":[" KEY_A "]}");
    gw_issuer_keys_note_fetch(&keys, 1000);
    assert_int_equal(gw_issuer_keys_take(&keys, GW_STR("{\"keys\":[]}"), &report), GW_INVALID);
    assert_int_equal(report.fault, GW_JWK_SET_FAULT_NONE_USABLE);
    assert_int_equal(find("a", 2000), GW_OK);
}

static void test_keys_of_a_file_do_not_age_and_nobody_is_asked(void **state) {
    (void)state;
    gw_issuer_keys_init(&keys, 0, 1);
    take("{\"keys\":[" KEY_A "]}");
    assert_int_equal(find("a", INT64_MAX), GW_OK);
    assert_int_equal(find("b", 1000), GW_NOT_FOUND);
    assert_false(keys.is_asked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, init, deinit)
        TEST(test_without_keys_nobody_can_say),
        TEST(test_a_key_is_found_until_the_keys_are_too_old),
        TEST(test_keys_may_be_older_than_the_clock),
        TEST(test_without_an_id_it_is_the_only_key),
        TEST(test_a_new_id_asks_and_is_unknown_after_a_later_fetch),
        TEST(test_a_rotated_key_is_found),
        TEST(test_what_is_no_set_leaves_the_old_keys),
        TEST(test_keys_of_a_file_do_not_age_and_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
