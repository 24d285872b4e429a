// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/utf8.h"

static bool is_scalar(uint32_t code_point) {
    return code_point < 0xD800 || code_point > 0xDFFF;
}

static void test_every_scalar_value_survives_the_round_trip(void **state) {
    (void)state;
    for (uint32_t expected = 0; expected <= 0x10FFFF; expected++) {
        if (!is_scalar(expected))
            continue;
        char bytes[4];
        uint32_t actual = 0;
        size_t length = gw_utf8_encode(expected, bytes);
        struct gw_str rest = gw_str(bytes, length);
        assert_true(gw_utf8_valid(rest));
        assert_true(gw_utf8_next(&rest, &actual));
        assert_int_equal(actual, expected);
        assert_int_equal(rest.length, 0);
        for (size_t cut = 1; cut < length; cut++)
            assert_false(gw_utf8_valid(gw_str(bytes, cut)));
    }
}

static const struct gw_str invalid_texts[] = {
    GW_STR_INIT("\x80"), // a continuation alone
    GW_STR_INIT("\xBF\xBF"),
    GW_STR_INIT("\xC0\x80"), // overlong forms of NUL, of "/" and of U+007F, U+07FF, U+FFFF
    GW_STR_INIT("\xC0\xAF"),
    GW_STR_INIT("\xC1\xBF"),
    GW_STR_INIT("\xE0\x80\x80"),
    GW_STR_INIT("\xE0\x9F\xBF"),
    GW_STR_INIT("\xF0\x80\x80\x80"),
    GW_STR_INIT("\xF0\x8F\xBF\xBF"),
    GW_STR_INIT("\xED\xA0\x80"), // surrogates
    GW_STR_INIT("\xED\xBF\xBF"),
    GW_STR_INIT("\xF4\x90\x80\x80"), // above U+10FFFF
    GW_STR_INIT("\xF5\x80\x80\x80"),
    GW_STR_INIT("\xF8\x88\x80\x80\x80"),
    GW_STR_INIT("\xFE"),
    GW_STR_INIT("\xFF"),
    GW_STR_INIT("\xC3("), // the second byte is no continuation
    GW_STR_INIT("\xE2\x82("),
    GW_STR_INIT("\xE2("),
    GW_STR_INIT("\xF0\x9F\x98("),
};
#define INVALID_COUNT (sizeof(invalid_texts) / sizeof(invalid_texts[0]))

static void test_malformed_sequences_are_invalid(void **state) {
    (void)state;
    for (size_t i = 0; i < INVALID_COUNT; i++)
        assert_false(gw_utf8_valid(invalid_texts[i]));
}

static void test_a_malformed_sequence_is_found_at_every_offset(void **state) {
    (void)state;
    for (size_t i = 0; i < INVALID_COUNT; i++) {
        for (size_t offset = 0; offset < 20; offset++) {
            char text[40];
            memset(text, 'a', sizeof(text));
            assert_true(gw_utf8_valid(gw_str(text, sizeof(text))));
            memcpy(text + offset, invalid_texts[i].at, invalid_texts[i].length);
            assert_false(gw_utf8_valid(gw_str(text, sizeof(text))));
            assert_false(gw_utf8_valid(gw_str(text, offset + invalid_texts[i].length)));
        }
    }
}

static void test_ordinary_text_is_valid(void **state) {
    (void)state;
    assert_true(gw_utf8_valid(gw_str(NULL, 0)));
    assert_true(gw_utf8_valid(GW_STR("a\0b")));
    assert_true(gw_utf8_valid(GW_STR("Zürich 東京 \xF0\x9F\x98\x80, and more text behind it")));
}

static void test_next_replaces_one_invalid_byte_at_a_time(void **state) {
    (void)state;
    struct gw_str rest = GW_STR("\xE2\x82z");
    uint32_t code_point;
    assert_true(gw_utf8_next(&rest, &code_point));
    assert_int_equal(code_point, 0xFFFD);
    assert_int_equal(rest.length, 2);
    assert_true(gw_utf8_next(&rest, &code_point));
    assert_int_equal(code_point, 0xFFFD);
    assert_true(gw_utf8_next(&rest, &code_point));
    assert_int_equal(code_point, 'z');
    assert_false(gw_utf8_next(&rest, &code_point));
}

