// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log_line.h"

static const enum gw_log_form forms[] = {GW_LOG_TEXT, GW_LOG_JSON};

// Behind the time, terminated in place of the line feed.
static const char *finish(struct gw_log_line *line) {
    struct gw_str whole = gw_log_line_end(line);
    assert_int_equal(whole.at[whole.length - 1], '\n');
    assert_null(memchr(whole.at, '\n', whole.length - 1));
    line->bytes[whole.length - 1] = '\0';
    return line->bytes + (line->form == GW_LOG_JSON ? strlen("{\"time\":\"") : 0) +
           GW_CLOCK_ISO_LENGTH;
}

static void put_one_of_each(struct gw_log_line *line) {
    gw_log_line_put_word(line, GW_STR("word"), GW_STR("a.b"));
    gw_log_line_put_word(line, GW_STR("no_word"), GW_STR(""));
    gw_log_line_put_text(line, GW_STR("text"), GW_STR("a \"b\"\n"));
    gw_log_line_put_text(line, GW_STR("no_text"), gw_str(NULL, 0));
    gw_log_line_put_number(line, GW_STR("number"), 0);
    gw_log_line_put_number(line, GW_STR("most"), UINT64_MAX);
    gw_log_line_put_ms(line, GW_STR("ms"), 1234567);
    gw_log_line_put_ms(line, GW_STR("short_ms"), 999);
}

static void test_fields_as_text(void **state) {
    (void)state;
    struct gw_log_line line;
    gw_log_line_begin(&line, GW_LOG_TEXT, GW_LOG_INFO, "request", 0);
    put_one_of_each(&line);
    assert_string_equal(finish(&line),
                        " info request word=a.b no_word=- text=\"a \\\"b\\\"\\n\" no_text=- "
                        "number=0 most=18446744073709551615 ms=1.234 short_ms=0.000");
}

static void test_fields_as_json(void **state) {
    (void)state;
    struct gw_log_line line;
    gw_log_line_begin(&line, GW_LOG_JSON, GW_LOG_INFO, "request", 0);
    put_one_of_each(&line);
    assert_string_equal(finish(&line),
                        "\",\"level\":\"info\",\"component\":\"request\",\"word\":\"a.b\","
                        "\"no_word\":null,\"text\":\"a \\\"b\\\"\\u000a\",\"no_text\":null,"
                        "\"number\":0,\"most\":18446744073709551615,\"ms\":1.234,"
                        "\"short_ms\":0.000}");
}

// The last one is remembered.
static void test_each_line_has_its_time(void **state) {
    (void)state;
    static const int64_t times_ms[] = {
        1769860800123, 1769860800999, 1769860801000, 1769860800001, 0, 1769860801000};
    for (size_t i = 0; i < sizeof(times_ms) / sizeof(times_ms[0]); i++) {
        struct gw_log_line line;
        char time[GW_CLOCK_ISO_LENGTH];
        gw_clock_format_iso(times_ms[i], time);
        gw_log_line_begin(&line, GW_LOG_TEXT, GW_LOG_INFO, "request", times_ms[i]);
        assert_memory_equal(line.bytes, time, sizeof(time));
    }
}

static const char *json_of(const char *format, const char *message) {
    static struct gw_log_line line;
    gw_log_line_begin(&line, GW_LOG_JSON, GW_LOG_INFO, "x", 0);
    gw_log_line_put_message(&line, gw_str_from(message), format);
    return finish(&line) + strlen("\",\"level\":\"info\",\"component\":\"x\"");
}

static void test_a_message_is_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *format;
        const char *message;
        const char *json;
    } cases[] = {
        {"up", "up", ",\"message\":\"up\"}"},
        {"", "", "}"},
        {"n=%d", "n=5", ",\"n\":5}"},
        {"n=%s", "n=5", ",\"n\":\"5\"}"},
        {"nn=%d n=%s", "nn=1 n=5", ",\"nn\":1,\"n\":\"5\"}"},
        {"n=%llu", "n=-", ",\"n\":\"-\"}"},
        {"n=%llu", "n=007", ",\"n\":\"007\"}"},
        {"n=%.3f", "n=-0.250", ",\"n\":-0.250}"},
        {"n=%d", "n=", ",\"n\":\"\"}"},
        {"a b=%s c", "a b=\"x y=z \\\" w\" c", ",\"message\":\"a c\",\"b\":\"x y=z \\\" w\"}"},
        {"%s", "time=1 level=x a=b", ",\"message\":\"time=1 level=x\",\"a\":\"b\"}"},
        {"%s", "a=\"never ends", ",\"a\":\"\\\"never ends\"}"},
        {"%s", "A=b =c d-e=f", ",\"message\":\"A=b =c d-e=f\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(json_of(cases[i].format, cases[i].message), cases[i].json);
}

static void assert_is_json(struct gw_str text) {
    struct gw_arena arena;
    struct gw_json root;
    gw_arena_init(&arena, 64 * 1024);
    assert_int_equal(gw_json_parse(&arena, text, 64, &root, NULL), GW_OK);
    gw_arena_deinit(&arena);
}

// Whatever the room: the line is whole, and JSON.
static void test_a_line_that_is_too_long_is_cut_and_stays_what_it_is(void **state) {
    (void)state;
    static const char keys[] = "abcde";
    static char text[GW_LOG_LINE_BYTES_MAX];
    memset(text, '\x01', sizeof(text));
    for (size_t f = 0; f < 2; f++) {
        for (size_t used = 0; used < 600; used++) {
            struct gw_log_line line;
            gw_log_line_begin(&line, forms[f], GW_LOG_ERROR, "x", 0);
            gw_log_line_put_text(&line, GW_STR("first"), gw_str(text, used));
            for (size_t i = 0; i < sizeof(keys) - 1; i++)
                gw_log_line_put_text(&line, gw_str(keys + i, 1), gw_str(text, sizeof(text)));
            gw_log_line_put_number(&line, GW_STR("number"), UINT64_MAX);
            gw_log_line_put_ms(&line, GW_STR("ms"), UINT64_MAX);
            gw_log_line_put_word(&line, GW_STR("word"), GW_STR(""));
            (void)finish(&line);
            if (forms[f] == GW_LOG_JSON)
                assert_is_json(gw_str_from(line.bytes));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_as_text),
        cmocka_unit_test(test_fields_as_json),
        cmocka_unit_test(test_each_line_has_its_time),
        cmocka_unit_test(test_a_message_is_taken_apart),
        cmocka_unit_test(test_a_line_that_is_too_long_is_cut_and_stays_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
