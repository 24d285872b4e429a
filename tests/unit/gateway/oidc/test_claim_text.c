// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/oidc/claim_text.h"
#include "tests/support/identity_token.h"

// NULL: not found.
static void expect(enum gw_oidc_kind kind, const char *claims, const char *name,
                   const char *expected) {
    struct gw_jwt jwt = identity_token(claims);
    struct gw_str text;
    enum gw_status status =
        gw_oidc_claim_text(kind, &jwt, &identity_arena, gw_str_from(name), &text);
    if (status != (expected != NULL ? GW_OK : GW_NOT_FOUND))
        fail_msg("%s of %s: %d", name, claims, (int)status);
    if (expected != NULL && !gw_str_equal(text, gw_str_from(expected)))
        fail_msg("%s of %s: %.*s", name, claims, GW_STR_ARG(text));
}

static void expect_workflow(const char *workflow_ref, const char *file, const char *ref) {
    struct gw_str claims = gw_arena_printf(
        &identity_arena, "{\"repository\":\"acme/tools\",\"workflow_ref\":\"%s\"}", workflow_ref);
    expect(GW_OIDC_GITHUB, claims.at, "workflow_file", file);
    expect(GW_OIDC_GITHUB, claims.at, "workflow_file_ref", ref);
}

static void test_a_workflow_is_its_file_and_its_ref(void **state) {
    (void)state;
    expect_workflow("acme/tools/.github/workflows/publish.yml@refs/heads/main", "publish.yml",
                    "refs/heads/main");
    expect_workflow("Acme/Tools/.github/workflows/publish.yml@refs/tags/v1", "publish.yml",
                    "refs/tags/v1");
    expect_workflow("acme/tools/.github/workflows/a@b.yml@refs/heads/x@refs/y", "a@b.yml",
                    "refs/heads/x@refs/y");
    // A branch may be called as it likes.
    expect_workflow("acme/tools/.github/workflows/evil.yml@refs/heads/x/.github/workflows/"
                    "publish.yml@refs/heads/main",
                    "evil.yml", "refs/heads/x/.github/workflows/publish.yml@refs/heads/main");
}

static void test_a_workflow_of_another_form_is_none(void **state) {
    (void)state;
    static const char *const others[] = {
        "",
        "publish.yml",
        "acme/tools/.github/workflows/publish.yml",
        "acme/tools/.github/workflows/publish.yml@refs",
        "acme/tools/.github/workflows/publish.yml@refs/",
        "acme/tools/.github/workflows/@refs/heads/main",
        "acme/tools/.github/workflows/publish.yml@main/x",
        "acme/tools/.github/workflows/sub/publish.yml@refs/heads/main",
        "acme/tools/workflows/publish.yml@refs/heads/main",
        "acme/tools-evil/.github/workflows/publish.yml@refs/heads/main",
        "evil/tools/.github/workflows/publish.yml@refs/heads/main",
        "dynamic/github-code-scanning/codeql"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        expect_workflow(others[i], NULL, NULL);
    expect(GW_OIDC_GITHUB,
           "{\"workflow_ref\":\"acme/tools/.github/workflows/publish.yml@refs/heads/main\"}",
           "workflow_file", NULL);
}

static void test_an_account_is_its_namespace_and_its_name(void **state) {
    (void)state;
    static const char *const others[] = {"system:serviceaccount:ci",
                                         "system:serviceaccount:ci:",
                                         "system:serviceaccount::publisher",
                                         "system:serviceaccount:ci:publisher:x",
                                         "system:node:ci:publisher",
                                         "ci:publisher",
                                         ""};
    static const char *const good = "{\"sub\":\"system:serviceaccount:ci:publisher\","
                                    "\"kubernetes.io\":{\"serviceaccount\":{\"uid\":\"u\"}}}";
    expect(GW_OIDC_KUBERNETES, good, "namespace", "ci");
    expect(GW_OIDC_KUBERNETES, good, "service_account", "publisher");
    expect(GW_OIDC_KUBERNETES, good, "service_account_uid", "u");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct gw_str claims = gw_arena_printf(&identity_arena, "{\"sub\":\"%s\"}", others[i]);
        expect(GW_OIDC_KUBERNETES, claims.at, "namespace", NULL);
        expect(GW_OIDC_KUBERNETES, claims.at, "service_account", NULL);
    }
}

static void test_other_claims_are_taken_as_they_are(void **state) {
    (void)state;
    expect(GW_OIDC_CIRCLECI, "{\"oidc.circleci.com/project-id\":\"p\"}", "project_id", "p");
    expect(GW_OIDC_CIRCLECI, "{\"oidc.circleci.com/ssh-rerun\":true}", "ssh_rerun", "true");
    expect(GW_OIDC_CIRCLECI, "{\"project_id\":\"p\"}", "project_id", NULL);
    expect(GW_OIDC_BUILDKITE, "{\"build_number\":7}", "build_number", "7");
    expect(GW_OIDC_GENERIC, "{\"groups\":{\"first\":\"a\"}}", "/groups/first", "a");
    expect(GW_OIDC_GENERIC, "{\"team\":\"a\"}", "team", "a");
    expect(GW_OIDC_GENERIC, "{}", "team", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_workflow_is_its_file_and_its_ref),
        cmocka_unit_test(test_a_workflow_of_another_form_is_none),
        cmocka_unit_test(test_an_account_is_its_namespace_and_its_name),
        cmocka_unit_test(test_other_claims_are_taken_as_they_are),
    };
    return cmocka_run_group_tests(tests, identity_arena_open, identity_arena_close);
}
