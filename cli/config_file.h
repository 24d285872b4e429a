// SPDX-License-Identifier: MIT
#pragma once
// The settings file: one JSON object that other SkillReg programs read and write too. We know three
// of its keys, all strings: token, apiUrl, org; and "gateways", ours, an object with one member for
// each further address, which holds the same keys again. A change replaces just the bytes of that
// value (or adds a member at the end, or takes one out with its comma): every other byte of the
// file stays as it was.
//
// A missing file counts as an empty object; a file that is not one JSON object is an error and is
// never written to. Saving is all or nothing (cli/file_replace.h). The code of a failure to read or
// write it is "config".

#include <limits.h>

#include "base/arena.h"
#include "base/json.h"
#include "cli/outcome.h"

#define CLI_CONFIG_FILE_BYTES_MAX (1024 * 1024)

struct cli_config_file {
    char path[PATH_MAX];
    struct gw_buf text; // may hold a token: wiped by cli_config_file_close
    struct gw_arena arena;
    struct gw_json root;
    bool is_shared; // others than its owner can read it
};

// Where a value stands.
struct cli_config_place {
    struct gw_str gateway; // .at NULL: in the object itself; else in this member of "gateways"
    const char *key;
};

#define CLI_CONFIG_TOP(name)                                                                       \
    (struct cli_config_place) {                                                                    \
        .key = (name)                                                                              \
    }

// Reads `path`. On failure there is nothing to close.
enum cli_exit cli_config_file_open(struct cli_config_file *file, const char *path,
                                   struct cli_reason *why) GW_MUST_USE;
void cli_config_file_close(struct cli_config_file *file);
// CLI_DONE when `path` can be read and written: for a command that writes it as its last step, to
// fail before the first. Makes its directory.
enum cli_exit cli_config_file_check(const char *path, struct cli_reason *why) GW_MUST_USE;
// The string there; .at is NULL when it is not there, null or empty. Valid until the next set or
// close. CLI_FAILED when it is of another type.
enum cli_exit cli_config_file_get(struct cli_config_file *file, struct cli_config_place place,
                                  struct gw_str *value, struct cli_reason *why) GW_MUST_USE;
// In memory only.
enum cli_exit cli_config_file_set(struct cli_config_file *file, struct cli_config_place place,
                                  struct gw_str value, struct cli_reason *why) GW_MUST_USE;
// Takes the member out, in memory only; nothing to do where it is not.
enum cli_exit cli_config_file_unset(struct cli_config_file *file, struct cli_config_place place,
                                    struct cli_reason *why) GW_MUST_USE;
// Makes the directory (mode 0700) when it is missing. On failure the file is as it was.
enum cli_exit cli_config_file_save(struct cli_config_file *file,
                                   struct cli_reason *why) GW_MUST_USE;
