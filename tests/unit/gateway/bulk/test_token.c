// SPDX-License-Identifier: MIT
// Proves of gateway/bulk/token.c: a row becomes a token by the rules of the API, and what does not
// is refused by a sentence that names the field and none of its value.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "gateway/auth/secret.h"
#include "gateway/bulk/token.h"

#define SECRET "sk_abcdefghijklmnopqrstuvwxyz0123456789"
#define SHA256 "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789"

static struct gw_bulk_fields fields;
static struct gw_bulk_rules rules;
static struct gw_bulk_token token;
static struct gw_arena arena;

static int set_row(void **state) {
    (void)state;
    int64_t now_ms = 0;
    assert_int_equal(gw_clock_parse_iso(GW_STR("2026-06-01T00:00:00Z"), &now_ms), GW_OK);
    gw_arena_reset(&arena);
    rules = (struct gw_bulk_rules){.now_ms = now_ms};
    fields = (struct gw_bulk_fields){.line = 2};
    fields.text[GW_BULK_TOKEN] = GW_STR(SECRET);
    fields.text[GW_BULK_NAME] = GW_STR("ci");
    fields.text[GW_BULK_ORG] = GW_STR("acme");
    return 0;
}

static void set(enum gw_bulk_field field, const char *text) {
    fields.text[field] = gw_str_from(text);
}

static void must_read(void) {
    const char *why = "";
    if (!gw_bulk_token_read(&fields, &rules, &arena, &token, &why))
        fail_msg("refused: %s", why);
}

static void must_refuse(enum gw_bulk_field field, const char *text, const char *sentence) {
    const char *why = "";
    struct gw_str before = fields.text[field];
    set(field, text);
    assert_false(gw_bulk_token_read(&fields, &rules, &arena, &token, &why));
    if (strstr(why, sentence) == NULL)
        fail_msg("\"%s\" is not in: %s", sentence, why);
    fields.text[field] = before;
}

static void test_a_row_of_a_secret(void **state) {
    (void)state;
    unsigned char digest[DB_DIGEST_LENGTH];
    must_read();
    gw_token_digest(GW_STR(SECRET), digest);
    assert_memory_equal(token.digest, digest, sizeof(digest));
    assert_true(gw_str_equal(token.prefix, GW_STR("sk_abcdefghi")));
    assert_int_equal(token.scopes, GW_SCOPE_READ | GW_SCOPE_WRITE);
    assert_int_equal(token.created_ms, DB_NO_TIME);
    assert_int_equal(token.expires_ms, DB_NO_TIME);
    assert_int_equal(token.allowed_ip_count, 0);
    assert_false(token.binds_children || token.rotates_itself);
    assert_null(token.id.at);
    assert_null(token.description.at);
}

static void test_a_row_of_what_a_registry_keeps(void **state) {
    (void)state;
    set(GW_BULK_TOKEN, NULL);
    fields.text[GW_BULK_TOKEN] = gw_str(NULL, 0);
    set(GW_BULK_PREFIX, "sr_live_a1b2");
    set(GW_BULK_SHA256, SHA256);
    set(GW_BULK_ID, "clx7f2k3a");
    set(GW_BULK_SCOPES, "read, admin");
    set(GW_BULK_CREATED_AT, "2025-01-01T00:00:00Z");
    set(GW_BULK_LAST_USED_AT, "2026-05-31T23:59:59.999Z");
    set(GW_BULK_EXPIRES_AT, "2027-01-01T00:00:00Z");
    set(GW_BULK_ALLOWED_IPS, "10.0.0.0/8, ::1");
    set(GW_BULK_BIND_CHILDREN, "true");
    set(GW_BULK_SELF_ROTATE, "false");
    set(GW_BULK_DESCRIPTION, "what it is for");
    must_read();
    assert_int_equal(token.digest[0], 0x01);
    assert_int_equal(token.digest[8], 0xab);
    assert_int_equal(token.scopes, GW_SCOPE_READ | GW_SCOPE_ADMIN);
    assert_int_equal(token.allowed_ip_count, 2);
    assert_true(token.binds_children);
    assert_false(token.rotates_itself);
    assert_true(token.created_ms < token.last_used_ms && token.last_used_ms < token.expires_ms);
    assert_true(gw_str_equal(token.id, GW_STR("clx7f2k3a")));
}

