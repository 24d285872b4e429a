// SPDX-License-Identifier: MIT
#include "cli/expiry.h"

#include "base/clock.h"
#include "cli/moment.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define AHEAD_MS_MAX (365 * DAY_MS * CLI_EXPIRY_YEARS_MAX)

// "2w" and "1y", which durations elsewhere do not have.
static enum gw_status parse_long_length(struct gw_str text, int64_t *length_ms) {
    struct gw_str digits = gw_str_slice(text, 0, text.length > 0 ? text.length - 1 : 0);
    char unit = text.length > 0 ? text.at[text.length - 1] : '\0';
    int64_t unit_ms = unit == 'w' ? 7 * DAY_MS : unit == 'y' ? 365 * DAY_MS : 0;
    uint64_t number;
    enum gw_status status = gw_str_to_u64(digits, &number);
    if (unit_ms == 0 || status == GW_INVALID || (status == GW_OK && number == 0))
        return GW_INVALID;
    if (status != GW_OK || number > (uint64_t)(AHEAD_MS_MAX / unit_ms))
        return GW_TOO_BIG;
    *length_ms = (int64_t)number * unit_ms;
    return GW_OK;
}

static enum gw_status parse_length(struct gw_str text, struct cli_expiry *expiry) {
    uint64_t duration_ms = 0;
    int64_t length_ms;
    enum gw_status status = parse_long_length(text, &length_ms);
    if (status == GW_INVALID) {
        status = gw_clock_parse_duration(text, &duration_ms);
        if (status == GW_OK && duration_ms > AHEAD_MS_MAX)
            return GW_TOO_BIG;
        length_ms = (int64_t)duration_ms;
    }
    if (status == GW_OK && length_ms % 1000 != 0)
        return GW_INVALID;
    if (status == GW_OK)
        *expiry = (struct cli_expiry){.kind = CLI_EXPIRY_AFTER, .length_s = length_ms / 1000};
    return status;
}

static enum gw_status parse_time(struct gw_str text, int64_t now_ms, struct cli_expiry *expiry) {
    int64_t at_ms;
    enum gw_status status = cli_moment_parse_time(text, &at_ms);
    if (status != GW_OK)
        return status;
    if (at_ms <= now_ms)
        return GW_CONFLICT;
    if (at_ms - now_ms > AHEAD_MS_MAX)
        return GW_TOO_BIG;
    *expiry = (struct cli_expiry){.kind = CLI_EXPIRY_AT, .at_ms = at_ms};
    return GW_OK;
}

enum gw_status cli_expiry_parse(struct gw_str text, int64_t now_ms, struct cli_expiry *expiry) {
    if (gw_str_equal(text, GW_STR("never"))) {
        *expiry = (struct cli_expiry){.kind = CLI_EXPIRY_NEVER};
        return GW_OK;
    }
    enum gw_status status = parse_length(text, expiry);
    return status == GW_INVALID ? parse_time(text, now_ms, expiry) : status;
}

void cli_expiry_write_json(const struct cli_expiry *expiry, struct gw_json_writer *writer) {
    if (expiry->kind == CLI_EXPIRY_AFTER)
        gw_json_put_integer(writer, "expiresIn", expiry->length_s);
    if (expiry->kind == CLI_EXPIRY_AT)
        gw_json_put_time(writer, "expiresAt", expiry->at_ms);
}

int64_t cli_expiry_end(const struct cli_expiry *expiry, int64_t made_ms) {
    switch (expiry->kind) {
    case CLI_EXPIRY_AFTER:
        return made_ms + expiry->length_s * 1000;
    case CLI_EXPIRY_AT:
        return expiry->at_ms;
    default:
        return GW_JSON_NO_TIME;
    }
}
