// SPDX-License-Identifier: MIT
#include "gateway/check/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"
#include "base/utf8.h"

void gw_check_add(struct gw_check_report *report, enum gw_check_level level, const char *subject,
                  const char *todo, const char *format, ...) {
    if (report->count == GW_CHECK_FINDINGS_MAX)
        report->count--;
    struct gw_check_finding *finding = &report->at[report->count++];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
    gw_utf8_mask_controls(finding->text, strlen(finding->text));
    finding->level = level;
    finding->subject = subject;
    finding->todo = todo;
}

bool gw_check_has_failed(const struct gw_check_report *report) {
    for (int i = 0; i < report->count; i++) {
        if (report->at[i].level == GW_CHECK_ERROR)
            return true;
    }
    return false;
}

const char *gw_check_level_name(enum gw_check_level level) {
    static const char *const names[] = {
        [GW_CHECK_OK] = "ok", [GW_CHECK_WARNING] = "warning", [GW_CHECK_ERROR] = "error"};
    return names[level];
}

enum gw_status gw_check_report_write(const struct gw_check_report *report, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    for (int i = 0; i < report->count && status == GW_OK; i++) {
        const struct gw_check_finding *finding = &report->at[i];
        status = gw_buf_printf(out, "%-8s %-12s %s%s%s\n", gw_check_level_name(finding->level),
                               finding->subject, finding->text, finding->todo == NULL ? "" : "; ",
                               finding->todo == NULL ? "" : finding->todo);
    }
    return status;
}

void gw_check_report_write_json(const struct gw_check_report *report, struct gw_json_writer *json) {
    gw_json_open_array(json);
    for (int i = 0; i < report->count; i++) {
        const struct gw_check_finding *finding = &report->at[i];
        gw_json_open_object(json);
        gw_json_put_string(json, "status", gw_str_from(gw_check_level_name(finding->level)));
        gw_json_put_string(json, "subject", gw_str_from(finding->subject));
        gw_json_put_string(json, "text", gw_str_from(finding->text));
        gw_json_put_string_or_null(
            json, "todo", finding->todo == NULL ? gw_str(NULL, 0) : gw_str_from(finding->todo));
        gw_json_close_object(json);
    }
    gw_json_close_array(json);
}
