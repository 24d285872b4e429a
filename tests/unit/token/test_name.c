// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "token/name.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CHARACTERS_MAX GW_TOKEN_NAME_CHARACTERS_MAX

static int open_arena(void **state) {
    static struct gw_arena arena;
    gw_arena_init(&arena, 256 * 1024);
    *state = &arena;
    return 0;
}

static int close_arena(void **state) {
    gw_arena_deinit(*state);
    return 0;
}

static void assert_taken(struct gw_arena *arena, struct gw_str given, struct gw_str stored) {
    struct gw_str name;
    const char *wrong = "";
    if (gw_token_name_normalise(arena, given, &name, &wrong) != GW_OK)
        fail_msg("%.*s: %s", GW_STR_ARG(given), wrong);
    assert_int_equal(name.length, stored.length);
    assert_memory_equal(name.at, stored.at, stored.length);
}

static void assert_refused(struct gw_arena *arena, struct gw_str given, const char *sentence) {
    struct gw_str name;
    const char *wrong = "";
    assert_int_equal(gw_token_name_normalise(arena, given, &name, &wrong), GW_INVALID);
    assert_string_equal(wrong, sentence);
}

static void test_a_name_in_any_script_is_taken_as_it_is(void **state) {
    static const struct gw_str names[] = {
        GW_STR_INIT("a"),
        GW_STR_INIT("ci deploy/\"x\" <y> \\ '"),
        GW_STR_INIT("::add-mask::x"),
        GW_STR_INIT("\u00e4\u65e5\U0001f512"),
        GW_STR_INIT("\u0443\u0442\u0440\u043e"),
        GW_STR_INIT("\u05e9\u05dc\u05d5\u05dd ci"), // from right to left by its letters
        GW_STR_INIT("a\u00a0b\u3000c"),             // blanks inside
        GW_STR_INIT("sr_live_ci"),
    };
    for (size_t i = 0; i < COUNT(names); i++)
        assert_taken(*state, names[i], names[i]);
}

static void test_a_decomposed_name_is_stored_composed(void **state) {
    assert_taken(*state, GW_STR("Cafe\u0301"), GW_STR("Caf\u00e9"));
    assert_taken(*state, GW_STR("\u1112\u1161\u11ab"), GW_STR("\ud55c"));
}

