// SPDX-License-Identifier: MIT
#include "base/log_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define SAY_LOST_EVERY_MS 1000

enum mode {
    MODE_DIRECT, // the caller writes
    MODE_THREAD,
    MODE_HANGING, // the thread did not end: nothing is written any more
};

// Whole lines, one behind the other.
struct lines {
    size_t length;
    char bytes[GW_LOG_BUFFER_BYTES];
};

// The only process-wide state beside the level and the form. `lock` guards all of it, and nobody
// holds it while writing.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t to_write; // for the thread
    pthread_cond_t written;  // for gw_log_writer_flush
    pthread_t thread;
    enum mode mode;
    enum gw_log_form form;
    bool is_up; // the thread has begun
    bool is_ending;
    bool is_asleep; // until it is woken
    bool is_urgent; // what waits is to be written now
    bool is_writing;
    bool has_failed;     // the last write
    bool is_torn;        // it ended within a line; the thread's alone
    uint64_t lost;       // lines, since that was said
    uint64_t said_ms;    // when it was said
    int64_t *lost_count; // NULL: nobody counts
    // One takes what is put while the thread writes the other, without the lock.
    struct lines buffers[2];
    struct lines *waiting;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .to_write = PTHREAD_COND_INITIALIZER,
            .written = PTHREAD_COND_INITIALIZER,
            .waiting = &writer.buffers[0]};

// ---- the buffers ----

static bool is_empty(void) {
    return writer.waiting->length == 0;
}

static void count_lost(uint64_t lines) {
    writer.lost += lines;
    if (writer.lost_count != NULL)
        *writer.lost_count += (int64_t)lines;
}

// ---- writing ----

// Returns how many bytes were written: all of them, unless writing failed.
static size_t write_all(struct gw_str bytes) {
    size_t done = 0;
    while (done < bytes.length) {
        ssize_t length = write(STDERR_FILENO, bytes.at + done, bytes.length - done);
        if (length > 0)
            done += (size_t)length;
        else if (length < 0 && errno == EAGAIN) // somebody made it nonblocking
            (void)poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
        else if (length == 0 || errno != EINTR)
            break;
    }
    return done;
}

// Without the thread: a pipe that is full loses the line.
static void write_now(struct gw_str line) {
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0)
        return;
    ssize_t length = write(STDERR_FILENO, line.at, line.length);
    (void)length; // a full disk or a closed pipe: the line is lost
}

// ---- the thread ----

static bool has_lost_to_say(void) {
    if (writer.lost == 0 || writer.has_failed)
        return false;
    return is_empty() || gw_clock_monotonic_ms() - writer.said_ms >= SAY_LOST_EVERY_MS;
}

// How much may be written at once. A pipe takes PIPE_BUF bytes in one piece, between those of other
// processes, and a socket does; a file takes any number.
static size_t piece_bytes_max(void) {
    struct stat file;
    bool is_file = fstat(STDERR_FILENO, &file) == 0 && S_ISREG(file.st_mode);
    return is_file ? GW_LOG_BUFFER_BYTES : PIPE_BUF;
}

// Takes whole lines from the front of *rest, which has some.
static struct gw_str take_piece(struct gw_str *rest, size_t bytes_max) {
    struct gw_str piece = *rest;
    if (piece.length > bytes_max) {
        const char *last = memrchr(piece.at, '\n', bytes_max);
        gw_assert(last != NULL);
        piece.length = (size_t)(last - piece.at) + 1;
    }
    *rest = gw_str_slice(*rest, piece.length, rest->length);
    return piece;
}

// Returns how many of the bytes were written.
static size_t write_piece(struct gw_str piece) {
    pthread_mutex_unlock(&writer.lock);
    bool may_go_on = !writer.is_torn || write_all(GW_STR("\n")) == 1;
    size_t done = may_go_on ? write_all(piece) : 0;
    pthread_mutex_lock(&writer.lock);
    if (may_go_on)
        writer.is_torn = done > 0 && piece.at[done - 1] != '\n';
    writer.has_failed = done < piece.length;
    return done;
}

