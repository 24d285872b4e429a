// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/api/trust_verdict.h"
#include "gateway/exchange/exchange.h"
#include "tests/support/identity_token.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define READ GW_SCOPE_READ
#define WRITE GW_SCOPE_WRITE

struct fixture {
    struct gw_arena arena;
    struct gw_jwt jwt;
    struct gw_client client;
};

static void set_claims(struct fixture *fixture, const char *claims) {
    identity_token_make(&fixture->arena, gw_str_from(claims), &fixture->jwt);
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    gw_arena_init(&fixture->arena, GW_REQUEST_ARENA_BYTES_MAX);
    set_claims(fixture, "{\"repository\":\"acme/tools\",\"ref\":\"refs/heads/main\","
                        "\"event_name\":\"push\"}");
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_arena_deinit(&fixture->arena);
    test_free(fixture);
    return 0;
}

static struct db_trust_rule rule(const char *id, const char *conditions, gw_scope_set scopes) {
    return (struct db_trust_rule){.id = gw_str_from(id),
                                  .kind = GW_STR("github"),
                                  .conditions = gw_str_from(conditions),
                                  .scopes = scopes,
                                  .life_s = 900};
}

static struct gw_trust_verdict judge(struct fixture *fixture, const struct db_trust_rule *rules,
                                     int count, gw_scope_set asked) {
    struct gw_trust_verdict verdict;
    assert_int_equal(gw_trust_judge(&fixture->arena, rules, count, GW_OIDC_GITHUB, &fixture->jwt,
                                    &fixture->client, asked, &verdict),
                     GW_OK);
    return verdict;
}

#define TOOLS "{\"repository\":[\"acme/tools\"]}"
#define TOOLS_ON_MAIN "{\"repository\":[\"acme/tools\"],\"ref\":[\"refs/heads/main\"]}"
#define TOOLS_ON_NEXT "{\"repository\":[\"acme/tools\"],\"ref\":[\"refs/heads/next\"]}"

static void test_without_a_rule_nothing_is_said(void **state) {
    struct fixture *fixture = *state;
    const struct db_trust_rule other = rule("a", "{\"repository\":[\"acme/other\"]}", READ);
    assert_int_equal(judge(fixture, NULL, 0, READ).outcome, GW_TRUST_NONE);
    assert_int_equal(judge(fixture, &other, 1, READ).outcome, GW_TRUST_NONE);
}

static void test_the_first_claim_that_differs_is_named_with_the_value_of_the_token(void **state) {
    struct fixture *fixture = *state;
    const struct db_trust_rule rules[] = {rule("a", TOOLS_ON_NEXT, READ)};
    struct gw_trust_verdict verdict = judge(fixture, rules, COUNT(rules), READ);
    assert_int_equal(verdict.outcome, GW_TRUST_DIFFERS);
    assert_string_equal(verdict.match.claim, "ref");
    assert_string_equal(verdict.match.value, "refs/heads/main");
    assert_true(verdict.match.has_value);
    set_claims(fixture, "{\"repository\":\"acme/tools\",\"event_name\":\"push\"}");
    verdict = judge(fixture, rules, COUNT(rules), READ);
    assert_int_equal(verdict.outcome, GW_TRUST_DIFFERS);
    assert_false(verdict.match.has_value);
}

static void test_one_rule_that_is_met_is_enough(void **state) {
    struct fixture *fixture = *state;
    const struct db_trust_rule rules[] = {rule("a", TOOLS_ON_NEXT, READ),
                                          rule("b", TOOLS_ON_MAIN, READ)};
    struct gw_trust_verdict verdict = judge(fixture, rules, COUNT(rules), READ);
    assert_int_equal(verdict.outcome, GW_TRUST_CHOSEN);
    assert_int_equal(verdict.rule, 1);
}

