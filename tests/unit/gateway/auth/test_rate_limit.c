// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/auth/rate_limit.h"

#define NOW_MS 1000000U
// clang-format off
#define PER_MINUTE(number) {.count = (number), .period_s = 60, .burst = (number)}
// clang-format on

static struct gw_metrics metrics;

static struct gw_rate_limit *create(const struct gw_rate_limit_options *options) {
    struct gw_rate_limit *limit;
    assert_int_equal(gw_rate_limit_create(options, &metrics, &limit), GW_OK);
    return limit;
}

static bool use_at(struct gw_rate_limit *limit, const struct gw_rate_subject *subject,
                   uint64_t now_ms, struct gw_rate_use *use) {
    gw_rate_limit_use(limit, subject, now_ms, use);
    return use->is_allowed;
}

static bool use(struct gw_rate_limit *limit, const struct gw_rate_subject *subject) {
    struct gw_rate_use ignored;
    return use_at(limit, subject, NOW_MS, &ignored);
}

static void assert_fields(const struct gw_rate_use *use, const char *expected) {
    if (!gw_str_equal(gw_str(use->fields, use->length), gw_str_from(expected)))
        fail_msg("%.*s instead of %s", (int)use->length, use->fields, expected);
}

static const struct gw_client home = {.is_known = true, .ip = {{1}}};
static const struct gw_client away = {.is_known = true, .ip = {{2}}};
static const struct gw_rate_subject first = {GW_STR_INIT("cl1"), GW_STR_INIT("clorg"), &home,
                                             false};
static const struct gw_rate_subject second = {GW_STR_INIT("cl2"), GW_STR_INIT("clorg"), &home,
                                              false};
static const struct gw_rate_subject other = {GW_STR_INIT("cl3"), GW_STR_INIT("clother"), &home,
                                             false};

static void test_without_rates_there_is_no_limit(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {.token = {.count = 0}};
    assert_null(create(&options));
    gw_rate_limit_destroy(NULL);
}

static void test_each_token_has_its_own_limit(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {.token = PER_MINUTE(2)};
    struct gw_rate_limit *limit = create(&options);
    struct gw_rate_use last;
    assert_true(use_at(limit, &first, NOW_MS, &last));
    assert_fields(&last,
                  "RateLimit-Policy: \"token\";q=2;w=60\r\nRateLimit: \"token\";r=1;t=30\r\n");
    assert_true(use_at(limit, &first, NOW_MS, &last));
    assert_fields(&last,
                  "RateLimit-Policy: \"token\";q=2;w=60\r\nRateLimit: \"token\";r=0;t=30\r\n");
    assert_false(use_at(limit, &first, NOW_MS + 10000, &last));
    assert_int_equal(last.wait_s, 20);
    assert_fields(&last,
                  "RateLimit-Policy: \"token\";q=2;w=60\r\nRateLimit: \"token\";r=0;t=20\r\n");
    assert_true(use(limit, &second));
    assert_true(use_at(limit, &first, NOW_MS + 30000, &last));
    gw_rate_limit_destroy(limit);
}

static void test_the_tokens_of_an_organisation_share_its_limit(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {.org = PER_MINUTE(3)};
    struct gw_rate_limit *limit = create(&options);
    assert_true(use(limit, &first));
    assert_true(use(limit, &second));
    assert_true(use(limit, &first));
    assert_false(use(limit, &second));
    assert_true(use(limit, &other));
    gw_rate_limit_destroy(limit);
}

static void test_what_one_limit_refuses_uses_up_nothing_of_the_other(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {.token = PER_MINUTE(1), .org = PER_MINUTE(2)};
    struct gw_rate_limit *limit = create(&options);
    struct gw_rate_use last;
    assert_true(use(limit, &first));
    for (int i = 0; i < 10; i++)
        assert_false(use_at(limit, &first, NOW_MS, &last));
    assert_fields(&last, "RateLimit-Policy: \"token\";q=1;w=60, \"org\";q=2;w=60\r\n"
                         "RateLimit: \"token\";r=0;t=60, \"org\";r=1;t=30\r\n");
    assert_int_equal(last.wait_s, 60);
    assert_true(use(limit, &second));
    gw_rate_limit_destroy(limit);
}

static void test_a_search_counts_against_its_own_limit(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {.token = PER_MINUTE(1), .search = PER_MINUTE(2)};
    struct gw_rate_limit *limit = create(&options);
    struct gw_rate_subject search = first;
    search.is_search = true;
    assert_true(use(limit, &search));
    assert_true(use(limit, &search));
    assert_false(use(limit, &search));
    assert_true(use(limit, &first));
    assert_false(use(limit, &first));
    gw_rate_limit_destroy(limit);
}

