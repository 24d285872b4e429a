// SPDX-License-Identifier: MIT
// Proves of base/loop/files.c: what is read is the whole file; a file that hangs, here a FIFO that
// nobody writes to, holds up neither the loop nor the end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/loop/files.h"

#define GUARD_MS 60000

struct fixture {
    uv_loop_t loop;
    uv_timer_t guard;
    struct gw_file_reader reader;
    char directory[64];
    char paths[2][96];
    struct gw_file files[2];
    struct gw_file found[2]; // of the last reading; bytes as text
    char texts[2][64];
    int read_count, unchanged_count;
};

static void on_guard(uv_timer_t *guard) {
    (void)guard;
    fail_msg("nothing was read");
}

static void on_read(struct gw_file_reader *reader, const struct gw_file *files, int count) {
    struct fixture *fixture = gw_container_of(reader, struct fixture, reader);
    assert_int_equal(count, 2);
    assert_null(gw_file_reader_waits_for(reader));
    if (files == NULL) {
        fixture->unchanged_count++;
        return;
    }
    fixture->read_count++;
    for (int i = 0; i < count; i++) {
        fixture->found[i] = files[i];
        if (files[i].bytes != NULL)
            (void)snprintf(fixture->texts[i], sizeof(fixture->texts[i]), "%s", files[i].bytes);
    }
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    const char *parent = getenv("TMPDIR");
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "%s/files.XXXXXX",
                   parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(fixture->directory));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(fixture->paths[i], sizeof(fixture->paths[i]), "%s/%d", fixture->directory,
                       i);
        fixture->files[i].path = fixture->paths[i];
        put(fixture->paths[i], i == 0 ? "one" : "another");
    }
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    uv_timer_init(&fixture->loop, &fixture->guard);
    uv_timer_start(&fixture->guard, on_guard, GUARD_MS, 0);
    gw_file_reader_open(&fixture->reader, &fixture->loop, on_read);
    *state = fixture;
    return 0;
}

// Also while a file hangs.
static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_file_reader_close(&fixture->reader);
    uv_close((uv_handle_t *)&fixture->guard, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    for (int i = 0; i < 2; i++)
        (void)unlink(fixture->paths[i]);
    assert_int_equal(rmdir(fixture->directory), 0);
    test_free(fixture);
    return 0;
}

static void start(struct fixture *fixture, bool only_changed) {
    assert_int_equal(gw_file_reader_start(&fixture->reader, fixture->files, 2, only_changed),
                     GW_OK);
    assert_int_equal(fixture->read_count, 0);
}

static void wait_until_read(struct fixture *fixture) {
    while (fixture->read_count + fixture->unchanged_count == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void test_files_are_read_whole(void **state) {
    struct fixture *fixture = *state;
    start(fixture, false);
    wait_until_read(fixture);
    assert_string_equal(fixture->texts[0], "one");
    assert_string_equal(fixture->texts[1], "another");
    assert_int_equal(fixture->found[1].length, 7);
    assert_int_equal(fixture->found[1].stamp.bytes, 7);
}

static void test_what_cannot_be_read_says_why(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(unlink(fixture->paths[0]), 0);
    fixture->files[1].path = fixture->directory;
    start(fixture, false);
    wait_until_read(fixture);
    assert_int_equal(fixture->found[0].failure, ENOENT);
    assert_int_equal(fixture->found[1].failure, EISDIR);
    assert_null(fixture->found[0].bytes);
    assert_int_equal(fixture->found[0].stamp.inode, 0);
}

static void test_a_file_over_the_limit_is_not_read(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(truncate(fixture->paths[0], (off_t)GW_FILE_BYTES_MAX), 0);
    start(fixture, false);
    wait_until_read(fixture);
    assert_int_equal(fixture->found[0].failure, EFBIG);
    assert_string_equal(fixture->texts[1], "another");
}

static void test_a_file_that_everybody_may_read_is_told_apart(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(chmod(fixture->paths[0], 0640), 0);
    assert_int_equal(chmod(fixture->paths[1], 0644), 0);
    start(fixture, false);
    wait_until_read(fixture);
    assert_false(fixture->found[0].is_public);
    assert_true(fixture->found[1].is_public);
}

static void test_files_that_stay_are_not_read_again(void **state) {
    struct fixture *fixture = *state;
    start(fixture, false);
    wait_until_read(fixture);
    for (int i = 0; i < 2; i++)
        fixture->files[i].known = fixture->found[i].stamp;
    fixture->read_count = 0;
    start(fixture, true);
    wait_until_read(fixture);
    assert_int_equal(fixture->unchanged_count, 1);
    put(fixture->paths[1], "a third");
    fixture->unchanged_count = 0;
    start(fixture, true);
    wait_until_read(fixture);
    assert_string_equal(fixture->texts[0], "one"); // all of them
    assert_string_equal(fixture->texts[1], "a third");
}

// Opened for reading only, it waits for a writer.
static void hang(struct fixture *fixture) {
    assert_int_equal(unlink(fixture->paths[1]), 0);
    assert_int_equal(mkfifo(fixture->paths[1], 0600), 0);
    start(fixture, false);
    while (gw_file_reader_waits_for(&fixture->reader) != fixture->paths[1])
        usleep(1000);
}

static void test_a_file_that_hangs_stops_no_loop(void **state) {
    struct fixture *fixture = *state;
    hang(fixture);
    assert_int_equal(gw_file_reader_start(&fixture->reader, fixture->files, 2, false), GW_BUSY);
    for (int i = 0; i < 10; i++)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture->read_count, 0);
    int fd = open(fixture->paths[1], O_WRONLY);
    assert_int_equal(write(fd, "late", 4), 4);
    assert_int_equal(close(fd), 0);
    wait_until_read(fixture);
    assert_string_equal(fixture->texts[0], "one");
    assert_string_equal(fixture->texts[1], "late");
}

static void test_a_file_that_hangs_stops_no_close(void **state) {
    struct fixture *fixture = *state;
    hang(fixture); // and tear_down
}

// The thread frees what it shares with the reader; a leak check would find it.
static void test_a_thread_that_was_left_behind_ends_alone(void **state) {
    struct fixture *fixture = *state;
    hang(fixture);
    gw_file_reader_close(&fixture->reader);
    int fd = open(fixture->paths[1], O_WRONLY);
    assert_int_equal(write(fd, "for nobody", 10), 10);
    assert_int_equal(close(fd), 0);
    assert_int_equal(fixture->read_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_files_are_read_whole),
        TEST(test_what_cannot_be_read_says_why),
        TEST(test_a_file_over_the_limit_is_not_read),
        TEST(test_a_file_that_everybody_may_read_is_told_apart),
        TEST(test_files_that_stay_are_not_read_again),
        TEST(test_a_file_that_hangs_stops_no_loop),
        TEST(test_a_file_that_hangs_stops_no_close),
        TEST(test_a_thread_that_was_left_behind_ends_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
