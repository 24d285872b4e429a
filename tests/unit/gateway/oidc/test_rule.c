// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/oidc/anchor.h"
#include "gateway/oidc/rule.h"
#include "tests/support/identity_token.h"

static struct gw_json parse(struct gw_str text) {
    struct gw_json json;
    assert_int_equal(gw_json_parse(&identity_arena, text, GW_JSON_TOKENS_MAX, &json, NULL), GW_OK);
    return json;
}

static struct gw_oidc_rule read_rule(enum gw_oidc_kind kind, const char *conditions) {
    struct gw_oidc_rule rule;
    const char *wrong = NULL;
    memset(&rule, 0, sizeof(rule));
    enum gw_status status =
        gw_oidc_rule_read(&identity_arena, kind, parse(gw_str_from(conditions)), &rule, &wrong);
    if (status != GW_OK)
        fail_msg("%s: %s", conditions, wrong);
    return rule;
}

static void expect_refused(enum gw_oidc_kind kind, const char *conditions, const char *part) {
    struct gw_oidc_rule rule;
    const char *wrong = NULL;
    enum gw_status status =
        gw_oidc_rule_read(&identity_arena, kind, parse(gw_str_from(conditions)), &rule, &wrong);
    assert_int_equal(status, GW_INVALID);
    if (strstr(wrong, part) == NULL)
        fail_msg("%s: %s", conditions, wrong);
    assert_int_equal(wrong[strlen(wrong) - 1], '.');
}

// ---- reading ----

static void test_a_rule_that_lets_anybody_of_an_issuer_in_is_refused(void **state) {
    (void)state;
    expect_refused(GW_OIDC_GITHUB, "{}", "must name repository,");
    expect_refused(GW_OIDC_GITHUB, "{\"repository_owner\":\"acme\"}", "must name repository,");
    expect_refused(GW_OIDC_GITHUB, "{\"ref\":\"refs/heads/main\"}", "must name repository,");
    expect_refused(GW_OIDC_GITLAB, "{\"project_id\":\"1\"}", "must name project_path,");
    expect_refused(GW_OIDC_BUILDKITE, "{\"organization_slug\":\"acme\"}",
                   "must name pipeline_slug,");
    expect_refused(GW_OIDC_KUBERNETES, "{\"namespace\":\"ci\"}", "must name service_account,");
    expect_refused(GW_OIDC_SPIFFE, "{\"team\":\"a\"}", "must name sub,");
    expect_refused(GW_OIDC_GENERIC, "{\"team\":\"a\"}", "must name sub,");
}

static void test_an_anchor_is_one_whole_value(void **state) {
    (void)state;
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":[\"acme/a\",\"acme/b\"]}", "exactly one value");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"acme/*\"}", "whole values");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"*\"}", "whole values");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"acme/a b\"}", "no blanks");
    expect_refused(GW_OIDC_SPIFFE, "{\"sub\":\"spiffe://example.org/*\"}", "whole values");
}

static void test_a_trap_is_refused_and_the_way_round_it_named(void **state) {
    (void)state;
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"sub\":\"repo:a/b:ref:x\"}",
                   "conditions.sub cannot be asked");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"workflow\":\"Publish\"}",
                   "name workflow_file");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"actor\":\"joe\"}", "name actor_id");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"run_id\":\"1\"}", "each run");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"brnach\":\"x\"}",
                   "they can name repository, repository_id,");
    expect_refused(GW_OIDC_GITLAB, "{\"project_path\":\"a/b\",\"ref\":\"main\"}",
                   "must name ref_type too");
    expect_refused(GW_OIDC_GENERIC, "{\"sub\":\"a\",\"aud\":\"b\"}", "checked anyway");
    expect_refused(GW_OIDC_GENERIC, "{\"sub\":\"a\",\"/exp\":\"1\"}", "checked anyway");
    expect_refused(GW_OIDC_GENERIC, "{\"sub\":\"a\",\"\":\"b\"}", "no name of a claim");
    expect_refused(GW_OIDC_GENERIC, "{\"sub\":\"a\",\"b\\\"c\":\"b\"}", "no name of a claim");
}

