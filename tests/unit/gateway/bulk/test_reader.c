// SPDX-License-Identifier: MIT
// Proves of gateway/bulk/reader.c: the first character tells the format, behind a byte order mark
// and blank lines, wherever the pieces of the file end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/bulk/reader.h"

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

static struct gw_bulk_reader reader;

static enum gw_status read_in_pieces(const char *file, size_t piece, enum gw_bulk_format format) {
    seen[0] = '\0';
    assert_int_equal(gw_bulk_reader_init(&reader, format, &sink), GW_OK);
    enum gw_status status = GW_OK;
    for (struct gw_str rest = gw_str_from(file); rest.length > 0 && status == GW_OK;
         rest = gw_str_slice(rest, piece, rest.length))
        status = gw_bulk_reader_feed(&reader, gw_str_slice(rest, 0, piece));
    if (status == GW_OK)
        status = gw_bulk_reader_finish(&reader);
    gw_bulk_reader_deinit(&reader);
    return status;
}

static void assert_seen(const char *file, const char *wanted) {
    for (size_t piece = 1; piece <= strlen(file); piece++) {
        if (read_in_pieces(file, piece, GW_BULK_BY_CONTENT) != GW_OK)
            fail_msg("pieces of %zu: %s", piece, gw_bulk_reader_fault(&reader));
        assert_string_equal(seen, wanted);
    }
}

static void test_the_first_character_tells(void **state) {
    (void)state;
    assert_seen("name\nci\n", "2: name=ci\n");
    assert_seen("{\"name\":\"ci\"}", "1: name=ci\n");
    assert_seen("\n\n {\"name\":\"ci\"}", "3: name=ci\n");
    assert_seen("\"name\"\n\"ci\"", "2: name=ci\n");
}

static void test_a_byte_order_mark_is_left_out(void **state) {
    (void)state;
    assert_seen("\xEF\xBB\xBFname\nci\n", "2: name=ci\n");
    assert_seen("\xEF\xBB\xBF{\"name\":\"ci\"}", "1: name=ci\n");
}

static void test_a_format_that_is_given_counts(void **state) {
    (void)state;
    assert_int_equal(read_in_pieces("name\nci\n", 3, GW_BULK_JSON_LINES), GW_OK);
    assert_non_null(strstr(seen, "1 bad: it is no JSON"));
    assert_int_equal(read_in_pieces("{\"name\":\"ci\"}", 3, GW_BULK_CSV), GW_INVALID);
}

static void test_nothing_is_no_file(void **state) {
    (void)state;
    assert_int_equal(read_in_pieces("", 1, GW_BULK_BY_CONTENT), GW_INVALID);
    assert_non_null(strstr(gw_bulk_reader_fault(&reader), "the file is empty"));
    assert_int_equal(read_in_pieces("\xEF\xBB\xBF\n\n", 1, GW_BULK_BY_CONTENT), GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_character_tells),
        cmocka_unit_test(test_a_byte_order_mark_is_left_out),
        cmocka_unit_test(test_a_format_that_is_given_counts),
        cmocka_unit_test(test_nothing_is_no_file),
    };
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
