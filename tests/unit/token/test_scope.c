// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "token/scope.h"

static void test_each_scope_contains_those_below_it(void **state) {
    (void)state;
    static const struct {
        gw_scope_set held;
        bool read;
        bool write;
        bool admin;
    } cases[] = {
        {0, false, false, false},
        {GW_SCOPE_READ, true, false, false},
        {GW_SCOPE_WRITE, true, true, false},
        {GW_SCOPE_READ | GW_SCOPE_WRITE, true, true, false},
        {GW_SCOPE_ADMIN, true, true, true},
        {GW_SCOPE_READ | GW_SCOPE_ADMIN, true, true, true},
        {GW_SCOPE_READ | GW_SCOPE_WRITE | GW_SCOPE_ADMIN, true, true, true},
        {0xF8, false, false, false}, // bits that mean nothing give nothing
        {0xF8 | GW_SCOPE_READ, true, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(gw_scope_allows(cases[i].held, GW_SCOPE_READ), cases[i].read);
        assert_int_equal(gw_scope_allows(cases[i].held, GW_SCOPE_WRITE), cases[i].write);
        assert_int_equal(gw_scope_allows(cases[i].held, GW_SCOPE_ADMIN), cases[i].admin);
    }
}

static void test_names_are_exact_and_lower_case(void **state) {
    (void)state;
    static const enum gw_scope all[] = {GW_SCOPE_READ, GW_SCOPE_WRITE, GW_SCOPE_ADMIN};
    static const char *const unknown[] = {"", "Read", "READ", "reads", "rea", " read", "owner"};
    enum gw_scope scope;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gw_scope_parse(gw_str_from(gw_scope_name(all[i])), &scope), GW_OK);
        assert_int_equal(scope, all[i]);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_int_equal(gw_scope_parse(gw_str_from(unknown[i]), &scope), GW_INVALID);
    assert_int_equal(gw_scope_parse(gw_str("read\0", 5), &scope), GW_INVALID);
    assert_string_equal(gw_scope_name((enum gw_scope)3), "unknown");
}

static void test_lists_are_joined_into_a_set(void **state) {
    (void)state;
    gw_scope_set set = 0;
    assert_int_equal(gw_scope_parse_list(GW_STR("read,write"), &set, NULL), GW_OK);
    assert_int_equal(set, GW_SCOPE_READ | GW_SCOPE_WRITE);
    assert_int_equal(gw_scope_parse_list(GW_STR(" admin "), &set, NULL), GW_OK);
    assert_int_equal(set, GW_SCOPE_ADMIN);
    assert_int_equal(gw_scope_parse_list(GW_STR("read ,\tread, read"), &set, NULL), GW_OK);
    assert_int_equal(set, GW_SCOPE_READ);
}

static void test_lists_name_the_offending_part(void **state) {
    (void)state;
    static const struct {
        const char *list;
        const char *wrong;
    } cases[] = {
        {"", ""},
        {" ", ""},
        {"read,", ""},
        {",read", ""},
        {"read,,write", ""},
        {"read,owner,x", "owner"},
        {"read write", "read write"},
        {"read;write", "read;write"},
        {"Admin", "Admin"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gw_scope_set set = 99;
        struct gw_str wrong = GW_STR("untouched");
        assert_int_equal(gw_scope_parse_list(gw_str_from(cases[i].list), &set, &wrong), GW_INVALID);
        assert_true(gw_str_equal(wrong, gw_str_from(cases[i].wrong)));
        assert_int_equal(gw_scope_parse_list(gw_str_from(cases[i].list), &set, NULL), GW_INVALID);
        assert_int_equal(set, 99);
    }
    gw_scope_set set;
    assert_int_equal(gw_scope_parse_list(gw_str(NULL, 0), &set, NULL), GW_INVALID);
}

static void test_format_keeps_one_order_and_terminates(void **state) {
    (void)state;
    char out[GW_SCOPE_TEXT_BYTES_MAX];
    assert_int_equal(gw_scope_format(GW_SCOPE_WRITE | GW_SCOPE_READ, ", ", out), 11);
    assert_string_equal(out, "read, write");
    assert_int_equal(gw_scope_format(7, ",", out), 16);
    assert_string_equal(out, "read,write,admin");
    assert_int_equal(gw_scope_format(7, ", ", out), 18);
    assert_string_equal(out, "read, write, admin");
    assert_int_equal(gw_scope_format(GW_SCOPE_ADMIN, ", ", out), 5);
    assert_string_equal(out, "admin");
    assert_int_equal(gw_scope_format(0, ", ", out), 0);
    assert_string_equal(out, "");
}

static void test_json_is_an_array_in_their_order(void **state) {
    (void)state;
    struct gw_buf out;
    struct gw_json_writer writer;
    gw_buf_init(&out, 256);
    gw_json_writer_init(&writer, &out);
    gw_json_open_array(&writer);
    gw_scope_write_json(&writer, GW_SCOPE_WRITE | GW_SCOPE_READ);
    gw_scope_write_json(&writer, GW_SCOPE_ADMIN);
    gw_scope_write_json(&writer, 0);
    gw_json_close_array(&writer);
    assert_int_equal(gw_json_writer_finish(&writer), GW_OK);
    assert_true(gw_str_equal(gw_buf_bytes(&out), GW_STR("[[\"read\",\"write\"],[\"admin\"],[]]")));
    gw_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_an_array_in_their_order),
        cmocka_unit_test(test_each_scope_contains_those_below_it),
        cmocka_unit_test(test_names_are_exact_and_lower_case),
        cmocka_unit_test(test_lists_are_joined_into_a_set),
        cmocka_unit_test(test_lists_name_the_offending_part),
        cmocka_unit_test(test_format_keeps_one_order_and_terminates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
