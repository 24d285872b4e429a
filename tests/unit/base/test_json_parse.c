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
    struct gw_arena arena;
    struct gw_json root;
    size_t error_offset;
};

static int set_up(void **state) {
    static struct fixture fixture;
    gw_arena_init(&fixture.arena, 4 * 1024 * 1024);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    gw_arena_deinit(&((struct fixture *)*state)->arena);
    return 0;
}

static enum gw_status parse(struct fixture *fixture, struct gw_str text) {
    fixture->error_offset = 9999;
    return gw_json_parse(&fixture->arena, text, GW_JSON_TOKENS_MAX, &fixture->root,
                         &fixture->error_offset);
}

static struct gw_json parse_good(struct fixture *fixture, struct gw_str text) {
    assert_int_equal(parse(fixture, text), GW_OK);
    return fixture->root;
}

static struct gw_json member(struct gw_json object, const char *key) {
    struct gw_json value = {0};
    assert_true(gw_json_member(object, gw_str_from(key), &value));
    return value;
}

static void test_a_key_twice_is_refused_where_it_comes_again(void **state) {
    static const struct {
        struct gw_str text;
        size_t offset;
    } cases[] = {
        {GW_STR_INIT("{\"a\":1,\"a\":1}"), 7},
        {GW_STR_INIT("{\"a\":1,\"b\":2,\"a\":3}"), 13},
        {GW_STR_INIT("{\"a\":1,\"\\u0061\":1}"), 7},
        {GW_STR_INIT("{\"\\u00e9\":1,\"\xC3\xA9\":1}"), 12},
        {GW_STR_INIT("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":1}"), 18},
        {GW_STR_INIT("{\"\":1,\"\":1}"), 6},
        {GW_STR_INIT("[0,{\"x\":{\"a\":1,\"a\":2}}]"), 15},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(fixture, cases[i].text), GW_INVALID);
        assert_int_equal(fixture->error_offset, cases[i].offset);
    }
}

static void test_the_error_offset_may_be_left_out(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(gw_json_parse(&fixture->arena, GW_STR("[1,]"), 10, &fixture->root, NULL),
                     GW_INVALID);
    assert_int_equal(
        gw_json_parse(&fixture->arena, GW_STR("{\"a\":1,\"a\":2}"), 10, &fixture->root, NULL),
        GW_INVALID);
}

