// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/oidc/default_audience.h"

static void expect(enum gw_oidc_kind kind, const char *issuer, const char *audience,
                   bool is_default) {
    if (gw_oidc_audience_is_default(kind, gw_str_from(issuer), gw_str_from(audience)) != is_default)
        fail_msg("%s of %s", audience, issuer);
}

// The tokens of every other service would be ours.
static void test_a_default_audience_is_known(void **state) {
    (void)state;
    static const char *const github = "https://token.actions.githubusercontent.com";
    expect(GW_OIDC_GITHUB, github, "https://github.com/acme", true);
    expect(GW_OIDC_GITHUB, "https://token.actions.githubusercontent.com/acme-corp",
           "https://github.com/acme", true);
    expect(GW_OIDC_GITHUB, "https://github.acme.example/_services/token",
           "https://github.acme.example/platform", true);
    expect(GW_OIDC_GITHUB, "https://token.actions.acme.ghe.com", "https://acme.ghe.com/platform",
           true);
    expect(GW_OIDC_GITLAB, "https://gitlab.example", "https://gitlab.example", true);
    expect(GW_OIDC_BUILDKITE, "https://agent.buildkite.com", "https://buildkite.com/acme", true);
    expect(GW_OIDC_CIRCLECI, "https://oidc.circleci.com/org/0a1b", "0a1b", true);
    expect(GW_OIDC_KUBERNETES, "https://cluster.example", "https://cluster.example", true);
    expect(GW_OIDC_KUBERNETES, "https://cluster.example", "https://kubernetes.default.svc", true);
    expect(GW_OIDC_KUBERNETES, "https://cluster.example",
           "https://kubernetes.default.svc.cluster.local", true);
    expect(GW_OIDC_KUBERNETES, "https://cluster.example", "api", true);
}

static void test_an_audience_of_our_own_is_none(void **state) {
    (void)state;
    static const struct {
        enum gw_oidc_kind kind;
        const char *issuer;
    } issuers[] = {{GW_OIDC_GITHUB, "https://token.actions.githubusercontent.com"},
                   {GW_OIDC_GITLAB, "https://gitlab.example"},
                   {GW_OIDC_BUILDKITE, "https://agent.buildkite.com"},
                   {GW_OIDC_CIRCLECI, "https://oidc.circleci.com/org/0a1b"},
                   {GW_OIDC_KUBERNETES, "https://kubernetes.default.svc"},
                   {GW_OIDC_SPIFFE, "spiffe://example.org"},
                   {GW_OIDC_GENERIC, "https://issuer.example"}};
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        expect(issuers[i].kind, issuers[i].issuer, "https://skills.acme.example", false);
        expect(issuers[i].kind, issuers[i].issuer, "skillreg", false);
        expect(issuers[i].kind, issuers[i].issuer, "", false);
    }
    expect(GW_OIDC_GITHUB, issuers[0].issuer, "https://github.com/", false);
    expect(GW_OIDC_GITHUB, issuers[0].issuer, "https://github.com/acme/skills", false);
    expect(GW_OIDC_GITHUB, "https://github.acme.example/_services/token", "https://github.com/acme",
           false);
    expect(GW_OIDC_CIRCLECI, issuers[3].issuer, "1b", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_default_audience_is_known),
        cmocka_unit_test(test_an_audience_of_our_own_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