static void test_a_star_stands_only_where_the_provider_shows_it(void **state) {
    (void)state;
    struct gw_oidc_rule rule =
        read_rule(GW_OIDC_GITLAB,
                  "{\"project_path\":\"a/b\",\"ref\":[\"v*\",\"main\"],\"ref_type\":\"tag\"}");
    assert_int_equal(rule.condition_count, 3);
    static const char *const wrong[] = {"*", "v**", "v*1", "*v"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct gw_str text = gw_arena_printf(
            &identity_arena, "{\"project_path\":\"a/b\",\"ref\":\"%s\",\"ref_type\":\"tag\"}",
            wrong[i]);
        expect_refused(GW_OIDC_GITLAB, text.at, "only at the end");
    }
    expect_refused(GW_OIDC_GITLAB, "{\"project_path\":\"a/b\",\"environment\":\"prod*\"}",
                   "whole values");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"ref\":\"refs/*\"}", "whole values");
}

static void test_values_are_bounded_texts(void **state) {
    (void)state;
    expect_refused(GW_OIDC_GITHUB, "[]", "must be an object");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":7}", "must be a text");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":null}", "must be a text");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"ref\":[]}", "1 to 16 values");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"ref\":[[\"a\"]]}", "must be a text");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"\"}", "1 to 256 bytes");
    expect_refused(GW_OIDC_GITHUB, "{\"repository\":\"a/b\\u0000\"}", "control characters");
    expect_refused(GW_OIDC_GENERIC, "{\"sub\":\"a\",\"secret team\":7}",
                   "a claim in conditions must be a text");
    char claims[2048] = "{\"sub\":\"a\"";
    for (int i = 0; i < GW_OIDC_CONDITIONS_MAX; i++)
        (void)snprintf(claims + strlen(claims), 32, ",\"c%d\":\"v\"", i);
    strcat(claims, "}");
    expect_refused(GW_OIDC_GENERIC, claims, "at most 16 claims");
    char values[2048] = "{\"sub\":\"a\",\"c\":[\"0\"";
    for (int i = 0; i < GW_OIDC_VALUES_MAX; i++)
        (void)snprintf(values + strlen(values), 32, ",\"v%d\"", i);
    strcat(values, "]}");
    expect_refused(GW_OIDC_GENERIC, values, "1 to 16 values");
    char longest[512] = "{\"sub\":\"";
    memset(longest + strlen(longest), 'a', 257);
    memcpy(longest + 265, "\"}", 3);
    expect_refused(GW_OIDC_GENERIC, longest, "1 to 256 bytes");
}

static void test_conditions_are_written_as_they_were_read(void **state) {
    (void)state;
    struct gw_oidc_rule rule =
        read_rule(GW_OIDC_KUBERNETES, "{\"service_account\":\"p\",\"namespace\":[\"ci\"],"
                                      "\"/kubernetes.io/a~1b\":[\"x\",\"y\\\"z\"]}");
    struct gw_json_writer writer;
    struct gw_buf out;
    gw_buf_init(&out, 4096);
    gw_json_writer_init(&writer, &out);
    gw_oidc_rule_write_conditions(&rule, &writer);
    assert_int_equal(gw_json_writer_finish(&writer), GW_OK);
    if (!gw_str_equal(gw_buf_bytes(&out),
                      GW_STR("{\"service_account\":[\"p\"],\"namespace\":[\"ci\"],"
                             "\"/kubernetes.io/a~1b\":[\"x\",\"y\\\"z\"]}")))
        fail_msg("%.*s", GW_STR_ARG(gw_buf_bytes(&out)));
    gw_buf_deinit(&out);
}

static void test_a_rule_is_found_by_the_anchor_of_its_tokens(void **state) {
    (void)state;
    struct gw_oidc_rule rule =
        read_rule(GW_OIDC_KUBERNETES, "{\"service_account\":\"p\",\"namespace\":\"ci\"}");
    struct gw_jwt jwt = identity_token("{\"sub\":\"system:serviceaccount:ci:p\"}");
    struct gw_str of_rule;
    struct gw_str of_token;
    assert_int_equal(gw_oidc_rule_anchor(&rule, &identity_arena, &of_rule), GW_OK);
    assert_int_equal(gw_oidc_anchor(GW_OIDC_KUBERNETES, &jwt, &identity_arena, &of_token), GW_OK);
    assert_true(gw_str_equal(of_rule, GW_STR("namespace=ci service_account=p")));
    assert_true(gw_str_equal(of_rule, of_token));
}