static void test_a_hundred_thousand_keys_are_refused(void **state) {
    struct fixture *fixture = *state;
    struct gw_buf buf;
    gw_buf_init(&buf, 4 * 1024 * 1024);
    assert_int_equal(gw_buf_printf(&buf, "{\"k\":0"), GW_OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(gw_buf_printf(&buf, ",\"k%d\":%d", i, i), GW_OK);
    assert_int_equal(gw_buf_append(&buf, "}", 1), GW_OK);
    assert_int_equal(parse(fixture, gw_buf_bytes(&buf)), GW_TOO_BIG);
    assert_true(fixture->arena.bytes_total == 0); // refused before anything was allocated
    gw_buf_deinit(&buf);
}

static void test_many_keys_are_all_found_and_a_late_duplicate_too(void **state) {
    struct fixture *fixture = *state;
    struct gw_buf buf;
    gw_buf_init(&buf, 1024 * 1024);
    assert_int_equal(gw_buf_printf(&buf, "{"), GW_OK);
    for (int i = 0; i < 510; i++)
        assert_int_equal(gw_buf_printf(&buf, "%s\"k%d\":%d", i == 0 ? "" : ",", i, i), GW_OK);
    size_t length = gw_buf_length(&buf);
    assert_int_equal(gw_buf_append(&buf, "}", 1), GW_OK);
    struct gw_json root = parse_good(fixture, gw_buf_bytes(&buf));
    assert_int_equal(gw_json_count(root), 510);
    for (int i = 0; i < 510; i++) {
        char key[16];
        int64_t number = -1;
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(gw_json_integer(member(root, key), &number), GW_OK);
        assert_int_equal(number, i);
    }
    buf.end = buf.start + length;
    assert_int_equal(gw_buf_printf(&buf, ",\"k509\":0}"), GW_OK);
    assert_int_equal(parse(fixture, gw_buf_bytes(&buf)), GW_INVALID);
    assert_int_equal(fixture->error_offset, length + 1);
    gw_buf_deinit(&buf);
}

static void test_a_text_beyond_the_offsets_of_a_token_is_too_big(void **state) {
    // Refused by its length alone: nothing of it is read.
    assert_int_equal(parse(*state, gw_str("[]", (size_t)INT32_MAX + 1)), GW_TOO_BIG);
}

static void test_a_small_arena_is_no_memory(void **state) {
    struct fixture *fixture = *state;
    struct gw_str text = GW_STR("{\"a\":[1,2,3,4,5,6,7,8],\"b\":3}");
    for (size_t bytes_max = 0; bytes_max < 320; bytes_max += 16) {
        struct gw_arena arena;
        gw_arena_init(&arena, bytes_max);
        assert_int_equal(gw_json_parse(&arena, text, 100, &fixture->root, NULL), GW_NO_MEMORY);
        gw_arena_deinit(&arena);
    }
}

static void test_types_are_told_apart(void **state) {
    static const struct {
        const char *text;
        enum gw_json_type type;
    } cases[] = {
        {" null", GW_JSON_NULL},  {"true", GW_JSON_BOOL},        {" false ", GW_JSON_BOOL},
        {"-1.5", GW_JSON_NUMBER}, {"0", GW_JSON_NUMBER},         {"\"true\"", GW_JSON_STRING},
        {"[1]", GW_JSON_ARRAY},   {"{\"a\":1}", GW_JSON_OBJECT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_json root = parse_good(*state, gw_str_from(cases[i].text));
        assert_int_equal(gw_json_type(root), cases[i].type);
        assert_int_equal(gw_json_count(root), cases[i].type >= GW_JSON_ARRAY ? 1 : 0);
    }
}

static void test_members_are_found_by_their_unescaped_key(void **state) {
    struct gw_json root =
        parse_good(*state, GW_STR("{\"na\\u006de\":1,\"b\":{\"name\":2},\"a\\\\b\":3,\"\":4}"));
    int64_t number = 0;
    struct gw_json value;
    assert_int_equal(gw_json_integer(member(root, "name"), &number), GW_OK);
    assert_int_equal(number, 1);
    assert_int_equal(gw_json_integer(member(member(root, "b"), "name"), &number), GW_OK);
    assert_int_equal(number, 2);
    assert_int_equal(gw_json_integer(member(root, "a\\b"), &number), GW_OK);
    assert_int_equal(number, 3);
    assert_int_equal(gw_json_integer(member(root, ""), &number), GW_OK);
    assert_int_equal(number, 4);
    assert_false(gw_json_member(root, GW_STR("na\\u006de"), &value));
    assert_false(gw_json_member(root, GW_STR("nam"), &value));
    assert_false(gw_json_member(root, GW_STR("names"), &value));
    assert_false(gw_json_member(member(root, "name"), GW_STR("name"), &value));
}

static void test_elements_come_in_document_order(void **state) {
    struct gw_json root = parse_good(*state, GW_STR("[[1,2],{\"a\":[3]},\"x\",[],4]"));
    static const enum gw_json_type types[] = {GW_JSON_ARRAY, GW_JSON_OBJECT, GW_JSON_STRING,
                                              GW_JSON_ARRAY, GW_JSON_NUMBER};
    assert_int_equal(gw_json_count(root), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(gw_json_type(gw_json_element(root, i)), types[i]);
    int64_t number = 0;
    assert_int_equal(gw_json_integer(gw_json_element(gw_json_element(root, 0), 1), &number), GW_OK);
    assert_int_equal(number, 2);
    assert_int_equal(gw_json_integer(gw_json_element(root, 4), &number), GW_OK);
    assert_int_equal(number, 4);
}

static void test_members_come_in_document_order_with_their_keys(void **state) {
    struct fixture *fixture = *state;
    struct gw_json root = parse_good(fixture, GW_STR("{\"z\":[1,2],\"\\n\":{},\"a\":5}"));
    static const char *const keys[] = {"z", "\n", "a"};
    for (int i = 0; i < 3; i++) {
        struct gw_str key;
        struct gw_json value;
        assert_int_equal(gw_json_member_at(root, i, &fixture->arena, &key, &value), GW_OK);
        assert_true(gw_str_equal(key, gw_str_from(keys[i])));
        assert_int_equal(gw_json_count(value), i == 0 ? 2 : 0);
    }
}

static void test_strings_are_unescaped(void **state) {
    static const struct {
        struct gw_str source;
        struct gw_str text;
    } cases[] = {
        {GW_STR_INIT("\"\""), GW_STR_INIT("")},
        {GW_STR_INIT("\"a\\\"b\\\\c\\/d\""), GW_STR_INIT("a\"b\\c/d")},
        {GW_STR_INIT("\"\\b\\f\\n\\r\\t\""), GW_STR_INIT("\b\f\n\r\t")},
        {GW_STR_INIT("\"\\u0041\\u00e9\\u20AC\""), GW_STR_INIT("A\xC3\xA9\xE2\x82\xAC")},
        {GW_STR_INIT("\"x\\uD83D\\uDE00y\""), GW_STR_INIT("x\xF0\x9F\x98\x80y")},
        {GW_STR_INIT("\"a\\u0000b\""), GW_STR_INIT("a\0b")},
        {GW_STR_INIT("\"\\uFFFF\""), GW_STR_INIT("\xEF\xBF\xBF")},
        {GW_STR_INIT("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""),
         GW_STR_INIT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")},
        {GW_STR_INIT("\"\xC3\xA9\\\\u0041\""), GW_STR_INIT("\xC3\xA9\\u0041")},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_str text;
        struct gw_json root = parse_good(fixture, cases[i].source);
        assert_int_equal(gw_json_string(root, &fixture->arena, &text), GW_OK);
        assert_true(gw_str_equal(text, cases[i].text));
    }
}

static void test_a_string_without_escapes_is_a_slice_of_the_source(void **state) {
    struct fixture *fixture = *state;
    struct gw_str source = GW_STR("\"name\"");
    struct gw_str text;
    struct gw_json root = parse_good(fixture, source);
    assert_int_equal(gw_json_string(root, &fixture->arena, &text), GW_OK);
    assert_ptr_equal(text.at, source.at + 1);
}

static void test_integers_have_no_fraction_and_fit(void **state) {
    static const struct {
        const char *source;
        enum gw_status status;
        int64_t number;
    } cases[] = {
        {"0", GW_OK, 0},
        {"-0", GW_OK, 0},
        {"42", GW_OK, 42},
        {"-42", GW_OK, -42},
        {"9223372036854775807", GW_OK, INT64_MAX},
        {"-9223372036854775808", GW_OK, INT64_MIN},
        {"9223372036854775808", GW_INVALID, 0},
        {"-9223372036854775809", GW_INVALID, 0},
        {"18446744073709551616", GW_INVALID, 0},
        {"99999999999999999999999999", GW_INVALID, 0},
        {"1.0", GW_INVALID, 0},
        {"1e2", GW_INVALID, 0},
        {"\"1\"", GW_INVALID, 0},
        {"true", GW_INVALID, 0},
        {"null", GW_INVALID, 0},
        {"[1]", GW_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t number = 7;
        struct gw_json root = parse_good(*state, gw_str_from(cases[i].source));
        assert_int_equal(gw_json_integer(root, &number), cases[i].status);
        assert_true(number == (cases[i].status == GW_OK ? cases[i].number : 7));
    }
}

static void test_reading_another_type_is_refused(void **state) {
    struct fixture *fixture = *state;
    struct gw_json root = parse_good(fixture, GW_STR("[true,\"true\",1,null,false]"));
    bool truth = false;
    struct gw_str text;
    assert_int_equal(gw_json_boolean(gw_json_element(root, 0), &truth), GW_OK);
    assert_true(truth);
    assert_int_equal(gw_json_boolean(gw_json_element(root, 1), &truth), GW_INVALID);
    assert_int_equal(gw_json_boolean(gw_json_element(root, 2), &truth), GW_INVALID);
    assert_int_equal(gw_json_boolean(gw_json_element(root, 3), &truth), GW_INVALID);
    assert_true(truth);
    assert_int_equal(gw_json_boolean(gw_json_element(root, 4), &truth), GW_OK);
    assert_false(truth);
    assert_int_equal(gw_json_string(gw_json_element(root, 0), &fixture->arena, &text), GW_INVALID);
    assert_int_equal(gw_json_string(root, &fixture->arena, &text), GW_INVALID);
}

static void test_raw_gives_the_source_bytes(void **state) {
    struct gw_json root = parse_good(*state, GW_STR(" {\"a\" : \"\\u0041\", \"b\":[ 1.50 ]} "));
    assert_true(gw_str_equal(gw_json_raw(member(root, "a")), GW_STR("\"\\u0041\"")));
    assert_true(gw_str_equal(gw_json_raw(member(root, "b")), GW_STR("[ 1.50 ]")));
    assert_true(gw_str_equal(gw_json_raw(gw_json_element(member(root, "b"), 0)), GW_STR("1.50")));
    assert_true(gw_str_equal(gw_json_raw(root), GW_STR("{\"a\" : \"\\u0041\", \"b\":[ 1.50 ]}")));
}

#define json_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        json_test(test_a_key_twice_is_refused_where_it_comes_again),
        json_test(test_the_error_offset_may_be_left_out),
        json_test(test_a_hundred_thousand_keys_are_refused),
        json_test(test_many_keys_are_all_found_and_a_late_duplicate_too),
        json_test(test_a_text_beyond_the_offsets_of_a_token_is_too_big),
        json_test(test_a_small_arena_is_no_memory),
        json_test(test_types_are_told_apart),
        json_test(test_members_are_found_by_their_unescaped_key),
        json_test(test_elements_come_in_document_order),
        json_test(test_members_come_in_document_order_with_their_keys),
        json_test(test_strings_are_unescaped),
        json_test(test_a_string_without_escapes_is_a_slice_of_the_source),
        json_test(test_integers_have_no_fraction_and_fit),
        json_test(test_reading_another_type_is_refused),
        json_test(test_raw_gives_the_source_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
