// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "base/json_scan.h"

static struct gw_arena arena;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, 4 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

// The reader must agree: it splits what the scanner lets through into as many tokens, and refuses
// the rest at the same byte.
static enum gw_status scan_up_to(struct gw_str text, int tokens_max, int *tokens,
                                 size_t *stopped_at) {
    struct gw_json root;
    size_t error_offset = 9999;
    enum gw_status status = gw_json_scan(text, tokens_max, tokens, stopped_at);
    assert_int_equal(gw_json_parse(&arena, text, tokens_max, &root, &error_offset), status);
    assert_int_equal(error_offset, status == GW_INVALID ? *stopped_at : 9999);
    return status;
}

static enum gw_status scan(struct gw_str text) {
    int tokens;
    size_t stopped_at;
    return scan_up_to(text, GW_JSON_TOKENS_MAX, &tokens, &stopped_at);
}

// One document of each class that public conformance suites tell apart.
static const struct gw_str accepted[] = {
    // any value may stand at the root
    GW_STR_INIT("null"),
    GW_STR_INIT("true"),
    GW_STR_INIT("false"),
    GW_STR_INIT("0"),
    GW_STR_INIT("-0"),
    GW_STR_INIT("\"\""),
    GW_STR_INIT("\"a\""),
    GW_STR_INIT("{}"),
    GW_STR_INIT("[]"),
    // white space
    GW_STR_INIT(" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n"),
    GW_STR_INIT("{ \"a\" : 1 , \"b\" : { } }"),
    GW_STR_INIT("[[] ]"),
    GW_STR_INIT("[]\n"),
    // numbers
    GW_STR_INIT("[0,-1,10,123456789]"),
    GW_STR_INIT("[0.5,-0.0,1.0,12.345]"),
    GW_STR_INIT("[0e1,0E1,1e0,1e+2,1E-2,20e1,1.5e10]"),
    GW_STR_INIT("[123456789012345678901234567890,1e9999,-1e-9999,0.00000000000000000001]"),
    // arrays and objects
    GW_STR_INIT("[[[]],[{}],{}]"),
    GW_STR_INIT("[null,1,\"1\",{}]"),
    GW_STR_INIT("{\"\":0}"),
    GW_STR_INIT("{\"a\":[{\"a\":{\"a\":null}}]}"),
    GW_STR_INIT("{\"a\":1,\"A\":1,\"a \":1}"),
    GW_STR_INIT("[{\"a\":1},{\"a\":1}]"),
    // escapes
    GW_STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    GW_STR_INIT("\"\\u0060\\u012a\\u12AB\\uFFFF\""),
    GW_STR_INIT("\"\\u0000\""),
    GW_STR_INIT("\"\\uD801\\uDC37\\udbff\\udfff\""),
    GW_STR_INIT("\"\\\\u0000\\\\a\""),
    GW_STR_INIT("{\"\\u0061\":1,\"b\":2}"),
    // text
    GW_STR_INIT("\"\x7F\""),
    GW_STR_INIT("\"a/*b*///c\""),
    GW_STR_INIT("\"\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E\""),
    GW_STR_INIT("\"\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF\""),
    GW_STR_INIT("\"\xEF\xBF\xBF\xF4\x8F\xBF\xBF\""),
    GW_STR_INIT("\"[{,:}]\""),
};