static void test_what_it_is_known_by_is_one_of_two(void **state) {
    (void)state;
    must_refuse(GW_BULK_TOKEN, "secret", "token must be");
    must_refuse(GW_BULK_SHA256, SHA256, "not both");
    fields.text[GW_BULK_TOKEN] = gw_str(NULL, 0);
    must_refuse(GW_BULK_SHA256, SHA256, "there is no token");
    set(GW_BULK_SHA256, SHA256);
    must_refuse(GW_BULK_PREFIX, "sr_live_a1b", "prefix must be");
    must_refuse(GW_BULK_PREFIX, "sr_prod_a1b2", "prefix must be");
    must_refuse(GW_BULK_PREFIX, "sr_live_a1b ", "prefix must be");
    set(GW_BULK_PREFIX, "sr_live_a1b2");
    must_refuse(GW_BULK_SHA256, "00", "sha256 must be");
    must_refuse(GW_BULK_SHA256, "g" SHA256, "sha256 must be");
    must_read();
}

static void test_each_field_is_held_to_its_rule(void **state) {
    (void)state;
    must_refuse(GW_BULK_ID, "A", "id must be");
    must_refuse(GW_BULK_ORG, "Acme", "org must be");
    must_refuse(GW_BULK_NAME, " ", "name must");
    must_refuse(GW_BULK_NAME, "a\nb", "name must");
    must_refuse(GW_BULK_NAME, SECRET, "name must not hold a token");
    must_refuse(GW_BULK_DESCRIPTION, "my " SECRET, "description must not hold a token");
    must_refuse(GW_BULK_DESCRIPTION, "\xff", "description must");
    must_refuse(GW_BULK_SCOPES, "root", "scopes must be");
    must_refuse(GW_BULK_ALLOWED_IPS, "10.0.0.1/8", "allowedIps must be");
    must_refuse(GW_BULK_ALLOWED_IPS, "10.0.0.0/8,", "allowedIps must be");
    must_refuse(GW_BULK_BIND_CHILDREN, "yes", "bindChildren must be");
    must_refuse(GW_BULK_SELF_ROTATE, "1", "selfRotate must be");
    must_refuse(GW_BULK_BOUND_SAN, "*.example.org", "boundSan must be");
    must_refuse(GW_BULK_CREATED_AT, "yesterday", "createdAt must be");
    must_refuse(GW_BULK_CREATED_AT, "2026-06-01T00:01:00Z", "must not be in the future");
    must_refuse(GW_BULK_LAST_USED_AT, "2026-06-01T00:01:00Z", "must not be in the future");
    must_refuse(GW_BULK_EXPIRES_AT, "2026-06-01T00:00:00Z", "expiresAt is over");
    must_read();
}

static void test_an_organisation_for_all_is_no_other_than_that_of_a_row(void **state) {
    (void)state;
    const char *why = "";
    rules.org = GW_STR("acme");
    must_read();
    must_refuse(GW_BULK_ORG, "globex", "another one than that of --org");
    fields.text[GW_BULK_ORG] = gw_str(NULL, 0);
    must_read();
    assert_true(gw_str_equal(token.org, GW_STR("acme")));
    rules.org = gw_str(NULL, 0);
    assert_false(gw_bulk_token_read(&fields, &rules, &arena, &token, &why));
    assert_non_null(strstr(why, "org is missing"));
}

int main(void) {
    gw_arena_init(&arena, 65536);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_row_of_a_secret, set_row),
        cmocka_unit_test_setup(test_a_row_of_what_a_registry_keeps, set_row),
        cmocka_unit_test_setup(test_what_it_is_known_by_is_one_of_two, set_row),
        cmocka_unit_test_setup(test_each_field_is_held_to_its_rule, set_row),
        cmocka_unit_test_setup(test_an_organisation_for_all_is_no_other_than_that_of_a_row,
                               set_row),
    };
    int failed = cmocka_run_group_tests_name("token", tests, NULL, NULL);
    gw_arena_deinit(&arena);
    return failed;
}
