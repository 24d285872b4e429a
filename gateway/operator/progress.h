// SPDX-License-Identifier: MIT
#pragma once
// How far a long command is: one line on a terminal, written over again, from its third second on;
// elsewhere nothing.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_operator_progress {
    bool is_shown_here; // stderr is a terminal
    uint64_t started_ms;
    uint64_t shown_ms; // 0: not yet
    uint64_t total;    // rows; 0: not known
};

void gw_operator_progress_start(struct gw_operator_progress *progress, uint64_t total);
void gw_operator_progress_tell(struct gw_operator_progress *progress, uint64_t done);
// Takes the line away, if there is one.
void gw_operator_progress_end(struct gw_operator_progress *progress);

// "12,000 of 100,000 rows, 8,000/s, 11 s left". Terminated.
void gw_operator_progress_text(uint64_t done, uint64_t total, uint64_t elapsed_ms, char *out,
                               size_t room);
