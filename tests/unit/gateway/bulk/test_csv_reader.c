// SPDX-License-Identifier: MIT
// Proves of gateway/bulk/csv_reader.c: what RFC 4180 allows is read, wherever the pieces of a file
// end; rows have their true lines; what is no CSV ends the file with a sentence and its line, and
// never with a value.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/bulk/csv_reader.h"

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

static struct gw_csv_reader reader;

// Feeds the file in pieces of `piece` bytes.
static enum gw_status read_in_pieces(const char *file, size_t piece) {
    seen[0] = '\0';
    assert_int_equal(gw_csv_reader_init(&reader, &sink), GW_OK);
    struct gw_str rest = gw_str_from(file);
    enum gw_status status = GW_OK;
    while (rest.length > 0 && status == GW_OK) {
        status = gw_csv_reader_feed(&reader, gw_str_slice(rest, 0, piece));
        rest = gw_str_slice(rest, piece, rest.length);
    }
    if (status == GW_OK)
        status = gw_csv_reader_finish(&reader);
    gw_csv_reader_deinit(&reader);
    return status;
}

static void assert_rows(const char *file, const char *wanted) {
    for (size_t piece = 1; piece <= strlen(file); piece++) {
        if (read_in_pieces(file, piece) != GW_OK)
            fail_msg("pieces of %zu: %s", piece, reader.fault);
        assert_string_equal(seen, wanted);
    }
}

static void assert_refused(const char *file, const char *fault) {
    for (size_t piece = 1; piece <= strlen(file) + 1; piece++) {
        assert_int_equal(read_in_pieces(file, piece), GW_INVALID);
        if (strstr(reader.fault, fault) == NULL)
            fail_msg("\"%s\" is not in: %s", fault, reader.fault);
    }
}

static void test_cells_get_the_names_of_their_columns(void **state) {
    (void)state;
    assert_rows("name,org\nci,acme\n", "2: org=acme name=ci\n");
    assert_rows("org,name\r\nacme,ci\r\n", "2: org=acme name=ci\n");
    assert_rows("name\nlast", "2: name=last\n");
    assert_rows("name\n", "");
}

static void test_quotes_hold_commas_quotes_and_line_ends(void **state) {
    (void)state;
    assert_rows("name,scopes\n\"a, \"\"b\"\"\",\"read,write\"\nnext,read\n",
                "2: name=a, \"b\" scopes=read,write\n3: name=next scopes=read\n");
    assert_rows("name,org\n\"two\nlines\",acme\nthird,acme\n",
                "2: org=acme name=two\nlines\n4: org=acme name=third\n");
}

static void test_an_empty_cell_is_none_and_blanks_belong_to_a_cell(void **state) {
    (void)state;
    assert_rows("name,org,id\nci,,\"\"\n", "2: name=ci\n");
    assert_rows("name,org\n ci , acme\n", "2: org= acme name= ci \n");
}

static void test_blank_lines_are_left_out_and_counted(void **state) {
    (void)state;
    assert_rows("\nname\n\n\nci\r\n\r\nbot\n", "5: name=ci\n7: name=bot\n");
}

static void test_a_row_of_another_width_is_bad_and_the_next_one_is_read(void **state) {
    (void)state;
    assert_rows("name,org\nci\nbot,acme,more\nlast,acme\n",
                "2 bad: it has 1 cells, the first line names 2 columns\n"
                "3 bad: it has 3 cells, the first line names 2 columns\n"
                "4: org=acme name=last\n");
}

static void test_a_header_is_held_to_the_names(void **state) {
    (void)state;
    assert_refused("name,scope\nci,read\n",
                   "line 1: \"scope\" is not known; known are id, org, name");
    assert_refused("name,org,name\n", "line 1: a column is there twice");
    assert_refused("", "line 1: the file is empty");
    assert_refused("\n\n", "the file is empty");
    assert_string_equal(seen, "");
}

static void test_a_file_without_a_header_does_not_give_its_first_secret_away(void **state) {
    (void)state;
    assert_refused("sk_abcdefghijklmnopqrstuvwxyz,ci\n", "line 1: a name in it is not known");
    assert_null(strstr(reader.fault, "sk_abc"));
}

static void test_a_quote_out_of_place_ends_the_file(void **state) {
    (void)state;
    assert_refused("name\nci\na\"b\n", "line 3: a quote stands where RFC 4180 allows none");
    assert_string_equal(seen, "2: name=ci\n");
    assert_refused("name\n\"a\" b\n", "line 2: a quote stands where");
    assert_refused("name\n\"open\nbot\n", "line 2: a quote is not closed");
}

static void test_a_quote_that_is_not_closed_does_not_take_the_file_into_memory(void **state) {
    (void)state;
    static char file[3 * GW_CSV_ROW_BYTES_MAX];
    memset(file, 'x', sizeof(file) - 1);
    memcpy(file, "name\n\"", 6);
    assert_int_equal(read_in_pieces(file, 4096), GW_INVALID);
    assert_non_null(strstr(reader.fault, "line 2: a cell is longer than 64 KiB"));
}

static void test_a_row_that_is_too_long_is_bad(void **state) {
    (void)state;
    static char file[2 * GW_CSV_ROW_BYTES_MAX];
    memset(file, 'x', sizeof(file) - 1);
    memcpy(file, "name,org\n", 9);
    file[GW_CSV_ROW_BYTES_MAX - 100] = ',';
    memcpy(file + GW_CSV_ROW_BYTES_MAX + 4000, "\nci,acme\n", 10);
    assert_int_equal(read_in_pieces(file, 4096), GW_OK);
    assert_string_equal(seen, "2 bad: it is longer than 64 KiB\n3: org=acme name=ci\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_get_the_names_of_their_columns),
        cmocka_unit_test(test_quotes_hold_commas_quotes_and_line_ends),
        cmocka_unit_test(test_an_empty_cell_is_none_and_blanks_belong_to_a_cell),
        cmocka_unit_test(test_blank_lines_are_left_out_and_counted),
        cmocka_unit_test(test_a_row_of_another_width_is_bad_and_the_next_one_is_read),
        cmocka_unit_test(test_a_header_is_held_to_the_names),
        cmocka_unit_test(test_a_file_without_a_header_does_not_give_its_first_secret_away),
        cmocka_unit_test(test_a_quote_out_of_place_ends_the_file),
        cmocka_unit_test(test_a_quote_that_is_not_closed_does_not_take_the_file_into_memory),
        cmocka_unit_test(test_a_row_that_is_too_long_is_bad),
    };
    return cmocka_run_group_tests_name("csv_reader", tests, NULL, NULL);
}
