// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_writer.h"
#include "base/utf8.h"

static enum gw_log_level least_level = GW_LOG_INFO;
static enum gw_log_form form_of_all = GW_LOG_TEXT;

void gw_log_set_level(enum gw_log_level level) {
    least_level = level;
}

void gw_log_set_form(enum gw_log_form form) {
    form_of_all = form;
    gw_log_writer_set_form(form);
}

enum gw_status gw_log_level_parse(struct gw_str name, enum gw_log_level *level) {
    for (int i = GW_LOG_DEBUG; i <= GW_LOG_ERROR; i++) {
        if (!gw_str_equal(name, gw_log_level_text((enum gw_log_level)i)))
            continue;
        *level = (enum gw_log_level)i;
        return GW_OK;
    }
    return GW_INVALID;
}

enum gw_status gw_log_form_parse(struct gw_str name, enum gw_log_form *form) {
    bool is_json = gw_str_equal(name, GW_STR("json"));
    if (!is_json && !gw_str_equal(name, GW_STR("text")))
        return GW_INVALID;
    *form = is_json ? GW_LOG_JSON : GW_LOG_TEXT;
    return GW_OK;
}

bool gw_log_start(struct gw_log_line *line, enum gw_log_level level, const char *component,
                  int64_t wall_ms) {
    if (level < least_level)
        return false;
    gw_log_line_begin(line, form_of_all, level, component, wall_ms);
    return true;
}

void gw_log_finish(struct gw_log_line *line) {
    gw_log_writer_put_later(gw_log_line_end(line));
}

void gw_log(enum gw_log_level level, const char *component, const char *format, ...) {
    if (level < least_level)
        return;
    struct gw_log_line line;
    char message[GW_LOG_LINE_BYTES_MAX];
    int saved_errno = errno; // also for "%m"
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted;
    if (length >= sizeof(message))
        length = sizeof(message) - 1;
    gw_utf8_mask_controls(message, length); // one line, even where a caller forgot to quote
    gw_log_line_begin(&line, form_of_all, level, component, gw_clock_wall_ms());
    gw_log_line_put_message(&line, gw_str(message, length), format);
    gw_log_writer_put(gw_log_line_end(&line));
    errno = saved_errno;
}
