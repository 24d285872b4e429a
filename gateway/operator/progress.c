// SPDX-License-Identifier: MIT
#include "gateway/operator/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "gateway/operator/text.h"

#define PATIENCE_MS 2000 // what is faster needs no progress
#define INTERVAL_MS 200
#define CLEAR_LINE "\r\033[K"

void gw_operator_progress_start(struct gw_operator_progress *progress, uint64_t total) {
    *progress = (struct gw_operator_progress){.is_shown_here = isatty(STDERR_FILENO) == 1,
                                              .started_ms = gw_clock_monotonic_ms(),
                                              .total = total};
}

static size_t append_left(uint64_t seconds, char *out, size_t room) {
    if (seconds < 120)
        return (size_t)snprintf(out, room, ", %d s left", (int)seconds);
    return (size_t)snprintf(out, room, ", %llu min left", (unsigned long long)(seconds + 59) / 60);
}

void gw_operator_progress_text(uint64_t done, uint64_t total, uint64_t elapsed_ms, char *out,
                               size_t room) {
    char counts[3][GW_OPERATOR_COUNT_LENGTH];
    uint64_t rate = elapsed_ms == 0 ? 0 : done * 1000 / elapsed_ms;
    size_t used = (size_t)snprintf(out, room, "%s%s%s rows, %s/s",
                                   gw_operator_count_text(done, counts[0]), total > 0 ? " of " : "",
                                   total > 0 ? gw_operator_count_text(total, counts[1]) : "",
                                   gw_operator_count_text(rate, counts[2]));
    gw_assert(used < room);
    if (total > done && rate > 0)
        used += append_left((total - done + rate - 1) / rate, out + used, room - used);
    gw_assert(used < room);
}

void gw_operator_progress_tell(struct gw_operator_progress *progress, uint64_t done) {
    char text[160];
    uint64_t now_ms = gw_clock_monotonic_ms();
    uint64_t elapsed_ms = now_ms - progress->started_ms;
    if (!progress->is_shown_here || elapsed_ms < PATIENCE_MS ||
        now_ms - progress->shown_ms < INTERVAL_MS)
        return;
    progress->shown_ms = now_ms;
    gw_operator_progress_text(done, progress->total, elapsed_ms, text, sizeof(text));
    (void)fprintf(stderr, CLEAR_LINE "%s", text);
}

void gw_operator_progress_end(struct gw_operator_progress *progress) {
    if (progress->shown_ms != 0)
        (void)fputs(CLEAR_LINE, stderr);
    progress->shown_ms = 0;
}
