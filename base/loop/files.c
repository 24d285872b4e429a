// SPDX-License-Identifier: MIT
#include "base/loop/files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/loop/thread.h"
#include "base/str.h"

// ---- one file ----

static bool is_same(const struct gw_file_stamp *a, const struct gw_file_stamp *b) {
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

static void look_at(struct gw_file *file) {
    struct stat found;
    file->stamp = (struct gw_file_stamp){0};
    if (stat(file->path, &found) == 0)
        file->stamp = (struct gw_file_stamp){.device = found.st_dev,
                                             .inode = found.st_ino,
                                             .bytes = (uint64_t)found.st_size,
                                             .changed_s = found.st_mtim.tv_sec,
                                             .changed_ns = found.st_mtim.tv_nsec};
}

// Until the end of the file. An error number, or 0.
static int read_all(int fd, struct gw_file *file, size_t room) {
    while (file->length < room) {
        ssize_t got = read(fd, file->bytes + file->length, room - file->length);
        if (got == 0)
            return 0;
        if (got > 0)
            file->length += (size_t)got;
        else if (errno != EINTR)
            return errno;
    }
    return EFBIG;
}

// The room is for what the file had when it was looked at, and a byte more, by which growth is
// found: then it is written just now, and read again after the change is heard of.
static int read_open(int fd, struct gw_file *file) {
    struct stat found;
    if (fstat(fd, &found) != 0)
        return errno;
    file->is_public = (found.st_mode & S_IROTH) != 0;
    if (S_ISDIR(found.st_mode))
        return EISDIR;
    size_t room = S_ISREG(found.st_mode) ? (size_t)found.st_size + 1 : GW_FILE_BYTES_MAX;
    if (found.st_size < 0 || room > GW_FILE_BYTES_MAX)
        return EFBIG;
    file->bytes = calloc(1, room + 1);
    return file->bytes == NULL ? ENOMEM : read_all(fd, file, room);
}

static void drop(struct gw_file *file) {
    if (file->bytes != NULL)
        gw_bytes_wipe(file->bytes, file->length);
    free(file->bytes);
    file->bytes = NULL;
    file->length = 0;
}

static void read_file(struct gw_file *file) {
    look_at(file);
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    file->failure = fd < 0 ? errno : read_open(fd, file);
    if (fd >= 0)
        close(fd);
    if (file->failure != 0)
        drop(file);
}

bool gw_files_have_changed(struct gw_file *files, int count) {
    bool have_changed = false;
    for (int i = 0; i < count; i++) {
        look_at(&files[i]);
        have_changed = have_changed || !is_same(&files[i].stamp, &files[i].known);
    }
    return have_changed;
}

void gw_files_read(struct gw_file *files, int count) {
    for (int i = 0; i < count; i++)
        read_file(&files[i]);
}

void gw_files_drop(struct gw_file *files, int count) {
    for (int i = 0; i < count; i++)
        drop(&files[i]);
}

// ---- the thread ----

// What a reader and its thread share. The one that leaves last frees it.
struct gw_file_reading {
    pthread_mutex_t lock;
    uv_async_t *done; // of the reader; NULL: it has closed
    bool is_done;
    bool only_changed;
    bool is_unchanged;  // nothing was read
    atomic_int current; // index of the file that is read
    int count;
    struct gw_file files[GW_FILES_MAX];
};

static void destroy(struct gw_file_reading *reading) {
    gw_files_drop(reading->files, reading->count);
    (void)pthread_mutex_destroy(&reading->lock);
    free(reading);
}

// One by one, to be able to say which of them hangs.
static bool have_changed(struct gw_file_reading *reading) {
    bool have_changed = false;
    for (int i = 0; i < reading->count && !have_changed; i++) {
        atomic_store(&reading->current, i);
        have_changed = gw_files_have_changed(&reading->files[i], 1);
    }
    return have_changed;
}

static void *run(void *argument) {
    struct gw_file_reading *reading = argument;
    reading->is_unchanged = reading->only_changed && !have_changed(reading);
    for (int i = 0; i < reading->count && !reading->is_unchanged; i++) {
        atomic_store(&reading->current, i);
        gw_files_read(&reading->files[i], 1);
    }
    (void)pthread_mutex_lock(&reading->lock);
    bool is_left_behind = reading->done == NULL;
    reading->is_done = true;
    if (!is_left_behind)
        (void)uv_async_send(reading->done);
    (void)pthread_mutex_unlock(&reading->lock);
    if (is_left_behind)
        destroy(reading);
    return NULL;
}

// ---- the reader ----

static bool is_done(struct gw_file_reading *reading) {
    (void)pthread_mutex_lock(&reading->lock);
    bool is_done = reading->is_done;
    (void)pthread_mutex_unlock(&reading->lock);
    return is_done;
}

// The reading is taken away first: on_read may start the next one, or close.
static void on_done(uv_async_t *done) {
    struct gw_file_reader *reader = gw_container_of(done, struct gw_file_reader, done);
    struct gw_file_reading *reading = reader->reading;
    if (reading == NULL || !is_done(reading))
        return;
    reader->reading = NULL;
    reader->on_read(reader, reading->is_unchanged ? NULL : reading->files, reading->count);
    destroy(reading);
}

void gw_file_reader_open(struct gw_file_reader *reader, uv_loop_t *loop,
                         void (*on_read)(struct gw_file_reader *reader, const struct gw_file *files,
                                         int count)) {
    gw_assert(!reader->is_open);
    *reader = (struct gw_file_reader){.on_read = on_read, .is_open = true};
    int failure = uv_async_init(loop, &reader->done, on_done);
    gw_assert(failure == 0);
    uv_unref((uv_handle_t *)&reader->done);
}

static void leave(struct gw_file_reading *reading) {
    (void)pthread_mutex_lock(&reading->lock);
    bool is_done = reading->is_done;
    reading->done = NULL;
    (void)pthread_mutex_unlock(&reading->lock);
    if (is_done)
        destroy(reading);
}

void gw_file_reader_close(struct gw_file_reader *reader) {
    if (!reader->is_open)
        return;
    reader->is_open = false;
    if (reader->reading != NULL)
        leave(reader->reading);
    reader->reading = NULL;
    uv_close((uv_handle_t *)&reader->done, NULL);
}

enum gw_status gw_file_reader_start(struct gw_file_reader *reader, const struct gw_file *files,
                                    int count, bool only_changed) {
    gw_assert(reader->is_open && count <= GW_FILES_MAX);
    if (reader->reading != NULL)
        return GW_BUSY;
    struct gw_file_reading *reading = calloc(1, sizeof(*reading));
    if (reading == NULL)
        return GW_NO_MEMORY;
    (void)pthread_mutex_init(&reading->lock, NULL);
    reading->done = &reader->done;
    reading->only_changed = only_changed;
    reading->count = count;
    for (int i = 0; i < count; i++)
        reading->files[i] = (struct gw_file){.path = files[i].path, .known = files[i].known};
    if (gw_thread_start(run, reading) != 0) {
        destroy(reading);
        return GW_SYSTEM;
    }
    reader->reading = reading;
    return GW_OK;
}

const char *gw_file_reader_waits_for(const struct gw_file_reader *reader) {
    const struct gw_file_reading *reading = reader->reading;
    return reading != NULL ? reading->files[atomic_load(&reading->current)].path : NULL;
}