// As above; `offset` is where the scanner must stop.
static const struct {
    struct gw_str text;
    size_t offset;
} refused[] = {
    // nothing, or not JSON
    {GW_STR_INIT(""), 0},
    {GW_STR_INIT(" "), 1},
    {GW_STR_INIT("\xEF\xBB\xBF{}"), 0},
    {GW_STR_INIT("\xEF\xBB\xBF"), 0},
    {GW_STR_INIT("\0"), 0},
    {GW_STR_INIT("a"), 0},
    {GW_STR_INIT("*"), 0},
    {GW_STR_INIT("<.>"), 0},
    {GW_STR_INIT("\xC3\xA5"), 0},
    {GW_STR_INIT("\xFF\xFE[\0]\0"), 0},
    {GW_STR_INIT("[\xC2\xA0]"), 1},
    {GW_STR_INIT("[\xE2\x81\xA0]"), 1},
    {GW_STR_INIT("[\f]"), 1},
    {GW_STR_INIT("[\v1]"), 1},
    {GW_STR_INIT("'a'"), 0},
    {GW_STR_INIT("undefined"), 0},
    // literals
    {GW_STR_INIT("nul"), 3},
    {GW_STR_INIT("nulL"), 3},
    {GW_STR_INIT("[tru]"), 4},
    {GW_STR_INIT("True"), 0},
    {GW_STR_INIT("truee"), 4},
    {GW_STR_INIT("[fals"), 5},
    {GW_STR_INIT("[NaN]"), 1},
    {GW_STR_INIT("[nan]"), 2},
    {GW_STR_INIT("[Infinity]"), 1},
    {GW_STR_INIT("[-Infinity]"), 2},
    {GW_STR_INIT("[Inf]"), 1},
    {GW_STR_INIT("[true\0]"), 5},
    // numbers
    {GW_STR_INIT("-"), 1},
    {GW_STR_INIT("[--1]"), 2},
    {GW_STR_INIT("[+1]"), 1},
    {GW_STR_INIT("[++1]"), 1},
    {GW_STR_INIT("[- 1]"), 2},
    {GW_STR_INIT("[-a]"), 2},
    {GW_STR_INIT("[01]"), 2},
    {GW_STR_INIT("[-01]"), 3},
    {GW_STR_INIT("-012"), 2},
    {GW_STR_INIT("[.5]"), 1},
    {GW_STR_INIT("[-.5]"), 2},
    {GW_STR_INIT("[1.]"), 3},
    {GW_STR_INIT("[1.e1]"), 3},
    {GW_STR_INIT("[0.3e]"), 5},
    {GW_STR_INIT("[0.3e+]"), 6},
    {GW_STR_INIT("[0e]"), 3},
    {GW_STR_INIT("[0E+]"), 4},
    {GW_STR_INIT("[1eE2]"), 3},
    {GW_STR_INIT("[1e1.5]"), 4},
    {GW_STR_INIT("[1e 2]"), 3},
    {GW_STR_INIT("[1.2.3]"), 4},
    {GW_STR_INIT("[0x1]"), 2},
    {GW_STR_INIT("[1_000]"), 2},
    {GW_STR_INIT("[1 000]"), 3},
    {GW_STR_INIT("[1+2]"), 2},
    {GW_STR_INIT("[1a]"), 2},
    {GW_STR_INIT("[1\xEF\xBC\x91]"), 2},
    {GW_STR_INIT("[1\0]"), 2},
    {GW_STR_INIT("1 2"), 2},
    // strings
    {GW_STR_INIT("\""), 1},
    {GW_STR_INIT("\"a"), 2},
    {GW_STR_INIT("[\"a"), 3},
    {GW_STR_INIT("[\"a]"), 4},
    {GW_STR_INIT("[\"a\0b\"]"), 3},
    {GW_STR_INIT("[\"a\nb\"]"), 3},
    {GW_STR_INIT("[\"a\tb\"]"), 3},
    {GW_STR_INIT("[\"\x1F\"]"), 2},
    {GW_STR_INIT("\"\\"), 2},
    {GW_STR_INIT("\"\\\""), 3},
    {GW_STR_INIT("\"\\a\""), 2},
    {GW_STR_INIT("\"\\x41\""), 2},
    {GW_STR_INIT("\"\\'\""), 2},
    {GW_STR_INIT("\"\\0\""), 2},
    {GW_STR_INIT("\"\\\0\""), 2},
    {GW_STR_INIT("\"\\U0041\""), 2},
    {GW_STR_INIT("\"\\\n\""), 2},
    {GW_STR_INIT("\"\\\xC3\xA9\""), 2},
    {GW_STR_INIT("\"\\u\""), 3},
    {GW_STR_INIT("\"\\u00A\""), 6},
    {GW_STR_INIT("\"\\u00Ag\""), 6},
    {GW_STR_INIT("\"\\u 041\""), 3},
    {GW_STR_INIT("\"\\u{41}\""), 3},
    {GW_STR_INIT("\\u0020\"a\""), 0},
    {GW_STR_INIT("[\\n]"), 1},
    // lone surrogate escapes
    {GW_STR_INIT("\"\\uD800\""), 1},
    {GW_STR_INIT("\"\\uDC00\""), 1},
    {GW_STR_INIT("\"\\uD800\\uD800\""), 1},
    {GW_STR_INIT("\"\\uDC00\\uD800\""), 1},
    {GW_STR_INIT("\"\\uD800\\n\""), 1},
    {GW_STR_INIT("\"\\uD800\\u\""), 1},
    {GW_STR_INIT("\"\\uD800\\u12"), 1},
    {GW_STR_INIT("\"\\uD800\\uE000\""), 1},
    {GW_STR_INIT("\"a\\uD800a\""), 2},
    // invalid UTF-8
    {GW_STR_INIT("\"\xFF\""), 1},
    {GW_STR_INIT("\"\x80\""), 1},
    {GW_STR_INIT("\"\xC3\""), 1},
    {GW_STR_INIT("\"\xC0\xAF\""), 1},
    {GW_STR_INIT("\"\xE0\x80\xAF\""), 1},
    {GW_STR_INIT("\"\xED\xA0\x80\""), 1},
    {GW_STR_INIT("\"\xF4\x90\x80\x80\""), 1},
    {GW_STR_INIT("\"\xF0\x9F\x98"), 1},
    {GW_STR_INIT("{\"\xE9\":1}"), 2},
    {GW_STR_INIT("\"\\u00\xC3\xA9\""), 5},
    // arrays
    {GW_STR_INIT("["), 1},
    {GW_STR_INIT("]"), 0},
    {GW_STR_INIT("[1"), 2},
    {GW_STR_INIT("[1,"), 3},
    {GW_STR_INIT("[1,]"), 3},
    {GW_STR_INIT("[,1]"), 1},
    {GW_STR_INIT("[,]"), 1},
    {GW_STR_INIT("[1,,2]"), 3},
    {GW_STR_INIT("[1 2]"), 3},
    {GW_STR_INIT("[\"a\" \"b\"]"), 5},
    {GW_STR_INIT("[\"a\":1]"), 4},
    {GW_STR_INIT("[1:2]"), 2},
    {GW_STR_INIT("[1;2]"), 2},
    {GW_STR_INIT("[1}"), 2},
    {GW_STR_INIT("[}"), 1},
    {GW_STR_INIT("[[]"), 3},
    {GW_STR_INIT("[]]"), 2},
    {GW_STR_INIT("[1][2]"), 3},
    {GW_STR_INIT("[]x"), 2},
    {GW_STR_INIT("[]\0"), 2},
    // objects
    {GW_STR_INIT("{"), 1},
    {GW_STR_INIT("}"), 0},
    {GW_STR_INIT("{]"), 1},
    {GW_STR_INIT("{\"a\""), 4},
    {GW_STR_INIT("{\"a\"}"), 4},
    {GW_STR_INIT("{\"a\":"), 5},
    {GW_STR_INIT("{\"a\":}"), 5},
    {GW_STR_INIT("{\"a\":1"), 6},
    {GW_STR_INIT("{\"a\":1]"), 6},
    {GW_STR_INIT("{\"a\":1,}"), 7},
    {GW_STR_INIT("{\"a\":1,,\"b\":2}"), 7},
    {GW_STR_INIT("{,\"a\":1}"), 1},
    {GW_STR_INIT("{\"a\" 1}"), 5},
    {GW_STR_INIT("{\"a\",1}"), 4},
    {GW_STR_INIT("{\"a\"=1}"), 4},
    {GW_STR_INIT("{\"a\"::1}"), 5},
    {GW_STR_INIT("{\"a\":1 \"b\":2}"), 7},
    {GW_STR_INIT("{\"a\":\"b\":1}"), 8},
    {GW_STR_INIT("{a:1}"), 1},
    {GW_STR_INIT("{'a':1}"), 1},
    {GW_STR_INIT("{1:1}"), 1},
    {GW_STR_INIT("{null:1}"), 1},
    {GW_STR_INIT("{[]:1}"), 1},
    {GW_STR_INIT("{{}:1}"), 1},
    {GW_STR_INIT("{:1}"), 1},
    {GW_STR_INIT("{\"a\":1}}"), 7},
    {GW_STR_INIT("{}{}"), 2},
    {GW_STR_INIT("{}#"), 2},
    {GW_STR_INIT("{\"a\":1}garbage"), 7},
    // comments
    {GW_STR_INIT("[1,/*a*/2]"), 3},
    {GW_STR_INIT("[1,//a\n2]"), 3},
    {GW_STR_INIT("{}/**/"), 2},
    {GW_STR_INIT("/**/{}"), 0},
    {GW_STR_INIT("#a\n{}"), 0},
};

