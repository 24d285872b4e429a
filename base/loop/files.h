// SPDX-License-Identifier: MIT
#pragma once
// A few small files, each read whole: certificates, keys, secrets. A file may lie where nobody
// answers (a file system over a network, a FIFO), and whoever opens it waits. gw_files_read waits
// with it, and is for the time before the loop runs. A reader has a thread of its own while it
// reads, so that the loop goes on; a thread that hangs is left behind when the reader closes.
//
//   gw_file_reader_start --> thread: gw_files_read --> done (under the lock) --> uv_async_send
//                                                       |                            |
//                                                       v                            v
//                                     closed: the thread frees it all             on_read

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

#define GW_FILES_MAX 80
#define GW_FILE_BYTES_MAX ((size_t)1024 * 1024) // more is not read

// Which content it was; all zeros: missing.
struct gw_file_stamp {
    uint64_t device;
    uint64_t inode;
    uint64_t bytes;
    int64_t changed_s;
    int64_t changed_ns;
};

struct gw_file {
    const char *path;
    struct gw_file_stamp known; // given: what it was when it was read last
    struct gw_file_stamp stamp; // of before it was read: what changes meanwhile is seen next time
    int failure;                // an error number; 0: read
    bool is_public;             // everybody on the machine may read it
    char *bytes;                // NULL: failed; else with a NUL behind them
    size_t length;
};

// Whether one of them is not what is known of it. May take for ever.
bool gw_files_have_changed(struct gw_file *files, int count);
// Reads each from its path, which may take for ever. The files hold nothing but `path` and `known`.
void gw_files_read(struct gw_file *files, int count);
// Wipes and frees what was read. Keeps the paths.
void gw_files_drop(struct gw_file *files, int count);

// ---- on a thread ----

struct gw_file_reading;

struct gw_file_reader {
    // The files, in their order, valid during the call; NULL: none has changed. Never inside
    // gw_file_reader_start.
    void (*on_read)(struct gw_file_reader *reader, const struct gw_file *files, int count);
    uv_async_t done;
    struct gw_file_reading *reading; // NULL: nothing is read
    bool is_open;
};

// Does not keep the loop alive.
void gw_file_reader_open(struct gw_file_reader *reader, uv_loop_t *loop,
                         void (*on_read)(struct gw_file_reader *reader, const struct gw_file *files,
                                         int count));
// Harmless when not open. No callback follows; nothing is waited for.
void gw_file_reader_close(struct gw_file_reader *reader);
// Reads all of `files`, of which `path` and `known` are taken and which GW_FILES_MAX bounds, or,
// when it is `only_changed`, reads all once one of them has changed. The paths live as long as the
// process. GW_BUSY: the last reading has not ended. GW_NO_MEMORY; GW_SYSTEM: no thread.
enum gw_status gw_file_reader_start(struct gw_file_reader *reader, const struct gw_file *files,
                                    int count, bool only_changed) GW_MUST_USE;
// The file that is waited for; NULL: nothing is read.
const char *gw_file_reader_waits_for(const struct gw_file_reader *reader);