// ---- matching ----

static void expect_match_from(const struct gw_oidc_rule *rule, const char *claims,
                              const struct gw_ip *address, enum gw_oidc_match_verdict verdict,
                              const char *claim) {
    struct gw_jwt jwt = identity_token(claims);
    struct gw_oidc_match match;
    assert_int_equal(gw_oidc_rule_match(rule, &jwt, &identity_arena, address, &match), GW_OK);
    if (match.verdict != verdict)
        fail_msg("%s: %d, %.*s", claims, (int)match.verdict, GW_STR_ARG(match.claim));
    if (claim != NULL)
        assert_true(gw_str_equal(match.claim, gw_str_from(claim)));
}

static void expect_match(const struct gw_oidc_rule *rule, const char *claims,
                         enum gw_oidc_match_verdict verdict, const char *claim) {
    expect_match_from(rule, claims, NULL, verdict, claim);
}

static void test_all_claims_have_to_meet_one_value_each(void **state) {
    (void)state;
    struct gw_oidc_rule rule =
        read_rule(GW_OIDC_GITHUB, "{\"ref\":[\"refs/heads/main\",\"refs/heads/next\"],"
                                  "\"repository\":\"acme/tools\",\"environment\":\"prod\"}");
    expect_match(&rule,
                 "{\"repository\":\"acme/tools\",\"ref\":\"refs/heads/next\","
                 "\"environment\":\"prod\",\"event_name\":\"push\"}",
                 GW_OIDC_MATCHES, NULL);
    expect_match(&rule,
                 "{\"repository\":\"ACME/tools\",\"ref\":\"refs/heads/main\","
                 "\"environment\":\"prod\"}",
                 GW_OIDC_MATCHES, NULL);
    expect_match(&rule,
                 "{\"repository\":\"acme/tools\",\"ref\":\"refs/heads/Main\","
                 "\"environment\":\"prod\"}",
                 GW_OIDC_DIFFERS, "ref");
    expect_match(&rule, "{\"repository\":\"acme/tools\",\"ref\":\"refs/heads/main\"}",
                 GW_OIDC_DIFFERS, "environment");
    expect_match(&rule,
                 "{\"repository\":\"acme/tools\",\"ref\":\"refs/heads/main2\","
                 "\"environment\":\"\"}",
                 GW_OIDC_DIFFERS, "ref");
}

static void test_a_difference_names_the_tokens_own_value(void **state) {
    (void)state;
    struct gw_oidc_rule rule = read_rule(
        GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"environment\":\"prod\",\"ref_type\":\"tag\"}");
    struct gw_jwt jwt = identity_token("{\"repository\":\"a/b\",\"environment\":\"dev\"}");
    struct gw_oidc_match match;
    assert_int_equal(gw_oidc_rule_match(&rule, &jwt, &identity_arena, NULL, &match), GW_OK);
    assert_true(gw_str_equal(match.claim, GW_STR("environment")));
    assert_true(gw_str_equal(match.value, GW_STR("dev")));
    jwt = identity_token("{\"repository\":\"a/b\",\"environment\":\"prod\"}");
    assert_int_equal(gw_oidc_rule_match(&rule, &jwt, &identity_arena, NULL, &match), GW_OK);
    assert_true(gw_str_equal(match.claim, GW_STR("ref_type")));
    assert_null(match.value.at);
}

// Whoever took a name that became free, and everybody else, learns nothing.
static void test_another_anchor_or_id_tells_nothing(void **state) {
    (void)state;
    struct gw_oidc_rule rule =
        read_rule(GW_OIDC_GITHUB, "{\"ref\":\"refs/heads/main\",\"repository\":\"acme/tools\","
                                  "\"repository_owner_id\":\"12\"}");
    expect_match(&rule,
                 "{\"repository\":\"acme/tools\",\"repository_owner_id\":\"13\","
                 "\"ref\":\"refs/heads/main\"}",
                 GW_OIDC_OTHER, "repository_owner_id");
    expect_match(&rule, "{\"repository\":\"acme/tools\",\"ref\":\"refs/heads/main\"}",
                 GW_OIDC_OTHER, "repository_owner_id");
    expect_match(&rule,
                 "{\"repository\":\"acme/tools\",\"repository_owner_id\":\"13\","
                 "\"ref\":\"refs/heads/x\"}",
                 GW_OIDC_OTHER, "repository_owner_id");
    expect_match(&rule,
                 "{\"repository\":\"acme/other\",\"repository_owner_id\":\"12\","
                 "\"ref\":\"refs/heads/main\"}",
                 GW_OIDC_OTHER, "repository");
    expect_match(&rule, "{}", GW_OIDC_OTHER, "repository");
    expect_match(&rule,
                 "{\"repository\":\"acme/tools\",\"repository_owner_id\":12,"
                 "\"ref\":\"refs/heads/main\"}",
                 GW_OIDC_MATCHES, NULL);
}

