// SPDX-License-Identifier: MIT
// Proves of token/user_code.c: every code is as likely as any other, and what a person makes of one
// while typing it is still that code.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "token/user_code.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *make(const unsigned char *random, size_t length) {
    static char code[GW_USER_CODE_LENGTH + 1];
    return gw_user_code_make(random, length, code) ? code : NULL;
}

static void test_letters_and_digits_come_of_bytes_in_turn(void **state) {
    (void)state;
    assert_string_equal(make((const unsigned char[]){0, 0, 1, 1, 19, 9, 20, 10}, 8), "BCZB-0190");
    assert_null(make((const unsigned char[]){0, 0, 1, 1, 19, 9, 20}, 7));
    assert_null(make(NULL, 0));
}

// 240 and 250 are the largest multiples of 20 and 10 in a byte.
static void test_a_byte_of_an_incomplete_round_is_passed_over(void **state) {
    (void)state;
    assert_string_equal(
        make((const unsigned char[]){240, 255, 239, 250, 255, 249, 0, 0, 0, 0, 0, 0}, 12),
        "ZBBB-9000");
    unsigned char refused[GW_USER_CODE_RANDOM_BYTES];
    memset(refused, 250, sizeof(refused));
    assert_null(make(refused, sizeof(refused)));
}

// Of all 256 bytes each letter takes 12 and each digit 25, and the others none.
static void test_each_character_is_as_likely_as_any_other(void **state) {
    (void)state;
    int letters[256] = {0};
    int digits[256] = {0};
    for (int byte = 0; byte < 256; byte++) {
        unsigned char random[] = {(unsigned char)byte, 0, 0, 0, 0, 0, 0, 0};
        const char *code = byte < 240 ? make(random, sizeof(random)) : NULL;
        letters[code != NULL ? (unsigned char)code[0] : 0]++;
        unsigned char swapped[] = {0, (unsigned char)byte, 0, 0, 0, 0, 0, 0};
        code = byte < 250 ? make(swapped, sizeof(swapped)) : NULL;
        digits[code != NULL ? (unsigned char)code[5] : 0]++;
    }
    for (const char *letter = "BCDFGHJKLMNPQRSTVWXZ"; *letter != '\0'; letter++)
        assert_int_equal(letters[(unsigned char)*letter], 12);
    for (const char *digit = "0123456789"; *digit != '\0'; digit++)
        assert_int_equal(digits[(unsigned char)*digit], 25);
    assert_int_equal(letters[0], 16);
    assert_int_equal(digits[0], 6);
}

static void test_a_typed_code_is_the_one_that_was_shown(void **state) {
    (void)state;
    static const char *const good[] = {"BCDF-1234", "bcdf-1234", "BcDf1234", "bcdf 1234"};
    static const char *const bad[] = {"",
                                      "BCDF",
                                      "BCDF-123",
                                      "BCDF-12345",
                                      "BCDF--1234",
                                      "BCDF_1234",
                                      "1234-BCDF",
                                      "BCD1-1234",
                                      "BCDF-123O",
                                      " BCDF1234",
                                      "BCDF1234-",
                                      "BCDF\xc2\xadZZZZ",
                                      "BCD\xc3\x84-123",
                                      "[@`{1234"};
    char code[GW_USER_CODE_LENGTH + 1];
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(gw_user_code_read(gw_str_from(good[i]), code));
        assert_string_equal(code, "BCDF-1234");
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(gw_user_code_read(gw_str_from(bad[i]), code));
    assert_false(gw_user_code_read(GW_STR("BCDF\0001234"), code));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_and_digits_come_of_bytes_in_turn),
        cmocka_unit_test(test_a_byte_of_an_incomplete_round_is_passed_over),
        cmocka_unit_test(test_each_character_is_as_likely_as_any_other),
        cmocka_unit_test(test_a_typed_code_is_the_one_that_was_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
