// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/revoke_request.h"
#include "gateway/exchange/exchange.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int set_up(void **state) {
    struct gw_arena *arena = test_malloc(sizeof(*arena));
    gw_arena_init(arena, GW_REQUEST_ARENA_BYTES_MAX);
    *state = arena;
    return 0;
}

static int tear_down(void **state) {
    gw_arena_deinit(*state);
    test_free(*state);
    return 0;
}

static void test_times_to_wait(void **state) {
    static const struct {
        const char *query;
        int64_t wait_ms; // -1: refused
    } cases[] = {
        {"", 0},
        {"other=5", -1},
        {"wait=0", 0},
        {"wait=0s", 0},
        {"wait=5", 5000}, // seconds
        {"wait=5s", 5000},
        {"wait=1500ms", 1500},
        {"wait=30", 30000},
        {"wait=30000ms", 30000},
        {"wait=30001ms", -1},
        {"wait=31", -1},
        {"wait=31s", -1},
        {"wait=1m", -1},
        {"wait=", -1},
        {"wait=-1", -1},
        {"wait=0ms", -1},
        {"wait=5x", -1},
        {"wait=18446744073709551616", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_revoke_request request = {.ending.wait_ms = 77};
        struct gw_refusal refusal = {0};
        bool is_right =
            gw_revoke_request_parse(*state, gw_str_from(cases[i].query), &request, &refusal);
        if (is_right != (cases[i].wait_ms >= 0) ||
            (is_right && request.ending.wait_ms != (uint64_t)cases[i].wait_ms))
            fail_msg("%s: %d, %d ms", cases[i].query, (int)is_right, (int)request.ending.wait_ms);
        if (!is_right) {
            assert_int_equal(gw_error_row(refusal.error)->status, 422);
            assert_non_null(strstr(refusal.message, "wait"));
        }
    }
}

static void test_what_it_takes_with_it(void **state) {
    static const struct {
        const char *query;
        enum db_revoke_kin kin;
    } cases[] = {
        {"", DB_REVOKE_ALONE},
        {"successors=true", DB_REVOKE_SUCCESSORS},
        {"wait=1s&successors=true", DB_REVOKE_SUCCESSORS},
        {"successors=false", DB_REVOKE_ALONE},
        {"chain=true", DB_REVOKE_CHAIN},
        {"chain=false&successors=true", DB_REVOKE_SUCCESSORS},
        {"chain=true&successors=false", DB_REVOKE_CHAIN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_revoke_request request;
        struct gw_refusal refusal;
        assert_true(
            gw_revoke_request_parse(*state, gw_str_from(cases[i].query), &request, &refusal));
        assert_int_equal(request.kin, cases[i].kin);
    }
}

static void test_what_is_true_or_false_is_nothing_else(void **state) {
    static const char *const names[] = {"successors", "chain", "last"};
    static const char *const values[] = {"", "yes", "TRUE", "1", "true%20"};
    for (size_t i = 0; i < COUNT(names) * COUNT(values); i++) {
        struct gw_revoke_request request;
        struct gw_refusal refusal;
        const char *name = names[i / COUNT(values)];
        struct gw_str query = gw_arena_printf(*state, "%s=%s", name, values[i % COUNT(values)]);
        assert_false(gw_revoke_request_parse(*state, query, &request, &refusal));
        assert_int_equal(gw_error_row(refusal.error)->status, 422);
        assert_non_null(strstr(refusal.message, name));
    }
}

static void test_the_last_admin_token_ends_when_that_is_asked_for(void **state) {
    struct gw_ending_request ending;
    struct gw_revoke_request revoke;
    struct gw_refusal refusal;
    assert_true(gw_ending_request_parse(*state, GW_STR("last=true&wait=2"), &ending, &refusal));
    assert_true(ending.may_end_last);
    assert_int_equal(ending.wait_ms, 2000);
    assert_true(gw_ending_request_parse(*state, GW_STR("wait=2"), &ending, &refusal));
    assert_false(ending.may_end_last);
    assert_true(gw_revoke_request_parse(*state, GW_STR("last=true"), &revoke, &refusal));
    assert_true(revoke.ending.may_end_last);
}

static void test_what_only_a_revocation_takes_others_refuse(void **state) {
    struct gw_ending_request ending;
    struct gw_refusal refusal;
    assert_false(gw_ending_request_parse(*state, GW_STR("chain=true"), &ending, &refusal));
    assert_int_equal(gw_error_row(refusal.error)->status, 422);
    assert_non_null(strstr(refusal.message, "wait, last"));
}

static void test_rules_are_ended_with_one_token_or_with_several(void **state) {
    struct gw_revoke_request request;
    struct gw_refusal refusal;
    assert_true(
        gw_revoke_request_parse(*state, GW_STR("chain=true&rules=true"), &request, &refusal));
    assert_true(request.with_rules && request.kin == DB_REVOKE_CHAIN);
    assert_true(gw_revoke_request_parse(*state, GW_STR("rules=false"), &request, &refusal));
    assert_false(request.with_rules);
    assert_false(gw_revoke_request_parse(*state, GW_STR("rules=yes"), &request, &refusal));
    assert_string_equal(refusal.message, "rules must be true or false.");
    assert_true(
        gw_bulk_revoke_request_parse(*state, GW_STR("rules=true&wait=2"), &request, &refusal));
    assert_true(request.with_rules && request.ending.wait_ms == 2000);
    assert_false(gw_bulk_revoke_request_parse(*state, GW_STR("chain=true"), &request, &refusal));
    assert_non_null(strstr(refusal.message, "wait, last, rules"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_times_to_wait),
        TEST(test_what_it_takes_with_it),
        TEST(test_what_is_true_or_false_is_nothing_else),
        TEST(test_the_last_admin_token_ends_when_that_is_asked_for),
        TEST(test_what_only_a_revocation_takes_others_refuse),
        TEST(test_rules_are_ended_with_one_token_or_with_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
