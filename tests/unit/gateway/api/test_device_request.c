// SPDX-License-Identifier: MIT
// Proves of gateway/api/device_request.c: what a login by a code is asked with is read as it was
// meant, or refused by name; and no code is repeated.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/device_login.h"
#include "gateway/api/device_request.h"
#include "gateway/exchange/exchange.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_MS 1700000000000
#define CODE "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD-_9"

static struct gw_arena arena;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

// ---- poll ----

static void test_a_device_code_is_read_from_a_query(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *code; // NULL: refused
    } cases[] = {
        {"device_code=" CODE, CODE},
        {"x=y&device_code=" CODE "&z", CODE},
        {"device_code=", ""},
        {"device_code", ""},
        {"device_code=" CODE "A", ""},
        {"device_code=%41AAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD-", ""},
        {"", NULL},
        {"deviceCode=" CODE, NULL},
        {"device_code=" CODE "&device_code=" CODE, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_str code = gw_str(NULL, 0);
        struct gw_refusal refusal = {0};
        bool is_right = gw_device_poll_parse(gw_str_from(cases[i].query), &code, &refusal);
        if (is_right != (cases[i].code != NULL))
            fail_msg("%s", cases[i].query);
        if (is_right)
            assert_true(gw_str_equal(code, gw_str_from(cases[i].code)));
        else
            assert_null(strstr(refusal.message, "AAAA"));
    }
    struct gw_str code;
    struct gw_refusal refusal;
    assert_false(gw_device_poll_parse(gw_str(NULL, 0), &code, &refusal));
}

// ---- who asks ----

static void assert_agent(struct gw_str given, const char *shown) {
    struct gw_http_head request = {.field_count = 1};
    request.fields[0] = (struct gw_http_field){.name = GW_STR("User-Agent"), .value = given};
    struct gw_str agent = gw_device_user_agent(&arena, &request);
    assert_int_equal(agent.at != NULL, shown != NULL);
    if (shown != NULL && !gw_str_equal(agent, gw_str_from(shown)))
        fail_msg("%.*s", GW_STR_ARG(agent));
}

static void test_what_a_program_calls_itself_is_readable(void **state) {
    (void)state;
    char longest[DB_USER_AGENT_LENGTH_MAX + 2];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_agent(GW_STR("skillreg/1.2 (linux)"), "skillreg/1.2 (linux)");
    assert_agent(GW_STR("a\tb\xc3\xa4\x7f"), "a?b???");
    assert_agent(GW_STR("with sr_live_abcdefgh"), "with sr_live_***");
    assert_agent(GW_STR("  "), NULL);
    assert_agent(GW_STR(""), NULL);
    assert_agent(gw_str_from(longest), longest + 1);
    struct gw_http_head none = {.field_count = 0};
    assert_null(gw_device_user_agent(&arena, &none).at);
}

// ---- approval ----

static struct gw_device_approval accepted(const char *body) {
    struct gw_device_approval approval;
    struct gw_refusal refusal = {0};
    if (!gw_device_approval_parse(&arena, gw_str_from(body), NOW_MS, &approval, &refusal))
        fail_msg("%s: %s", body, refusal.message);
    return approval;
}

static void test_an_approval_says_little_by_itself(void **state) {
    (void)state;
    struct gw_device_approval approval = accepted("{\"userCode\":\"bcdf1234\"}");
    assert_string_equal(approval.user_code, "BCDF-1234");
    assert_int_equal(approval.scopes, GW_SCOPE_READ);
    assert_int_equal(approval.expires_ms, DB_NO_TIME);
    assert_true(gw_str_equal(approval.token_name, GW_STR("login by code")));
    assert_null(approval.description.at);
}

