// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/json.h"

struct fixture {
    struct gw_buf out;
    struct gw_json_writer writer;
};

static int set_up(void **state) {
    static struct fixture fixture;
    gw_buf_init(&fixture.out, 1024 * 1024);
    gw_json_writer_init(&fixture.writer, &fixture.out);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    gw_buf_deinit(&((struct fixture *)*state)->out);
    return 0;
}

static void assert_written(struct fixture *fixture, struct gw_str expected) {
    assert_int_equal(gw_json_writer_finish(&fixture->writer), GW_OK);
    struct gw_str actual = gw_buf_bytes(&fixture->out);
    if (!gw_str_equal(actual, expected))
        fail_msg("%.*s, not %.*s", GW_STR_ARG(actual), GW_STR_ARG(expected));
}

static void start_again(struct fixture *fixture) {
    gw_buf_clear(&fixture->out);
    gw_json_writer_init(&fixture->writer, &fixture->out);
}

static void test_commas_stand_between_values_only(void **state) {
    struct gw_json_writer *writer = &((struct fixture *)*state)->writer;
    gw_json_open_object(writer);
    gw_json_key(writer, "a");
    gw_json_open_array(writer);
    gw_json_write_integer(writer, 1);
    gw_json_open_array(writer);
    gw_json_close_array(writer);
    gw_json_open_object(writer);
    gw_json_close_object(writer);
    gw_json_write_null(writer);
    gw_json_write_boolean(writer, true);
    gw_json_write_boolean(writer, false);
    gw_json_write_string(writer, GW_STR("s"));
    gw_json_close_array(writer);
    gw_json_key(writer, "b");
    gw_json_open_object(writer);
    gw_json_key(writer, "c");
    gw_json_write_string(writer, GW_STR(""));
    gw_json_close_object(writer);
    gw_json_key(writer, "d");
    gw_json_write_integer(writer, 2);
    gw_json_close_object(writer);
    assert_written(*state, GW_STR("{\"a\":[1,[],{},null,true,false,\"s\"],"
                                  "\"b\":{\"c\":\"\"},\"d\":2}"));
}

static void test_strings_are_escaped(void **state) {
    static const struct {
        struct gw_str text;
        struct gw_str json;
    } cases[] = {
        {GW_STR_INIT(""), GW_STR_INIT("\"\"")},
        {GW_STR_INIT("ci-deploy"), GW_STR_INIT("\"ci-deploy\"")},
        {GW_STR_INIT("a\"b\\c/d"), GW_STR_INIT("\"a\\\"b\\\\c/d\"")},
        {GW_STR_INIT("\b\t\n\v\f\r"), GW_STR_INIT("\"\\b\\t\\n\\u000b\\f\\r\"")},
        {GW_STR_INIT("\0\x01\x1F\x7F"), GW_STR_INIT("\"\\u0000\\u0001\\u001f\\u007f\"")},
        {GW_STR_INIT("\xC2\x80\xC2\x9B\xC2\x9F\xC2\xA0"),
         GW_STR_INIT("\"\\u0080\\u009b\\u009f\xC2\xA0\"")},
        {GW_STR_INIT("\xE2\x80\xAE\xEF\xBB\xBF"), GW_STR_INIT("\"\\u202e\\ufeff\"")},
        {GW_STR_INIT("<b>&amp;"), GW_STR_INIT("\"\\u003cb\\u003e\\u0026amp;\"")},
        {GW_STR_INIT("\xE2\x80\xA8\xE2\x80\xA9"), GW_STR_INIT("\"\\u2028\\u2029\"")},
        {GW_STR_INIT("Z\xC3\xBCrich \xF0\x9F\x98\x80!"),
         GW_STR_INIT("\"Z\xC3\xBCrich \xF0\x9F\x98\x80!\"")},
        {GW_STR_INIT("a\xFFz\xE2\x82"), GW_STR_INIT("\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"")},
        {GW_STR_INIT("\xED\xA0\x80"), GW_STR_INIT("\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"")},
        {GW_STR_INIT("%s%n{\"x\":1}"), GW_STR_INIT("\"%s%n{\\\"x\\\":1}\"")},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start_again(fixture);
        gw_json_write_string(&fixture->writer, cases[i].text);
        assert_written(fixture, cases[i].json);
    }
    start_again(fixture);
    gw_json_write_string(&fixture->writer, gw_str(NULL, 0));
    assert_written(fixture, GW_STR("\"\""));
}

// Several bytes are looked at at once: what stands for a byte depends neither on where it stands
// nor on its neighbours.
static void test_a_byte_is_written_alike_wherever_it_stands(void **state) {
    struct fixture *fixture = *state;
    char text[24];
    char expected[64];
    for (int byte = 0; byte < 256; byte++) {
        start_again(fixture);
        gw_json_write_string(&fixture->writer, gw_str((const char[]){(char)byte}, 1));
        char alone[16];
        size_t alone_length = gw_buf_length(&fixture->out) - 2;
        memcpy(alone, gw_buf_bytes(&fixture->out).at + 1, alone_length);
        for (size_t length = 1; length <= sizeof(text); length++) {
            for (size_t at = 0; at < length; at++) {
                memset(text, '~', sizeof(text));
                text[at] = (char)byte;
                int written = snprintf(expected, sizeof(expected), "\"%.*s%.*s%.*s\"", (int)at,
                                       "~~~~~~~~~~~~~~~~~~~~~~~~", (int)alone_length, alone,
                                       (int)(length - at - 1), "~~~~~~~~~~~~~~~~~~~~~~~~");
                start_again(fixture);
                gw_json_write_string(&fixture->writer, gw_str(text, length));
                assert_written(fixture, gw_str(expected, (size_t)written));
            }
        }
    }
}

// Whatever bytes go in, what comes out is read back, and means the same where it was valid text.
static void test_what_is_written_can_be_read_back(void **state) {
    struct fixture *fixture = *state;
    struct gw_arena arena;
    gw_arena_init(&arena, 1024 * 1024);
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char bytes[] = {'x', (char)first, (char)second, 'y'};
            struct gw_json root;
            struct gw_str text;
            start_again(fixture);
            gw_json_write_string(&fixture->writer, gw_str(bytes, sizeof(bytes)));
            assert_int_equal(gw_json_writer_finish(&fixture->writer), GW_OK);
            assert_int_equal(gw_json_parse(&arena, gw_buf_bytes(&fixture->out), 10, &root, NULL),
                             GW_OK);
            assert_int_equal(gw_json_string(root, &arena, &text), GW_OK);
            if (first < 0x80 && second < 0x80)
                assert_true(gw_str_equal(text, gw_str(bytes, sizeof(bytes))));
            gw_arena_reset(&arena);
        }
    }
    gw_arena_deinit(&arena);
}

static void test_json_is_written_as_it_stands(void **state) {
    struct gw_json_writer *writer = &((struct fixture *)*state)->writer;
    gw_json_open_array(writer);
    gw_json_write_raw(writer, GW_STR("{\"a\": [1, \"<\"]}"));
    gw_json_write_raw(writer, GW_STR("2"));
    gw_json_close_array(writer);
    assert_written(*state, GW_STR("[{\"a\": [1, \"<\"]},2]"));
}

static void test_integers_are_written_to_their_limits(void **state) {
    static const int64_t numbers[] = {0,    1,          -1,         9,         10,       -10,
                                      1234, 1000000007, -123456789, INT64_MAX, INT64_MIN};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "%lld", (long long)numbers[i]);
        start_again(fixture);
        gw_json_write_integer(&fixture->writer, numbers[i]);
        assert_written(fixture, gw_str_from(expected));
    }
}

