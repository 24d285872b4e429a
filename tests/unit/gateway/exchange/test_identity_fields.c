// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/exchange/identity_fields.h"

static void assert_field(const struct gw_response_field *field, const char *name,
                         const char *value) {
    if (!gw_str_equal(field->name, gw_str_from(name)) ||
        !gw_str_equal(field->value, gw_str_from(value)))
        fail_msg("%.*s: %.*s", GW_STR_ARG(field->name), GW_STR_ARG(field->value));
}

static void test_an_identity_is_organisation_token_and_scopes(void **state) {
    (void)state;
    static struct gw_exchange exchange;
    struct gw_identity_fields identity;
    exchange.has_identity = true;
    exchange.identity = (struct db_token_row){
        .id = GW_STR("cl1"), .org_slug = GW_STR("acme"), .scopes = GW_SCOPE_READ | GW_SCOPE_ADMIN};
    gw_identity_fields_init(&identity, &exchange);
    assert_field(&identity.fields[0], "X-SkillReg-Org", "acme");
    assert_field(&identity.fields[1], "X-SkillReg-Token-Id", "cl1");
    assert_field(&identity.fields[2], "X-SkillReg-Scopes", "read,admin");
}

static void test_without_an_identity_the_fields_are_empty(void **state) {
    (void)state;
    static struct gw_exchange exchange;
    struct gw_identity_fields identity;
    exchange.has_identity = false;
    exchange.identity = (struct db_token_row){.id = GW_STR("of the request before"),
                                              .org_slug = GW_STR("of the request before"),
                                              .scopes = GW_SCOPE_ADMIN};
    gw_identity_fields_init(&identity, &exchange);
    assert_field(&identity.fields[0], "X-SkillReg-Org", "");
    assert_field(&identity.fields[1], "X-SkillReg-Token-Id", "");
    assert_field(&identity.fields[2], "X-SkillReg-Scopes", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_identity_is_organisation_token_and_scopes),
        cmocka_unit_test(test_without_an_identity_the_fields_are_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
