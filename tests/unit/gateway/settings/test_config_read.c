// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/settings/config_read.h"

#define ARGUMENTS_MAX 32

static struct gw_config config;

static int clear_environment(void **state) {
    (void)state;
    return clearenv();
}

// The words of `line` are the arguments. They live until the next call, as the settings point into
// them.
static enum gw_config_outcome read_line(const char *line) {
    static char memory[512];
    static char *arguments[ARGUMENTS_MAX];
    int count = 0;
    assert_true(strlen(line) < sizeof(memory));
    strcpy(memory, line);
    arguments[count++] = (char[]){"skillreg-gateway"};
    for (char *word = strtok(memory, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(count < ARGUMENTS_MAX);
        arguments[count++] = word;
    }
    return gw_config_read(count, arguments, &config);
}

#define PLAIN "--database-url postgresql://x --listen-https off --listen-http 127.0.0.1:0 "

static void assert_read(const char *more) {
    char line[512];
    snprintf(line, sizeof(line), PLAIN "%s", more);
    if (read_line(line) != GW_CONFIG_RUN)
        fail_msg("refused: %s", more);
}

static void assert_refused(const char *more) {
    char line[512];
    snprintf(line, sizeof(line), PLAIN "%s", more);
    if (read_line(line) != GW_CONFIG_EXIT_USAGE)
        fail_msg("accepted: %s", more);
}

static void test_defaults_stand_where_nothing_is_given(void **state) {
    (void)state;
    assert_read("");
    assert_string_equal(config.database_url, "postgresql://x");
    assert_null(config.listen_https);
    assert_string_equal(config.listen_admin, "127.0.0.1:9090");
    assert_int_equal(config.workers, 1);
    assert_int_equal(config.connections_max, 20000);
    assert_true(config.memory_max_bytes == GW_CONFIG_MEMORY_BY_CGROUP);
    assert_int_equal(config.upstreams.count, 0);
    assert_int_equal(config.head_timeout_ms, 15000);
    assert_int_equal(config.rate_limit.count, 0);
    assert_int_equal(config.log_level, GW_LOG_INFO);
    assert_int_equal(config.log_form, GW_LOG_TEXT);
    assert_false(config.access_log || config.is_test_environment || config.is_tls13_only);
}

static void test_a_flag_wins_over_its_variable(void **state) {
    (void)state;
    setenv("GATEWAY_WORKERS", "3", 1);
    setenv("GATEWAY_ACCESS_LOG", "yes", 1);
    assert_read("");
    assert_int_equal(config.workers, 3);
    assert_true(config.access_log);
    assert_read("--workers=2 --access-log=off");
    assert_int_equal(config.workers, 2);
    assert_false(config.access_log);
}

static void test_an_empty_variable_of_text_counts_as_not_set(void **state) {
    (void)state;
    setenv("GATEWAY_LISTEN_ADMIN", "", 1);
    assert_read("");
    assert_string_equal(config.listen_admin, "127.0.0.1:9090");
    setenv("GATEWAY_WORKERS", "", 1);
    assert_refused("");
}

static void test_repeated_flags_replace_the_variable(void **state) {
    (void)state;
    setenv("GATEWAY_UPSTREAM", "http://a,http://b", 1);
    assert_read("");
    assert_int_equal(config.upstreams.count, 2);
    assert_read("--upstream http://c --upstream http://d,http://e");
    assert_int_equal(config.upstreams.count, 3);
    assert_string_equal(config.upstreams.at[0], "http://c");
    assert_string_equal(config.upstreams.at[2], "http://e");
    assert_refused("--upstream http://c,");
}

// The name of a file may hold a comma, where a flag names one file each.
static void test_a_flag_for_files_takes_one(void **state) {
    (void)state;
    assert_read("--tls-cert a,b.pem --tls-key a.key");
    assert_int_equal(config.tls_certs.count, 1);
    assert_string_equal(config.tls_certs.at[0], "a,b.pem");
    setenv("GATEWAY_TLS_CERT", "a.pem,b.pem", 1);
    setenv("GATEWAY_TLS_KEY", "a.key,b.key", 1);
    assert_read("");
    assert_int_equal(config.tls_certs.count, 2);
    assert_refused("--tls-cert a.pem");
}

static void test_values_have_their_form(void **state) {
    (void)state;
    assert_read("--rate-limit 120/m --rate-limit-burst 7 --stale-read 0 --tls-min 1.3 "
                "--client-address-from Forwarded --environment test --log-level error "
                "--log-format json --memory-max 64M");
    assert_int_equal(config.memory_max_bytes, 67108864);
    assert_int_equal(config.rate_limit.count, 120);
    assert_int_equal(config.rate_limit.burst, 7);
    assert_int_equal(config.stale_read_ms, 0);
    assert_true(config.is_tls13_only && config.client_address_from_forwarded);
    assert_true(config.is_test_environment);
    assert_int_equal(config.log_level, GW_LOG_ERROR);
    assert_int_equal(config.log_form, GW_LOG_JSON);
    static const char *const wrong[] = {
        "--workers 0",
        "--workers 257",
        "--metrics-organisations 1001",
        "--workers two",
        "--connections-max -1",
        "--head-timeout 0s",
        "--head-timeout 15",
        "--rate-limit 120/d",
        "--tls-min 1.1",
        "--environment prod",
        "--log-level loud",
        "--log-format xml",
        "--authz-fields Method",
        "--authz-fields Method,Path,Host",
        "--authz-fields Method,method",
        "--authz-fields Method,a:b",
        "--authz-fields Method,",
        "--registry-credential acme",
        "--registry-credential =/file",
        "--registry-credential acme=",
        "--registry-credential Acme=/file",
        "--access-log=maybe",
        "--trusted-proxies 10.0.0.1/8",
        "--no-such-flag",
        "--workers",
        "surplus",
        "--worker-timeout 9s",
        "--freshness-lease 4s",
        "--memory-max 512",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_refused(wrong[i]);
}

static void test_settings_that_need_each_other(void **state) {
    (void)state;
    assert_refused("--proxy-protocol");
    assert_read("--proxy-protocol --trusted-proxies 10.0.0.0/8");
    assert_refused("--listen-https 127.0.0.1:0");
    assert_read("--listen-https 127.0.0.1:0 --tls-cert a.pem --tls-key a.key");
    assert_refused("--listen-http off");
    assert_int_equal(read_line("--listen-https off --listen-http 127.0.0.1:0"),
                     GW_CONFIG_EXIT_USAGE);
}

// On the port of the gateway a browser would take what the registry stores for the page's own.
static void test_the_page_has_a_port_of_its_own(void **state) {
    (void)state;
    assert_read("");
    assert_null(config.tokens_page);
    assert_read("--tokens-page off");
    assert_null(config.tokens_page);
    assert_read("--tokens-page 127.0.0.1:0");
    assert_string_equal(config.tokens_page, "127.0.0.1:0");
    assert_read("--listen-http 127.0.0.1:8080 --tokens-page [::1]:8081");
    assert_refused("--listen-http 127.0.0.1:8080 --tokens-page 127.0.0.1:8080");
    assert_refused("--listen-http 127.0.0.1:8080 --tokens-page [::1]:08080");
    assert_refused("--tokens-page 0.0.0.0:9090");
    assert_refused("--listen-https 0.0.0.0:8443 --tls-cert a.pem --tls-key a.key "
                   "--tokens-page 10.0.0.1:8443");
}

#define config_test(function) cmocka_unit_test_setup(function, clear_environment)

int main(void) {
    const struct CMUnitTest tests[] = {
        config_test(test_defaults_stand_where_nothing_is_given),
        config_test(test_a_flag_wins_over_its_variable),
        config_test(test_an_empty_variable_of_text_counts_as_not_set),
        config_test(test_repeated_flags_replace_the_variable),
        config_test(test_a_flag_for_files_takes_one),
        config_test(test_values_have_their_form),
        config_test(test_settings_that_need_each_other),
        config_test(test_the_page_has_a_port_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