static void test_controls_include_those_that_turn_text_around(void **state) {
    (void)state;
    static const uint32_t controls[] = {0,      0x1F,   0x7F,   0x80,   0x9F,
                                        0x061C, 0x200E, 0x200F, 0x2028, 0x2029,
                                        0x202A, 0x202E, 0x2066, 0x2069, 0xFEFF};
    static const uint32_t others[] = {0x20,   0x7E,   0xA0,   0x200D, 0x2027, 0x202F,
                                      0x2065, 0x206A, 0xFEFE, 0xFF00, 0x1F600};
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
        assert_true(gw_utf8_is_control(controls[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(gw_utf8_is_control(others[i]));
    assert_true(gw_utf8_has_control(GW_STR("abc\xE2\x80\xAE"
                                           "def")));
    assert_true(gw_utf8_has_control(GW_STR("abc\n")));
    assert_false(gw_utf8_has_control(GW_STR("Zürich 東京")));
}

static int columns(struct gw_str text) {
    int sum = 0;
    uint32_t code_point;
    while (gw_utf8_next(&text, &code_point))
        sum += gw_utf8_columns(code_point);
    return sum;
}

static void test_columns_are_those_of_a_terminal(void **state) {
    (void)state;
    assert_int_equal(columns(GW_STR("ci-deploy")), 9);
    assert_int_equal(columns(GW_STR("Zürich")), 6);
    assert_int_equal(columns(GW_STR("東京")), 4);
    assert_int_equal(columns(GW_STR("한글")), 4);
    assert_int_equal(columns(GW_STR("ＡＢ")), 4);
    assert_int_equal(columns(GW_STR("ｱ")), 1); // half width
    assert_int_equal(columns(GW_STR("\xF0\x9F\x9A\x80")), 2);
    assert_int_equal(columns(GW_STR("\xF0\x9F\x87\xA8\xF0\x9F\x87\xAD")), 2); // a flag
    assert_int_equal(columns(GW_STR("e\xCC\x81")), 1);
    assert_int_equal(columns(GW_STR("\xE2\x9D\xA4\xEF\xB8\x8F")), 1);
    assert_int_equal(columns(GW_STR("a\xE2\x80\x8D"
                                    "b")),
                     2);
    assert_int_equal(columns(GW_STR("✓ ⚠ é ж ∑")), 9);
    assert_int_equal(columns(GW_STR("\t\n\x7F")), 0);
}

static void test_the_ends_of_width_ranges_are_exact(void **state) {
    (void)state;
    static const struct {
        uint32_t code_point;
        int columns;
    } cases[] = {
        {0x02FF, 1},  {0x0300, 0},  {0x036F, 0},   {0x0370, 1},  {0x10FF, 1},  {0x1100, 2},
        {0x115F, 2},  {0x1160, 0},  {0x11FF, 0},   {0x1200, 1},  {0x2E7F, 1},  {0x2E80, 2},
        {0x303E, 2},  {0x303F, 1},  {0x3040, 1},   {0x3041, 2},  {0x4DC0, 1},  {0xA4CF, 2},
        {0xA4D0, 1},  {0xABFF, 1},  {0xAC00, 2},   {0xD7A3, 2},  {0xD7A4, 1},  {0xFE0F, 0},
        {0xFF00, 1},  {0xFF60, 2},  {0xFF61, 1},   {0x1F600, 2}, {0x20000, 2}, {0x3FFFD, 2},
        {0xE0100, 0}, {0xE01F0, 1}, {0x10FFFF, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (gw_utf8_columns(cases[i].code_point) != cases[i].columns)
            fail_msg("U+%04X is not %d columns", cases[i].code_point, cases[i].columns);
    }
}

static void test_controls_and_broken_bytes_are_masked_where_they_stand(void **state) {
    (void)state;
    static const struct {
        struct gw_str text;
        struct gw_str masked;
    } cases[] = {
        {GW_STR_INIT(""), GW_STR_INIT("")},
        {GW_STR_INIT("plain"), GW_STR_INIT("plain")},
        {GW_STR_INIT("a\r\n\x1B[2J\x7F\0z"), GW_STR_INIT("a   [2J  z")},
        {GW_STR_INIT("a\xC2\x9B"
                     "2J\xC2\x80\xC2\x9F"),
         GW_STR_INIT("a  2J    ")},
        {GW_STR_INIT("\xC2\xA0\xC3\x9B"), GW_STR_INIT("\xC2\xA0\xC3\x9B")}, // no controls
        {GW_STR_INIT("a\x9B"
                     "2J\x80\x9F"),
         GW_STR_INIT("a?2J??")},
        {GW_STR_INIT("\xE2\x80\xAE"
                     "a\xEF\xBB\xBF"),
         GW_STR_INIT("   a   ")},
        {GW_STR_INIT("\xE2\x82"), GW_STR_INIT("??")},
        {GW_STR_INIT("Z\xC3\xBCrich \xF0\x9F\x98\x80"),
         GW_STR_INIT("Z\xC3\xBCrich \xF0\x9F\x98\x80")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];
        memcpy(text, cases[i].text.at, cases[i].text.length);
        gw_utf8_mask_controls(text, cases[i].text.length);
        if (!gw_str_equal(gw_str(text, cases[i].text.length), cases[i].masked))
            fail_msg("%.*s instead of %.*s", (int)cases[i].text.length, text,
                     GW_STR_ARG(cases[i].masked));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scalar_value_survives_the_round_trip),
        cmocka_unit_test(test_malformed_sequences_are_invalid),
        cmocka_unit_test(test_a_malformed_sequence_is_found_at_every_offset),
        cmocka_unit_test(test_ordinary_text_is_valid),
        cmocka_unit_test(test_next_replaces_one_invalid_byte_at_a_time),
        cmocka_unit_test(test_controls_include_those_that_turn_text_around),
        cmocka_unit_test(test_columns_are_those_of_a_terminal),
        cmocka_unit_test(test_the_ends_of_width_ranges_are_exact),
        cmocka_unit_test(test_controls_and_broken_bytes_are_masked_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
