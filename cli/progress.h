// SPDX-License-Identifier: MIT
#pragma once
// How far a command with many requests is: one line on a terminal, written over again, from its
// third second on; elsewhere nothing.

#include <stdbool.h>
#include <stdint.h>

struct cli_progress {
    bool is_seen; // stderr is a terminal
    uint64_t started_ms;
    bool is_shown; // the line stands there now
};

void cli_progress_start(struct cli_progress *progress);
void cli_progress_tell(struct cli_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Takes the line away, if there is one: before anything else is said.
void cli_progress_clear(struct cli_progress *progress);