static void write_lines(struct gw_str lines) {
    size_t done = write_piece(lines);
    uint64_t lost = 0;
    for (; done < lines.length; done++)
        lost += lines.at[done] == '\n';
    if (lost > 0)
        count_lost(lost);
}

static void say_lost(void) {
    struct gw_log_line line;
    uint64_t count = writer.lost;
    writer.said_ms = gw_clock_monotonic_ms();
    gw_log_line_begin(&line, writer.form, GW_LOG_WARNING, "log", gw_clock_wall_ms());
    gw_log_line_put_message(&line, GW_STR("lines were lost because stderr did not take them"), "");
    gw_log_line_put_number(&line, GW_STR("count"), count);
    struct gw_str notice = gw_log_line_end(&line);
    if (write_piece(notice) == notice.length)
        writer.lost -= count;
}

// False: there was nothing.
static bool write_what_waits(void) {
    struct lines *taken = writer.waiting;
    struct gw_str rest = gw_str(taken->bytes, taken->length);
    size_t bytes_max = rest.length > PIPE_BUF ? piece_bytes_max() : PIPE_BUF;
    bool has_lines = rest.length > 0;
    writer.waiting = &writer.buffers[taken == &writer.buffers[0]];
    writer.is_urgent = false;
    writer.is_writing = true;
    while (rest.length > 0) {
        if (has_lost_to_say())
            say_lost();
        write_lines(take_piece(&rest, bytes_max));
    }
    if (has_lost_to_say())
        say_lost();
    writer.is_writing = false;
    taken->length = 0;
    return has_lines;
}

static struct timespec after_ms(uint64_t timeout_ms) {
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)(timeout_ms / 1000);
    end.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    return end;
}

static bool may_wait(void) {
    return !writer.is_urgent && !writer.is_ending && writer.lost == 0 &&
           writer.waiting->length < GW_LOG_DELAY_BYTES;
}

// From the end of the last writing on, or from the first line after a sleep: so no line waits for
// longer, and none has to wake the thread but the last of so many.
static void wait_for_more(void) {
    const struct timespec end = after_ms(GW_LOG_DELAY_MS);
    while (may_wait() && pthread_cond_clockwait(&writer.to_write, &writer.lock, CLOCK_MONOTONIC,
                                                &end) != ETIMEDOUT)
        continue;
}

static bool is_idle(void) {
    return !writer.is_writing && is_empty() && !has_lost_to_say();
}

// Until there is a line, or an end.
static void sleep_while_idle(void) {
    writer.is_asleep = true;
    while (is_idle() && !writer.is_ending)
        pthread_cond_wait(&writer.to_write, &writer.lock);
    writer.is_asleep = false;
}

static void *run(void *unused) {
    bool has_written = false;
    (void)unused;
    pthread_mutex_lock(&writer.lock);
    writer.is_up = true;
    for (;;) {
        if (is_idle())
            pthread_cond_broadcast(&writer.written);
        if (is_idle() && writer.is_ending)
            break;
        if (!has_written)
            sleep_while_idle();
        wait_for_more();
        has_written = write_what_waits();
    }
    writer.is_up = false;
    pthread_mutex_unlock(&writer.lock);
    return NULL;
}

// ---- fork ----

static void before_fork(void) {
    pthread_mutex_lock(&writer.lock);
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&writer.lock);
}

// The thread is the parent's, and so are the lines that wait.
static void after_fork_in_child(void) {
    writer.mode = MODE_DIRECT;
    writer.is_up = false;
    writer.is_asleep = false;
    writer.is_writing = false;
    writer.is_ending = false;
    writer.is_urgent = false;
    writer.has_failed = false;
    writer.is_torn = false;
    writer.lost = 0;
    writer.lost_count = NULL;
    writer.buffers[0].length = writer.buffers[1].length = 0;
    writer.to_write = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    writer.written = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    pthread_mutex_unlock(&writer.lock);
}

// ---- a life ----

// An assertion failed: its line follows those that led to it, unless stderr takes nothing.
static bool make_way_for_last_words(void) {
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return gw_log_writer_flush(GW_LOG_FLUSH_TIMEOUT_MS) &&
           poll(&out, 1, GW_LOG_FLUSH_TIMEOUT_MS) == 1;
}

