// SPDX-License-Identifier: MIT
// The judgement alone: a row, a use of it, a verdict. There is no exchange, no cache and no counter
// here, so there is nothing that it could change.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/auth/judgement.h"

#define NOW_MS 1700000000000
#define SKILLS "/api/v1/orgs/acme/skills"
#define TOKENS "/api/v1/orgs/acme/tokens"
#define WHOAMI "/api/v1/auth/whoami"
#define UNKNOWN NULL

static struct db_token_row usual_row(void) {
    return (struct db_token_row){.id = GW_STR("clx7f2k3a"),
                                 .scopes = GW_SCOPE_READ,
                                 .expires_ms = DB_NO_TIME,
                                 .org_id = GW_STR("clorg"),
                                 .org_slug = GW_STR("acme")};
}

// UNKNOWN, or an address.
static struct gw_client client_of(const char *text) {
    struct gw_ip ip;
    if (text == UNKNOWN)
        return gw_client_unknown();
    assert_int_equal(gw_ip_parse(gw_str_from(text), &ip), GW_OK);
    return gw_client_at(&ip);
}

static struct gw_judgement judge_from(const struct db_token_row *row, const char *method,
                                      const char *target, const char *address) {
    struct gw_route_match match;
    const struct gw_client client = client_of(address);
    assert_int_equal(
        gw_router_match(GW_SITE_GATEWAY, gw_str_from(method), gw_str_from(target), &match),
        GW_ROUTE_FOUND);
    return gw_judge(row,
                    &(struct gw_judged_use){.match = &match, .client = &client, .now_ms = NOW_MS});
}

static struct gw_judgement judge(const struct db_token_row *row, const char *method,
                                 const char *target) {
    return judge_from(row, method, target, "192.0.2.7");
}

static void assert_allowed(struct gw_judgement judgement) {
    assert_int_equal(judgement.verdict, GW_VERDICT_ALLOW);
}

static void assert_refused(struct gw_judgement judgement, enum gw_verdict verdict,
                           const char *code) {
    assert_int_equal(judgement.verdict, verdict);
    assert_string_equal(gw_error_row(judgement.refusal.error)->code, code);
    assert_non_null(judgement.refusal.message);
}

static void test_a_live_token_may_do_what_its_scope_says(void **state) {
    (void)state;
    struct db_token_row row = usual_row();
    assert_allowed(judge(&row, "GET", SKILLS));
    assert_refused(judge(&row, "POST", SKILLS), GW_VERDICT_FORBIDDEN, "insufficient_scope");
    assert_refused(judge(&row, "GET", TOKENS), GW_VERDICT_FORBIDDEN, "insufficient_scope");
    row.scopes = GW_SCOPE_WRITE;
    assert_allowed(judge(&row, "POST", SKILLS));
    row.scopes = GW_SCOPE_ADMIN;
    assert_allowed(judge(&row, "GET", TOKENS));
    row.scopes = 0;
    assert_refused(judge(&row, "GET", SKILLS), GW_VERDICT_FORBIDDEN, "insufficient_scope");
    assert_allowed(judge(&row, "GET", WHOAMI)); // for any live token
}