static void test_events_for_strangers_are_refused_unless_named(void **state) {
    (void)state;
    static const char *const events[] = {"pull_request_target", "issue_comment"};
    struct gw_oidc_rule silent = read_rule(GW_OIDC_GITHUB, "{\"repository\":\"a/b\"}");
    struct gw_oidc_rule named =
        read_rule(GW_OIDC_GITHUB, "{\"repository\":\"a/b\",\"event_name\":"
                                  "[\"pull_request_target\",\"issue_comment\"]}");
    for (size_t i = 0; i < 2; i++) {
        struct gw_str claims = gw_arena_printf(
            &identity_arena, "{\"repository\":\"a/b\",\"event_name\":\"%s\"}", events[i]);
        expect_match(&silent, claims.at, GW_OIDC_DIFFERS, "event_name");
        expect_match(&named, claims.at, GW_OIDC_MATCHES, NULL);
    }
    expect_match(&silent, "{\"repository\":\"a/b\",\"event_name\":\"push\"}", GW_OIDC_MATCHES,
                 NULL);
    struct gw_oidc_rule circle = read_rule(GW_OIDC_CIRCLECI, "{\"project_id\":\"p\"}");
    expect_match(&circle,
                 "{\"oidc.circleci.com/project-id\":\"p\",\"oidc.circleci.com/ssh-rerun\":true}",
                 GW_OIDC_DIFFERS, "ssh_rerun");
    expect_match(&circle,
                 "{\"oidc.circleci.com/project-id\":\"p\",\"oidc.circleci.com/ssh-rerun\":false}",
                 GW_OIDC_MATCHES, NULL);
}

static void test_a_star_stands_for_any_rest(void **state) {
    (void)state;
    struct gw_oidc_rule rule =
        read_rule(GW_OIDC_GITLAB, "{\"project_path\":\"a/b\",\"ref\":\"v*\",\"ref_type\":\"tag\"}");
    expect_match(&rule, "{\"project_path\":\"a/b\",\"ref\":\"v1\",\"ref_type\":\"tag\"}",
                 GW_OIDC_MATCHES, NULL);
    expect_match(&rule, "{\"project_path\":\"a/b\",\"ref\":\"v\",\"ref_type\":\"tag\"}",
                 GW_OIDC_MATCHES, NULL);
    expect_match(&rule, "{\"project_path\":\"a/b\",\"ref\":\"V1\",\"ref_type\":\"tag\"}",
                 GW_OIDC_DIFFERS, "ref");
    expect_match(&rule, "{\"project_path\":\"a/b\",\"ref\":\"xv1\",\"ref_type\":\"tag\"}",
                 GW_OIDC_DIFFERS, "ref");
    expect_match(&rule, "{\"project_path\":\"a/b\",\"ref\":\"v1\",\"ref_type\":\"branch\"}",
                 GW_OIDC_DIFFERS, "ref_type");
}

static void test_the_address_counts_as_a_claim(void **state) {
    (void)state;
    struct gw_ip_range range;
    struct gw_ip inside;
    struct gw_ip outside;
    struct gw_oidc_rule rule = read_rule(GW_OIDC_GENERIC, "{\"sub\":\"a\"}");
    assert_int_equal(gw_ip_range_parse(GW_STR("10.0.0.0/8"), &range), GW_OK);
    assert_int_equal(gw_ip_parse(GW_STR("10.1.2.3"), &inside), GW_OK);
    assert_int_equal(gw_ip_parse(GW_STR("192.0.2.1"), &outside), GW_OK);
    expect_match_from(&rule, "{\"sub\":\"a\"}", &outside, GW_OIDC_MATCHES, NULL);
    rule.allowed_ips = &range;
    rule.allowed_ip_count = 1;
    expect_match_from(&rule, "{\"sub\":\"a\"}", &inside, GW_OIDC_MATCHES, NULL);
    expect_match_from(&rule, "{\"sub\":\"a\"}", &outside, GW_OIDC_DIFFERS, "address");
    expect_match_from(&rule, "{\"sub\":\"a\"}", NULL, GW_OIDC_DIFFERS, "address");
    expect_match_from(&rule, "{\"sub\":\"b\"}", &outside, GW_OIDC_OTHER, "sub");
}

