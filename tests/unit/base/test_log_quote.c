// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/log_quote.h"

static void test_quoting_escapes_what_could_forge_a_field(void **state) {
    (void)state;
    static const struct {
        struct gw_str text;
        const char *quoted;
    } cases[] = {
        {GW_STR_INIT(""), "\"\""},
        {GW_STR_INIT("plain text"), "\"plain text\""},
        {GW_STR_INIT("\" level=error"), "\"\\\" level=error\""},
        {GW_STR_INIT("a\\b"), "\"a\\\\b\""},
        {GW_STR_INIT("a\r\n\tb"), "\"a\\r\\n\\tb\""},
        {GW_STR_INIT("a\0b\x1B\x7F"), "\"a\\x00b\\x1b\\x7f\""},
        {GW_STR_INIT("\xC3\xA4\xE2\x82\xAC"), "\"\xC3\xA4\xE2\x82\xAC\""},
        {GW_STR_INIT("\xFF\xC3"), "\"\\xff\\xc3\""},
        {GW_STR_INIT("\xEF\xBF\xBD"), "\"\xEF\xBF\xBD\""},
        {GW_STR_INIT("\xC2\x85"), "\"\\u0085\""},
        {GW_STR_INIT("\xE2\x80\xAE"), "\"\\u202e\""},
        {GW_STR_INIT("%s%n"), "\"%s%n\""},
    };
    struct gw_log_quote quote;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(gw_log_quoted(&quote, cases[i].text), cases[i].quoted);
    assert_string_equal(gw_log_quoted(&quote, gw_str(NULL, 0)), "\"\"");
}

static void test_quoting_cuts_within_its_room(void **state) {
    (void)state;
    static const char *const pieces[] = {"a", "\x01", "\xE2\x82\xAC", "\xE2\x80\xAE", "\""};
    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
        char text[2000];
        size_t length = 0;
        while (length + 4 < sizeof(text)) {
            memcpy(text + length, pieces[p], strlen(pieces[p]));
            length += strlen(pieces[p]);
        }
        struct gw_log_quote quote;
        const char *quoted = gw_log_quoted(&quote, gw_str(text, length));
        size_t quoted_length = strlen(quoted);
        assert_true(quoted_length < GW_LOG_QUOTED_BYTES_MAX);
        assert_true(quoted_length > GW_LOG_QUOTED_BYTES_MAX - 12);
        assert_string_equal(quoted + quoted_length - 4, "...\"");
    }
}

static void test_json_shows_the_text_that_was_quoted(void **state) {
    (void)state;
    static const struct {
        struct gw_str text;
        const char *json;
    } cases[] = {
        {GW_STR_INIT(""), "\"\""},
        {GW_STR_INIT("\" level=error"), "\"\\\" level=error\""},
        {GW_STR_INIT("a\\b"), "\"a\\\\b\""},
        {GW_STR_INIT("a\r\n\tb"), "\"a\\u000d\\u000a\\u0009b\""},
        {GW_STR_INIT("a\0b\x1B\x7F"), "\"a\\u0000b\\u001b\\u007f\""},
        {GW_STR_INIT("\xC3\xA4\xE2\x82\xAC"), "\"\xC3\xA4\xE2\x82\xAC\""},
        {GW_STR_INIT("\xFF\xC3"), "\"\\ufffd\\ufffd\""},
        {GW_STR_INIT("\xC2\x85\xE2\x80\xAE"), "\"\\u0085\\u202e\""},
    };
    char out[64];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = gw_log_quote_into(out, sizeof(out), cases[i].text, true);
        assert_int_equal(length, strlen(cases[i].json));
        assert_memory_equal(out, cases[i].json, length);
    }
}

// What callers did not quote may look like an escape.
static void test_half_an_escape_is_text(void **state) {
    (void)state;
    static const struct {
        const char *quoted;
        const char *json;
    } cases[] = {
        {"a\\\"b\\\\c\\n\\x1b\\xff\\u202e", "a\\\"b\\\\c\\n\\u001b\\ufffd\\u202e"},
        {"\\q\\x1\\xZZ\\u12", "\\\\q\\\\x1\\\\xZZ\\\\u12"},
        {"\"\\", "\\\"\\\\"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_str rest = gw_str_from(cases[i].quoted);
        char out[128] = "";
        size_t length = 0;
        while (rest.length > 0)
            length += gw_log_quote_to_json(&rest, out + length);
        out[length] = '\0';
        assert_string_equal(out, cases[i].json);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoting_escapes_what_could_forge_a_field),
        cmocka_unit_test(test_quoting_cuts_within_its_room),
        cmocka_unit_test(test_json_shows_the_text_that_was_quoted),
        cmocka_unit_test(test_half_an_escape_is_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
