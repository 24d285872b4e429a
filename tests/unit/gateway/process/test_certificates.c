// SPDX-License-Identifier: MIT
// On a real loop and real files. That a change of a file is heard of without the poll is tested in
// tests/e2e/test_tls_reload.py, too.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/process/certificates.h"
#include "tests/support/certificate.h"

#define GUARD_MS 60000
#define NEVER_MS 3600000
#define AT_ONCE_MS 10

struct fixture {
    uv_loop_t loop;
    uv_timer_t guard;
    struct test_certificate pair; // what the gateway reads
    struct test_certificate other;
    struct gw_config config;
    struct gw_metrics metrics;
    struct gw_certificates certificates;
    int changes;
    bool is_out_of_time;
};

static void on_guard(uv_timer_t *guard) {
    gw_container_of(guard, struct fixture, guard)->is_out_of_time = true;
}

static void on_changed(struct gw_certificates *certificates) {
    gw_container_of(certificates, struct fixture, certificates)->changes++;
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    test_certificate_create(&fixture->pair, TEST_KEY_EC);
    test_certificate_create_with(&fixture->other, TEST_KEY_EC,
                                 &(struct test_certificate_options){.not_after = "20300102030405"});
    fixture->config.tls_certs =
        (struct gw_config_texts){.at = {fixture->pair.certificate_file}, .count = 1};
    fixture->config.tls_keys = (struct gw_config_texts){.at = {fixture->pair.key_file}, .count = 1};
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    uv_timer_init(&fixture->loop, &fixture->guard);
    uv_timer_start(&fixture->guard, on_guard, GUARD_MS, 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_certificates_close(&fixture->certificates);
    uv_close((uv_handle_t *)&fixture->guard, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_certificate_destroy(&fixture->pair);
    test_certificate_destroy(&fixture->other);
    test_free(fixture);
    return 0;
}

static void start(struct fixture *fixture, uint64_t poll_ms) {
    static const unsigned char secret[32] = {1};
    const struct gw_certificates_options options = {.config = &fixture->config,
                                                    .ticket_secret = secret,
                                                    .metrics = &fixture->metrics,
                                                    .poll_ms = poll_ms};
    fixture->certificates.on_changed = on_changed;
    assert_int_equal(gw_certificates_open(&fixture->certificates, &fixture->loop, &options), GW_OK);
}

static void wait_for_change(struct fixture *fixture, int count) {
    while (fixture->changes < count && !fixture->is_out_of_time)
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(fixture->changes, count);
}

static void put(const char *from, const char *to) {
    assert_int_equal(rename(from, to), 0);
}

static void test_new_files_are_taken_when_they_come(void **state) {
    struct fixture *fixture = *state;
    start(fixture, NEVER_MS);
    assert_int_equal(fixture->metrics.cert_not_after_seconds, INT64_C(4102444799));
    struct tls_context *before = fixture->certificates.context;
    put(fixture->other.key_file, fixture->pair.key_file);
    put(fixture->other.certificate_file, fixture->pair.certificate_file);
    wait_for_change(fixture, 1);
    assert_ptr_not_equal(fixture->certificates.context, before);
    assert_int_equal(fixture->metrics.cert_not_after_seconds, INT64_C(1893553445));
}

// The watch looks at the old directory for ever.
static void test_a_directory_that_is_replaced_is_found_by_the_poll(void **state) {
    struct fixture *fixture = *state;
    char aside[80];
    (void)snprintf(aside, sizeof(aside), "%s.aside", fixture->pair.directory);
    start(fixture, AT_ONCE_MS);
    put(fixture->pair.directory, aside);
    put(fixture->other.directory, fixture->pair.directory);
    wait_for_change(fixture, 1);
    assert_int_equal(fixture->metrics.cert_not_after_seconds, INT64_C(1893553445));
    put(fixture->pair.directory, fixture->other.directory);
    put(aside, fixture->pair.directory);
}

static bool is_reading(const struct fixture *fixture) {
    return gw_file_reader_waits_for(&fixture->certificates.reader) != NULL;
}

static void reload(struct fixture *fixture) {
    gw_certificates_reload(&fixture->certificates);
    assert_true(is_reading(fixture));
    while (is_reading(fixture) && !fixture->is_out_of_time)
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_false(fixture->is_out_of_time);
}

static void test_files_that_cannot_be_used_change_nothing(void **state) {
    struct fixture *fixture = *state;
    start(fixture, NEVER_MS);
    struct tls_context *before = fixture->certificates.context;
    test_file_write(fixture->pair.certificate_file, "");
    reload(fixture);
    assert_int_equal(unlink(fixture->pair.key_file), 0);
    reload(fixture);
    assert_int_equal(fixture->changes, 0);
    assert_ptr_equal(fixture->certificates.context, before);
    assert_int_equal(fixture->metrics.cert_not_after_seconds, INT64_C(4102444799));
}

static void test_a_demand_is_obeyed_even_if_nothing_changed(void **state) {
    struct fixture *fixture = *state;
    start(fixture, NEVER_MS);
    reload(fixture);
    assert_int_equal(fixture->changes, 1);
}

// The reading that is under way may have missed what the demand is about.
static void test_a_demand_during_a_reading_reads_again(void **state) {
    struct fixture *fixture = *state;
    start(fixture, NEVER_MS);
    gw_certificates_reload(&fixture->certificates);
    gw_certificates_reload(&fixture->certificates);
    put(fixture->other.key_file, fixture->pair.key_file);
    put(fixture->other.certificate_file, fixture->pair.certificate_file);
    wait_for_change(fixture, 1);
    assert_int_equal(fixture->metrics.cert_not_after_seconds, INT64_C(1893553445));
}

static void hang(const char *file) {
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
}

// A slow machine may find the file before it slow as well.
static bool waits_for(const struct fixture *fixture, const char *file) {
    const char *now = gw_file_reader_waits_for(&fixture->certificates.reader);
    return now != NULL && strcmp(now, file) == 0;
}

static void test_a_file_that_hangs_stops_neither_the_loop_nor_the_close(void **state) {
    struct fixture *fixture = *state;
    start(fixture, AT_ONCE_MS);
    hang(fixture->pair.key_file);
    gw_certificates_reload(&fixture->certificates);
    while (!(fixture->certificates.has_said_stuck && waits_for(fixture, fixture->pair.key_file)) &&
           !fixture->is_out_of_time)
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_true(waits_for(fixture, fixture->pair.key_file));
    assert_int_equal(fixture->changes, 0);
}

static void test_the_ticket_secret_of_a_file_is_read_again(void **state) {
    struct fixture *fixture = *state;
    char file[96];
    (void)snprintf(file, sizeof(file), "%s/secret", fixture->pair.directory);
    test_file_write(file, "0123456789abcdef0123456789abcdef");
    fixture->config.tls_ticket_secret = file;
    start(fixture, NEVER_MS);
    struct tls_context *before = fixture->certificates.context;
    test_file_write(file, "too short");
    reload(fixture);
    assert_ptr_equal(fixture->certificates.context, before);
    test_file_write(file, "0123456789abcdef0123456789abcdeg");
    reload(fixture);
    assert_int_equal(fixture->changes, 1);
    assert_int_equal(unlink(file), 0);
}

static void test_files_that_stay_are_not_read_again(void **state) {
    struct fixture *fixture = *state;
    start(fixture, AT_ONCE_MS);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&fixture->loop, UV_RUN_ONCE); // each is a poll
    assert_int_equal(fixture->changes, 0);
}

// ---- the log ----

// Stderr goes into a pipe until end_log.
struct log {
    int saved;
    int ends[2];
    char text[4096];
};

static void begin_log(struct log *log) {
    log->saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(log->ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(dup2(log->ends[1], STDERR_FILENO), STDERR_FILENO);
}

static const char *end_log(struct log *log) {
    assert_int_equal(dup2(log->saved, STDERR_FILENO), STDERR_FILENO);
    ssize_t length = read(log->ends[0], log->text, sizeof(log->text) - 1);
    log->text[length > 0 ? length : 0] = '\0';
    (void)close(log->saved);
    (void)close(log->ends[0]);
    (void)close(log->ends[1]);
    return log->text;
}

// The name of a file makes no field of the log, neither at the start nor later.
static void test_a_name_with_a_quote_is_quoted_in_the_log(void **state) {
    struct fixture *fixture = *state;
    struct log log;
    char file[96];
    (void)snprintf(file, sizeof(file), "%s/c\" forged=\"1", fixture->pair.directory);
    fixture->config.tls_certs.at[0] = file;
    static const unsigned char secret[32] = {1};
    const struct gw_certificates_options options = {.config = &fixture->config,
                                                    .ticket_secret = secret,
                                                    .metrics = &fixture->metrics,
                                                    .poll_ms = NEVER_MS};
    struct gw_certificates missing = {.context = NULL};
    begin_log(&log);
    assert_int_equal(gw_certificates_open(&missing, &fixture->loop, &options), GW_INVALID);
    assert_non_null(strstr(end_log(&log), "/c\\\" forged=\\\"1: cannot read "));
    put(fixture->pair.certificate_file, file);
    start(fixture, NEVER_MS);
    test_file_write(file, "");
    begin_log(&log);
    reload(fixture);
    assert_non_null(strstr(end_log(&log), "/c\\\" forged=\\\"1: "));
    put(file, fixture->pair.certificate_file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_files_are_taken_when_they_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_directory_that_is_replaced_is_found_by_the_poll,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_with_a_quote_is_quoted_in_the_log, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_cannot_be_used_change_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_stay_are_not_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_demand_is_obeyed_even_if_nothing_changed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_demand_during_a_reading_reads_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_hangs_stops_neither_the_loop_nor_the_close,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_ticket_secret_of_a_file_is_read_again, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
