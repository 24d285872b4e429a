// SPDX-License-Identifier: MIT
// Proves of gateway/check/table.c: value and source of each setting, lined up, and no secret.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/check/table.h"
#include "gateway/settings/config_read.h"

static struct gw_config config;
static struct gw_buf out;

static int clear(void **state) {
    (void)state;
    gw_buf_init(&out, 1048576);
    return clearenv();
}

static int release(void **state) {
    (void)state;
    gw_buf_deinit(&out);
    return 0;
}

static void read_settings(const char *upstream, const char *url) {
    static char name[] = "check";
    static char flags[6][64];
    const char *given[] = {"--upstream", upstream, "--database-url", url, "--listen-https", "off"};
    char *arguments[7] = {name};
    for (size_t i = 0; i < 6; i++) {
        assert_true(strlen(given[i]) < sizeof(flags[i]));
        strcpy(flags[i], given[i]);
        arguments[i + 1] = flags[i];
    }
    assert_int_equal(setenv("GATEWAY_LISTEN_HTTP", "127.0.0.1:0", 1), 0);
    assert_int_equal(gw_config_read(7, arguments, &config), GW_CONFIG_RUN);
}

static const char *table(void) {
    assert_int_equal(gw_check_table_write(&config, &out), GW_OK);
    assert_int_equal(gw_buf_append(&out, "", 1), GW_OK);
    return gw_buf_bytes(&out).at;
}

// The line of a setting, without the blanks that line it up.
static void assert_row(const char *text, const char *key, const char *value, const char *source) {
    const char *at = text;
    while (strncmp(at, key, strlen(key)) != 0 || at[strlen(key)] != ' ') {
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
    const char *end = strchr(at, '\n');
    assert_non_null(end);
    at += strlen(key);
    at += strspn(at, " ");
    size_t length = strlen(value);
    assert_memory_equal(at, value, length);
    at += length;
    at += strspn(at, " ");
    assert_int_equal(end - at, strlen(source));
    assert_memory_equal(at, source, strlen(source));
}

static void test_each_says_its_value_and_its_source(void **state) {
    (void)state;
    read_settings("http://a:1,http://b:2", "postgresql://gw:hidden@db.test/skillreg");
    const char *text = table();
    assert_row(text, "SETTING", "VALUE", "FROM");
    assert_row(text, "upstream", "http://a:1, http://b:2", "flag");
    assert_row(text, "listen-http", "127.0.0.1:0", "variable GATEWAY_LISTEN_HTTP");
    assert_row(text, "listen-https", "off", "flag");
    assert_row(text, "workers", "1", "default");
    assert_row(text, "reuse-port", "off", "default");
    assert_row(text, "client-ca", "-", "not set");
}

static void test_columns_are_lined_up(void **state) {
    (void)state;
    read_settings("http://a:1", "postgresql://db.test/skillreg");
    const char *text = table();
    size_t column = (size_t)(strstr(text, "VALUE") - text);
    size_t source = (size_t)(strstr(text, "FROM") - text);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_true(line[column] != ' ' && line[column - 1] == ' ');
        assert_true(line[source] != ' ' && line[source - 1] == ' ');
    }
}

static void test_no_secret_is_shown(void **state) {
    (void)state;
    read_settings("http://user:hidden@a:1", "postgresql://gw:hidden@db.test/skillreg");
    const char *text = table();
    assert_null(strstr(text, "hidden"));
    assert_row(text, "database-url", "user=gw dbname=skillreg host=db.test", "flag");
    assert_row(text, "upstream", "http://***@a:1", "flag");
}

static void test_a_url_that_cannot_be_read_is_hidden_whole(void **state) {
    (void)state;
    read_settings("http://a", "postgresql://gw:hidden@[::1/db");
    assert_row(table(), "database-url", "***", "flag");
}

static void test_as_json(void **state) {
    (void)state;
    struct gw_json_writer json;
    read_settings("http://a:1", "postgresql://gw:hidden@db.test/skillreg");
    gw_json_writer_init(&json, &out);
    gw_check_table_write_json(&config, &json);
    assert_int_equal(gw_json_writer_finish(&json), GW_OK);
    assert_int_equal(gw_buf_append(&out, "", 1), GW_OK);
    const char *text = gw_buf_bytes(&out).at;
    assert_null(strstr(text, "hidden"));
    assert_non_null(
        strstr(text, "{\"setting\":\"client-ca\",\"value\":null,\"source\":\"unset\"}"));
    assert_non_null(
        strstr(text, "{\"setting\":\"workers\",\"value\":\"1\",\"source\":\"default\"}"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_says_its_value_and_its_source, clear, release),
        cmocka_unit_test_setup_teardown(test_columns_are_lined_up, clear, release),
        cmocka_unit_test_setup_teardown(test_no_secret_is_shown, clear, release),
        cmocka_unit_test_setup_teardown(test_a_url_that_cannot_be_read_is_hidden_whole, clear,
                                        release),
        cmocka_unit_test_setup_teardown(test_as_json, clear, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
