// SPDX-License-Identifier: MIT
#include "cli/moment.h"

#include <stdio.h>

#include "base/clock.h"

#define DATE_LENGTH 10 // "2026-12-31"

static enum gw_status parse_date(struct gw_str text, int64_t *moment_ms) {
    char midnight[sizeof("2026-12-31T00:00:00Z")];
    int length = snprintf(midnight, sizeof(midnight), "%.*sT00:00:00Z", GW_STR_ARG(text));
    return gw_clock_parse_iso(gw_str(midnight, (size_t)length), moment_ms);
}

enum gw_status cli_moment_parse_time(struct gw_str text, int64_t *moment_ms) {
    return text.length == DATE_LENGTH ? parse_date(text, moment_ms)
                                      : gw_clock_parse_iso(text, moment_ms);
}

enum gw_status cli_moment_parse(struct gw_str text, int64_t now_ms, int64_t *moment_ms) {
    uint64_t ago_ms;
    if (gw_clock_parse_duration(text, &ago_ms) != GW_OK)
        return cli_moment_parse_time(text, moment_ms);
    *moment_ms = ago_ms < (uint64_t)now_ms ? now_ms - (int64_t)ago_ms : 0;
    return GW_OK;
}