static void test_a_token_ends_at_its_very_millisecond(void **state) {
    (void)state;
    struct db_token_row row = usual_row();
    row.expires_ms = NOW_MS + 1;
    assert_allowed(judge(&row, "GET", SKILLS));
    row.expires_ms = NOW_MS;
    assert_refused(judge(&row, "GET", SKILLS), GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    row.expires_ms = NOW_MS - 1;
    assert_refused(judge(&row, "GET", WHOAMI), GW_VERDICT_UNAUTHENTICATED, "invalid_token");
}

static void test_another_organisation_is_another_s(void **state) {
    (void)state;
    struct db_token_row row = usual_row();
    row.scopes = GW_SCOPE_ADMIN;
    row.org_slug = GW_STR("globex");
    assert_refused(judge(&row, "GET", SKILLS), GW_VERDICT_FORBIDDEN, "org_mismatch");
    assert_refused(judge(&row, "GET", "/api/v1/search?org=acme"), GW_VERDICT_FORBIDDEN,
                   "org_mismatch");
    assert_allowed(judge(&row, "GET", "/api/v1/search"));
    assert_allowed(judge(&row, "GET", WHOAMI));
}

static void test_addresses_bound_every_use(void **state) {
    (void)state;
    struct gw_ip_range ranges[2];
    struct db_token_row row = usual_row();
    assert_int_equal(gw_ip_range_parse(GW_STR("10.0.0.0/8"), &ranges[0]), GW_OK);
    assert_int_equal(gw_ip_range_parse(GW_STR("2001:db8::/32"), &ranges[1]), GW_OK);
    row.allowed_ips = ranges;
    row.allowed_ip_count = 2;
    assert_allowed(judge_from(&row, "GET", SKILLS, "10.1.2.3"));
    assert_allowed(judge_from(&row, "GET", SKILLS, "2001:db8::1"));
    assert_refused(judge_from(&row, "GET", SKILLS, "11.1.2.3"), GW_VERDICT_FORBIDDEN,
                   "address_not_allowed");
    assert_refused(judge_from(&row, "GET", WHOAMI, "2001:db9::1"), GW_VERDICT_FORBIDDEN,
                   "address_not_allowed");
}

static struct gw_judgement judge_with(const struct db_token_row *row, struct gw_str names) {
    struct gw_route_match match;
    const struct gw_client client = client_of("192.0.2.7");
    assert_int_equal(gw_router_match(GW_SITE_GATEWAY, GW_STR("GET"), GW_STR(SKILLS), &match),
                     GW_ROUTE_FOUND);
    return gw_judge(
        row, &(struct gw_judged_use){
                 .match = &match, .client = &client, .certificate_names = names, .now_ms = NOW_MS});
}

static void test_a_bound_token_needs_its_name(void **state) {
    (void)state;
    struct db_token_row row = usual_row();
    const struct gw_str names = GW_STR("a.example.org\nspiffe://example.org/ci\n");
    assert_allowed(judge_with(&row, gw_str(NULL, 0)));
    row.bound_san = GW_STR("spiffe://example.org/ci");
    assert_allowed(judge_with(&row, names));
    static const struct gw_str others[] = {GW_STR_INIT(""),
                                           {NULL, 0},
                                           GW_STR_INIT("a.example.org\n"),
                                           GW_STR_INIT("spiffe://example.org/ci/x\n")};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_refused(judge_with(&row, others[i]), GW_VERDICT_UNAUTHENTICATED,
                       "certificate_required");
    row.expires_ms = NOW_MS; // its end first
    assert_refused(judge_with(&row, names), GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    row.expires_ms = DB_NO_TIME; // before what it could do
    row.org_slug = GW_STR("globex");
    assert_refused(judge_with(&row, gw_str(NULL, 0)), GW_VERDICT_UNAUTHENTICATED,
                   "certificate_required");
    assert_refused(judge_with(&row, names), GW_VERDICT_FORBIDDEN, "org_mismatch");
}

static void test_no_list_has_an_unknown_client(void **state) {
    (void)state;
    struct gw_ip_range everything[2];
    struct db_token_row row = usual_row();
    assert_int_equal(gw_ip_range_parse(GW_STR("0.0.0.0/0"), &everything[0]), GW_OK);
    assert_int_equal(gw_ip_range_parse(GW_STR("::/0"), &everything[1]), GW_OK);
    row.allowed_ips = everything;
    row.allowed_ip_count = 2;
    const struct gw_judgement judgement = judge_from(&row, "GET", SKILLS, UNKNOWN);
    assert_refused(judgement, GW_VERDICT_FORBIDDEN, "address_not_allowed");
    assert_non_null(strstr(judgement.refusal.message, "the proxy did not say"));
    row.allowed_ip_count = 0;
    assert_allowed(judge_from(&row, "GET", SKILLS, UNKNOWN));
}

// A client that may not use a token does not learn what the token could do.
static void test_the_token_is_judged_before_its_reach(void **state) {
    (void)state;
    struct gw_ip_range range;
    struct db_token_row row = usual_row();
    assert_int_equal(gw_ip_range_parse(GW_STR("10.0.0.0/8"), &range), GW_OK);
    row.allowed_ips = &range;
    row.allowed_ip_count = 1;
    row.org_slug = GW_STR("globex");
    assert_refused(judge(&row, "POST", SKILLS), GW_VERDICT_FORBIDDEN, "address_not_allowed");
    row.expires_ms = NOW_MS;
    assert_refused(judge(&row, "POST", SKILLS), GW_VERDICT_UNAUTHENTICATED, "invalid_token");
    row = usual_row();
    row.org_slug = GW_STR("globex");
    assert_refused(judge(&row, "POST", SKILLS), GW_VERDICT_FORBIDDEN, "org_mismatch");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_live_token_may_do_what_its_scope_says),
        cmocka_unit_test(test_a_token_ends_at_its_very_millisecond),
        cmocka_unit_test(test_another_organisation_is_another_s),
        cmocka_unit_test(test_addresses_bound_every_use),
        cmocka_unit_test(test_a_bound_token_needs_its_name),
        cmocka_unit_test(test_no_list_has_an_unknown_client),
        cmocka_unit_test(test_the_token_is_judged_before_its_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
