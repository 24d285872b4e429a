// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/roff.h"

static struct gw_buf out;
static struct gw_roff roff;

static int begin(void **state) {
    (void)state;
    gw_buf_init(&out, 4096);
    roff = (struct gw_roff){.out = &out};
    return 0;
}

static int end(void **state) {
    (void)state;
    gw_buf_deinit(&out);
    return 0;
}

static void assert_page(const char *expected) {
    struct gw_str page = gw_buf_bytes(&out);
    assert_int_equal(roff.status, GW_OK);
    if (!gw_str_equal(page, gw_str_from(expected)))
        fail_msg("%.*s", GW_STR_ARG(page));
}

static void test_roff_begins_with_the_name(void **state) {
    (void)state;
    gw_roff_begin(&roff, "a-b", 8, "1.2.3", "what it is");
    assert_page(".TH a\\-b 8 \"\" \"a\\-b 1.2.3\"\n.SH NAME\na\\-b \\- what it is\n");
}

static void test_roff_shows_every_character_as_it_is(void **state) {
    (void)state;
    gw_roff_lines(&roff, ".TH\n'\n--a\\b ~/x\n");
    assert_page(".PP\n.nf\n\\&.TH\n\\&\\(aq\n\\-\\-a\\eb \\(ti/x\n.fi\n");
}

static void test_roff_keeps_line_ends_paragraphs_and_lines_with_blanks(void **state) {
    (void)state;
    gw_roff_text(&roff, "one\ntwo\n\nthree:\n  a  b\n  c  d\nfour");
    assert_page(".PP\none\n.br\ntwo\n.PP\nthree:\n.nf\n  a  b\n  c  d\n.fi\nfour\n");
}

static void test_roff_sets_what_an_item_is_below_it(void **state) {
    (void)state;
    gw_roff_section(&roff, "OPTIONS");
    gw_roff_item(&roff, "--x <y>", "one\n  two");
    gw_roff_subsection(&roff, "more");
    assert_page(".SH OPTIONS\n.TP\n\\fB\\-\\-x <y>\\fR\none\n.nf\n  two\n.fi\n.SS more\n");
}

static void test_roff_remembers_that_it_did_not_fit(void **state) {
    (void)state;
    gw_buf_deinit(&out);
    gw_buf_init(&out, 16);
    gw_roff_synopsis(&roff, "skillreg", " token create --name <name>");
    assert_int_equal(roff.status, GW_TOO_BIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_roff_begins_with_the_name, begin, end),
        cmocka_unit_test_setup_teardown(test_roff_shows_every_character_as_it_is, begin, end),
        cmocka_unit_test_setup_teardown(test_roff_keeps_line_ends_paragraphs_and_lines_with_blanks,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_roff_sets_what_an_item_is_below_it, begin, end),
        cmocka_unit_test_setup_teardown(test_roff_remembers_that_it_did_not_fit, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
