// SPDX-License-Identifier: MIT
// Proves of gateway/bulk/json_lines_reader.c: an object a line, wherever the pieces of a file end;
// a line that is none is told of with its number, and the next one is read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/bulk/json_lines_reader.h"

// What the sink was told, a line each.
static char seen[4096];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...) {
    va_list arguments;
    size_t used = strlen(seen);
    va_start(arguments, format);
    (void)vsnprintf(seen + used, sizeof(seen) - used, format, arguments);
    va_end(arguments);
}

static void on_row(struct gw_bulk_sink *sink, const struct gw_bulk_fields *fields) {
    (void)sink;
    note("%d:", (int)fields->line);
    for (int i = 0; i < GW_BULK_FIELD_COUNT; i++) {
        if (fields->text[i].at != NULL)
            note(" %s=%.*s", gw_bulk_field_name((enum gw_bulk_field)i),
                 GW_STR_ARG(fields->text[i]));
    }
    note("\n");
}

static void on_bad_row(struct gw_bulk_sink *sink, uint64_t line, const char *why) {
    (void)sink;
    note("%d bad: %s\n", (int)line, why);
}

static void on_unknown_member(struct gw_bulk_sink *sink, uint64_t line, const char *why) {
    (void)sink;
    note("%d unknown: %.24s\n", (int)line, why);
}

static struct gw_bulk_sink sink = {on_row, on_bad_row, on_unknown_member};

static struct gw_json_lines_reader reader;

static void read_in_pieces(const char *file, size_t piece) {
    seen[0] = '\0';
    gw_json_lines_reader_init(&reader, &sink);
    for (struct gw_str rest = gw_str_from(file); rest.length > 0;
         rest = gw_str_slice(rest, piece, rest.length))
        gw_json_lines_reader_feed(&reader, gw_str_slice(rest, 0, piece));
    gw_json_lines_reader_finish(&reader);
    gw_json_lines_reader_deinit(&reader);
}

static void assert_seen(const char *file, const char *wanted) {
    for (size_t piece = 1; piece <= strlen(file); piece++) {
        read_in_pieces(file, piece);
        assert_string_equal(seen, wanted);
    }
}

static void test_members_are_fields(void **state) {
    (void)state;
    assert_seen("{\"name\":\"ci\",\"org\":\"acme\"}\n{\"name\":\"b\\u00f6t\"}",
                "1: org=acme name=ci\n2: name=b\xC3\xB6t\n");
    assert_seen("{\"scopes\":[\"read\",\"admin\"],\"allowedIps\":[],\"bindChildren\":true}\r\n",
                "1: scopes=read,admin bindChildren=true\n");
    assert_seen("\n \n{\"name\":\"ci\",\"expiresAt\":null}\n\n", "3: name=ci\n");
}

static void test_a_wrong_type_is_told_of_by_its_name(void **state) {
    (void)state;
    assert_seen(
        "{\"name\":5}\n{\"scopes\":\"read\"}\n{\"scopes\":[1]}\n{\"bindChildren\":\"true\"}\n"
        "{\"allowedIps\":[\"::1,::2\"]}\n{\"name\":[\"a\"]}\n{\"name\":\"last\"}\n",
        "1 bad: name must be a string\n2 bad: scopes must be a list of strings\n"
        "3 bad: scopes must be a list of strings\n4 bad: bindChildren must be true or false\n"
        "5 bad: allowedIps must be a list of strings\n6 bad: name must be a string\n"
        "7: name=last\n");
}

static void test_a_line_that_is_no_object_is_told_of(void **state) {
    (void)state;
    assert_seen("{\"name\":\"ci\"\n[]\n{\"name\":\"a\",\"name\":\"b\"}\n{\"name\":\"last\"}\n",
                "1 bad: it is no JSON, or names a member twice\n2 bad: it is no JSON object\n"
                "3 bad: it is no JSON, or names a member twice\n4: name=last\n");
}

static void test_an_unknown_member_is_its_own_call(void **state) {
    (void)state;
    assert_seen("{\"name\":\"ci\",\"scope\":[\"read\"]}\n",
                "1 unknown: \"scope\" is not known; kn\n");
    assert_seen("{\"sk_abcdefghijklmnopqrstuvwxyz\":1}\n", "1 unknown: a name in it is not know\n");
}

static void test_a_line_that_is_too_long_is_left_out(void **state) {
    (void)state;
    static char file[2 * GW_JSON_LINE_BYTES_MAX];
    memset(file, ' ', sizeof(file) - 1);
    memcpy(file + sizeof(file) - 20, "\n{\"name\":\"ci\"}\n", 15);
    file[sizeof(file) - 5] = '\0';
    read_in_pieces(file, 4096);
    assert_string_equal(seen, "1 bad: it is longer than 64 KiB\n2: name=ci\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_fields),
        cmocka_unit_test(test_a_wrong_type_is_told_of_by_its_name),
        cmocka_unit_test(test_a_line_that_is_no_object_is_told_of),
        cmocka_unit_test(test_an_unknown_member_is_its_own_call),
        cmocka_unit_test(test_a_line_that_is_too_long_is_left_out),
    };
    return cmocka_run_group_tests_name("json_lines_reader", tests, NULL, NULL);
}
