// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/http/field_rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// A head with one Connection field for each value, up to NULL.
static struct gw_http_head head_with_connection(const char *const *values) {
    struct gw_http_head head = {.field_count = 0};
    for (; *values != NULL; values++)
        head.fields[head.field_count++] =
            (struct gw_http_field){GW_STR("Connection"), gw_str_from(*values), GW_FIELD_CONNECTION};
    return head;
}

static struct gw_field_options options_of(const char *connection) {
    struct gw_field_options options;
    struct gw_http_head head = head_with_connection((const char *[]){connection, NULL});
    assert_int_equal(gw_field_options_read(&head, &options), GW_OK);
    return options;
}

static bool passes_to_registry(const char *name, const char *connection, bool authorization) {
    struct gw_field_options options = options_of(connection);
    struct gw_http_field field = {gw_str_from(name), GW_STR("v"), GW_FIELD_OTHER};
    return gw_field_passes_to_registry(&field, &options, authorization);
}

static bool passes_to_client(const char *name, const char *connection) {
    struct gw_field_options options = options_of(connection);
    struct gw_http_field field = {gw_str_from(name), GW_STR("v"), GW_FIELD_OTHER};
    return gw_field_passes_to_client(&field, &options);
}

static void test_ordinary_fields_pass_both_ways(void **state) {
    (void)state;
    static const char *const names[] = {"Accept",
                                        "Accept-Encoding",
                                        "Content-Type",
                                        "Cookie",
                                        "User-Agent",
                                        "Range",
                                        "If-None-Match",
                                        "ETag",
                                        "Date",
                                        "Server",
                                        "x-client-type",
                                        "x-accept-version-change",
                                        "X-Skill-Name",
                                        "X-Skill",
                                        "X-Checksum-SHA256",
                                        "Location",
                                        "X-SkillRegistry",
                                        "TEE",
                                        "Hostname",
                                        "X-Forwarded",
                                        "Content_Type",
                                        "a",
                                        "Proxied",
                                        "Set-Cookie"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!passes_to_registry(names[i], "close", false) || !passes_to_client(names[i], "close"))
            fail_msg("%s is stopped", names[i]);
    }
}

static void test_fields_of_one_connection_stop_both_ways(void **state) {
    (void)state;
    static const char *const names[] = {
        "Connection",       "connection",          "Keep-Alive",         "Keep_Alive",
        "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "TE",
        "Trailer",          "Transfer-Encoding",   "Transfer_Encoding",  "transfer.encoding",
        "Upgrade",          "Content-Length",      "Content_Length"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (passes_to_registry(names[i], "", true) || passes_to_client(names[i], ""))
            fail_msg("%s passes", names[i]);
    }
}

static void test_identity_of_a_client_never_reaches_the_registry(void **state) {
    (void)state;
    static const char *const names[] = {"X-SkillReg-Org",
                                        "x-skillreg-org",
                                        "X_SkillReg_Org",
                                        "X.SkillReg.Org",
                                        "x.skillreg_scopes",
                                        "X-SKILLREG-",
                                        "X-SkillReg-Other",
                                        "X-Forwarded-For",
                                        "X_Forwarded_For",
                                        "X-Forwarded-Proto",
                                        "X-Forwarded-Host",
                                        "X-Forwarded-Prefix",
                                        "Forwarded",
                                        "X-Real-IP",
                                        "x.real_ip",
                                        "X-Request-Id",
                                        "X_Request_ID",
                                        "TraceParent",
                                        "Host",
                                        "Expect"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (passes_to_registry(names[i], "", true))
            fail_msg("%s passes", names[i]);
    }
}

// The name is the gateway's: what the registry says under it, clients would take for the gateway's
// word.
static void test_the_expiry_of_a_token_is_told_by_the_gateway_alone(void **state) {
    (void)state;
    assert_false(passes_to_client("SkillReg-Token-Expires", ""));
    assert_false(passes_to_client("skillreg_token_expires", ""));
    assert_true(passes_to_client("SkillReg-Token-Expired", ""));
}

static void test_fields_that_change_the_request_never_reach_the_registry(void **state) {
    (void)state;
    static const char *const names[] = {"X-HTTP-Method-Override",
                                        "X-HTTP-Method",
                                        "X-Method-Override",
                                        "x_http_method_override",
                                        "X-Original-URL",
                                        "X-Rewrite-URL",
                                        "Proxy"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (passes_to_registry(names[i], "", false))
            fail_msg("%s passes", names[i]);
    }
}

static void test_authorization_passes_only_when_the_operator_says_so(void **state) {
    (void)state;
    assert_false(passes_to_registry("Authorization", "", false));
    assert_true(passes_to_registry("authorization", "", true));
}

