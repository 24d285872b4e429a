// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/table.h"

// clang-format off
#define CELL(text) {(text), sizeof(text) - 1}
// clang-format on

static void assert_renders(const struct cli_table *table, bool utf8, const char *wanted) {
    struct gw_buf out;
    gw_buf_init(&out, 65536);
    assert_int_equal(cli_table_render(table, utf8, &out), GW_OK);
    assert_int_equal(gw_buf_append(&out, "", 1), GW_OK);
    assert_string_equal(gw_buf_bytes(&out).at, wanted);
    gw_buf_deinit(&out);
}

static void test_table_renders_the_documented_sample(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {{.title = "NAME", .gap = 2},
                                                      {.title = "PREFIX", .gap = 3},
                                                      {.title = "SCOPES", .gap = 3},
                                                      {.title = "LAST USED", .gap = 0}};
    static const struct gw_str cells[] = {
        CELL("ci-deploy"),    CELL("sr_live_a1b2"), CELL("read, write"), CELL("2 hours ago"),
        CELL("bot-readonly"), CELL("sr_live_f3g4"), CELL("read"),        CELL("3 days ago"),
        CELL("admin-key"),    CELL("sr_live_x9y0"), CELL("admin"),       CELL("never")};
    const struct cli_table table = {columns, 4, cells, 3, 0, false};
    assert_renders(&table, true,
                   "NAME          PREFIX         SCOPES        LAST USED\n"
                   "ci-deploy     sr_live_a1b2   read, write   2 hours ago\n"
                   "bot-readonly  sr_live_f3g4   read          3 days ago\n"
                   "admin-key     sr_live_x9y0   admin         never\n");
}

static void test_table_without_rows_is_its_titles(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {{.title = "NAME", .gap = 2},
                                                      {.title = "ID", .gap = 0}};
    const struct cli_table table = {columns, 2, NULL, 0, 0, false};
    assert_renders(&table, true, "NAME  ID\n");
}

static void test_table_counts_terminal_columns_of_wide_and_combining_characters(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {{.title = "NAME", .gap = 2},
                                                      {.title = "ID", .gap = 0}};
    static const struct gw_str cells[] = {
        CELL("部署"), CELL("a"), CELL("🚀ci"), CELL("b"), CELL("e\u0301t\u00e9"), CELL("c"),
    };
    const struct cli_table table = {columns, 2, cells, 3, 0, false};
    assert_renders(&table, true,
                   "NAME  ID\n"
                   "部署  a\n"
                   "🚀ci  b\n"
                   "e\u0301t\u00e9   c\n");
}

static void test_table_shows_control_characters_and_broken_bytes_as_one_column(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {{.title = "N", .gap = 2},
                                                      {.title = "ID", .gap = 0}};
    static const struct gw_str cells[] = {CELL("a\nb\x1b[2J"), CELL("1"),        CELL("\xff\xfe"),
                                          CELL("2"),           CELL("x\u202ey"), CELL("3")};
    const struct cli_table table = {columns, 2, cells, 3, 0, false};
    assert_renders(&table, true,
                   "N        ID\n"
                   "a\ufffdb\ufffd[2J  1\n"
                   "\ufffd\ufffd       2\n"
                   "x\ufffdy      3\n");
}

static void test_table_stays_ascii_where_the_terminal_is_not_utf8(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {{.title = "NAME", .gap = 2},
                                                      {.title = "ID", .gap = 0}};
    static const struct gw_str cells[] = {CELL("部署 été"), CELL("1")};
    const struct cli_table table = {columns, 2, cells, 1, 0, false};
    assert_renders(&table, false, "NAME    ID\n?? ?t?  1\n");
}

static void test_table_leaves_no_blanks_at_line_ends(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {
        {.title = "A", .gap = 2}, {.title = "B", .gap = 2}, {.title = "C", .gap = 2}};
    static const struct gw_str cells[] = {CELL("long cell"), CELL(""), CELL(""),
                                          CELL(""),          CELL(""), CELL("end")};
    const struct cli_table table = {columns, 3, cells, 2, 0, false};
    assert_renders(&table, true,
                   "A          B  C\n"
                   "long cell\n"
                   "              end\n");
}

static void test_table_leaves_out_a_column_that_says_nothing(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {
        {.title = "A", .gap = 2}, {.title = "B", .gap = 2, .nothing = "never"}, {.title = "C"}};
    static const struct gw_str cells[] = {CELL("1"), CELL("never"), CELL("2"),
                                          CELL("3"), CELL("never"), CELL("4")};
    static const struct gw_str other_cells[] = {CELL("1"), CELL("never"), CELL("2"),
                                                CELL("3"), CELL("soon"),  CELL("4")};
    struct cli_table table = {columns, 3, cells, 2, 0, false};
    assert_renders(&table, true, "A  C\n1  2\n3  4\n");
    table.cells = other_cells;
    assert_renders(&table, true,
                   "A  B      C\n"
                   "1  never  2\n"
                   "3  soon   4\n");
}

// As `token list` has them.
static const struct cli_table_column narrowed[] = {
    {.title = "NAME", .gap = 2, .least = 10}, {.title = "PREFIX", .gap = 3}, {.title = "ID"}};

