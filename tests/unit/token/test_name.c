// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "token/name.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_name_has_100_characters_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
