// SPDX-License-Identifier: MIT
#include "gateway/operator/text.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/runner_command.h"
#include "base/utf8.h"
#include "db/time.h"

const char *gw_operator_time_text(int64_t wall_ms, const char *never,
                                  char out[GW_OPERATOR_TIME_LENGTH + 1]) {
    char iso[GW_CLOCK_ISO_LENGTH];
    if (wall_ms == DB_NO_TIME) {
        (void)snprintf(out, GW_OPERATOR_TIME_LENGTH + 1, "%s", never);
        return out;
    }
    gw_clock_format_iso(wall_ms, iso);
    iso[10] = ' ';
    memcpy(out, iso, GW_OPERATOR_TIME_LENGTH);
    out[GW_OPERATOR_TIME_LENGTH] = '\0';
    return out;
}

static enum gw_status append_masked(struct gw_buf *out, struct gw_str text) {
    char *at;
    if (text.length == 0)
        return GW_OK;
    enum gw_status status = gw_buf_reserve(out, text.length, &at);
    if (status != GW_OK)
        return status;
    memcpy(at, text.at, text.length);
    gw_utf8_mask_controls(at, text.length);
    gw_buf_commit(out, text.length);
    return GW_OK;
}

// Bytes up to the place where a backslash breaks what a CI system would obey; all, where none does.
static size_t find_command(struct gw_str name) {
    size_t at = 1;
    while (at < name.length && (name.at[at - 1] != '#' ||
                                !gw_runner_command_goes_on(gw_str_slice(name, at, name.length))))
        at++;
    return at < name.length ? at : name.length;
}

enum gw_status gw_operator_append_name(struct gw_buf *out, struct gw_str name) {
    size_t length = find_command(name);
    enum gw_status status = append_masked(out, gw_str_slice(name, 0, length));
    while (status == GW_OK && length < name.length) {
        name = gw_str_slice(name, length, name.length);
        length = find_command(name);
        status = gw_buf_append(out, "\\", 1);
        if (status == GW_OK)
            status = append_masked(out, gw_str_slice(name, 0, length));
    }
    return status;
}

const char *gw_operator_count_text(uint64_t count, char out[GW_OPERATOR_COUNT_LENGTH]) {
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *gw_operator_tokens_text(int64_t count, char out[GW_OPERATOR_COUNT_LENGTH]) {
    (void)gw_operator_count_text((uint64_t)count, out);
    size_t used = strlen(out);
    (void)snprintf(out + used, GW_OPERATOR_COUNT_LENGTH - used,
                   count == 1 ? " live token" : " live tokens");
    return out;
}

enum gw_status gw_operator_end_json(struct gw_json_writer *json, struct gw_buf *out) {
    gw_json_close_object(json);
    enum gw_status status = gw_json_writer_finish(json);
    return status == GW_OK ? gw_buf_append(out, "\n", 1) : status;
}
