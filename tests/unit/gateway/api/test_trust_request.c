// SPDX-License-Identifier: MIT
// Proves of gateway/api/trust_request.c: which rule a body asks for, with little where nothing is
// said, and which sentence names what is wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/api/trust_request.h"
#include "token/limits.h"

static const struct gw_issuer_settings issuers = {
    .at = {{.name = "hub", .kind = "github", .issuer = "https://github.test"},
           {.name = "lab-1", .kind = "gitlab", .issuer = "https://one.gitlab.test"},
           {.name = "lab-2", .kind = "gitlab", .issuer = "https://two.gitlab.test"}},
    .count = 3,
};
static struct gw_arena arena;
static struct gw_trust_request request;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, 64 * 1024);
    memset(&request, 0, sizeof(request));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

// NULL, or the sentence of the refusal.
static const char *parse(const char *body) {
    struct gw_refusal refusal = {.message = ""};
    if (gw_trust_request_parse(&arena, gw_str_from(body), &issuers, &request, &refusal))
        return NULL;
    return refusal.message;
}

static void test_a_rule_is_read(void **state) {
    (void)state;
    assert_null(parse("{\"issuer\": \"lab-2\", \"conditions\": {\"project_path\": \"acme/tools\"},"
                      " \"scopes\": [\"write\"], \"expiresIn\": 60, \"exchangesPerMinute\": 7,"
                      " \"allowedIps\": [\"10.0.0.0/8\"]}"));
    assert_string_equal(request.issuer->issuer, "https://two.gitlab.test");
    assert_true(gw_str_equal(request.conditions.anchor, GW_STR("project_path=acme/tools")));
    assert_int_equal(request.scopes, GW_SCOPE_WRITE);
    assert_int_equal(request.life_s, 60);
    assert_int_equal(request.exchanges_per_minute, 7);
    assert_int_equal(request.addresses.count, 1);
}

static void test_what_is_not_given_is_little(void **state) {
    (void)state;
    assert_null(parse("{\"kind\": \"github\", \"allowedIps\": null,"
                      " \"conditions\": {\"repository\": [\"acme/tools\"]}}"));
    assert_string_equal(request.issuer->name, "hub");
    assert_int_equal(request.scopes, GW_SCOPE_READ);
    assert_int_equal(request.life_s, 900);
    assert_int_equal(request.exchanges_per_minute, 600);
    assert_int_equal(request.addresses.count, 0);
}

static void test_an_issuer_is_named_by_what_is_enough(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *issuer; // NULL: refused
    } cases[] = {
        {"{\"kind\": \"github\", \"conditions\": {\"repository\": \"a/b\"}}", "hub"},
        {"{\"issuer\": \"hub\", \"conditions\": {\"repository\": \"a/b\"}}", "hub"},
        {"{\"issuer\": \"https://one.gitlab.test\", \"conditions\": {\"project_path\": \"a/b\"}}",
         "lab-1"},
        {"{\"kind\": \"gitlab\", \"issuer\": \"lab-2\", \"conditions\": {\"project_path\": \"a\"}}",
         "lab-2"},
        {"{\"kind\": \"gitlab\", \"conditions\": {\"project_path\": \"a/b\"}}", NULL},
        {"{\"kind\": \"gitlab\", \"issuer\": \"hub\", \"conditions\": {}}", NULL},
        {"{\"issuer\": \"https://one.gitlab.test/\", \"conditions\": {}}", NULL},
        {"{\"kind\": \"\", \"conditions\": {}}", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *wrong = parse(cases[i].body);
        if (cases[i].issuer == NULL)
            assert_non_null(strstr(wrong, "hub (github), lab-1 (gitlab), lab-2 (gitlab)."));
        else
            assert_string_equal(request.issuer->name, cases[i].issuer);
        gw_arena_reset(&arena);
    }
}

static void test_a_query_is_read(void **state) {
    (void)state;
    struct gw_trust_list_request list;
    struct gw_refusal refusal;
    assert_true(gw_trust_list_request_parse(gw_str(NULL, 0), &list, &refusal));
    assert_null(list.after.at);
    assert_int_equal(list.limit, GW_LIST_LIMIT_DEFAULT);
    assert_true(
        gw_trust_list_request_parse(GW_STR("x=1&limit=200&after=clrule1"), &list, &refusal));
    assert_true(gw_str_equal(list.after, GW_STR("clrule1")));
    assert_int_equal(list.limit, GW_LIST_LIMIT_MAX);
    static const char *const wrong[] = {"limit=0", "limit=201", "limit=", "after=", "after=A-1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(gw_trust_list_request_parse(gw_str_from(wrong[i]), &list, &refusal));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_rule_is_read),
        TEST(test_what_is_not_given_is_little),
        TEST(test_an_issuer_is_named_by_what_is_enough),
        TEST(test_a_query_is_read),
#undef TEST
    };
    return cmocka_run_group_tests_name("trust_request", tests, NULL, NULL);
}