static void test_an_approval_says_who_and_how_much(void **state) {
    (void)state;
    struct gw_device_approval approval =
        accepted("{\"userCode\":\"BCDF-1234\",\"scopes\":[\"read\",\"write\"],\"expiresIn\":60,"
                 "\"name\":\"Ada\",\"email\":\"ada@example.org\"}");
    assert_int_equal(approval.scopes, GW_SCOPE_READ | GW_SCOPE_WRITE);
    assert_int_equal(approval.expires_ms, NOW_MS + 60000);
    assert_true(gw_str_equal(approval.token_name, GW_STR("Ada")));
    assert_true(gw_str_equal(approval.description, GW_STR("Ada <ada@example.org>")));
    approval = accepted("{\"userCode\":\"BCDF-1234\",\"email\":\"a@b\",\"name\":null}");
    assert_true(gw_str_equal(approval.description, GW_STR("a@b")));
    approval = accepted("{\"userCode\":\"BCDF-1234\",\"name\":\"Ada\"}");
    assert_true(gw_str_equal(approval.description, GW_STR("Ada")));
}

static void test_a_wrong_approval_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *named;
    } cases[] = {
        {"{}", "userCode"},
        {"{\"userCode\":null}", "userCode"},
        {"{\"userCode\":\"BCDF-123X\"}", "userCode"},
        {"{\"userCode\":\"BCDF-1234\",\"scopes\":[\"write\",\"admin\"]}", "scopes"},
        {"{\"userCode\":\"BCDF-1234\",\"scopes\":\"read\"}", "scopes"},
        {"{\"userCode\":\"BCDF-1234\",\"expiresIn\":1,\"expiresAt\":\"2099-01-01T00:00:00Z\"}",
         "expiresIn"},
        {"{\"userCode\":\"BCDF-1234\",\"name\":\"a\\nb\"}", "name"},
        {"{\"userCode\":\"BCDF-1234\",\"email\":7}", "email"},
        {"{\"userCode\":\"BCDF-1234\",\"email\":\"@b\"}", "email"},
        {"{\"userCode\":\"BCDF-1234\",\"email\":\"a@sk_abcdefghijklmnopqrstuvwxyz0123456789\"}",
         "email"},
        {"{\"userCode\":\"BCDF-1234\",\"email\":\"a@\"}", "email"},
        {"{\"userCode\":\"BCDF-1234\",\"email\":\"a b@c\"}", "email"},
        {"{\"userCode\":\"BCDF-1234\",\"email\":\"a@b@c\"}", "email"},
        {"{\"userCode\":\"BCDF-1234\",\"email\":\"\xc3\xa4@b\"}", "email"},
        {"{\"userCode\":\"BCDF-1234\",\"allowedIps\":[]}", "allowedIps"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_device_approval approval;
        struct gw_refusal refusal = {0};
        if (gw_device_approval_parse(&arena, gw_str_from(cases[i].body), NOW_MS, &approval,
                                     &refusal))
            fail_msg("%s", cases[i].body);
        assert_int_equal(refusal.error, GW_ERROR_VALIDATION_FAILED);
        assert_non_null(strstr(refusal.message, cases[i].named));
    }
}

static void test_a_look_takes_a_code_and_nothing_else(void **state) {
    (void)state;
    char code[GW_USER_CODE_LENGTH + 1];
    struct gw_refusal refusal;
    assert_true(
        gw_device_lookup_parse(&arena, GW_STR("{\"userCode\":\"BCDF-1234\"}"), code, &refusal));
    assert_string_equal(code, "BCDF-1234");
    assert_false(gw_device_lookup_parse(
        &arena, GW_STR("{\"userCode\":\"BCDF-1234\",\"scopes\":[]}"), code, &refusal));
    assert_false(gw_device_lookup_parse(&arena, GW_STR("[]"), code, &refusal));
    assert_false(gw_device_lookup_parse(&arena, GW_STR("x"), code, &refusal));
    assert_int_equal(refusal.error, GW_ERROR_INVALID_JSON);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_device_code_is_read_from_a_query),
        TEST(test_what_a_program_calls_itself_is_readable),
        TEST(test_an_approval_says_little_by_itself),
        TEST(test_an_approval_says_who_and_how_much),
        TEST(test_a_wrong_approval_is_refused_by_name),
        TEST(test_a_look_takes_a_code_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
