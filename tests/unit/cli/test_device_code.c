// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/device_code.h"

#define BASE "https://GW.example.com:443/prefix/api/v1"

struct fixture {
    struct gw_arena arena;
    struct gw_json root;
    struct cli_device_code code;
};

static struct fixture fixture;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&fixture.arena, (size_t)64 * 1024);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&fixture.arena);
    return 0;
}

static void parse(const char *text) {
    assert_int_equal(
        gw_json_parse(&fixture.arena, gw_str_from(text), GW_JSON_TOKENS_MAX, &fixture.root, NULL),
        GW_OK);
}

static enum gw_status read_code(const char *text) {
    parse(text);
    return cli_device_code_read(fixture.root, BASE, &fixture.arena, &fixture.code);
}

static void test_a_path_is_below_the_address(void **state) {
    (void)state;
    assert_int_equal(read_code("{\"deviceCode\":\"d\",\"userCode\":\"BCDF-2345\","
                               "\"verificationUrl\":\"/auth/cli\",\"expiresIn\":600,"
                               "\"interval\":5}"),
                     GW_OK);
    assert_string_equal(fixture.code.secret, "d");
    assert_string_equal(fixture.code.user_code, "BCDF-2345");
    assert_string_equal(fixture.code.url, "https://gw.example.com/prefix/auth/cli");
    assert_int_equal(fixture.code.life_s, 600);
    assert_int_equal(fixture.code.interval_s, 5);
}

static void test_a_whole_address_stays_and_times_have_defaults(void **state) {
    (void)state;
    assert_int_equal(read_code("{\"deviceCode\":\"d\",\"userCode\":\"A\",\"expiresIn\":null,"
                               "\"verificationUrl\":\"https://skills.example/auth?code=A\"}"),
                     GW_OK);
    assert_string_equal(fixture.code.url, "https://skills.example/auth?code=A");
    assert_int_equal(fixture.code.life_s, CLI_DEVICE_LIFE_S);
    assert_int_equal(fixture.code.interval_s, CLI_DEVICE_INTERVAL_S);
}

static void test_times_are_bounded(void **state) {
    (void)state;
    assert_int_equal(read_code("{\"deviceCode\":\"d\",\"userCode\":\"A\",\"verificationUrl\":\"/\","
                               "\"expiresIn\":9999999,\"interval\":9999}"),
                     GW_OK);
    assert_int_equal(fixture.code.life_s, CLI_DEVICE_LIFE_S_MAX);
    assert_int_equal(fixture.code.interval_s, CLI_DEVICE_INTERVAL_S_MAX);
    assert_int_equal(read_code("{\"deviceCode\":\"d\",\"userCode\":\"A\",\"verificationUrl\":\"/\","
                               "\"expiresIn\":0,\"interval\":-1}"),
                     GW_OK);
    assert_int_equal(fixture.code.life_s, CLI_DEVICE_LIFE_S);
    assert_int_equal(fixture.code.interval_s, CLI_DEVICE_INTERVAL_S);
}

static void test_what_cannot_be_used_is_refused(void **state) {
    (void)state;
    static const char long_code[] =
        "{\"deviceCode\":\"d\",\"verificationUrl\":\"/a\",\"userCode\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
    static const char *const answers[] = {
        "{}",
        "{\"deviceCode\":\"\",\"userCode\":\"A\",\"verificationUrl\":\"/a\"}",
        "{\"deviceCode\":\"d\",\"userCode\":7,\"verificationUrl\":\"/a\"}",
        "{\"deviceCode\":\"d\",\"userCode\":\"A\"}",
        "{\"deviceCode\":\"d\",\"userCode\":\"A\",\"verificationUrl\":\"\"}",
        "{\"deviceCode\":\"d\",\"userCode\":\"A\",\"verificationUrl\":\"//evil.example/a\"}",
        "{\"deviceCode\":\"d\",\"userCode\":\"A\",\"verificationUrl\":\"javascript:alert(1)\"}",
        "{\"deviceCode\":\"d\",\"userCode\":\"A\",\"verificationUrl\":\"/a b\"}",
        "{\"deviceCode\":\"d\",\"userCode\":\"A\",\"verificationUrl\":\"/a\\u001b[2J\"}",
        "{\"deviceCode\":\"d\\u0000\",\"userCode\":\"A\",\"verificationUrl\":\"/a\"}",
        long_code,
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        assert_int_equal(read_code(answers[i]), GW_INVALID);
}

static enum gw_status read_state(const char *text, enum cli_device_state *state,
                                 struct gw_str *token) {
    parse(text);
    return cli_device_state_read(fixture.root, &fixture.arena, state, token);
}

static void test_states(void **state) {
    (void)state;
    enum cli_device_state found;
    struct gw_str token;
    assert_int_equal(read_state("{\"status\":\"pending\",\"token\":null}", &found, &token), GW_OK);
    assert_int_equal(found, CLI_DEVICE_PENDING);
    assert_null(token.at);
    static const char *const complete[] = {"{\"status\":\"complete\",\"token\":\"sr_live_x\"}",
                                           "{\"status\":\"completed\",\"token\":\"sr_live_x\"}"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_state(complete[i], &found, &token), GW_OK);
        assert_int_equal(found, CLI_DEVICE_COMPLETE);
        assert_true(gw_str_equal(token, GW_STR("sr_live_x")));
    }
    static const char *const strange[] = {"{}", "{\"status\":\"denied\",\"token\":null}",
                                          "{\"status\":\"complete\",\"token\":null}",
                                          "{\"status\":\"complete\"}"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(read_state(strange[i], &found, &token), GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_path_is_below_the_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_whole_address_stays_and_times_have_defaults, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_times_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_used_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_states, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
