// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/exchange/token_json.h"

#define TIME_MS 1769860800000 // 2026-01-31T12:00:00Z

static void assert_written(const struct db_token_row *row, const char *expected) {
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, 4096);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_token_json_write(&json, row);
    gw_json_close_object(&json);
    assert_int_equal(gw_json_writer_finish(&json), GW_OK);
    struct gw_str text = gw_buf_bytes(&body);
    if (!gw_str_equal(text, gw_str_from(expected)))
        fail_msg("%.*s", GW_STR_ARG(text));
    gw_buf_deinit(&body);
}

static struct gw_ip_range range_of(const char *text) {
    struct gw_ip_range range;
    assert_int_equal(gw_ip_range_parse(gw_str_from(text), &range), GW_OK);
    return range;
}

static void test_a_time_that_is_unknown_is_null(void **state) {
    (void)state;
    const struct db_token_row row = {.id = GW_STR("cl1"),
                                     .name = GW_STR("\"ci\""),
                                     .prefix = GW_STR("sr_live_abcd"),
                                     .scopes = GW_SCOPE_READ,
                                     .created_ms = TIME_MS,
                                     .last_used_ms = DB_NO_TIME,
                                     .expires_ms = DB_NO_TIME};
    assert_written(&row, "{\"id\":\"cl1\",\"name\":\"\\\"ci\\\"\",\"prefix\":\"sr_live_abcd\","
                         "\"scopes\":[\"read\"],\"createdAt\":\"2026-01-31T12:00:00.000Z\","
                         "\"lastUsedAt\":null,\"expiresAt\":null,\"allowedIps\":[],"
                         "\"description\":null,\"selfRotate\":false}");
}

static void test_ranges_and_the_binding_of_children_are_shown(void **state) {
    (void)state;
    const struct gw_ip_range ranges[] = {range_of("10.0.0.0/8"), range_of("2001:db8::1")};
    const struct db_token_row row = {.id = GW_STR("cl1"),
                                     .name = GW_STR("n"),
                                     .prefix = GW_STR("p"),
                                     .scopes = GW_SCOPE_WRITE | GW_SCOPE_ADMIN,
                                     .created_ms = TIME_MS,
                                     .last_used_ms = TIME_MS + 1,
                                     .expires_ms = TIME_MS + 1000,
                                     .allowed_ips = ranges,
                                     .allowed_ip_count = 2,
                                     .binds_children = true};
    assert_written(&row, "{\"id\":\"cl1\",\"name\":\"n\",\"prefix\":\"p\",\"scopes\":[\"write\","
                         "\"admin\"],\"createdAt\":\"2026-01-31T12:00:00.000Z\",\"lastUsedAt\":"
                         "\"2026-01-31T12:00:00.001Z\",\"expiresAt\":\"2026-01-31T12:00:01.000Z\","
                         "\"allowedIps\":[\"10.0.0.0/8\",\"2001:db8::1\"],\"description\":null,"
                         "\"selfRotate\":false,\"bindChildren\":true}");
}

static void test_what_it_is_for_and_that_it_rotates_itself_are_shown(void **state) {
    (void)state;
    const struct db_token_row row = {.id = GW_STR("cl1"),
                                     .name = GW_STR("n"),
                                     .prefix = GW_STR("p"),
                                     .description = GW_STR("for <the> \"bot\""),
                                     .scopes = GW_SCOPE_READ,
                                     .rotates_itself = true,
                                     .created_ms = TIME_MS,
                                     .last_used_ms = DB_NO_TIME,
                                     .expires_ms = DB_NO_TIME};
    assert_written(&row, "{\"id\":\"cl1\",\"name\":\"n\",\"prefix\":\"p\",\"scopes\":[\"read\"],"
                         "\"createdAt\":\"2026-01-31T12:00:00.000Z\",\"lastUsedAt\":null,"
                         "\"expiresAt\":null,\"allowedIps\":[],\"description\":"
                         "\"for \\u003cthe\\u003e \\\"bot\\\"\",\"selfRotate\":true}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_is_for_and_that_it_rotates_itself_are_shown),
        cmocka_unit_test(test_a_time_that_is_unknown_is_null),
        cmocka_unit_test(test_ranges_and_the_binding_of_children_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
