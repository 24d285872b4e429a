// SPDX-License-Identifier: MIT
#pragma once
// A small file that holds a secret, written all or nothing: a new file (mode 0600, the owner of the
// old one where root writes) beside the old one, flushed to the disk, renamed over it. Where the
// path is a symbolic link the file it leads to is replaced, not the link. A file that cannot be
// replaced but written (a bind mount, a directory that is not ours) is written in place.

#include "cli/outcome.h"

// Makes the directory (mode 0700, not those above it) when it is missing. CLI_FAILED: the file is
// as it was.
enum cli_exit cli_file_replace(const char *path, struct gw_str text,
                               struct cli_reason *why) GW_MUST_USE;
// Whether cli_file_replace could begin: for a command that writes as its last step, to fail before
// the first. Makes the directory.
enum cli_exit cli_file_try(const char *path, struct cli_reason *why) GW_MUST_USE;
