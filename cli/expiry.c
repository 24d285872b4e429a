// SPDX-License-Identifier: MIT
#include "cli/expiry.h"

#include <stdio.h>

#include "base/clock.h"

#define AHEAD_MS_MAX (INT64_C(365) * 24 * 60 * 60 * 1000 * CLI_EXPIRY_YEARS_MAX)
#define DATE_LENGTH 10 // "2026-12-31"

static enum gw_status parse_date(struct gw_str text, int64_t *wall_ms) {
    char midnight[sizeof("2026-12-31T00:00:00Z")];
    int length = snprintf(midnight, sizeof(midnight), "%.*sT00:00:00Z", GW_STR_ARG(text));
    return gw_clock_parse_iso(gw_str(midnight, (size_t)length), wall_ms);
}

enum gw_status cli_expiry_parse(struct gw_str text, int64_t now_ms, int64_t *expires_ms) {
    uint64_t ahead_ms;
    int64_t then_ms;
    enum gw_status status = gw_clock_parse_duration(text, &ahead_ms);
    if (status == GW_TOO_BIG || (status == GW_OK && ahead_ms > AHEAD_MS_MAX))
        return GW_TOO_BIG;
    if (status == GW_OK)
        then_ms = now_ms + (int64_t)ahead_ms;
    else if (text.length == DATE_LENGTH)
        status = parse_date(text, &then_ms);
    else
        status = gw_clock_parse_iso(text, &then_ms);
    if (status != GW_OK)
        return status;
    if (then_ms <= now_ms)
        return GW_CONFLICT;
    if (then_ms - now_ms > AHEAD_MS_MAX)
        return GW_TOO_BIG;
    *expires_ms = then_ms;
    return GW_OK;
}
