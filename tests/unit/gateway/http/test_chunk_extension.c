// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/http/chunk_extension.h"
#include "gateway/http/chunk_line.h"

#define LINE_BYTES_MAX 200

// What passes of one line, read in pieces of `piece_bytes`; NULL: refused. The caller's until the
// next call.
static const char *filter(const char *line, size_t piece_bytes) {
    static char passed[LINE_BYTES_MAX];
    struct gw_http_chunk_extension extension;
    size_t count = 0, size = strlen(line);
    gw_http_chunk_extension_begin(&extension);
    for (size_t at = 0; at < size;) {
        size_t left = size - at < piece_bytes ? size - at : piece_bytes, length;
        bool passes;
        if (gw_http_chunk_extension_next(&extension, gw_str(line + at, left), &length, &passes) !=
            GW_OK)
            return NULL;
        assert_in_range(length, 1, left);
        for (size_t i = 0; passes && i < length; i++)
            passed[count++] = line[at + i];
        at += length;
    }
    passed[count] = '\0';
    return passed;
}

static void assert_filtered(const char *line, const char *expected) {
    for (size_t piece_bytes = 1; piece_bytes <= strlen(line); piece_bytes++) {
        const char *passed = filter(line, piece_bytes);
        if (expected == NULL)
            assert_null(passed);
        else if (passed == NULL)
            fail_msg("refused: %s", line);
        else
            assert_string_equal(passed, expected);
    }
}

static void test_the_size_and_the_end_of_a_line_pass(void **state) {
    (void)state;
    static const char *const lines[] = {"1f\r\n",
                                        "1f \r\n",
                                        "1f\t \t\r\n",
                                        "1f;a\r\n",
                                        "1f ;a\r\n",
                                        "1f; a = b\r\n",
                                        "1f;a ; b\r\n",
                                        "1f;a=\"\"\r\n",
                                        "1f;a=\";\\\"=\"\r\n",
                                        "1f;a=\"\\\t\xe4\" ;b \r\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_filtered(lines[i], "1f\r\n");
}

// llhttp refuses these.
static void test_a_size_or_an_end_that_is_wrong_passes_as_it_is(void **state) {
    (void)state;
    assert_filtered("xyz\r\n", "xyz\r\n");
    assert_filtered("1\nabc", "1\nabc");
    assert_filtered("1 \rabc", "1\rabc");
}

static void test_what_is_no_extension_is_refused(void **state) {
    (void)state;
    static const char *const lines[] = {
        " 1\r\n",       ";a\r\n",         "\r\n",         "1 1\r\n",     "1;\r\n",
        "1;;a\r\n",     "1;a;\r\n",       "1;=b\r\n",     "1;a=\r\n",    "1;a=;b\r\n",
        "1;a b\r\n",    "1;a=b c\r\n",    "1;a=b=c\r\n",  "1;a=\"b\r\n", "1;a=\"b\"c\r\n",
        "1;a=\"\\\r\n", "1;a=\"\x01\"",   "1;a=\"\x7f\"", "1;a\n",       "1;a(\r\n",
        "1 \n",         "1;a=\"b\" c\r\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_filtered(lines[i], NULL);
}

// Over all lines of a message, blanks included.
static void test_what_is_dropped_is_bounded(void **state) {
    (void)state;
    struct gw_http_chunk_extension extension;
    size_t length;
    bool passes;
    gw_http_chunk_extension_begin(&extension);
    for (int i = 0; i < GW_HTTP_CHUNK_EXTENSION_BYTES_MAX / 2; i++) {
        static const char *const pieces[] = {"1", " \t", "\r\n"};
        for (int piece = 0; piece < 3; piece++)
            assert_int_equal(gw_http_chunk_extension_next(&extension, gw_str_from(pieces[piece]),
                                                          &length, &passes),
                             GW_OK);
        gw_http_chunk_extension_begin_line(&extension);
    }
    assert_int_equal(gw_http_chunk_extension_next(&extension, GW_STR("1"), &length, &passes),
                     GW_OK);
    assert_int_equal(gw_http_chunk_extension_next(&extension, GW_STR(" "), &length, &passes),
                     GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_size_and_the_end_of_a_line_pass),
        cmocka_unit_test(test_a_size_or_an_end_that_is_wrong_passes_as_it_is),
        cmocka_unit_test(test_what_is_no_extension_is_refused),
        cmocka_unit_test(test_what_is_dropped_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