static void prepare_once(void) {
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    (void)atexit(gw_log_writer_stop);
    gw_assert_set_last_words(make_way_for_last_words);
}

static bool start_thread(void) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_started = pthread_create(&writer.thread, NULL, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_started)
        (void)pthread_setname_np(writer.thread, "log");
    return is_started;
}

void gw_log_writer_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, prepare_once);
    pthread_mutex_lock(&writer.lock);
    writer.is_ending = false;
    if (writer.mode == MODE_DIRECT && start_thread())
        writer.mode = MODE_THREAD;
    // Until it has begun it uses the heap of the C library or of a sanitizer: no time for a fork.
    while (writer.mode == MODE_THREAD && !writer.is_up)
        pthread_cond_wait(&writer.written, &writer.lock);
    pthread_mutex_unlock(&writer.lock);
}

void gw_log_writer_set_form(enum gw_log_form form) {
    pthread_mutex_lock(&writer.lock);
    writer.form = form;
    pthread_mutex_unlock(&writer.lock);
}

void gw_log_writer_count_lost(int64_t *counter) {
    pthread_mutex_lock(&writer.lock);
    writer.lost_count = counter;
    pthread_mutex_unlock(&writer.lock);
}

// Whether the thread has to know of what was just put behind `used` bytes. It sees all of it once
// it is awake.
static bool must_wake(size_t used, bool may_be_late) {
    return writer.is_asleep || !may_be_late ||
           (used < GW_LOG_DELAY_BYTES && writer.waiting->length >= GW_LOG_DELAY_BYTES);
}

static void put(struct gw_str line, bool may_be_late) {
    gw_assert(line.length <= GW_LOG_LINE_BYTES_MAX && line.at[line.length - 1] == '\n');
    pthread_mutex_lock(&writer.lock);
    bool is_direct = writer.mode == MODE_DIRECT;
    struct lines *waiting = writer.waiting;
    size_t used = waiting->length;
    if (is_direct) {
        // below
    } else if (writer.mode == MODE_HANGING || line.length > sizeof(waiting->bytes) - used) {
        count_lost(1);
    } else {
        memcpy(waiting->bytes + used, line.at, line.length);
        waiting->length += line.length;
        writer.is_urgent = writer.is_urgent || !may_be_late;
        if (!writer.is_writing && must_wake(used, may_be_late))
            pthread_cond_signal(&writer.to_write);
    }
    pthread_mutex_unlock(&writer.lock);
    if (is_direct)
        write_now(line);
}

void gw_log_writer_put(struct gw_str line) {
    put(line, false);
}

void gw_log_writer_put_later(struct gw_str line) {
    put(line, true);
}

bool gw_log_writer_flush(uint64_t timeout_ms) {
    const struct timespec end = after_ms(timeout_ms);
    int failure = 0;
    // An assertion that failed in here holds the lock.
    if (pthread_mutex_clocklock(&writer.lock, CLOCK_MONOTONIC, &end) != 0)
        return false;
    writer.is_urgent = true;
    pthread_cond_signal(&writer.to_write);
    while (writer.mode == MODE_THREAD && !is_idle() && failure == 0)
        failure = pthread_cond_clockwait(&writer.written, &writer.lock, CLOCK_MONOTONIC, &end);
    bool is_flushed = writer.mode == MODE_DIRECT || (writer.mode == MODE_THREAD && is_idle());
    pthread_mutex_unlock(&writer.lock);
    return is_flushed;
}

void gw_log_writer_stop(void) {
    bool is_flushed = gw_log_writer_flush(GW_LOG_FLUSH_TIMEOUT_MS);
    pthread_mutex_lock(&writer.lock);
    bool is_running = writer.mode == MODE_THREAD;
    if (is_running)
        writer.mode = is_flushed ? MODE_DIRECT : MODE_HANGING;
    writer.is_ending = true;
    pthread_cond_signal(&writer.to_write);
    pthread_mutex_unlock(&writer.lock);
    if (is_running && is_flushed)
        (void)pthread_join(writer.thread, NULL);
}