static void test_a_search_without_a_limit_of_its_own_counts_as_any_request(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {.token = PER_MINUTE(1)};
    struct gw_rate_limit *limit = create(&options);
    struct gw_rate_subject search = first;
    search.is_search = true;
    assert_true(use(limit, &search));
    assert_false(use(limit, &first));
    gw_rate_limit_destroy(limit);
}

static void test_without_a_token_searches_count_by_address_and_nothing_else_does(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {
        .token = PER_MINUTE(1), .search = PER_MINUTE(1), .org = PER_MINUTE(1)};
    struct gw_rate_limit *limit = create(&options);
    struct gw_rate_subject nobody = {.client = &home, .is_search = true};
    struct gw_rate_use last;
    assert_true(use(limit, &nobody));
    assert_false(use(limit, &nobody));
    nobody.client = &away;
    assert_true(use(limit, &nobody));
    nobody.is_search = false;
    for (int i = 0; i < 3; i++)
        assert_true(use_at(limit, &nobody, NOW_MS, &last));
    assert_fields(&last, "");
    gw_rate_limit_destroy(limit);
}

static void test_unknown_clients_share_a_count_of_their_own(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {.search = PER_MINUTE(2)};
    struct gw_rate_limit *limit = create(&options);
    const struct gw_client unknown = gw_client_unknown();
    const struct gw_client zero = {.is_known = true};
    struct gw_rate_subject nobody = {.client = &unknown, .is_search = true};
    struct gw_rate_use last;
    assert_true(use(limit, &nobody));
    assert_true(use(limit, &nobody));
    assert_false(use_at(limit, &nobody, NOW_MS, &last));
    assert_fields(&last,
                  "RateLimit-Policy: \"search\";q=2;w=60\r\nRateLimit: \"search\";r=0;t=30\r\n");
    nobody.client = &home;
    assert_true(use(limit, &nobody));
    nobody.client = &zero; // "::"
    assert_true(use(limit, &nobody));
    nobody.client = &unknown;
    assert_true(use_at(limit, &nobody, NOW_MS + 30000, &last));
    gw_rate_limit_destroy(limit);
}

// Its token says whose request it is.
static void test_a_token_counts_as_itself_wherever_it_comes_from(void **state) {
    (void)state;
    const struct gw_rate_limit_options options = {.search = PER_MINUTE(1)};
    struct gw_rate_limit *limit = create(&options);
    const struct gw_client unknown = gw_client_unknown();
    struct gw_rate_subject search = first;
    search.is_search = true;
    assert_true(use(limit, &search));
    search.client = &unknown;
    assert_false(use(limit, &search));
    search.token_id = second.token_id;
    assert_true(use(limit, &search));
    gw_rate_limit_destroy(limit);
}

static void test_a_burst_may_be_smaller_than_the_rate(void **state) {
    (void)state;
    struct gw_rate_limit_options options = {.token = PER_MINUTE(60)};
    options.token.burst = 1;
    struct gw_rate_limit *limit = create(&options);
    struct gw_rate_use last;
    assert_true(use_at(limit, &first, NOW_MS, &last));
    assert_fields(&last,
                  "RateLimit-Policy: \"token\";q=60;w=60\r\nRateLimit: \"token\";r=0;t=1\r\n");
    assert_false(use(limit, &first));
    assert_true(use_at(limit, &first, NOW_MS + 1000, &last));
    gw_rate_limit_destroy(limit);
}

static void test_the_longest_fields_fit(void **state) {
    (void)state;
    const struct gw_rate largest = {.count = 3600000000, .period_s = 3600, .burst = 100000000};
    const struct gw_rate_limit_options options = {.search = largest, .org = largest};
    struct gw_rate_limit *limit = create(&options);
    struct gw_rate_subject search = first;
    search.is_search = true;
    assert_true(use(limit, &search));
    gw_rate_limit_destroy(limit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_rates_there_is_no_limit),
        cmocka_unit_test(test_each_token_has_its_own_limit),
        cmocka_unit_test(test_the_tokens_of_an_organisation_share_its_limit),
        cmocka_unit_test(test_what_one_limit_refuses_uses_up_nothing_of_the_other),
        cmocka_unit_test(test_a_search_counts_against_its_own_limit),
        cmocka_unit_test(test_a_search_without_a_limit_of_its_own_counts_as_any_request),
        cmocka_unit_test(test_without_a_token_searches_count_by_address_and_nothing_else_does),
        cmocka_unit_test(test_unknown_clients_share_a_count_of_their_own),
        cmocka_unit_test(test_a_token_counts_as_itself_wherever_it_comes_from),
        cmocka_unit_test(test_a_burst_may_be_smaller_than_the_rate),
        cmocka_unit_test(test_the_longest_fields_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
