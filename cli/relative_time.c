// SPDX-License-Identifier: MIT
#include "cli/relative_time.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define MINUTE_S INT64_C(60)
#define HOUR_S (60 * MINUTE_S)
#define DAY_S (24 * HOUR_S)

void cli_relative_time_format(int64_t then_ms, int64_t now_ms,
                              char out[CLI_RELATIVE_TIME_BYTES_MAX]) {
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {
        {365 * DAY_S, "year"}, {30 * DAY_S, "month"}, {DAY_S, "day"},
        {HOUR_S, "hour"},      {MINUTE_S, "minute"},
    };
    int64_t age_s = now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        int64_t count = age_s / units[i].seconds;
        if (count == 0)
            continue;
        (void)snprintf(out, CLI_RELATIVE_TIME_BYTES_MAX, "%" PRId64 " %s%s ago", count,
                       units[i].name, count == 1 ? "" : "s");
        return;
    }
    (void)snprintf(out, CLI_RELATIVE_TIME_BYTES_MAX, "just now");
}
