// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/answer.h"

struct fixture {
    struct gw_arena arena;
    struct gw_json root;
};

static struct fixture fixture;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&fixture.arena, (size_t)64 * 1024);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&fixture.arena);
    return 0;
}

static void parse(const char *text) {
    assert_int_equal(
        gw_json_parse(&fixture.arena, gw_str_from(text), GW_JSON_TOKENS_MAX, &fixture.root, NULL),
        GW_OK);
}

static void assert_text(struct gw_str actual, const char *expected) {
    assert_non_null(actual.at);
    assert_true(gw_str_equal(actual, gw_str_from(expected)));
}

static void test_text_is_a_string_or_not_there(void **state) {
    (void)state;
    parse("{\"name\":\"a\\u0062\",\"count\":1,\"nothing\":null}");
    assert_text(cli_answer_text(fixture.root, "name", &fixture.arena), "ab");
    assert_null(cli_answer_text(fixture.root, "count", &fixture.arena).at);
    assert_null(cli_answer_text(fixture.root, "nothing", &fixture.arena).at);
    assert_null(cli_answer_text(fixture.root, "other", &fixture.arena).at);
}

static void test_a_list_is_joined(void **state) {
    (void)state;
    parse("{\"scopes\":[\"read\",\"write\"],\"none\":[],\"mixed\":[\"read\",1],\"text\":\"read\"}");
    assert_text(cli_answer_list(fixture.root, "scopes", &fixture.arena), "read, write");
    assert_text(cli_answer_list(fixture.root, "none", &fixture.arena), "");
    assert_null(cli_answer_list(fixture.root, "mixed", &fixture.arena).at);
    assert_null(cli_answer_list(fixture.root, "text", &fixture.arena).at);
    assert_null(cli_answer_list(fixture.root, "other", &fixture.arena).at);
}

static void test_times_are_in_words(void **state) {
    (void)state;
    parse("{\"long\":\"2000-01-01T00:00:00Z\",\"never\":null,\"odd\":\"yesterday\"}");
    const int64_t now_ms = 978307200000; // 2001-01-01
    struct gw_str ago = cli_answer_ago(fixture.root, "long", now_ms, &fixture.arena);
    assert_text(ago, "1 year ago");
    assert_text(cli_answer_ahead(fixture.root, "long", now_ms, &fixture.arena), "now");
    assert_text(cli_answer_ago(fixture.root, "never", now_ms, &fixture.arena), "never");
    assert_text(cli_answer_ahead(fixture.root, "other", now_ms, &fixture.arena), "never");
    assert_text(cli_answer_ago(fixture.root, "odd", now_ms, &fixture.arena), "yesterday");
}

static void test_a_kept_text_outlives_the_answer(void **state) {
    (void)state;
    char bytes[] = "text";
    struct gw_str kept = cli_answer_keep(gw_str(bytes, 4), &fixture.arena);
    bytes[0] = 'n';
    assert_text(kept, "text");
    assert_null(cli_answer_keep(gw_str(NULL, 0), &fixture.arena).at);
}

#define answer_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        answer_test(test_text_is_a_string_or_not_there),
        answer_test(test_a_list_is_joined),
        answer_test(test_times_are_in_words),
        answer_test(test_a_kept_text_outlives_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