static void test_times_are_iso_or_null(void **state) {
    struct fixture *fixture = *state;
    gw_json_open_array(&fixture->writer);
    gw_json_write_time(&fixture->writer, 1769860800123);
    gw_json_write_time(&fixture->writer, GW_JSON_NO_TIME);
    gw_json_write_time(&fixture->writer, 0);
    gw_json_close_array(&fixture->writer);
    assert_written(fixture, GW_STR("[\"2026-01-31T12:00:00.123Z\",null,"
                                   "\"1970-01-01T00:00:00.000Z\"]"));
}

static void test_a_member_is_its_key_and_its_value(void **state) {
    struct fixture *fixture = *state;
    gw_json_open_object(&fixture->writer);
    gw_json_put_string(&fixture->writer, "string", GW_STR("<a>"));
    gw_json_put_integer(&fixture->writer, "integer", -7);
    gw_json_put_boolean(&fixture->writer, "boolean", true);
    gw_json_put_null(&fixture->writer, "null");
    gw_json_put_time(&fixture->writer, "time", 0);
    gw_json_close_object(&fixture->writer);
    assert_written(fixture,
                   GW_STR("{\"string\":\"\\u003ca\\u003e\",\"integer\":-7,\"boolean\":true,"
                          "\"null\":null,\"time\":\"1970-01-01T00:00:00.000Z\"}"));
}

static void write_everything(struct gw_json_writer *writer) {
    gw_json_open_object(writer);
    gw_json_key(writer, "key");
    gw_json_open_array(writer);
    gw_json_write_string(writer, GW_STR("plain"));
    gw_json_write_string(writer, GW_STR("a\"b\xC3\xA9\xFF"));
    gw_json_write_integer(writer, -12345);
    gw_json_write_boolean(writer, false);
    gw_json_write_null(writer);
    gw_json_write_time(writer, 0);
    gw_json_close_array(writer);
    gw_json_close_object(writer);
}

// With each cap too small by one byte or more, finish reports it and the cap holds.
static void test_the_first_failure_sticks(void **state) {
    struct fixture *fixture = *state;
    write_everything(&fixture->writer);
    size_t length = gw_buf_length(&fixture->out);
    for (size_t cap = 0; cap <= length; cap++) {
        struct gw_buf out;
        struct gw_json_writer writer;
        gw_buf_init(&out, cap);
        gw_json_writer_init(&writer, &out);
        write_everything(&writer);
        assert_int_equal(gw_json_writer_finish(&writer), cap < length ? GW_TOO_BIG : GW_OK);
        assert_true(gw_buf_length(&out) <= cap);
        // No later, shorter piece slipped in behind the one that failed.
        assert_memory_equal(gw_buf_bytes(&out).at, gw_buf_bytes(&fixture->out).at,
                            gw_buf_length(&out));
        gw_buf_deinit(&out);
    }
}

#define json_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        json_test(test_commas_stand_between_values_only),
        json_test(test_strings_are_escaped),
        json_test(test_a_byte_is_written_alike_wherever_it_stands),
        json_test(test_what_is_written_can_be_read_back),
        json_test(test_json_is_written_as_it_stands),
        json_test(test_integers_are_written_to_their_limits),
        json_test(test_times_are_iso_or_null),
        json_test(test_a_member_is_its_key_and_its_value),
        json_test(test_the_first_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
