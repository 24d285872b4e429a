// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/api/token_text.h"

static int open_arena(void **state) {
    static struct gw_arena arena;
    gw_arena_init(&arena, 65536);
    *state = &arena;
    return 0;
}

static int close_arena(void **state) {
    gw_arena_deinit(*state);
    return 0;
}

static struct gw_json parse(struct gw_arena *arena, const char *text) {
    struct gw_json value;
    assert_int_equal(gw_json_parse(arena, gw_str_from(text), 64, &value, NULL), GW_OK);
    return value;
}

static void assert_refusal(const struct gw_refusal *refusal, const char *message) {
    assert_int_equal(refusal->error, GW_ERROR_VALIDATION_FAILED);
    assert_string_equal(refusal->message, message);
}

static void test_a_name_is_taken_in_its_composed_form(void **state) {
    struct gw_str name;
    struct gw_refusal refusal;
    assert_true(gw_token_text_name(*state, parse(*state, "\"e\\u0301t\""), &name, &refusal));
    assert_true(gw_str_equal(name, GW_STR("\u00e9t")));
}

static void test_what_is_wrong_with_a_name_is_a_sentence(void **state) {
    struct gw_str name;
    struct gw_refusal refusal;
    assert_false(gw_token_text_name(*state, parse(*state, "7"), &name, &refusal));
    assert_refusal(&refusal, "name must be a string.");
    assert_false(gw_token_text_name(*state, parse(*state, "\"a\\u202e\""), &name, &refusal));
    assert_refusal(&refusal, "name must not hold a mark that turns the direction of text (U+202E "
                             "at character 2).");
}

static void test_what_is_wrong_with_a_description_is_a_sentence(void **state) {
    struct gw_str text;
    struct gw_refusal refusal;
    assert_true(gw_token_text_description(*state, parse(*state, "\"of CI\""), &text, &refusal));
    assert_false(gw_token_text_description(*state, parse(*state, "null"), &text, &refusal));
    assert_refusal(&refusal, "description must be a string.");
    assert_false(gw_token_text_description(*state, parse(*state, "\"\""), &text, &refusal));
    assert_refusal(&refusal, "description must be 1 to 500 characters.");
}

static void test_no_memory_is_no_fault_of_the_name(void **state) {
    struct gw_arena small;
    struct gw_str name;
    struct gw_refusal refusal;
    gw_arena_init(&small, 1);
    assert_false(gw_token_text_name(&small, parse(*state, "\"a \""), &name, &refusal));
    assert_int_equal(refusal.error, gw_refusal_no_memory.error);
    gw_arena_deinit(&small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_taken_in_its_composed_form),
        cmocka_unit_test(test_what_is_wrong_with_a_name_is_a_sentence),
        cmocka_unit_test(test_what_is_wrong_with_a_description_is_a_sentence),
        cmocka_unit_test(test_no_memory_is_no_fault_of_the_name),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
