// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/asked.h"

static int open_arena(void **state) {
    static struct gw_arena arena;
    gw_arena_init(&arena, 256 * 1024);
    *state = &arena;
    return 0;
}

static int close_arena(void **state) {
    gw_arena_deinit(*state);
    return 0;
}

// The answer has what every one has, and `members`. `unheeded` "": all was heeded.
static void assert_unheeded(struct gw_arena *arena, const struct cli_options *options,
                            const char *members, const char *unheeded) {
    char text[512];
    struct gw_json answer;
    (void)snprintf(text, sizeof(text), "{\"createdAt\":\"2026-01-01T00:00:00.000Z\",%s}", members);
    assert_int_equal(gw_json_parse(arena, gw_str_from(text), 64, &answer, NULL), GW_OK);
    const char *found = cli_asked_find_unheeded(options, answer, arena);
    assert_string_equal(found != NULL ? found : "", unheeded);
}

static struct cli_options creation(void) {
    return (struct cli_options){.command = CLI_COMMAND_TOKEN_CREATE, .scopes = GW_SCOPE_READ};
}

static void test_an_end_may_be_as_late_as_asked(void **state) {
    struct cli_options options = creation();
    options.expiry = (struct cli_expiry){.kind = CLI_EXPIRY_AFTER, .length_s = 86400};
#define END(text) "\"scopes\":[\"read\"],\"expiresAt\":" text
    assert_unheeded(*state, &options, END("\"2026-01-02T00:00:00.000Z\""), "");
    assert_unheeded(*state, &options, END("\"2026-01-02T00:05:00.000Z\""), ""); // another clock
    assert_unheeded(*state, &options, END("\"2026-01-01T01:00:00.000Z\""), "");
    assert_unheeded(*state, &options, END("\"2026-01-02T01:00:00.000Z\""), "--expires");
    assert_unheeded(*state, &options, END("null"), "--expires");
    options.expiry = (struct cli_expiry){.kind = CLI_EXPIRY_NEVER};
    assert_unheeded(*state, &options, END("null"), "");
    options.expiry = (struct cli_expiry){.kind = CLI_EXPIRY_NOT_GIVEN};
    assert_unheeded(*state, &options, END("\"2026-01-01T01:00:00.000Z\""), "");
}

static void test_an_end_of_a_rotation_counts_alone(void **state) {
    struct cli_options options = {.command = CLI_COMMAND_TOKEN_ROTATE};
    options.expiry = (struct cli_expiry){.kind = CLI_EXPIRY_AFTER, .length_s = 86400};
    assert_unheeded(*state, &options, "\"scopes\":[\"admin\"],\"expiresAt\":null", "--expires");
    options.expiry.kind = CLI_EXPIRY_NOT_GIVEN;
    assert_unheeded(*state, &options, "\"scopes\":[\"admin\"],\"expiresAt\":null", "");
}

static void test_scopes_may_not_be_wider(void **state) {
    struct cli_options options = creation();
    assert_unheeded(*state, &options, "\"scopes\":[\"read\"]", "");
    assert_unheeded(*state, &options, "\"scopes\":[\"read\",\"write\"]", "--scopes");
    assert_unheeded(*state, &options, "\"scopes\":[\"owner\"]", "--scopes");
    options.scopes = GW_SCOPE_ADMIN;
    assert_unheeded(*state, &options, "\"scopes\":[\"admin\"]", "");
    assert_unheeded(*state, &options, "\"scopes\":[\"read\"]", "");
}

static void test_addresses_are_those_that_were_asked(void **state) {
    struct cli_options options = creation();
    options.allowed_ips[0] = "10.0.0.0/8";
    options.allowed_ips[1] = "2001:DB8::1";
    options.allowed_ip_count = 2;
#define FROM(list) "\"scopes\":[\"read\"],\"allowedIps\":" list
    assert_unheeded(*state, &options, FROM("[\"10.0.0.0/8\",\"2001:db8::1\"]"), "");
    assert_unheeded(*state, &options, FROM("[\"2001:db8::1\"]"), "");
    assert_unheeded(*state, &options, FROM("[]"), "--allow-ip");
    assert_unheeded(*state, &options, FROM("null"), "--allow-ip");
    assert_unheeded(*state, &options, "\"scopes\":[\"read\"]", "--allow-ip");
    assert_unheeded(*state, &options, FROM("[\"10.0.0.0/8\",\"11.0.0.0/8\"]"), "--allow-ip");
}

static void test_marks_are_those_that_were_asked(void **state) {
    struct cli_options options = creation();
#define MARKS(text) "\"scopes\":[\"read\"]," text
    assert_unheeded(*state, &options, MARKS("\"selfRotate\":false"), "");
    assert_unheeded(*state, &options, MARKS("\"selfRotate\":true"), "--self-rotate");
    options.values[CLI_FLAG_SELF_ROTATE] = "";
    assert_unheeded(*state, &options, MARKS("\"selfRotate\":true"), "");
    assert_unheeded(*state, &options, "\"scopes\":[\"read\"]", "--self-rotate");
    options.values[CLI_FLAG_BIND_SAN] = "a.example";
    assert_unheeded(*state, &options, MARKS("\"selfRotate\":true"), "--bind-san");
    assert_unheeded(*state, &options, MARKS("\"selfRotate\":true,\"boundSan\":\"b.example\""),
                    "--bind-san");
    assert_unheeded(*state, &options, MARKS("\"selfRotate\":true,\"boundSan\":\"a.example\""), "");
    options.values[CLI_FLAG_BIND_SAN] = NULL;
    options.values[CLI_FLAG_BIND_CHILDREN] = "";
    assert_unheeded(*state, &options, MARKS("\"selfRotate\":true"), "--bind-children");
    assert_unheeded(*state, &options, MARKS("\"selfRotate\":true,\"bindChildren\":true"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_end_may_be_as_late_as_asked),
        cmocka_unit_test(test_an_end_of_a_rotation_counts_alone),
        cmocka_unit_test(test_scopes_may_not_be_wider),
        cmocka_unit_test(test_addresses_are_those_that_were_asked),
        cmocka_unit_test(test_marks_are_those_that_were_asked),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
