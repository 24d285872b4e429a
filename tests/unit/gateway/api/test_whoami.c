// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/whoami.h"
#include "tests/support/noted_exchange.h"

#define NOW_MS 1769860800000 // 2026-01-31T12:00:00Z

static void ask(struct noted_exchange *noted, gw_scope_set scopes) {
    struct gw_exchange *exchange = noted_exchange_start(noted, HTTP_GET);
    noted->services.wall_ms = NOW_MS;
    exchange->has_identity = true;
    exchange->identity = (struct db_token_row){.id = GW_STR("cl1"),
                                               .name = GW_STR("ci"),
                                               .prefix = GW_STR("sr_live_abcd"),
                                               .scopes = scopes,
                                               .rotates_itself = true,
                                               .created_ms = NOW_MS - 1000,
                                               .last_used_ms = NOW_MS - 500,
                                               .expires_ms = DB_NO_TIME,
                                               .org_id = GW_STR("clorg"),
                                               .org_slug = GW_STR("acme"),
                                               .org_name = GW_STR("Acme")};
    gw_whoami_start(exchange);
    assert_int_equal(exchange->status, 200);
    assert_true(noted_exchange_has(noted, "Cache-Control: no-store\r\n"));
}

static void test_a_token_is_the_user_and_its_organisation_the_only_one(void **state) {
    struct noted_exchange *noted = *state;
    ask(noted, GW_SCOPE_READ | GW_SCOPE_WRITE);
    static const char expected[] =
        "{\"user\":{\"id\":\"cl1\",\"email\":\"cl1@acme.skillreg.invalid\",\"name\":\"ci\"},"
        "\"org\":{\"id\":\"clorg\",\"slug\":\"acme\",\"name\":\"Acme\"},"
        "\"orgs\":[{\"slug\":\"acme\",\"name\":\"Acme\",\"role\":\"member\"}],"
        "\"token\":{\"id\":\"cl1\",\"name\":\"ci\",\"prefix\":\"sr_live_abcd\","
        "\"scopes\":[\"read\",\"write\"],\"createdAt\":\"2026-01-31T11:59:59.000Z\","
        "\"lastUsedAt\":\"2026-01-31T11:59:59.500Z\",\"expiresAt\":null,\"allowedIps\":[],"
        "\"selfRotate\":true}}";
    struct gw_str body = noted_exchange_body(noted);
    if (!gw_str_equal(body, gw_str_from(expected)))
        fail_msg("%.*s", GW_STR_ARG(body));
}

static void test_a_token_with_the_scope_admin_has_the_role_admin(void **state) {
    struct noted_exchange *noted = *state;
    ask(noted, GW_SCOPE_ADMIN);
    struct gw_str body = noted_exchange_body(noted);
    static const char role[] = "\"role\":\"admin\"";
    assert_non_null(memmem(body.at, body.length, role, strlen(role)));
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, noted_exchange_set_up, noted_exchange_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_token_is_the_user_and_its_organisation_the_only_one),
        TEST(test_a_token_with_the_scope_admin_has_the_role_admin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
