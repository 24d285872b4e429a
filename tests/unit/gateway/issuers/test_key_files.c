// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/issuers/key_files.h"

#define GUARD_MS 60000

// The example of RFC 7517 appendix A.1, and the other coordinates of RFC 7515 appendix A.3.
#define KEY_A                                                                                      \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\","                                             \
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                                       \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define KEY_B                                                                                      \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"b\","                                             \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                       \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

// Two issuers, each with a file.
struct fixture {
    char directory[128];
    char paths[2][160];
    uv_loop_t loop;
    uv_timer_t guard;
    struct gw_issuer_setting settings[2];
    struct gw_issuer_keys keys[2];
    struct gw_key_files files;
};

static void on_guard(uv_timer_t *timer) {
    (void)timer;
    fail_msg("nothing happened for too long");
}

// In place of the old one, as configuration management does it: never half a file.
static void put(const struct fixture *fixture, int index, const char *text) {
    char fresh[180];
    (void)snprintf(fresh, sizeof(fresh), "%s.new", fixture->paths[index]);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, fixture->paths[index]), 0);
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    const char *parent = getenv("TMPDIR");
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "%s/keys.XXXXXX",
                   parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(fixture->directory));
    for (int i = 0; i < 2; i++) {
        char path[sizeof(fixture->paths[i])];
        (void)snprintf(path, sizeof(path), "%s/%d", fixture->directory, i);
        memcpy(fixture->paths[i], path, sizeof(path));
        fixture->settings[i] = (struct gw_issuer_setting){.name = "ci", .keys = fixture->paths[i]};
        gw_issuer_keys_init(&fixture->keys[i], 0, 1);
        put(fixture, i, "{\"keys\":[" KEY_A "]}");
    }
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    uv_timer_init(&fixture->loop, &fixture->guard);
    uv_timer_start(&fixture->guard, on_guard, GUARD_MS, 0);
    gw_key_files_open(&fixture->files, &fixture->loop);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_key_files_close(&fixture->files);
    uv_close((uv_handle_t *)&fixture->guard, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    for (int i = 0; i < 2; i++) {
        gw_issuer_keys_deinit(&fixture->keys[i]);
        (void)unlink(fixture->paths[i]);
    }
    assert_int_equal(rmdir(fixture->directory), 0);
    test_free(fixture);
    return 0;
}

static enum gw_status add(struct fixture *fixture, int index, char *problem) {
    return gw_key_files_add(&fixture->files, &fixture->settings[index], &fixture->keys[index],
                            problem);
}

static void add_both(struct fixture *fixture) {
    char problem[GW_KEY_FILE_PROBLEM_BYTES];
    for (int i = 0; i < 2; i++)
        assert_int_equal(add(fixture, i, problem), GW_OK);
}

static bool has(const struct fixture *fixture, int index, const char *key_id) {
    const struct gw_jwk_set *set = fixture->keys[index].set;
    return set != NULL && gw_jwk_set_find(set, gw_str_from(key_id)) != NULL;
}

// To the end of the reading.
static void reread(struct fixture *fixture) {
    gw_key_files_reread(&fixture->files);
    while (fixture->files.reader.reading != NULL)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void test_keys_are_there_at_once_and_do_not_age(void **state) {
    struct fixture *fixture = *state;
    add_both(fixture);
    assert_int_equal(fixture->files.count, 2);
    assert_true(has(fixture, 0, "a") && has(fixture, 1, "a"));
    assert_true(gw_issuer_keys_are_fresh(&fixture->keys[0], INT64_MAX));
}

static void test_a_file_that_cannot_be_used_is_not_added(void **state) {
    struct fixture *fixture = *state;
    char problem[GW_KEY_FILE_PROBLEM_BYTES] = "";
    put(fixture, 0, "{\"keys\":[]}");
    assert_int_equal(add(fixture, 0, problem), GW_INVALID);
    assert_string_equal(problem, "it has no usable key");
    assert_int_equal(unlink(fixture->paths[0]), 0);
    assert_int_equal(add(fixture, 0, problem), GW_INVALID);
    assert_string_equal(problem, strerror(ENOENT));
    assert_int_equal(fixture->files.count, 0);
    assert_null(fixture->keys[0].set);
    reread(fixture); // nobody has a file
}

static void test_a_changed_file_takes_the_place_of_the_old_one(void **state) {
    struct fixture *fixture = *state;
    add_both(fixture);
    put(fixture, 1, "{\"keys\":[" KEY_B "]}");
    reread(fixture);
    assert_true(has(fixture, 1, "b") && !has(fixture, 1, "a"));
    assert_true(has(fixture, 0, "a"));
}

static void test_what_is_no_key_set_changes_nothing(void **state) {
    struct fixture *fixture = *state;
    static const char *const wrong[] = {"", "{}", "{\"keys\":[]}", "{\"keys\":[" KEY_A};
    add_both(fixture);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        put(fixture, 0, wrong[i]);
        reread(fixture);
        assert_true(has(fixture, 0, "a"));
    }
    assert_int_equal(unlink(fixture->paths[0]), 0);
    reread(fixture);
    assert_true(has(fixture, 0, "a"));
    put(fixture, 0, "{\"keys\":[" KEY_B "]}"); // there again
    reread(fixture);
    assert_true(has(fixture, 0, "b"));
}

static void test_a_file_that_is_as_it_was_is_not_taken_again(void **state) {
    struct fixture *fixture = *state;
    add_both(fixture);
    const struct gw_jwk_set *first = fixture->keys[0].set;
    reread(fixture);
    assert_ptr_equal(fixture->keys[0].set, first);
    put(fixture, 1, "{\"keys\":[" KEY_B "]}"); // all are read, one is taken
    reread(fixture);
    assert_ptr_equal(fixture->keys[0].set, first);
    assert_true(has(fixture, 1, "b"));
}

static void test_they_are_looked_at_every_minute(void **state) {
    struct fixture *fixture = *state;
    add_both(fixture);
    assert_true(uv_timer_get_due_in(&fixture->files.timer) <= GW_KEY_FILES_POLL_MS);
    assert_int_equal(uv_timer_get_repeat(&fixture->files.timer), GW_KEY_FILES_POLL_MS);
    put(fixture, 0, "{\"keys\":[" KEY_B "]}");
    fixture->files.timer.timer_cb(&fixture->files.timer);
    while (!has(fixture, 0, "b"))
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys_are_there_at_once_and_do_not_age, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_used_is_not_added, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_changed_file_takes_the_place_of_the_old_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_key_set_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_as_it_was_is_not_taken_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_they_are_looked_at_every_minute, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