static void test_what_is_wrong_and_where_is_said(void **state) {
    static const struct {
        struct gw_str name;
        const char *wrong;
    } cases[] = {
        {GW_STR_INIT("a\xe4"), "must be valid UTF-8"},
        {GW_STR_INIT("a\xed\xa0\x80"), "must be valid UTF-8"},
        {GW_STR_INIT(""), "must be 1 to 100 characters"},
        {GW_STR_INIT(" "), "must not begin with a blank (U+0020 at character 1)"},
        {GW_STR_INIT(" a"), "must not begin with a blank (U+0020 at character 1)"},
        {GW_STR_INIT("\u3000a"), "must not begin with a blank (U+3000 at character 1)"},
        {GW_STR_INIT("a "), "must not end with a blank (U+0020 at character 2)"},
        {GW_STR_INIT("\u65e5\u65e5\u00a0"), "must not end with a blank (U+00A0 at character 3)"},
        {GW_STR_INIT("a\u2800"), "must not end with a blank (U+2800 at character 2)"},
        {GW_STR_INIT("\u0301a"), "must not begin with a combining mark (U+0301 at character 1)"},
        {GW_STR_INIT("a\u200bb"), "must not hold an invisible character (U+200B at character 2)"},
        {GW_STR_INIT("a\u200d"), "must not hold an invisible character (U+200D at character 2)"},
        {GW_STR_INIT("\ufeffa"), "must not hold an invisible character (U+FEFF at character 1)"},
        {GW_STR_INIT("a\u00adb"), "must not hold an invisible character (U+00AD at character 2)"},
        {GW_STR_INIT("a\u3164"), "must not hold an invisible character (U+3164 at character 2)"},
        {GW_STR_INIT("\u2699\ufe0f"),
         "must not hold an invisible character (U+FE0F at character 2)"},
        {GW_STR_INIT("a\U000e0041"),
         "must not hold an invisible character (U+E0041 at character 2)"},
        {GW_STR_INIT("a\u202eb"),
         "must not hold a mark that turns the direction of text (U+202E at character 2)"},
        {GW_STR_INIT("\u200fa"),
         "must not hold a mark that turns the direction of text (U+200F at character 1)"},
        {GW_STR_INIT("a\u061c"),
         "must not hold a mark that turns the direction of text (U+061C at character 2)"},
        {GW_STR_INIT("a\nb"),
         "must not hold a control character or the end of a line (U+000A at character 2)"},
        {GW_STR_INIT("a\0b"),
         "must not hold a control character or the end of a line (U+0000 at character 2)"},
        {GW_STR_INIT("a\u2028"),
         "must not hold a control character or the end of a line (U+2028 at character 2)"},
        {GW_STR_INIT("a\xc2\x85"),
         "must not hold a control character or the end of a line (U+0085 at character 2)"},
        {GW_STR_INIT("sr_live_abcdefghijklmnopqrst"),
         "must not hold a token: it is shown and kept for ever"},
        {GW_STR_INIT("ci sk_abcdefghijklmnopqrst"),
         "must not hold a token: it is shown and kept for ever"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(*state, cases[i].name, cases[i].wrong);
}

// `character` so many times.
static struct gw_str repeat(struct gw_arena *arena, struct gw_str character, size_t count) {
    char *bytes = gw_arena_allocate(arena, character.length * count);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * character.length, character.at, character.length);
    return gw_str(bytes, character.length * count);
}

static void test_characters_are_counted_not_bytes(void **state) {
    struct gw_str emoji = GW_STR("\U0001f512");
    struct gw_str longest = repeat(*state, emoji, CHARACTERS_MAX);
    assert_taken(*state, longest, longest);
    assert_refused(*state, repeat(*state, emoji, CHARACTERS_MAX + 1),
                   "must be 1 to 100 characters");
    assert_refused(*state, repeat(*state, GW_STR("a"), CHARACTERS_MAX + 1),
                   "must be 1 to 100 characters");
}

static void test_characters_are_counted_when_they_are_composed(void **state) {
    assert_taken(*state, repeat(*state, GW_STR("e\u0301"), CHARACTERS_MAX),
                 repeat(*state, GW_STR("\u00e9"), CHARACTERS_MAX));
    assert_refused(*state, repeat(*state, GW_STR("e\u0301"), CHARACTERS_MAX + 1),
                   "must be 1 to 100 characters");
    assert_refused(*state, repeat(*state, GW_STR("a\u0301\u0316"), (size_t)CHARACTERS_MAX * 4),
                   "must be 1 to 100 characters");
}

static void test_a_description_is_held_to_the_same_and_may_be_longer(void **state) {
    struct gw_str description;
    const char *wrong = "";
    struct gw_str longest = repeat(*state, GW_STR("x"), GW_TOKEN_DESCRIPTION_CHARACTERS_MAX);
    struct gw_str longer = repeat(*state, GW_STR("x"), GW_TOKEN_DESCRIPTION_CHARACTERS_MAX + 1);
    assert_int_equal(gw_token_description_normalise(*state, longest, &description, &wrong), GW_OK);
    assert_int_equal(gw_token_description_normalise(*state, longer, &description, &wrong),
                     GW_INVALID);
    assert_string_equal(wrong, "must be 1 to 500 characters");
    assert_int_equal(
        gw_token_description_normalise(*state, GW_STR("a\u200b"), &description, &wrong),
        GW_INVALID);
    assert_string_equal(wrong, "must not hold an invisible character (U+200B at character 2)");
}

static void test_no_memory_is_no_fault_of_the_name(void **state) {
    (void)state;
    struct gw_arena arena;
    struct gw_str name;
    const char *wrong = "";
    gw_arena_init(&arena, 1);
    assert_int_equal(gw_token_name_normalise(&arena, GW_STR("\u00e9"), &name, &wrong),
                     GW_NO_MEMORY);
    assert_int_equal(gw_token_name_normalise(&arena, GW_STR(" a"), &name, &wrong), GW_NO_MEMORY);
    gw_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_in_any_script_is_taken_as_it_is),
        cmocka_unit_test(test_a_decomposed_name_is_stored_composed),
        cmocka_unit_test(test_what_is_wrong_and_where_is_said),
        cmocka_unit_test(test_characters_are_counted_not_bytes),
        cmocka_unit_test(test_characters_are_counted_when_they_are_composed),
        cmocka_unit_test(test_a_description_is_held_to_the_same_and_may_be_longer),
        cmocka_unit_test(test_no_memory_is_no_fault_of_the_name),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
