// SPDX-License-Identifier: MIT
#pragma once
// ~/.skillreg/config.json: one JSON object that other SkillReg programs read and write too. We know
// three of its keys, all strings: token, apiUrl, org. A change replaces just the bytes of that
// value (or adds a member at the end): every other byte of the file stays as it was.
//
// Saving is all or nothing: a new file (mode 0600) beside the old one, flushed to the disk, renamed
// over it. Where the path is a symbolic link the file it leads to is replaced, not the link. A
// missing file counts as an empty object; a file that is not one JSON object is an error and is
// never written to.

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
};

// The path below HOME (or the home of the account, where HOME is not set).
enum cli_exit cli_config_file_path(char path[PATH_MAX], struct cli_reason *why) GW_MUST_USE;
// Reads `path`. On failure there is nothing to close.
enum cli_exit cli_config_file_open(struct cli_config_file *file, const char *path,
                                   struct cli_reason *why) GW_MUST_USE;
void cli_config_file_close(struct cli_config_file *file);
// CLI_DONE when `path` can be opened: for a command that writes it as its last step, to fail before
// the first.
enum cli_exit cli_config_file_check(const char *path, struct cli_reason *why) GW_MUST_USE;
// The string under `key`; .at is NULL when it is not there, null or empty. Valid until the next set
// or close. CLI_FAILED when it is of another type.
enum cli_exit cli_config_file_get(struct cli_config_file *file, const char *key,
                                  struct gw_str *value, struct cli_reason *why) GW_MUST_USE;
// In memory only.
enum cli_exit cli_config_file_set(struct cli_config_file *file, const char *key,
                                  struct gw_str value, struct cli_reason *why) GW_MUST_USE;
// Makes the directory (mode 0700) when it is missing. On failure the file is as it was.
enum cli_exit cli_config_file_save(struct cli_config_file *file,
                                   struct cli_reason *why) GW_MUST_USE;
