// SPDX-License-Identifier: MIT
// Proves of gateway/api/list_request.c: what is asked for is read, what is wrong is refused by its
// name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/api/list_cursor.h"
#include "gateway/api/list_request.h"
#include "token/limits.h"

static struct gw_arena arena;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, 64 * 1024);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_pages(void **state) {
    (void)state;
    static const struct {
        const char *query; // NULL: no query
        uint32_t page;
        uint32_t limit;
    } cases[] = {
        {NULL, 1, GW_LIST_LIMIT_DEFAULT},
        {"", 1, GW_LIST_LIMIT_DEFAULT},
        {"page=2", 2, GW_LIST_LIMIT_DEFAULT},
        {"limit=1&page=3", 3, 1},
        {"limit=200", 1, 200},
        {"page=1000000", 1000000, GW_LIST_LIMIT_DEFAULT},
        {"&&x&Page=0&limits=0", 1, GW_LIST_LIMIT_DEFAULT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_list_request request;
        struct gw_refusal refusal = {0};
        assert_true(gw_list_request_parse(&arena, gw_str_from(cases[i].query), &request, &refusal));
        assert_int_equal(request.page, cases[i].page);
        assert_int_equal(request.limit, cases[i].limit);
    }
}

static void test_pages_out_of_range_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *message;
    } cases[] = {
        {"page=0", "page"},
        {"page=-1", "page"},
        {"page=+1", "page"},
        {"page=", "page"},
        {"page", "page"},
        {"page=1.5", "page"},
        {"page=x", "page"},
        {"page=1000001", "page"},
        {"page=99999999999999999999", "page"},
        {"page=%31", "page"},
        {"page=4294967297", "page"},
        {"page=1&page=0", "page"},
        {"limit=0", "limit"},
        {"limit=201", "limit"},
        {"limit=-5", "limit"},
        {"limit=", "limit"},
        {"limit=1 ", "limit"},
        {"page=2&limit=999999999", "limit"},
        {"after=&limit=1001", "limit"},
        {"after=&page=1", "page"},
        {"after=x", "anew"},
        {"after=AQAA", "anew"},
        {"all=yes", "all"},
        {"all=", "all"},
        {"minted=1", "minted"},
        {"unused=90", "unused"},
        {"unused=0d", "unused"},
        {"unused=36501d", "unused"},
        {"expiring=soon", "expiring"},
        {"name=", "name"},
        {"name=%zz", "name"},
        {"name=%00", "name"},
        {"name=%ff", "name"},
        {"name=sr_live_abcdefghijk", "name"},
        {"prefix=", "prefix"},
        {"prefix=sr_live_abcdefghijk", "prefix"},
        {"scope=read,write", "scope"},
        {"scope=", "scope"},
        {"sort=age", "sort"},
        {"sort=--name", "sort"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_list_request request;
        struct gw_refusal refusal = {0};
        if (gw_list_request_parse(&arena, gw_str_from(cases[i].query), &request, &refusal))
            fail_msg("%s is accepted", cases[i].query);
        assert_int_equal(gw_error_row(refusal.error)->status, 422);
        assert_string_equal(gw_error_row(refusal.error)->code, "validation_failed");
        assert_non_null(strstr(refusal.message, cases[i].message));
    }
}

static struct gw_list_request parse(const char *query) {
    struct gw_list_request request;
    struct gw_refusal refusal;
    assert_true(gw_list_request_parse(&arena, gw_str_from(query), &request, &refusal));
    return request;
}