static void test_documents_in_the_grammar_are_accepted(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        if (scan(accepted[i]) != GW_OK)
            fail_msg("refused: %.*s", GW_STR_ARG(accepted[i]));
    }
}

static void test_documents_outside_the_grammar_are_refused_where_they_break(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int tokens;
        size_t at;
        if (scan_up_to(refused[i].text, GW_JSON_TOKENS_MAX, &tokens, &at) != GW_INVALID)
            fail_msg("accepted: %.*s", GW_STR_ARG(refused[i].text));
        if (at != refused[i].offset)
            fail_msg("%.*s: error at %zu, not %zu", GW_STR_ARG(refused[i].text), at,
                     refused[i].offset);
    }
}

static void test_every_truncation_of_a_document_is_refused(void **state) {
    (void)state;
    struct gw_str text = GW_STR("{\"a\\u00e9\":[1.5e3,true,null,\"\\ud83d\\ude00\"],\"b\":{}}");
    assert_int_equal(scan(text), GW_OK);
    for (size_t length = 0; length < text.length; length++)
        assert_int_equal(scan(gw_str(text.at, length)), GW_INVALID);
}

static void test_depth_ends_at_its_limit(void **state) {
    (void)state;
    char text[2 * GW_JSON_DEPTH_MAX + 2];
    memset(text, '[', GW_JSON_DEPTH_MAX + 1);
    memset(text + GW_JSON_DEPTH_MAX + 1, ']', GW_JSON_DEPTH_MAX + 1);
    assert_int_equal(scan(gw_str(text, sizeof(text))), GW_TOO_BIG);
    assert_int_equal(scan(gw_str(text + 1, sizeof(text) - 2)), GW_OK);
}