static void test_scopes_that_no_rule_gives(void **state) {
    struct fixture *fixture = *state;
    const struct db_trust_rule rules[] = {rule("a", TOOLS, READ)};
    assert_int_equal(judge(fixture, rules, COUNT(rules), WRITE).outcome, GW_TRUST_NARROWER);
}

static void test_the_rule_with_the_least_scopes_is_taken(void **state) {
    struct fixture *fixture = *state;
    const struct db_trust_rule rules[] = {rule("a", TOOLS, READ | WRITE), rule("b", TOOLS, READ)};
    assert_int_equal(judge(fixture, rules, COUNT(rules), READ).rule, 1);
    assert_int_equal(judge(fixture, rules, COUNT(rules), WRITE).rule, 0);
}

static void test_rules_of_two_organisations_are_not_chosen_from(void **state) {
    struct fixture *fixture = *state;
    struct db_trust_rule rules[] = {rule("a", TOOLS, READ), rule("b", TOOLS, READ | WRITE),
                                    rule("c", TOOLS_ON_NEXT, READ)};
    rules[0].org_slug = rules[1].org_slug = GW_STR("acme");
    rules[2].org_slug = GW_STR("acme");
    assert_int_equal(judge(fixture, rules, COUNT(rules), READ).outcome, GW_TRUST_CHOSEN);
    rules[2].org_slug = GW_STR("globex"); // not met: whoever wrote the others may have meant that
    assert_int_equal(judge(fixture, rules, COUNT(rules), READ).outcome, GW_TRUST_SEVERAL);
    rules[1].org_slug = GW_STR("globex");
    assert_int_equal(judge(fixture, rules, COUNT(rules), READ).outcome, GW_TRUST_SEVERAL);
    assert_int_equal(judge(fixture, rules, COUNT(rules), WRITE).outcome, GW_TRUST_SEVERAL);
}

static void test_a_rule_that_cannot_be_read_is_met_by_nothing(void **state) {
    struct fixture *fixture = *state;
    struct db_trust_rule rules[] = {
        rule("a", "{\"repository\":[\"acme/tools\"],\"later\":[\"x\"]}", READ),
        rule("b", "not JSON", READ), rule("c", TOOLS, READ)};
    rules[2].kind = GW_STR("gitlab");
    assert_int_equal(judge(fixture, rules, COUNT(rules), READ).outcome, GW_TRUST_NONE);
}

static void test_the_address_of_the_client_is_a_condition(void **state) {
    struct fixture *fixture = *state;
    struct gw_ip_range range;
    struct gw_ip ip;
    assert_int_equal(gw_ip_range_parse(GW_STR("192.0.2.0/24"), &range), GW_OK);
    struct db_trust_rule bound = rule("a", TOOLS, READ);
    bound.allowed_ips = &range;
    bound.allowed_ip_count = 1;
    assert_int_equal(judge(fixture, &bound, 1, READ).outcome, GW_TRUST_DIFFERS); // unknown
    assert_int_equal(gw_ip_parse(GW_STR("198.51.100.1"), &ip), GW_OK);
    fixture->client = gw_client_at(&ip);
    assert_string_equal(judge(fixture, &bound, 1, READ).match.claim, "address");
    assert_int_equal(gw_ip_parse(GW_STR("192.0.2.9"), &ip), GW_OK);
    fixture->client = gw_client_at(&ip);
    assert_int_equal(judge(fixture, &bound, 1, READ).outcome, GW_TRUST_CHOSEN);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_without_a_rule_nothing_is_said),
        TEST(test_the_first_claim_that_differs_is_named_with_the_value_of_the_token),
        TEST(test_one_rule_that_is_met_is_enough),
        TEST(test_scopes_that_no_rule_gives),
        TEST(test_the_rule_with_the_least_scopes_is_taken),
        TEST(test_rules_of_two_organisations_are_not_chosen_from),
        TEST(test_a_rule_that_cannot_be_read_is_met_by_nothing),
        TEST(test_the_address_of_the_client_is_a_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
