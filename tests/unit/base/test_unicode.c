// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/unicode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct range {
    uint32_t first;
    uint32_t last;
};

// Each code point of the ranges has the property, and no other has.
static void assert_property(bool (*has)(uint32_t), const struct range *ranges, size_t count) {
    for (uint32_t code_point = 0; code_point <= 0x10FFFF; code_point++) {
        bool is_in = false;
        for (size_t i = 0; i < count; i++)
            is_in = is_in || (code_point >= ranges[i].first && code_point <= ranges[i].last);
        if (has(code_point) != is_in)
            fail_msg("U+%04X", (unsigned)code_point);
    }
}

static void test_blanks_are_the_white_space_of_unicode_and_an_empty_pattern(void **state) {
    (void)state;
    static const struct range blanks[] = {{0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},
                                          {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
                                          {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                          {0x2800, 0x2800}, {0x3000, 0x3000}};
    assert_property(gw_unicode_is_blank, blanks, COUNT(blanks));
}

static void test_bidi_is_the_bidi_control_of_unicode(void **state) {
    (void)state;
    static const struct range marks[] = {
        {0x061C, 0x061C}, {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2066, 0x2069}};
    assert_property(gw_unicode_is_bidi, marks, COUNT(marks));
}

// DerivedCoreProperties.txt of Unicode 15, and U+FFF9 to U+FFFB.
static void test_invisible_is_the_default_ignorable_of_unicode(void **state) {
    (void)state;
    static const struct range ignorable[] = {
        {0xAD, 0xAD},      {0x034F, 0x034F}, {0x061C, 0x061C},   {0x115F, 0x1160},
        {0x17B4, 0x17B5},  {0x180B, 0x180F}, {0x200B, 0x200F},   {0x202A, 0x202E},
        {0x2060, 0x206F},  {0x3164, 0x3164}, {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},
        {0xFFA0, 0xFFA0},  {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
        {0xE0000, 0xE0FFF}};
    assert_property(gw_unicode_is_invisible, ignorable, COUNT(ignorable));
}

static void test_combining_marks_are_no_letters(void **state) {
    (void)state;
    static const uint32_t marks[] = {0x0301, 0x0903, 0x20DD, 0x3099};
    static const uint32_t others[] = {'a', 0xE9, 0x4E00, 0x1F680, ' ', '^'};
    for (size_t i = 0; i < COUNT(marks); i++)
        assert_true(gw_unicode_is_combining(marks[i]));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(gw_unicode_is_combining(others[i]));
}

static void test_what_looks_the_same_is_composed_to_the_same(void **state) {
    (void)state;
    static const struct {
        struct gw_str text;
        struct gw_str composed;
    } cases[] = {
        {GW_STR_INIT("ci-deploy"), GW_STR_INIT("ci-deploy")},
        {GW_STR_INIT("e\u0301te\u0301"), GW_STR_INIT("\u00e9t\u00e9")},
        {GW_STR_INIT("\u00e9"), GW_STR_INIT("\u00e9")},
        {GW_STR_INIT("\u1112\u1161\u11ab"), GW_STR_INIT("\ud55c")},
        {GW_STR_INIT("q\u0307\u0323"), GW_STR_INIT("q\u0323\u0307")}, // marks in their order
        {GW_STR_INIT("\u212b"), GW_STR_INIT("\u00c5")},               // Angstrom, A with a ring
        {GW_STR_INIT("\u0958"), GW_STR_INIT("\u0915\u093c")},         // never composed
        {GW_STR_INIT("\U0001d15e"), GW_STR_INIT("\U0001d157\U0001d165")},
        {GW_STR_INIT("\ufb01"), GW_STR_INIT("\ufb01")}, // a ligature stays: it looks different
        {GW_STR_INIT("\U0001f680"), GW_STR_INIT("\U0001f680")},
    };
    struct gw_arena arena;
    gw_arena_init(&arena, 65536);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_str composed;
        assert_int_equal(gw_unicode_compose(&arena, cases[i].text, &composed), GW_OK);
        if (!gw_str_equal(composed, cases[i].composed))
            fail_msg("%.*s became %.*s", GW_STR_ARG(cases[i].text), GW_STR_ARG(composed));
    }
    gw_arena_deinit(&arena);
}

static void test_composing_says_when_there_is_no_room(void **state) {
    (void)state;
    struct gw_arena arena;
    struct gw_str composed;
    gw_arena_init(&arena, 1);
    assert_int_equal(gw_unicode_compose(&arena, GW_STR("\u00e9"), &composed), GW_NO_MEMORY);
    gw_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blanks_are_the_white_space_of_unicode_and_an_empty_pattern),
        cmocka_unit_test(test_bidi_is_the_bidi_control_of_unicode),
        cmocka_unit_test(test_invisible_is_the_default_ignorable_of_unicode),
        cmocka_unit_test(test_combining_marks_are_no_letters),
        cmocka_unit_test(test_what_looks_the_same_is_composed_to_the_same),
        cmocka_unit_test(test_composing_says_when_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