static void test_filters_are_read(void **state) {
    (void)state;
    struct gw_list_request request =
        parse("all=true&unused=90d&expiring=36h&name=ci+%C3%BC%26&prefix=sr_live_&scope=admin"
              "&sort=-lastUsed&unknown=x");
    assert_true(request.filter.all);
    assert_int_equal(request.filter.unused_ms, 90ULL * 24 * 60 * 60 * 1000);
    assert_int_equal(request.filter.expiring_ms, 36ULL * 60 * 60 * 1000);
    assert_true(gw_str_equal(request.filter.name, GW_STR("ci \xC3\xBC&")));
    assert_true(gw_str_equal(request.filter.prefix, GW_STR("sr_live_")));
    assert_int_equal(request.filter.scopes, GW_SCOPE_ADMIN);
    assert_int_equal(request.order, DB_TOKENS_BY_LAST_USED_DOWN);
    assert_false(request.by_cursor);
    assert_false(request.filter.minted);
    assert_true(parse("minted=true").filter.minted);
    request = parse("all=false");
    assert_false(request.filter.all);
    assert_null(request.filter.name.at);
    assert_int_equal(request.order, DB_TOKENS_NEWEST_FIRST);
}

static void test_an_empty_after_begins_a_list(void **state) {
    (void)state;
    struct gw_list_request request = parse("after=&limit=1000");
    assert_true(request.by_cursor);
    assert_null(request.after.id.at);
    assert_int_equal(request.limit, 1000);
}

static void test_a_cursor_goes_on_in_its_own_order_alone(void **state) {
    (void)state;
    const struct db_token_position position = {GW_STR("b\xC3\xBC"), INT64_MIN, GW_STR("clx7f2k3a")};
    char cursor[GW_LIST_CURSOR_CHARS_MAX];
    char query[GW_LIST_CURSOR_CHARS_MAX + 64];
    struct gw_list_request request;
    struct gw_refusal refusal;
    size_t length = gw_list_cursor_write(DB_TOKENS_BY_NAME, &position, cursor);
    (void)snprintf(query, sizeof(query), "after=%.*s&sort=name", (int)length, cursor);
    request = parse(query);
    assert_true(request.after.time_us == INT64_MIN);
    assert_true(gw_str_equal(request.after.text, position.text));
    assert_true(gw_str_equal(request.after.id, position.id));
    for (size_t i = 0; i < length; i++) { // each single character counts
        query[strlen("after=") + i] ^= 1;
        assert_false(gw_list_request_parse(&arena, gw_str_from(query), &request, &refusal));
        query[strlen("after=") + i] ^= 1;
    }
    (void)snprintf(query, sizeof(query), "after=%.*s", (int)length, cursor);
    assert_false(gw_list_request_parse(&arena, gw_str_from(query), &request, &refusal));
    assert_non_null(strstr(refusal.message, "anew"));
}

static void test_a_cursor_that_the_database_would_not_take_is_refused(void **state) {
    (void)state;
    static const struct db_token_position made_up[] = {
        {GW_STR_INIT("b\xFF"), 0, GW_STR_INIT("clx7f2k3a")},
        {GW_STR_INIT("b\0c"), 0, GW_STR_INIT("clx7f2k3a")},
        {GW_STR_INIT("b"), INT64_MAX - 1, GW_STR_INIT("clx7f2k3a")},
        {GW_STR_INIT("b"), INT64_MIN + 1, GW_STR_INIT("clx7f2k3a")},
    };
    for (size_t i = 0; i < COUNT(made_up); i++) {
        char cursor[GW_LIST_CURSOR_CHARS_MAX];
        struct db_token_position position;
        size_t length = gw_list_cursor_write(DB_TOKENS_BY_NAME, &made_up[i], cursor);
        assert_int_equal(
            gw_list_cursor_read(&arena, gw_str(cursor, length), DB_TOKENS_BY_NAME, &position),
            GW_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_pages),
        TEST(test_pages_out_of_range_are_refused_by_name),
        TEST(test_filters_are_read),
        TEST(test_an_empty_after_begins_a_list),
        TEST(test_a_cursor_goes_on_in_its_own_order_alone),
        TEST(test_a_cursor_that_the_database_would_not_take_is_refused),
#undef TEST
    };
    return cmocka_run_group_tests_name("list_request", tests, NULL, NULL);
}
