// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/token_choice.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define TOKEN(used)                                                                                \
    "{\"name\":\"CI-deploy\",\"scopes\":[\"read\",\"write\"],"                                     \
    "\"createdAt\":\"2026-01-01T00:00:00.000Z\",\"lastUsedAt\":" used "}"

static enum gw_status judge(const struct cli_token_choice *choice, const char *json,
                            const char *now, bool *is_chosen) {
    struct gw_arena arena;
    struct gw_json token;
    int64_t now_ms;
    *is_chosen = false;
    gw_arena_init(&arena, 64 * 1024);
    assert_int_equal(gw_json_parse(&arena, gw_str_from(json), 64, &token, NULL), GW_OK);
    assert_int_equal(gw_clock_parse_iso(gw_str_from(now), &now_ms), GW_OK);
    enum gw_status status = cli_token_choice_judge(choice, token, now_ms, &arena, is_chosen);
    gw_arena_deinit(&arena);
    return status;
}

static bool is_chosen(struct cli_token_choice choice, const char *json, const char *now) {
    bool chosen;
    assert_int_equal(judge(&choice, json, now, &chosen), GW_OK);
    return chosen;
}

static void test_an_age_counts_from_the_creation_to_the_moment(void **state) {
    (void)state;
    struct cli_token_choice older = {.older_ms = 90 * DAY_MS};
    const char *token = TOKEN("\"2026-03-31T23:00:00.000Z\"");
    assert_true(is_chosen(older, token, "2026-04-01T00:00:00Z"));
    assert_false(is_chosen(older, token, "2026-03-31T23:59:59Z"));
    assert_true(is_chosen(older, TOKEN("\"2026-04-01T00:00:00.500Z\""), "2026-04-01T00:00:00Z"));
}

static void test_the_last_use_counts_or_the_creation_of_one_that_was_never_used(void **state) {
    (void)state;
    struct cli_token_choice unused = {.unused_ms = 90 * DAY_MS};
    assert_true(is_chosen(unused, TOKEN("null"), "2026-04-01T00:00:00Z"));
    assert_false(is_chosen(unused, TOKEN("null"), "2026-03-31T23:59:59Z"));
    const char *used = TOKEN("\"2026-02-01T00:00:00.000Z\"");
    assert_false(is_chosen(unused, used, "2026-04-01T00:00:00Z"));
    assert_true(is_chosen(unused, used, "2026-05-02T00:00:00Z"));
}

static void test_both_must_be_true(void **state) {
    (void)state;
    struct cli_token_choice both = {.older_ms = 90 * DAY_MS, .unused_ms = 30 * DAY_MS};
    const char *used = TOKEN("\"2026-03-20T00:00:00.000Z\"");
    assert_false(is_chosen(both, used, "2026-04-01T00:00:00Z"));
    assert_true(is_chosen(both, used, "2026-05-01T00:00:00Z"));
    assert_false(is_chosen(both, TOKEN("null"), "2026-03-01T00:00:00Z"));
}

static void test_a_name_and_a_scope_make_them_fewer(void **state) {
    (void)state;
    const char *now = "2027-01-01T00:00:00Z";
    const char *token = TOKEN("null");
    struct cli_token_choice choice = {.older_ms = DAY_MS, .name_part = GW_STR("ci-DEP")};
    assert_true(is_chosen(choice, token, now));
    choice.name_part = GW_STR("CI-deploy2");
    assert_false(is_chosen(choice, token, now));
    choice = (struct cli_token_choice){.older_ms = DAY_MS, .scope = GW_STR("write")};
    assert_true(is_chosen(choice, token, now));
    choice.scope = GW_STR("admin");
    assert_false(is_chosen(choice, token, now));
}

// A token that does not say when it was used may be in use.
static void test_a_row_that_does_not_tell_is_refused(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"name\":\"a\",\"createdAt\":\"2026-01-01T00:00:00.000Z\"}",
        "{\"name\":\"a\",\"lastUsedAt\":null}",
        "{\"name\":\"a\",\"createdAt\":null,\"lastUsedAt\":null}",
        "{\"name\":\"a\",\"createdAt\":\"long ago\",\"lastUsedAt\":null}",
        "{\"name\":\"a\",\"createdAt\":\"2026-01-01T00:00:00.000Z\",\"lastUsedAt\":1}",
        "{\"createdAt\":\"2026-01-01T00:00:00.000Z\",\"lastUsedAt\":null}",
    };
    struct cli_token_choice older = {.older_ms = DAY_MS};
    bool chosen;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(judge(&older, rows[i], "2027-01-01T00:00:00Z", &chosen), GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_age_counts_from_the_creation_to_the_moment),
        cmocka_unit_test(test_the_last_use_counts_or_the_creation_of_one_that_was_never_used),
        cmocka_unit_test(test_both_must_be_true),
        cmocka_unit_test(test_a_name_and_a_scope_make_them_fewer),
        cmocka_unit_test(test_a_row_that_does_not_tell_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
