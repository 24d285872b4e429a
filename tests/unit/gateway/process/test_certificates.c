// SPDX-License-Identifier: MIT
// On a real loop and real files. That a change of a file is heard of without the poll is tested in
// tests/e2e/test_tls_reload.py, too.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
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

static void test_files_that_cannot_be_used_change_nothing(void **state) {
    struct fixture *fixture = *state;
    start(fixture, NEVER_MS);
    struct tls_context *before = fixture->certificates.context;
    test_file_write(fixture->pair.certificate_file, "");
    gw_certificates_reload(&fixture->certificates);
    assert_int_equal(unlink(fixture->pair.key_file), 0);
    gw_certificates_reload(&fixture->certificates);
    assert_int_equal(fixture->changes, 0);
    assert_ptr_equal(fixture->certificates.context, before);
    assert_int_equal(fixture->metrics.cert_not_after_seconds, INT64_C(4102444799));
}

static void test_files_that_stay_are_not_read_again(void **state) {
    struct fixture *fixture = *state;
    start(fixture, AT_ONCE_MS);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&fixture->loop, UV_RUN_ONCE); // each is a poll
    assert_int_equal(fixture->changes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_files_are_taken_when_they_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_directory_that_is_replaced_is_found_by_the_poll,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_cannot_be_used_change_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_stay_are_not_read_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
