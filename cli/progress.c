// SPDX-License-Identifier: MIT
#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_MS 2000 // what is faster needs no progress
#define CLEAR_LINE "\r\033[K"

void cli_progress_start(struct cli_progress *progress) {
    *progress = (struct cli_progress){.is_seen = isatty(STDERR_FILENO) == 1,
                                      .started_ms = gw_clock_monotonic_ms()};
}

void cli_progress_tell(struct cli_progress *progress, const char *format, ...) {
    va_list arguments;
    if (!progress->is_seen || gw_clock_monotonic_ms() - progress->started_ms < PATIENCE_MS)
        return;
    (void)fputs(CLEAR_LINE, stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fflush(stderr);
    progress->is_shown = true;
}

void cli_progress_clear(struct cli_progress *progress) {
    if (progress->is_shown)
        (void)fputs(CLEAR_LINE, stderr);
    (void)fflush(stderr);
    progress->is_shown = false;
}
