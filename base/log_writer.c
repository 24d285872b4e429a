// SPDX-License-Identifier: MIT
#include "base/log_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define BATCH_BYTES PIPE_BUF // a pipe takes as much in one piece, between those of other processes
#define SAY_LOST_EVERY_MS 1000
#define LENGTH_BYTES 2 // in front of each line in the buffer

enum mode {
    MODE_DIRECT, // the caller writes
    MODE_THREAD,
    MODE_HANGING, // the thread did not end: nothing is written any more
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
    bool is_urgent; // what waits is to be written now
    bool is_writing;
    bool has_failed;     // the last write
    bool is_torn;        // it ended within a line
    uint64_t lost;       // lines, since that was said
    uint64_t said_ms;    // when it was said
    int64_t *lost_count; // NULL: nobody counts
    uint64_t put_bytes;  // since the start; modulo the buffer: where the next line goes
    uint64_t taken_bytes;
    char buffer[GW_LOG_BUFFER_BYTES];
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .to_write = PTHREAD_COND_INITIALIZER,
            .written = PTHREAD_COND_INITIALIZER};

// ---- the buffer ----

static void copy_in(const void *bytes, size_t length) {
    size_t at = writer.put_bytes % GW_LOG_BUFFER_BYTES;
    size_t first = GW_LOG_BUFFER_BYTES - at < length ? GW_LOG_BUFFER_BYTES - at : length;
    memcpy(writer.buffer + at, bytes, first);
    memcpy(writer.buffer, (const char *)bytes + first, length - first);
    writer.put_bytes += length;
}

static void copy_out(uint64_t from, void *bytes, size_t length) {
    size_t at = from % GW_LOG_BUFFER_BYTES;
    size_t first = GW_LOG_BUFFER_BYTES - at < length ? GW_LOG_BUFFER_BYTES - at : length;
    memcpy(bytes, writer.buffer + at, first);
    memcpy((char *)bytes + first, writer.buffer, length - first);
}

static bool is_empty(void) {
    return writer.taken_bytes == writer.put_bytes;
}

static void count_lost(uint64_t lines) {
    writer.lost += lines;
    if (writer.lost_count != NULL)
        *writer.lost_count += (int64_t)lines;
}

// ---- writing ----

static bool write_all(struct gw_str bytes) {
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
    writer.is_torn = done < bytes.length && (done > 0 || writer.is_torn);
    return done == bytes.length;
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

struct batch {
    size_t length;
    uint64_t lines;
    uint64_t said; // of the lost ones
    char bytes[BATCH_BYTES];
};

static bool has_lost_to_say(void) {
    if (writer.lost == 0 || writer.has_failed)
        return false;
    return is_empty() || gw_clock_monotonic_ms() - writer.said_ms >= SAY_LOST_EVERY_MS;
}

static void append_to(struct batch *batch, struct gw_str bytes) {
    gw_assert(batch->length + bytes.length <= sizeof(batch->bytes));
    memcpy(batch->bytes + batch->length, bytes.at, bytes.length);
    batch->length += bytes.length;
}

static void say_lost(struct batch *batch) {
    struct gw_log_line line;
    batch->said = writer.lost;
    writer.said_ms = gw_clock_monotonic_ms();
    gw_log_line_begin(&line, writer.form, GW_LOG_WARNING, "log");
    gw_log_line_put_message(&line, GW_STR("lines were lost because stderr did not take them"), "");
    gw_log_line_put_number(&line, "count", batch->said);
    append_to(batch, gw_log_line_end(&line));
}

// As many whole lines as fit.
static void take_batch(struct batch *batch) {
    batch->length = 0;
    batch->lines = 0;
    batch->said = 0;
    if (writer.is_torn)
        append_to(batch, GW_STR("\n"));
    if (has_lost_to_say())
        say_lost(batch);
    while (!is_empty()) {
        uint16_t length;
        copy_out(writer.taken_bytes, &length, LENGTH_BYTES);
        if (length > sizeof(batch->bytes) - batch->length)
            break;
        copy_out(writer.taken_bytes + LENGTH_BYTES, batch->bytes + batch->length, length);
        writer.taken_bytes += LENGTH_BYTES + length;
        batch->length += length;
        batch->lines++;
    }
}

static void write_batch(struct batch *batch) {
    writer.is_writing = true;
    pthread_mutex_unlock(&writer.lock);
    bool is_written = write_all(gw_str(batch->bytes, batch->length));
    pthread_mutex_lock(&writer.lock);
    writer.is_writing = false;
    writer.has_failed = !is_written;
    if (is_written)
        writer.lost -= batch->said;
    else
        count_lost(batch->lines);
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
           writer.put_bytes - writer.taken_bytes < GW_LOG_DELAY_BYTES;
}

// For further lines. From the first of them on, not from the last: so no line waits for longer.
static void wait_for_more(void) {
    const struct timespec end = after_ms(GW_LOG_DELAY_MS);
    while (may_wait() && pthread_cond_clockwait(&writer.to_write, &writer.lock, CLOCK_MONOTONIC,
                                                &end) != ETIMEDOUT)
        continue;
}

static void write_what_waits(struct batch *batch) {
    wait_for_more();
    while (!is_empty() || has_lost_to_say()) {
        take_batch(batch);
        write_batch(batch);
    }
    writer.is_urgent = false;
}

static bool is_idle(void) {
    return !writer.is_writing && is_empty() && !has_lost_to_say();
}

static void *run(void *unused) {
    static struct batch batch;
    (void)unused;
    pthread_mutex_lock(&writer.lock);
    writer.is_up = true;
    for (;;) {
        if (!is_idle()) {
            write_what_waits(&batch);
            continue;
        }
        pthread_cond_broadcast(&writer.written);
        if (writer.is_ending) {
            writer.is_up = false;
            break;
        }
        pthread_cond_wait(&writer.to_write, &writer.lock);
    }
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
    writer.is_writing = false;
    writer.is_ending = false;
    writer.is_urgent = false;
    writer.has_failed = false;
    writer.is_torn = false;
    writer.lost = 0;
    writer.lost_count = NULL;
    writer.taken_bytes = writer.put_bytes;
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
static bool must_wake(uint64_t used, bool may_be_late) {
    uint64_t now = writer.put_bytes - writer.taken_bytes;
    return used == 0 || !may_be_late || (used < GW_LOG_DELAY_BYTES && now >= GW_LOG_DELAY_BYTES);
}

static void put(struct gw_str line, bool may_be_late) {
    gw_assert(line.length <= GW_LOG_LINE_BYTES_MAX);
    uint16_t length = (uint16_t)line.length;
    pthread_mutex_lock(&writer.lock);
    bool is_direct = writer.mode == MODE_DIRECT;
    uint64_t used = writer.put_bytes - writer.taken_bytes;
    bool has_room = LENGTH_BYTES + line.length <= GW_LOG_BUFFER_BYTES - used;
    if (is_direct) {
        // below
    } else if (writer.mode == MODE_HANGING || !has_room) {
        count_lost(1);
    } else {
        copy_in(&length, LENGTH_BYTES);
        copy_in(line.at, line.length);
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
