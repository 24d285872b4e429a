// SPDX-License-Identifier: MIT
#include "cli/relative_time.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

#define MINUTE_S INT64_C(60)
#define HOUR_S (60 * MINUTE_S)
#define DAY_S (24 * HOUR_S)

static const struct {
    int64_t seconds;
    const char *name;
} units[] = {
    {365 * DAY_S, "year"}, {30 * DAY_S, "month"}, {DAY_S, "day"},
    {HOUR_S, "hour"},      {MINUTE_S, "minute"},
};

enum { YEAR = 0, DAY = 2 }; // among units

// "2 hours" in `largest` or a smaller unit, between `before` and `after`; false under a minute.
static bool format_span(int64_t span_ms, size_t largest, const char *before, const char *after,
                        char out[CLI_RELATIVE_TIME_BYTES_MAX]) {
    gw_assert(largest < sizeof(units) / sizeof(units[0]));
    for (size_t i = largest; i < sizeof(units) / sizeof(units[0]); i++) {
        int64_t count = span_ms / 1000 / units[i].seconds;
        if (count <= 0)
            continue;
        (void)snprintf(out, CLI_RELATIVE_TIME_BYTES_MAX, "%s%" PRId64 " %s%s%s", before, count,
                       units[i].name, count == 1 ? "" : "s", after);
        return true;
    }
    return false;
}

void cli_relative_time_ago(int64_t then_ms, int64_t now_ms, char out[CLI_RELATIVE_TIME_BYTES_MAX]) {
    if (!format_span(now_ms - then_ms, YEAR, "", " ago", out))
        (void)snprintf(out, CLI_RELATIVE_TIME_BYTES_MAX, "just now");
}

void cli_relative_time_ahead(int64_t then_ms, int64_t now_ms,
                             char out[CLI_RELATIVE_TIME_BYTES_MAX]) {
    if (!format_span(then_ms - now_ms, DAY, "in ", "", out))
        (void)snprintf(out, CLI_RELATIVE_TIME_BYTES_MAX, "now");
}