static void test_ten_thousand_levels_are_refused_without_recursion(void **state) {
    (void)state;
    static char text[60000];
    memset(text, '[', sizeof(text));
    assert_int_equal(scan(gw_str(text, sizeof(text))), GW_TOO_BIG);
    for (size_t i = 0; i + 6 <= sizeof(text); i += 6)
        memcpy(text + i, "{\"\":[[", 6);
    assert_int_equal(scan(gw_str(text, sizeof(text))), GW_TOO_BIG);
}

static void test_containers_side_by_side_do_not_add_depth(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 4096);
    assert_int_equal(gw_buf_printf(&buf, "[0"), GW_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(gw_buf_printf(&buf, ",[{}],{\"a\":[]}"), GW_OK);
    assert_int_equal(gw_buf_printf(&buf, "]"), GW_OK);
    assert_int_equal(scan(gw_buf_bytes(&buf)), GW_OK);
    gw_buf_deinit(&buf);
}

static void test_tokens_are_counted_up_to_their_limit(void **state) {
    (void)state;
    struct gw_str text = GW_STR("{\"a\":[1,2],\"b\":3}");
    int tokens;
    size_t at;
    for (int tokens_max = 0; tokens_max < 7; tokens_max++)
        assert_int_equal(scan_up_to(text, tokens_max, &tokens, &at), GW_TOO_BIG);
    assert_int_equal(scan_up_to(text, 7, &tokens, &at), GW_OK);
    assert_int_equal(tokens, 7);
}

#define scan_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        scan_test(test_documents_in_the_grammar_are_accepted),
        scan_test(test_documents_outside_the_grammar_are_refused_where_they_break),
        scan_test(test_every_truncation_of_a_document_is_refused),
        scan_test(test_depth_ends_at_its_limit),
        scan_test(test_ten_thousand_levels_are_refused_without_recursion),
        scan_test(test_containers_side_by_side_do_not_add_depth),
        scan_test(test_tokens_are_counted_up_to_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