static void test_fields_named_by_connection_stop(void **state) {
    (void)state;
    assert_false(passes_to_registry("X-Hop", "close, x-hop", false));
    assert_false(passes_to_registry("X-Hop", "\tX-HOP ,, keep-alive", false));
    assert_true(passes_to_registry("X-Hop", "X-Hop-Other", false));
    assert_false(passes_to_client("X-Hop", "x-hop"));
}

static void test_request_id_of_the_registry_gives_way_to_ours(void **state) {
    (void)state;
    assert_false(passes_to_client("X-Request-ID", ""));
}

static void test_options_of_all_connection_fields_count(void **state) {
    (void)state;
    struct gw_http_head head = head_with_connection((const char *[]){"a, b", "c", NULL});
    struct gw_field_options options;
    assert_int_equal(gw_field_options_read(&head, &options), GW_OK);
    assert_int_equal(options.count, 3);
    assert_true(gw_str_equal(options.names[2], GW_STR("c")));
}

static void test_connection_must_not_name_protected_fields(void **state) {
    (void)state;
    static const char *const refused[] = {
        "X-SkillReg-Org", "x_skillreg_org", "close, X-SkillReg-Scopes",
        "Authorization",  "Content-Length", "transfer-encoding",
        "Host",           "Expect",         "X-Forwarded-For",
        "X-Request-Id",   "Forwarded",      "keep-alive,\tx-real-ip"};
    static const char *const accepted[] = {
        "", "close", "keep-alive", "TE, Keep-Alive", "Upgrade, HTTP2-Settings", "X-Anything"};
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct gw_http_head head = head_with_connection((const char *[]){refused[i], NULL});
        const struct gw_refusal *failure = gw_field_rules_check(&head);
        if (failure == NULL || failure->error != GW_ERROR_BAD_REQUEST)
            fail_msg("Connection: %s is accepted", refused[i]);
    }
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct gw_http_head head = head_with_connection((const char *[]){accepted[i], NULL});
        if (gw_field_rules_check(&head) != NULL)
            fail_msg("Connection: %s is refused", accepted[i]);
    }
    struct gw_http_head second =
        head_with_connection((const char *[]){"close", "X-SkillReg-Org", NULL});
    assert_non_null(gw_field_rules_check(&second));
}

static void test_connection_with_too_many_options_is_refused(void **state) {
    (void)state;
    char list[4 * (GW_RELAY_OPTIONS_MAX + 1)] = "";
    for (int i = 0; i < GW_RELAY_OPTIONS_MAX; i++)
        strcat(list, i == 0 ? "o" : ", o");
    struct gw_http_head most = head_with_connection((const char *[]){list, NULL});
    assert_null(gw_field_rules_check(&most));
    strcat(list, ", o");
    struct gw_http_head more = head_with_connection((const char *[]){list, NULL});
    assert_non_null(gw_field_rules_check(&more));
}

static void test_the_gateways_on_the_way_are_counted(void **state) {
    (void)state;
    static const struct {
        const char *via;
        int count;
    } cases[] = {
        {"1.1 skillreg-gateway", 1},
        {"1.0 fred, HTTP/1.1 skillreg-gateway (east),1.1  skillreg-gateway , 2 x", 2},
        {"1.1 skillreg-gateway.example, 1.1 x (skillreg-gateway), skillreg-gateway", 0},
        {", ,1.1,", 0},
        {"", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_http_head head = {.field_count = 2};
        head.fields[0] =
            (struct gw_http_field){GW_STR("vIA"), gw_str_from(cases[i].via), GW_FIELD_OTHER};
        head.fields[1] =
            (struct gw_http_field){GW_STR("X-Via"), GW_STR("1.1 skillreg-gateway"), GW_FIELD_OTHER};
        assert_int_equal(gw_field_via_count(&head), cases[i].count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary_fields_pass_both_ways),
        cmocka_unit_test(test_fields_of_one_connection_stop_both_ways),
        cmocka_unit_test(test_identity_of_a_client_never_reaches_the_registry),
        cmocka_unit_test(test_the_expiry_of_a_token_is_told_by_the_gateway_alone),
        cmocka_unit_test(test_fields_that_change_the_request_never_reach_the_registry),
        cmocka_unit_test(test_authorization_passes_only_when_the_operator_says_so),
        cmocka_unit_test(test_fields_named_by_connection_stop),
        cmocka_unit_test(test_request_id_of_the_registry_gives_way_to_ours),
        cmocka_unit_test(test_options_of_all_connection_fields_count),
        cmocka_unit_test(test_connection_must_not_name_protected_fields),
        cmocka_unit_test(test_connection_with_too_many_options_is_refused),
        cmocka_unit_test(test_the_gateways_on_the_way_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
