// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log_writer.h"

#define PATIENCE_S 60

// Each test has a child of its own with a pipe for its stderr: the thread, and its end, are the
// whole process's.
struct child {
    pid_t pid;
    int reader;
};

static struct child start_child(void (*act)(void)) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(PATIENCE_S);
        if (dup2(ends[1], STDERR_FILENO) != STDERR_FILENO)
            _exit(99);
        (void)close(ends[0]);
        (void)close(ends[1]);
        act();
        exit(0);
    }
    (void)close(ends[1]);
    return (struct child){.pid = pid, .reader = ends[0]};
}

// What is left of a line at the end of a read stays for the next.
struct reading {
    uint64_t numbered; // lines "line N"
    uint64_t next;     // N that comes next, if none is lost
    uint64_t lost;     // as the log says
    uint64_t notices;
    bool is_in_order;
    char last[256];
    size_t length;
    char line[GW_LOG_LINE_BYTES_MAX];
};

static void take_line(struct reading *reading) {
    const char *count = strstr(reading->line, " warning log lines were lost");
    if (count != NULL) {
        reading->notices++;
        reading->lost += strtoull(strstr(count, "count=") + 6, NULL, 10);
    } else if (strncmp(reading->line, "line ", 5) == 0) {
        uint64_t number = strtoull(reading->line + 5, NULL, 10);
        reading->is_in_order = reading->is_in_order && number >= reading->next;
        reading->next = number + 1;
        reading->numbered++;
    }
    (void)snprintf(reading->last, sizeof(reading->last), "%.200s", reading->line);
}

