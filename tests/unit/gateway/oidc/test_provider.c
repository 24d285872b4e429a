// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/oidc/provider.h"

static void test_kinds_are_found_by_their_exact_names(void **state) {
    (void)state;
    enum gw_oidc_kind kind;
    for (int i = 0; i < GW_OIDC_KIND_COUNT; i++) {
        assert_true(gw_oidc_kind_find(gw_oidc_provider((enum gw_oidc_kind)i)->name, &kind));
        assert_int_equal(kind, i);
    }
    assert_false(gw_oidc_kind_find(GW_STR("GitHub"), &kind));
    assert_false(gw_oidc_kind_find(GW_STR(""), &kind));
}

static void check_claim(enum gw_oidc_kind kind, const struct gw_oidc_claim_kind *claim) {
    bool is_refused = (claim->traits & GW_OIDC_REFUSED) != 0;
    bool is_prefix = (claim->traits & GW_OIDC_PREFIX) != 0;
    assert_ptr_equal(gw_oidc_claim_kind_find(kind, claim->name), claim); // named once
    assert_true(claim->path.length > 0);
    assert_int_equal(claim->why != NULL, is_refused || is_prefix);
    if (is_refused)
        assert_int_equal(claim->traits & (GW_OIDC_ANCHOR | GW_OIDC_ID | GW_OIDC_PREFIX), 0);
    if ((claim->traits & GW_OIDC_ANCHOR) != 0)
        assert_int_equal(claim->traits & (GW_OIDC_ID | GW_OIDC_PREFIX), 0);
    if (claim->needs.length > 0)
        assert_non_null(gw_oidc_claim_kind_find(kind, claim->needs));
}

static void test_each_kind_has_an_anchor_and_claims_that_agree_with_themselves(void **state) {
    (void)state;
    for (int i = 0; i < GW_OIDC_KIND_COUNT; i++) {
        const struct gw_oidc_provider *provider = gw_oidc_provider((enum gw_oidc_kind)i);
        int anchors = 0;
        for (int j = 0; j < provider->claim_count; j++) {
            check_claim((enum gw_oidc_kind)i, &provider->claims[j]);
            anchors += (provider->claims[j].traits & GW_OIDC_ANCHOR) != 0;
        }
        assert_in_range(anchors, 1, 2);
        for (int j = 0; j < provider->refused_count; j++)
            assert_non_null(
                gw_oidc_claim_kind_find((enum gw_oidc_kind)i, provider->refused[j].claim));
    }
}

// Its form changed in 2026 and broke who had matched it; elsewhere projects set it themselves.
static void test_the_subject_of_a_ci_system_cannot_be_asked(void **state) {
    (void)state;
    static const enum gw_oidc_kind kinds[] = {GW_OIDC_GITHUB, GW_OIDC_GITLAB, GW_OIDC_BUILDKITE,
                                              GW_OIDC_CIRCLECI};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_true(gw_oidc_claim_kind_find(kinds[i], GW_STR("sub"))->traits & GW_OIDC_REFUSED);
}

static void test_only_what_may_lack_an_id_or_a_birth_does(void **state) {
    (void)state;
    assert_false(gw_oidc_provider(GW_OIDC_GITHUB)->may_lack_jti);
    assert_false(gw_oidc_provider(GW_OIDC_GITHUB)->may_lack_iat);
    assert_true(gw_oidc_provider(GW_OIDC_GITHUB)->is_once);
    assert_true(gw_oidc_provider(GW_OIDC_SPIFFE)->may_lack_iat);
    assert_true(gw_oidc_provider(GW_OIDC_KUBERNETES)->may_lack_jti);
    assert_false(gw_oidc_provider(GW_OIDC_GITLAB)->is_once);
    assert_null(gw_oidc_claim_kind_find(GW_OIDC_GITHUB, GW_STR("absent")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_are_found_by_their_exact_names),
        cmocka_unit_test(test_each_kind_has_an_anchor_and_claims_that_agree_with_themselves),
        cmocka_unit_test(test_the_subject_of_a_ci_system_cannot_be_asked),
        cmocka_unit_test(test_only_what_may_lack_an_id_or_a_birth_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
