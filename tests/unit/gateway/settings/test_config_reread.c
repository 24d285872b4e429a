// SPDX-License-Identifier: MIT
// Proves of gateway/settings/config_reread.c: what is live changes, what is not stays, a mistake
// changes nothing, and a flag still wins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/settings/config_read.h"
#include "gateway/settings/config_reread.h"

#define FIXED "database-url = postgresql://x\nlisten-https = off\nlisten-http = 127.0.0.1:0\n"

static char path[] = "/tmp/config-reread-XXXXXX";
static struct gw_config config;

static void write_file(const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(FIXED, file) >= 0 && fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_file(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0 || clearenv() != 0 ? -1 : 0;
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

// The words live as long as the settings.
static void start(const char *text, char *flag, char *value) {
    static char program[] = "skillreg-gateway";
    static char config_flag[] = "--config";
    static char *words[5] = {program, config_flag, path};
    words[3] = flag;
    words[4] = value;
    write_file(text);
    assert_int_equal(gw_config_read(flag == NULL ? 3 : 5, words, &config), GW_CONFIG_RUN);
}

static void test_what_is_live_changes_and_the_rest_stays(void **state) {
    (void)state;
    start("workers = 2\nrate-limit = 10/m\n", NULL, NULL);
    write_file("workers = 3\nrate-limit = 20/m\naccess-log = on\nlog-level = error\n"
               "log-format = json\ndrain-delay = 1s\nupstream = http://b\n");
    assert_true(gw_config_reread(&config, false));
    assert_int_equal(config.workers, 2);
    assert_int_equal(config.upstreams.count, 0);
    assert_int_equal(config.rate_limit.count, 20);
    assert_true(config.access_log);
    assert_int_equal(config.log_level, GW_LOG_ERROR);
    assert_int_equal(config.log_form, GW_LOG_JSON);
    assert_int_equal(config.drain_delay_ms, 1000);
}

static void test_what_is_gone_is_the_default_again(void **state) {
    (void)state;
    start("rate-limit = 10/m\nrate-limit-burst = 3\n", NULL, NULL);
    write_file("rate-limit = 10/m\n");
    assert_true(gw_config_reread(&config, false));
    assert_int_equal(config.rate_limit.burst, 10);
}

static void test_nothing_new_changes_nothing(void **state) {
    (void)state;
    start("rate-limit = 10/m\nupstream = http://a,http://b\n", NULL, NULL);
    write_file("rate-limit = 10/m\nupstream = http://a\nupstream = http://b\n");
    assert_false(gw_config_reread(&config, true));
}

static void test_a_mistake_changes_nothing(void **state) {
    (void)state;
    start("rate-limit = 10/m\n", NULL, NULL);
    write_file("rate-limit = 20/m\nno-such = 1\n");
    assert_false(gw_config_reread(&config, false));
    assert_int_equal(config.rate_limit.count, 10);
    write_file("rate-limit = 20/m\nlog-level = loud\n");
    assert_false(gw_config_reread(&config, false));
    assert_int_equal(config.rate_limit.count, 10);
}

static void test_a_flag_wins_again(void **state) {
    (void)state;
    static char flag[] = "--rate-limit";
    static char value[] = "5/m";
    start("rate-limit = 10/m\n", flag, value);
    write_file("rate-limit = 20/m\n");
    assert_false(gw_config_reread(&config, false));
    assert_int_equal(config.rate_limit.count, 5);
}

static void test_the_values_outlive_the_reading(void **state) {
    (void)state;
    start("tls-min = 1.3\n", NULL, NULL);
    const char *url = config.database_url;
    write_file("tls-min = 1.2\ndatabase-url-file = /none\n");
    assert_false(gw_config_reread(&config, false));
    assert_ptr_equal(config.database_url, url);
    assert_string_equal(url, "postgresql://x");
    assert_true(config.is_tls13_only);
}

static void test_without_a_file_there_is_nothing_to_read(void **state) {
    (void)state;
    config.config_file = NULL;
    assert_false(gw_config_reread(&config, true));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_live_changes_and_the_rest_stays),
        cmocka_unit_test(test_what_is_gone_is_the_default_again),
        cmocka_unit_test(test_nothing_new_changes_nothing),
        cmocka_unit_test(test_a_mistake_changes_nothing),
        cmocka_unit_test(test_a_flag_wins_again),
        cmocka_unit_test(test_the_values_outlive_the_reading),
        cmocka_unit_test(test_without_a_file_there_is_nothing_to_read),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