static void test_table_cuts_the_names_that_do_not_fit(void **state) {
    (void)state;
    static const struct gw_str cells[] = {CELL("ci-deploy-of-the-payments-service"),
                                          CELL("sr_live_a1b2"),
                                          CELL("clx7f2k3a"),
                                          CELL("bot"),
                                          CELL("sr_live_f3g4"),
                                          CELL("clx7f2k3b")};
    struct cli_table table = {narrowed, 3, cells, 2, .columns_max = 46};
    assert_renders(&table, true,
                   "NAME                  PREFIX         ID\n"
                   "ci-deploy-of-the-pa\u2026  sr_live_a1b2   clx7f2k3a\n"
                   "bot                   sr_live_f3g4   clx7f2k3b\n");
    assert_renders(&table, false,
                   "NAME                  PREFIX         ID\n"
                   "ci-deploy-of-the-...  sr_live_a1b2   clx7f2k3a\n"
                   "bot                   sr_live_f3g4   clx7f2k3b\n");
}

static void test_table_keeps_names_whole_where_they_fit_or_no_width_is_known(void **state) {
    (void)state;
    static const struct gw_str cells[] = {CELL("ci-deploy-of-payments"), CELL("sr_live_a1b2"),
                                          CELL("clx7f2k3a")};
    static const char whole[] = "NAME                   PREFIX         ID\n"
                                "ci-deploy-of-payments  sr_live_a1b2   clx7f2k3a\n";
    struct cli_table table = {narrowed, 3, cells, 1, .columns_max = 47};
    assert_renders(&table, true, whole);
    table.columns_max = 0;
    assert_renders(&table, true, whole);
    table.columns_max = 46;
    assert_renders(&table, true,
                   "NAME                  PREFIX         ID\n"
                   "ci-deploy-of-paymen\u2026  sr_live_a1b2   clx7f2k3a\n");
}

static void test_table_leaves_ten_columns_of_a_name(void **state) {
    (void)state;
    static const struct gw_str cells[] = {CELL("ci-deploy-of-payments"), CELL("sr_live_a1b2"),
                                          CELL("clx7f2k3a")};
    const struct cli_table table = {narrowed, 3, cells, 1, .columns_max = 20};
    assert_renders(&table, true,
                   "NAME        PREFIX         ID\n"
                   "ci-deploy\u2026  sr_live_a1b2   clx7f2k3a\n");
}

static void test_table_cuts_between_wide_characters_and_keeps_marks_with_theirs(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {{.title = "N", .gap = 2, .least = 4},
                                                      {.title = "ID"}};
    static const struct gw_str cells[] = {CELL("部署部署"), CELL("1"), CELL("abq\u0307def"),
                                          CELL("2")};
    const struct cli_table table = {columns, 2, cells, 2, .columns_max = 1};
    assert_renders(&table, true,
                   "N     ID\n"
                   "部\u2026   1\n"
                   "abq\u0307\u2026  2\n");
}

static void test_table_begins_no_line_with_a_command_of_a_runner(void **state) {
    (void)state;
    static const struct cli_table_column columns[] = {{.title = "NAME", .gap = 2, .least = 6},
                                                      {.title = "FROM"}};
    static const struct gw_str cells[] = {
        CELL("::add-mask::a"), CELL("::1"),           CELL(" ::a"), CELL("2"),
        CELL("##vso[a]b"),     CELL("##[add-mask]c"), CELL("a::b"), CELL("##12")};
    struct cli_table table = {columns, 2, cells, 4, 0, false};
    assert_renders(&table, true,
                   "NAME            FROM\n"
                   "\\::add-mask::a  ::1\n"
                   "\\ ::a           2\n"
                   "#\\#vso[a]b      #\\#[add-mask]c\n"
                   "a::b            ##12\n");
    table.columns_max = 1;
    assert_renders(&table, true,
                   "NAME    FROM\n"
                   "\\::ad\u2026  ::1\n"
                   "\\ ::a   2\n"
                   "#\\#vs\u2026  #\\#[add-mask]c\n"
                   "a::b    ##12\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_renders_the_documented_sample),
        cmocka_unit_test(test_table_without_rows_is_its_titles),
        cmocka_unit_test(test_table_counts_terminal_columns_of_wide_and_combining_characters),
        cmocka_unit_test(test_table_shows_control_characters_and_broken_bytes_as_one_column),
        cmocka_unit_test(test_table_stays_ascii_where_the_terminal_is_not_utf8),
        cmocka_unit_test(test_table_leaves_no_blanks_at_line_ends),
        cmocka_unit_test(test_table_leaves_out_a_column_that_says_nothing),
        cmocka_unit_test(test_table_cuts_the_names_that_do_not_fit),
        cmocka_unit_test(test_table_keeps_names_whole_where_they_fit_or_no_width_is_known),
        cmocka_unit_test(test_table_leaves_ten_columns_of_a_name),
        cmocka_unit_test(test_table_cuts_between_wide_characters_and_keeps_marks_with_theirs),
        cmocka_unit_test(test_table_begins_no_line_with_a_command_of_a_runner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
