// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/oidc/anchor.h"
#include "tests/support/identity_token.h"

// NULL: there is none.
static void expect(enum gw_oidc_kind kind, const char *claims, const char *expected) {
    struct gw_jwt jwt = identity_token(claims);
    struct gw_str anchor;
    enum gw_status status = gw_oidc_anchor(kind, &jwt, &identity_arena, &anchor);
    assert_int_equal(status, expected != NULL ? GW_OK : GW_INVALID);
    if (expected != NULL && !gw_str_equal(anchor, gw_str_from(expected)))
        fail_msg("%.*s", GW_STR_ARG(anchor));
}

static void test_each_kind_has_its_anchor(void **state) {
    (void)state;
    expect(GW_OIDC_GITHUB, "{\"repository\":\"acme/tools\",\"repository_id\":\"1\"}",
           "repository=acme/tools");
    expect(GW_OIDC_GITLAB, "{\"project_path\":\"acme/sub/tools\"}", "project_path=acme/sub/tools");
    expect(GW_OIDC_BUILDKITE, "{\"pipeline_slug\":\"tools\",\"organization_slug\":\"acme\"}",
           "organization_slug=acme pipeline_slug=tools");
    expect(GW_OIDC_CIRCLECI, "{\"oidc.circleci.com/project-id\":\"p\"}", "project_id=p");
    expect(GW_OIDC_KUBERNETES, "{\"sub\":\"system:serviceaccount:ci:publisher\"}",
           "namespace=ci service_account=publisher");
    expect(GW_OIDC_SPIFFE, "{\"sub\":\"spiffe://example.org/ci\"}", "sub=spiffe://example.org/ci");
    expect(GW_OIDC_GENERIC, "{\"sub\":\"4f7a\"}", "sub=4f7a");
}

static void test_letters_fold_where_the_names_of_the_provider_do(void **state) {
    (void)state;
    expect(GW_OIDC_GITHUB, "{\"repository\":\"Acme/Tools\"}", "repository=acme/tools");
    expect(GW_OIDC_SPIFFE, "{\"sub\":\"spiffe://example.org/CI\"}", "sub=spiffe://example.org/CI");
}

// Two values never read as one, nor one as two.
static void test_a_value_with_blanks_or_controls_makes_no_anchor(void **state) {
    (void)state;
    expect(GW_OIDC_GITHUB, "{}", NULL);
    expect(GW_OIDC_GITHUB, "{\"repository\":\"\"}", NULL);
    expect(GW_OIDC_GITHUB, "{\"repository\":7}", "repository=7");
    expect(GW_OIDC_GITHUB, "{\"repository\":[\"acme/tools\"]}", NULL);
    expect(GW_OIDC_BUILDKITE,
           "{\"organization_slug\":\"acme pipeline_slug=x\",\"pipeline_slug\":\"tools\"}", NULL);
    expect(GW_OIDC_GENERIC, "{\"sub\":\"a\\u0000\"}", NULL);
    expect(GW_OIDC_GENERIC, "{\"sub\":\"a\\n\"}", NULL);
    expect(GW_OIDC_BUILDKITE, "{\"organization_slug\":\"acme\"}", NULL);
}

static void test_an_anchor_is_bounded(void **state) {
    (void)state;
    char value[258];
    memset(value, 'a', sizeof(value));
    assert_true(gw_oidc_anchor_takes(gw_str(value, 256)));
    assert_false(gw_oidc_anchor_takes(gw_str(value, 257)));
    const struct gw_str longest[] = {gw_str(value, 256), gw_str(value, 256)};
    struct gw_str anchor;
    assert_int_equal(gw_oidc_anchor_make(GW_OIDC_BUILDKITE, longest, &identity_arena, &anchor),
                     GW_OK);
    assert_in_range(anchor.length, 513, GW_OIDC_ANCHOR_BYTES_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_its_anchor),
        cmocka_unit_test(test_letters_fold_where_the_names_of_the_provider_do),
        cmocka_unit_test(test_a_value_with_blanks_or_controls_makes_no_anchor),
        cmocka_unit_test(test_an_anchor_is_bounded),
    };
    return cmocka_run_group_tests(tests, identity_arena_open, identity_arena_close);
}
