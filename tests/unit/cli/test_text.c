// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REPLACED "\xEF\xBF\xBD"

struct text_case {
    struct gw_str text;
    const char *on_utf8;
    const char *elsewhere;
};

typedef enum gw_status append_call(struct gw_buf *out, struct gw_str text, bool utf8);

static void assert_appended(append_call *append, struct gw_str text, bool utf8,
                            const char *expected) {
    struct gw_buf out;
    gw_buf_init(&out, 1024);
    assert_int_equal(append(&out, text, utf8), GW_OK);
    if (!gw_str_equal(gw_buf_bytes(&out), gw_str_from(expected)))
        fail_msg("%.*s instead of %s", GW_STR_ARG(gw_buf_bytes(&out)), expected);
    gw_buf_deinit(&out);
}

static void assert_cases(append_call *append, const struct text_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_appended(append, cases[i].text, true, cases[i].on_utf8);
        assert_appended(append, cases[i].text, false, cases[i].elsewhere);
    }
}

// On a terminal that is not UTF-8 the bytes 0x80 to 0x9F command it, wherever they stand: in U+00DB
// the second one does.
static void test_nothing_commands_a_terminal(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        {GW_STR_INIT("ci-deploy"), "ci-deploy", "ci-deploy"},
        {GW_STR_INIT("a\x1B[2J\r\n\x7F\0"), "a" REPLACED "[2J" REPLACED REPLACED REPLACED REPLACED,
         "a?[2J????"},
        {GW_STR_INIT("\xC2\x9B"
                     "2J\xC2\x80\xC2\x9F"),
         REPLACED "2J" REPLACED REPLACED, "?2J??"},
        {GW_STR_INIT("\x9B"
                     "2J\x80\x9F"),
         REPLACED "2J" REPLACED REPLACED, "?2J??"},
        {GW_STR_INIT("\xC3\x9B\xC2\xA0"), "\xC3\x9B\xC2\xA0", "??"},
        {GW_STR_INIT("\xE2\x80\xAE"
                     "c"),
         REPLACED "c", "?c"},
    };
    assert_cases(cli_text_append_clean, cases, COUNT(cases));
}

static void test_json_stays_the_same_and_commands_nothing(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        {GW_STR_INIT("{\"a\": [1, \"b\\n\"]}\n"), "{\"a\": [1, \"b\\n\"]}\n",
         "{\"a\": [1, \"b\\n\"]}\n"},
        {GW_STR_INIT("\"\xC2\x9B"
                     "2J\xC2\x80\xC2\x9F\x7F\""),
         "\"\\u009b2J\\u0080\\u009f\\u007f\"", "\"\\u009b2J\\u0080\\u009f\\u007f\""},
        {GW_STR_INIT("\"\xE2\x80\xAE\""), "\"\\u202e\"", "\"\\u202e\""},
        {GW_STR_INIT("\"\xC3\x9B\""), "\"\xC3\x9B\"", "\"\\u00db\""},
        {GW_STR_INIT("\"\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\""),
         "\"\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\"", "\"\\ud83d\\ude00\\udbff\\udfff\""},
        {GW_STR_INIT("{\"a\":1,\r\"b\":2}"), "{\"a\":1, \"b\":2}", "{\"a\":1, \"b\":2}"},
    };
    assert_cases(cli_text_append_json, cases, COUNT(cases));
}

static void test_nothing_commands_a_runner_of_ci_jobs(void **state) {
    (void)state;
    static const struct text_case clean[] = {
        {GW_STR_INIT("##vso[a]b"), "#\\#vso[a]b", "#\\#vso[a]b"},
        {GW_STR_INIT("a ###[add-mask]b"), "a ##\\#[add-mask]b", "a ##\\#[add-mask]b"},
        {GW_STR_INIT("##12 [a]"), "##12 [a]", "##12 [a]"},
    };
    static const struct text_case json[] = {
        {GW_STR_INIT("[\"##vso[a]b\"]"), "[\"#\\u0023vso[a]b\"]", "[\"#\\u0023vso[a]b\"]"},
        {GW_STR_INIT("[\"##[add-mask]b\"]"), "[\"#\\u0023[add-mask]b\"]",
         "[\"#\\u0023[add-mask]b\"]"},
        {GW_STR_INIT("[\"##12\",\"::1\"]"), "[\"##12\",\"::1\"]", "[\"##12\",\"::1\"]"},
    };
    assert_cases(cli_text_append_clean, clean, COUNT(clean));
    assert_cases(cli_text_append_json, json, COUNT(json));
    assert_int_equal(cli_text_columns(GW_STR("##vso[a]b"), true), 10);
}

static void assert_cut(struct gw_str text, bool utf8, size_t columns_max, const char *expected) {
    struct gw_buf out;
    gw_buf_init(&out, 1024);
    assert_int_equal(cli_text_append_cut(&out, text, utf8, columns_max), GW_OK);
    if (!gw_str_equal(gw_buf_bytes(&out), gw_str_from(expected)))
        fail_msg("%.*s instead of %s", GW_STR_ARG(gw_buf_bytes(&out)), expected);
    gw_buf_deinit(&out);
}

static void test_text_that_does_not_fit_is_cut_with_an_ellipsis(void **state) {
    (void)state;
    assert_cut(GW_STR("ci-deploy"), true, 9, "ci-deploy");
    assert_cut(GW_STR("ci-deploy"), true, 8, "ci-depl\u2026");
    assert_cut(GW_STR("ci-deploy"), false, 8, "ci-de...");
    assert_cut(GW_STR("ci-deploy"), false, 3, "...");
    assert_cut(GW_STR("\u6f22\u5b57"), true, 3, "\u6f22\u2026");
    assert_cut(GW_STR("\u6f22\u5b57\u6f22"), true, 4, "\u6f22\u2026"); // one column is left
    assert_cut(GW_STR("a\nbcd"), true, 3, "a\ufffd\u2026");
}

static void test_too_little_room_is_reported(void **state) {
    (void)state;
    struct gw_buf out;
    gw_buf_init(&out, 3);
    assert_int_equal(cli_text_append_json(&out, GW_STR("\"abc\""), true), GW_TOO_BIG);
    gw_buf_deinit(&out);
    gw_buf_init(&out, 3);
    assert_int_equal(cli_text_append_clean(&out, GW_STR("abcd"), true), GW_TOO_BIG);
    gw_buf_deinit(&out);
}

static void test_columns_are_those_of_what_is_shown(void **state) {
    (void)state;
    assert_int_equal(cli_text_columns(GW_STR("a\xC2\x9B\x9B"
                                             "b"),
                                      true),
                     4);
    assert_int_equal(cli_text_columns(GW_STR("a\xC2\x9B\x9B"
                                             "b"),
                                      false),
                     4);
    assert_int_equal(cli_text_columns(GW_STR("\xE6\xBC\xA2"), true), 2);
    assert_int_equal(cli_text_columns(GW_STR("\xE6\xBC\xA2"), false), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_commands_a_terminal),
        cmocka_unit_test(test_json_stays_the_same_and_commands_nothing),
        cmocka_unit_test(test_nothing_commands_a_runner_of_ci_jobs),
        cmocka_unit_test(test_text_that_does_not_fit_is_cut_with_an_ellipsis),
        cmocka_unit_test(test_too_little_room_is_reported),
        cmocka_unit_test(test_columns_are_those_of_what_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
