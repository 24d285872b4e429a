// SPDX-License-Identifier: MIT The bounds over a line whose parts are said by hand. test_parse.c
// reads the same lines from bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/http/chunk_line.h"

#define CRLF_BYTES 2

static struct gw_http_chunk_line line;

static int set_up(void **state) {
    (void)state;
    gw_http_chunk_line_begin(&line);
    return 0;
}

// One line of `digits` and, with its semicolon, `extension_bytes`; then its chunk.
static bool read_chunk(size_t digits, size_t extension_bytes, uint64_t chunk_bytes) {
    if (extension_bytes > 0)
        gw_http_chunk_line_extend(&line, digits + 1);
    gw_http_chunk_line_advance(&line, digits + extension_bytes + CRLF_BYTES);
    if (!gw_http_chunk_line_end(&line, chunk_bytes))
        return false;
    gw_http_chunk_line_advance(&line, chunk_bytes + CRLF_BYTES);
    return true;
}

static void test_sixteen_digits_are_the_most(void **state) {
    (void)state;
    assert_true(read_chunk(1, 0, 5));
    assert_true(read_chunk(16, 0, 5));
    assert_true(read_chunk(16, 4, 5));
    assert_false(read_chunk(17, 0, 5));
    gw_http_chunk_line_begin(&line);
    assert_false(read_chunk(17, 4, 5));
}

static void test_a_size_fits_a_signed_number(void **state) {
    (void)state;
    assert_false(read_chunk(16, 0, (uint64_t)INT64_MAX + 1));
    gw_http_chunk_line_begin(&line);
    gw_http_chunk_line_advance(&line, 16 + CRLF_BYTES);
    assert_true(gw_http_chunk_line_end(&line, INT64_MAX));
}

static void test_a_line_is_refused_before_it_ends(void **state) {
    (void)state;
    gw_http_chunk_line_advance(&line, 16);
    assert_true(gw_http_chunk_line_ok(&line));
    gw_http_chunk_line_advance(&line, CRLF_BYTES);
    assert_true(gw_http_chunk_line_ok(&line)); // the two may be the line end
    gw_http_chunk_line_advance(&line, 1);
    assert_false(gw_http_chunk_line_ok(&line));
}

static void test_the_data_of_a_chunk_is_not_measured(void **state) {
    (void)state;
    gw_http_chunk_line_advance(&line, 4 + CRLF_BYTES);
    assert_true(gw_http_chunk_line_end(&line, 4096));
    gw_http_chunk_line_advance(&line, 2000);
    assert_true(gw_http_chunk_line_ok(&line));
    gw_http_chunk_line_advance(&line, 2096 + CRLF_BYTES + 17);
    assert_true(gw_http_chunk_line_ok(&line));
    gw_http_chunk_line_advance(&line, CRLF_BYTES);
    assert_false(gw_http_chunk_line_ok(&line)); // 19 bytes of the second line
}

static void test_extensions_are_bounded_over_a_message(void **state) {
    (void)state;
    size_t half = GW_HTTP_CHUNK_EXTENSION_BYTES_MAX / 2;
    assert_true(read_chunk(1, half, 5));
    assert_true(read_chunk(1, 0, 5));
    assert_true(read_chunk(1, GW_HTTP_CHUNK_EXTENSION_BYTES_MAX - half, 5));
    assert_true(read_chunk(1, 0, 5));
    assert_false(read_chunk(1, 2, 5));
    gw_http_chunk_line_begin(&line); // the next message
    assert_true(read_chunk(1, 2, 5));
}

static void test_only_the_first_name_of_a_line_counts_its_digits(void **state) {
    (void)state;
    gw_http_chunk_line_extend(&line, 2);
    gw_http_chunk_line_extend(&line, 20);
    assert_int_equal(line.digits, 1);
}

static void test_trailers_are_no_line_of_a_chunk(void **state) {
    (void)state;
    gw_http_chunk_line_advance(&line, 1 + CRLF_BYTES);
    assert_true(gw_http_chunk_line_end(&line, 0));
    gw_http_chunk_line_advance(&line, 5000);
    assert_true(gw_http_chunk_line_ok(&line));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sixteen_digits_are_the_most, set_up),
        cmocka_unit_test_setup(test_a_size_fits_a_signed_number, set_up),
        cmocka_unit_test_setup(test_a_line_is_refused_before_it_ends, set_up),
        cmocka_unit_test_setup(test_the_data_of_a_chunk_is_not_measured, set_up),
        cmocka_unit_test_setup(test_extensions_are_bounded_over_a_message, set_up),
        cmocka_unit_test_setup(test_only_the_first_name_of_a_line_counts_its_digits, set_up),
        cmocka_unit_test_setup(test_trailers_are_no_line_of_a_chunk, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