// ---- choosing ----

static void test_the_least_rule_that_covers_is_chosen(void **state) {
    (void)state;
    static const struct gw_oidc_rule read_short = {
        .id = GW_STR_INIT("a"), .scopes = GW_SCOPE_READ, .life_s = 300, .created_ms = 9};
    static const struct gw_oidc_rule read_old = {
        .id = GW_STR_INIT("d"), .scopes = GW_SCOPE_READ, .life_s = 900, .created_ms = 1};
    static const struct gw_oidc_rule read_new = {
        .id = GW_STR_INIT("b"), .scopes = GW_SCOPE_READ, .life_s = 900, .created_ms = 2};
    static const struct gw_oidc_rule read_twin = {
        .id = GW_STR_INIT("c"), .scopes = GW_SCOPE_READ, .life_s = 900, .created_ms = 1};
    static const struct gw_oidc_rule write = {
        .id = GW_STR_INIT("e"), .scopes = GW_SCOPE_WRITE, .life_s = 60, .created_ms = 0};
    static const struct gw_oidc_rule admin = {
        .id = GW_STR_INIT("f"), .scopes = GW_SCOPE_ADMIN, .life_s = 60, .created_ms = 0};
    const struct gw_oidc_rule *const all[] = {&admin,    &write,     &read_new,
                                              &read_old, &read_twin, &read_short};
    assert_ptr_equal(gw_oidc_rule_choose(all, 6, GW_SCOPE_READ), &read_short);
    assert_ptr_equal(gw_oidc_rule_choose(all, 5, GW_SCOPE_READ), &read_twin);
    assert_ptr_equal(gw_oidc_rule_choose(all, 4, GW_SCOPE_READ), &read_old);
    assert_ptr_equal(gw_oidc_rule_choose(all, 3, GW_SCOPE_READ), &read_new);
    assert_ptr_equal(gw_oidc_rule_choose(all, 6, GW_SCOPE_WRITE), &write);
    assert_ptr_equal(gw_oidc_rule_choose(all, 6, GW_SCOPE_READ | GW_SCOPE_WRITE), &write);
    assert_ptr_equal(gw_oidc_rule_choose(all, 6, GW_SCOPE_ADMIN), &admin);
    assert_null(gw_oidc_rule_choose(all + 2, 4, GW_SCOPE_WRITE));
    assert_null(gw_oidc_rule_choose(all, 0, GW_SCOPE_READ));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rule_that_lets_anybody_of_an_issuer_in_is_refused),
        cmocka_unit_test(test_an_anchor_is_one_whole_value),
        cmocka_unit_test(test_a_trap_is_refused_and_the_way_round_it_named),
        cmocka_unit_test(test_a_star_stands_only_where_the_provider_shows_it),
        cmocka_unit_test(test_values_are_bounded_texts),
        cmocka_unit_test(test_conditions_are_written_as_they_were_read),
        cmocka_unit_test(test_a_rule_is_found_by_the_anchor_of_its_tokens),
        cmocka_unit_test(test_all_claims_have_to_meet_one_value_each),
        cmocka_unit_test(test_a_difference_names_the_tokens_own_value),
        cmocka_unit_test(test_another_anchor_or_id_tells_nothing),
        cmocka_unit_test(test_events_for_strangers_are_refused_unless_named),
        cmocka_unit_test(test_a_star_stands_for_any_rest),
        cmocka_unit_test(test_the_address_counts_as_a_claim),
        cmocka_unit_test(test_the_least_rule_that_covers_is_chosen),
    };
    return cmocka_run_group_tests(tests, identity_arena_open, identity_arena_close);
}
