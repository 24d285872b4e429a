// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/form.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// A copy of exactly the bytes, so that the sanitizer sees a read beyond them.
static enum gw_status take(struct gw_str form, char *memory, struct gw_str *value) {
    struct gw_form_parameter token = {.name = GW_STR("token")};
    memcpy(memory, form.at, form.length);
    enum gw_status status = gw_form_read(memory, form.length, &token, 1);
    *value = token.value;
    return status;
}

static void assert_taken(const char *form, const char *expected) {
    size_t length = strlen(form);
    char *memory = test_malloc(length + 1);
    struct gw_str value;
    assert_int_equal(take(gw_str(form, length), memory, &value), GW_OK);
    if (!gw_str_equal(value, gw_str_from(expected)))
        fail_msg("%s: %.*s instead of %s", form, GW_STR_ARG(value), expected);
    test_free(memory);
}

static void assert_status(struct gw_str form, enum gw_status expected) {
    char *memory = test_malloc(form.length > 0 ? form.length : 1);
    struct gw_str value;
    enum gw_status status = take(form, memory, &value);
    if (status != expected)
        fail_msg("%.*s: %d instead of %d", GW_STR_ARG(form), status, expected);
    test_free(memory);
}

static void test_the_parameter_is_found_and_unescaped(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"token=abc", "abc"},
        {"token_type_hint=access_token&token=abc", "abc"},
        {"token=abc&token_type_hint=token", "abc"},
        {"&&token=abc&", "abc"},
        {"token=", ""},
        {"token", ""},
        {"token=a=b", "a=b"},
        {"token=a%2Bb%2fc+d", "a+b/c d"},
        {"tok%65n=abc", "abc"},
        {"Token=no&token=yes", "yes"},
        {"token%20=no&token=yes", "yes"},
        {"x=token=no&token=yes", "yes"},
        {"token=a%26token%3Db", "a&token=b"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_taken(cases[i][0], cases[i][1]);
}

static void test_a_form_without_the_parameter(void **state) {
    (void)state;
    static const struct gw_str forms[] = {
        GW_STR_INIT(""),          GW_STR_INIT("&"),      GW_STR_INIT("token_type_hint=token"),
        GW_STR_INIT("TOKEN=abc"), GW_STR_INIT("=token"),
    };
    for (size_t i = 0; i < COUNT(forms); i++) {
        char memory[32];
        struct gw_str value;
        assert_int_equal(take(forms[i], memory, &value), GW_OK);
        assert_null(value.at);
    }
}

static void test_several_are_found_in_any_order(void **state) {
    (void)state;
    char form[] = "scope=read+write&x=1&%6frg=acme&token=t";
    struct gw_form_parameter wanted[] = {{.name = GW_STR("token")},
                                         {.name = GW_STR("org")},
                                         {.name = GW_STR("scope")},
                                         {.name = GW_STR("resource")}};
    assert_int_equal(gw_form_read(form, strlen(form), wanted, COUNT(wanted)), GW_OK);
    assert_true(gw_str_equal(wanted[0].value, GW_STR("t")));
    assert_true(gw_str_equal(wanted[1].value, GW_STR("acme")));
    assert_true(gw_str_equal(wanted[2].value, GW_STR("read write")));
    assert_null(wanted[3].value.at);
}

static void test_one_that_nobody_wants_may_be_there_twice(void **state) {
    (void)state;
    assert_taken("x=1&token=abc&x=2", "abc");
}

static void test_two_are_a_conflict_also_alike_or_in_disguise(void **state) {
    (void)state;
    assert_status(GW_STR("token=a&token=b"), GW_CONFLICT);
    assert_status(GW_STR("token=a&token=a"), GW_CONFLICT);
    assert_status(GW_STR("token=a&x=y&%74oken=b"), GW_CONFLICT);
    assert_status(GW_STR("token&token"), GW_CONFLICT);
}

static void test_broken_escapes_and_nul_are_invalid(void **state) {
    (void)state;
    static const struct gw_str forms[] = {
        GW_STR_INIT("token=%"),    GW_STR_INIT("token=%4"),    GW_STR_INIT("token=%zz"),
        GW_STR_INIT("token=%4g"),  GW_STR_INIT("token=%00"),   GW_STR_INIT("token=a\0b"),
        GW_STR_INIT("%&token=ab"), GW_STR_INIT("token=ab&x%"), GW_STR_INIT("token=%%41"),
    };
    for (size_t i = 0; i < COUNT(forms); i++)
        assert_status(forms[i], GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_parameter_is_found_and_unescaped),
        cmocka_unit_test(test_a_form_without_the_parameter),
        cmocka_unit_test(test_several_are_found_in_any_order),
        cmocka_unit_test(test_one_that_nobody_wants_may_be_there_twice),
        cmocka_unit_test(test_two_are_a_conflict_also_alike_or_in_disguise),
        cmocka_unit_test(test_broken_escapes_and_nul_are_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