static void read_to_the_end(const struct child *child, struct reading *reading) {
    *reading = (struct reading){.is_in_order = true};
    char bytes[4096];
    ssize_t length;
    while ((length = read(child->reader, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < length; i++) {
            assert_true(reading->length < sizeof(reading->line));
            reading->line[reading->length++] = bytes[i];
            if (bytes[i] != '\n')
                continue;
            reading->line[reading->length - 1] = '\0';
            take_line(reading);
            reading->length = 0;
        }
    }
    (void)close(child->reader);
}

static int wait_for(const struct child *child) {
    int status = 0;
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    return status;
}

static void put_numbered(uint64_t number) {
    char line[256];
    int length = snprintf(line, sizeof(line), "line %llu %0*d\n", (unsigned long long)number,
                          (int)(number % 200), 0);
    gw_log_writer_put(gw_str(line, (size_t)length));
}

// ---- a reader that reads ----

#define MANY 20000 // more than the buffer takes at once

static void act_many(void) {
    gw_log_writer_start();
    for (uint64_t i = 0; i < MANY; i++) {
        put_numbered(i);
        if (i % 1000 == 999 && !gw_log_writer_flush(GW_LOG_FLUSH_TIMEOUT_MS * 10))
            _exit(98);
    }
}

static void test_every_line_is_written_once_and_in_order(void **state) {
    (void)state;
    struct child child = start_child(act_many);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_int_equal(reading.numbered, MANY);
    assert_true(reading.is_in_order);
    assert_int_equal(reading.notices, 0);
}

#define SOME 3000 // the buffer takes them, a pipe does not

static void act_and_exit(void) {
    gw_log_writer_start();
    for (uint64_t i = 0; i < SOME; i++)
        put_numbered(i);
}

static void test_an_exit_loses_no_line(void **state) {
    (void)state;
    struct child child = start_child(act_and_exit);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_int_equal(reading.numbered, SOME);
}

static void act_and_fail(void) {
    gw_log_writer_start();
    for (uint64_t i = 0; i < SOME; i++)
        put_numbered(i);
    gw_assert(1 == 2);
}

static void test_a_failed_assertion_follows_the_lines_that_led_to_it(void **state) {
    (void)state;
    struct child child = start_child(act_and_fail);
    struct reading reading;
    read_to_the_end(&child, &reading);
    int status = wait_for(&child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_int_equal(reading.numbered, SOME);
    assert_non_null(strstr(reading.last, "assertion failed: 1 == 2"));
}

// The lines that wait are the parent's.
static void act_and_fork(void) {
    gw_log_writer_start();
    for (uint64_t i = 0; i < SOME; i++)
        put_numbered(i);
    pid_t pid = fork();
    if (pid == 0) {
        gw_log_writer_start();
        for (uint64_t i = SOME; i < SOME + 10; i++)
            put_numbered(i);
        exit(0);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        _exit(97);
}

static void test_a_child_writes_its_own_lines_alone(void **state) {
    (void)state;
    struct child child = start_child(act_and_fork);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_int_equal(reading.numbered, SOME + 10);
}

static void put_later_numbered(uint64_t number) {
    char line[32];
    int length = snprintf(line, sizeof(line), "line %llu\n", (unsigned long long)number);
    gw_log_writer_put_later(gw_str(line, (size_t)length));
}

// No flush, no exit, no further line: the time alone brings them out.
static void act_later_and_stay(void) {
    gw_log_writer_start();
    for (uint64_t i = 0; i < 3; i++)
        put_later_numbered(i);
    for (;;)
        (void)pause();
}

static void test_a_line_that_may_wait_is_written_after_a_time(void **state) {
    (void)state;
    struct child child = start_child(act_later_and_stay);
    char bytes[64] = "";
    size_t length = 0;
    while (strstr(bytes, "line 2\n") == NULL) {
        ssize_t got = read(child.reader, bytes + length, sizeof(bytes) - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
    }
    assert_string_equal(bytes, "line 0\nline 1\nline 2\n");
    (void)close(child.reader);
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    (void)wait_for(&child);
}

static void act_later_and_now(void) {
    gw_log_writer_start();
    for (uint64_t i = 0; i < SOME; i++) {
        if (i % 100 == 99)
            put_numbered(i);
        else
            put_later_numbered(i);
    }
}

static void test_lines_that_may_wait_stay_in_order_with_those_that_may_not(void **state) {
    (void)state;
    struct child child = start_child(act_later_and_now);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_int_equal(reading.numbered, SOME);
    assert_true(reading.is_in_order);
}

static void act_without_a_thread(void) {
    put_numbered(0);
    gw_log_writer_start();
    put_numbered(1);
    gw_log_writer_stop();
    put_numbered(2);
    gw_log_writer_start();
    put_numbered(3);
}

static void test_without_a_thread_the_caller_writes(void **state) {
    (void)state;
    struct child child = start_child(act_without_a_thread);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_int_equal(reading.numbered, 4);
    assert_true(reading.is_in_order);
}

// Somebody who shares the pipe may have made it nonblocking.
static void act_nonblocking(void) {
    if (fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK) != 0)
        _exit(96);
    act_and_exit();
}

static void test_a_nonblocking_pipe_takes_every_line(void **state) {
    (void)state;
    struct child child = start_child(act_nonblocking);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_int_equal(reading.numbered, SOME);
}

// ---- a reader that does not ----

static int64_t lost_lines;

// With empty lines, so that the thread writes nothing before somebody reads.
static void fill_pipe(void) {
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    if (flags < 0 || fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK) != 0)
        _exit(96);
    while (write(STDERR_FILENO, "\n", 1) == 1)
        continue;
    if (fcntl(STDERR_FILENO, F_SETFL, flags) != 0)
        _exit(96);
}

// One line more than the buffer takes, whenever the thread has its turns: a second one could be
// lost after the first was said. Then it stops until somebody reads.
static void act_over_a_full_pipe(void) {
    fill_pipe();
    gw_log_writer_start();
    gw_log_writer_count_lost(&lost_lines);
    for (uint64_t i = 0; lost_lines == 0; i++)
        put_numbered(i);
    if (lost_lines != 1 || gw_log_writer_flush(1))
        _exit(95);
    raise(SIGSTOP);
    if (!gw_log_writer_flush(PATIENCE_S * 1000) || lost_lines != 1)
        _exit(94);
}

static void test_what_a_full_pipe_does_not_take_is_counted_and_said_once(void **state) {
    (void)state;
    struct child child = start_child(act_over_a_full_pipe);
    int status = 0;
    assert_int_equal(waitpid(child.pid, &status, WUNTRACED), child.pid); // nobody has read anything
    assert_true(WIFSTOPPED(status));
    assert_int_equal(kill(child.pid, SIGCONT), 0);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_true(reading.is_in_order && reading.numbered > 0);
    assert_int_equal(reading.notices, 1);
    assert_int_equal(reading.lost, 1);
    assert_int_equal(reading.numbered, reading.next); // the last one alone is missing
}

static void act_many_at_once(void) {
    gw_log_writer_start();
    for (uint64_t i = 0; i < MANY; i++)
        put_numbered(i);
}

static void act_many_and_fail(void) {
    act_many_at_once();
    gw_assert(1 == 2);
}

static void test_a_reader_that_sleeps_does_not_keep_the_process(void **state) {
    (void)state;
    struct child child = start_child(act_many_at_once);
    assert_int_equal(wait_for(&child), 0);
    (void)close(child.reader);
}

static void test_a_reader_that_sleeps_does_not_keep_a_failed_assertion(void **state) {
    (void)state;
    struct child child = start_child(act_many_and_fail);
    int status = wait_for(&child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    (void)close(child.reader);
}

// A disk that is full, then is not.
static void act_on_a_full_disk(void) {
    int pipe_end = dup(STDERR_FILENO);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0 || dup2(full, STDERR_FILENO) != STDERR_FILENO)
        _exit(93);
    gw_log_writer_start();
    gw_log_writer_count_lost(&lost_lines);
    for (uint64_t i = 0; i < 10; i++)
        put_numbered(i);
    if (!gw_log_writer_flush(PATIENCE_S * 1000) || lost_lines != 10 ||
        dup2(pipe_end, STDERR_FILENO) != STDERR_FILENO)
        _exit(92);
    put_numbered(10);
}

static void test_what_a_full_disk_does_not_take_is_counted_and_said_once(void **state) {
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    struct child child = start_child(act_on_a_full_disk);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_int_equal(reading.numbered, 1);
    assert_int_equal(reading.notices, 1);
    assert_int_equal(reading.lost, 10);
}

// A file that may not grow any more ends within a line; once it may, the next line stands alone.
#define FILE_BYTES_MAX 20013 // "lin"

static void act_on_a_file_that_is_full(void) {
    struct rlimit limit = {FILE_BYTES_MAX, RLIM_INFINITY};
    char name[] = "/tmp/test_log_writer.XXXXXX";
    int pipe_end = dup(STDERR_FILENO);
    int file = mkstemp(name);
    if (file < 0 || unlink(name) != 0 || dup2(file, STDERR_FILENO) != STDERR_FILENO ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(93);
    gw_log_writer_start();
    gw_log_writer_count_lost(&lost_lines);
    for (uint64_t i = 0; i < SOME; i++)
        put_later_numbered(i);
    limit.rlim_cur = RLIM_INFINITY;
    if (!gw_log_writer_flush(PATIENCE_S * 1000) || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(92);
    put_numbered(SOME);
    if (!gw_log_writer_flush(PATIENCE_S * 1000))
        _exit(91);
    char bytes[4096];
    ssize_t length;
    off_t at = 0;
    while ((length = pread(file, bytes, sizeof(bytes), at)) > 0 &&
           write(pipe_end, bytes, (size_t)length) == length)
        at += length;
}

static void test_what_a_full_file_did_not_take_is_counted_to_the_line(void **state) {
    (void)state;
    struct child child = start_child(act_on_a_file_that_is_full);
    struct reading reading;
    read_to_the_end(&child, &reading);
    assert_int_equal(wait_for(&child), 0);
    assert_true(reading.is_in_order);
    assert_int_equal(reading.next, SOME + 1);
    assert_int_equal(reading.notices, 1);
    assert_int_equal(reading.numbered, SOME + 1 - reading.lost);
}

// The thread takes no SIGPIPE.
static void test_a_reader_that_left_does_not_end_the_process(void **state) {
    (void)state;
    struct child child = start_child(act_many_at_once);
    (void)close(child.reader);
    assert_int_equal(wait_for(&child), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_is_written_once_and_in_order),
        cmocka_unit_test(test_an_exit_loses_no_line),
        cmocka_unit_test(test_a_failed_assertion_follows_the_lines_that_led_to_it),
        cmocka_unit_test(test_a_child_writes_its_own_lines_alone),
        cmocka_unit_test(test_a_line_that_may_wait_is_written_after_a_time),
        cmocka_unit_test(test_lines_that_may_wait_stay_in_order_with_those_that_may_not),
        cmocka_unit_test(test_without_a_thread_the_caller_writes),
        cmocka_unit_test(test_a_nonblocking_pipe_takes_every_line),
        cmocka_unit_test(test_what_a_full_pipe_does_not_take_is_counted_and_said_once),
        cmocka_unit_test(test_a_reader_that_sleeps_does_not_keep_the_process),
        cmocka_unit_test(test_a_reader_that_sleeps_does_not_keep_a_failed_assertion),
        cmocka_unit_test(test_what_a_full_disk_does_not_take_is_counted_and_said_once),
        cmocka_unit_test(test_what_a_full_file_did_not_take_is_counted_to_the_line),
        cmocka_unit_test(test_a_reader_that_left_does_not_end_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
