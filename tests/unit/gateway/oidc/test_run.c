// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/oidc/run.h"
#include "tests/support/identity_token.h"

static void expect_name(enum gw_oidc_kind kind, const char *claims, const char *expected) {
    struct gw_jwt jwt = identity_token(claims);
    struct gw_str name;
    assert_int_equal(gw_oidc_run_name(kind, &jwt, &identity_arena, &name), GW_OK);
    if (!gw_str_equal(name, gw_str_from(expected)))
        fail_msg("%.*s", GW_STR_ARG(name));
}

static void test_a_run_has_a_name(void **state) {
    (void)state;
    expect_name(GW_OIDC_GITHUB,
                "{\"repository\":\"acme/tools\",\"workflow_ref\":"
                "\"acme/tools/.github/workflows/publish.yml@refs/heads/main\","
                "\"run_id\":\"8812345678\",\"run_attempt\":\"2\"}",
                "acme/tools publish.yml 8812345678 2");
    expect_name(GW_OIDC_BUILDKITE,
                "{\"organization_slug\":\"acme\",\"pipeline_slug\":\"tools\",\"build_number\":7}",
                "acme tools 7");
    expect_name(GW_OIDC_SPIFFE, "{\"sub\":\"spiffe://example.org/ci\"}", "spiffe://example.org/ci");
}

static void test_a_name_keeps_to_the_rules_for_names(void **state) {
    (void)state;
    char longest[512] = "{\"sub\":\"";
    char expected[101];
    memset(longest + strlen(longest), 'a', 200);
    memcpy(longest + 208, "\"}", 3);
    memset(expected, 'a', 100);
    expected[100] = '\0';
    expect_name(GW_OIDC_GENERIC, longest, expected);
    expect_name(GW_OIDC_GENERIC, "{\"sub\":\" a\\u00a0 \\t b\\u202e\\u200b\\u0301\\n \"}", "a b");
    expect_name(GW_OIDC_GENERIC, "{\"sub\":\"\\u200b\"}", "generic");
    expect_name(GW_OIDC_GENERIC, "{}", "generic");
    expect_name(GW_OIDC_GENERIC,
                "{\"sub\":\"sr_live_00427Qm3x9ZkT1vWb8RnYcLpJd5sGfHa2EuKo6iBtMXqwrPz\"}",
                "generic");
}

static void test_the_audit_keeps_what_the_token_says(void **state) {
    (void)state;
    struct gw_jwt jwt = identity_token("{\"sub\":\"system:serviceaccount:ci:publisher\",\"exp\":1,"
                                       "\"kubernetes.io\":{\"pod\":{\"name\":\"p\\n\"}}}");
    struct gw_json_writer writer;
    struct gw_buf out;
    gw_buf_init(&out, 4096);
    gw_json_writer_init(&writer, &out);
    assert_int_equal(gw_oidc_run_write_json(GW_OIDC_KUBERNETES, &jwt, &identity_arena, &writer),
                     GW_OK);
    assert_int_equal(gw_json_writer_finish(&writer), GW_OK);
    assert_true(
        gw_str_equal(gw_buf_bytes(&out),
                     GW_STR("{\"namespace\":\"ci\",\"service_account\":\"publisher\","
                            "\"sub\":\"system:serviceaccount:ci:publisher\",\"pod\":\"p \"}")));
    gw_buf_deinit(&out);
}

static void test_what_the_audit_keeps_is_bounded(void **state) {
    (void)state;
    char claims[1024] = "{\"sub\":\"";
    struct gw_json_writer writer;
    struct gw_buf out;
    memset(claims + strlen(claims), 'a', 900);
    memcpy(claims + 908, "\"}", 3);
    struct gw_jwt jwt = identity_token(claims);
    gw_buf_init(&out, 4096);
    gw_json_writer_init(&writer, &out);
    assert_int_equal(gw_oidc_run_write_json(GW_OIDC_GENERIC, &jwt, &identity_arena, &writer),
                     GW_OK);
    assert_int_equal(gw_json_writer_finish(&writer), GW_OK);
    assert_int_equal(gw_buf_length(&out), strlen("{\"sub\":\"\"}") + 256);
    gw_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_has_a_name),
        cmocka_unit_test(test_a_name_keeps_to_the_rules_for_names),
        cmocka_unit_test(test_the_audit_keeps_what_the_token_says),
        cmocka_unit_test(test_what_the_audit_keeps_is_bounded),
    };
    return cmocka_run_group_tests(tests, identity_arena_open, identity_arena_close);
}
