// SPDX-License-Identifier: MIT
#pragma once
// Keys that the operator brings in files, where the issuer cannot be reached (an air gap): read at
// the start, and by a thread on SIGHUP and every minute, if a file has changed. They are of this
// process alone and do not age. A file that cannot be used is said in the log, once for each
// change, and its issuer keeps the keys that it had.

#include <stdbool.h>
#include <uv.h>

#include "base/loop/files.h"
#include "base/status.h"
#include "gateway/issuers/keys.h"
#include "gateway/settings/issuer_setting.h"

#define GW_KEY_FILES_POLL_MS 60000
#define GW_KEY_FILE_PROBLEM_BYTES 256

struct gw_key_files {
    struct gw_file_reader reader;
    uv_timer_t timer;
    struct gw_file files[GW_ISSUERS_MAX]; // `path` and `known`
    const struct gw_issuer_setting *settings[GW_ISSUERS_MAX];
    struct gw_issuer_keys *keys[GW_ISSUERS_MAX];
    int count;
};

void gw_key_files_open(struct gw_key_files *files, uv_loop_t *loop);
// Reads the file, and waits for it. GW_INVALID, GW_NO_MEMORY: `problem` says why, without the path.
// `setting` and `keys` are borrowed.
enum gw_status gw_key_files_add(struct gw_key_files *files, const struct gw_issuer_setting *setting,
                                struct gw_issuer_keys *keys,
                                char problem[GW_KEY_FILE_PROBLEM_BYTES]) GW_MUST_USE;
void gw_key_files_reread(struct gw_key_files *files);
void gw_key_files_close(struct gw_key_files *files);
// What gw_key_files_add takes of a file that was read: a key set, into keys that may be of nobody.
enum gw_status gw_key_file_take(const struct gw_file *file, struct gw_issuer_keys *keys,
                                char problem[GW_KEY_FILE_PROBLEM_BYTES]) GW_MUST_USE;
