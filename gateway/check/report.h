// SPDX-License-Identifier: MIT
#pragma once
// What the checks found, in the order in which they looked, as lines for a person or JSON for a
// program. Texts may quote what files and servers say: whatever could command a terminal is masked
// as base/utf8.h says. Never given a secret.

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"

#define GW_CHECK_FINDINGS_MAX 160
#define GW_CHECK_TEXT_BYTES 768

enum gw_check_level { GW_CHECK_OK, GW_CHECK_WARNING, GW_CHECK_ERROR };

struct gw_check_finding {
    enum gw_check_level level;
    const char *subject; // what was looked at: "certificate"
    const char *todo;    // what to do about it, part of a sentence; NULL: nothing
    char text[GW_CHECK_TEXT_BYTES];
};

struct gw_check_report {
    struct gw_check_finding at[GW_CHECK_FINDINGS_MAX];
    int count;
};

// `subject` and `todo` are static. Beyond GW_CHECK_FINDINGS_MAX each takes the place of the last.
void gw_check_add(struct gw_check_report *report, enum gw_check_level level, const char *subject,
                  const char *todo, const char *format, ...) __attribute__((format(printf, 5, 6)));
bool gw_check_has_failed(const struct gw_check_report *report);
const char *gw_check_level_name(enum gw_check_level level);

// "error    registry     http://...: connection refused; look whether it runs", a line each.
enum gw_status gw_check_report_write(const struct gw_check_report *report,
                                     struct gw_buf *out) GW_MUST_USE;
// An array of objects: status, subject, text, todo (null: nothing).
void gw_check_report_write_json(const struct gw_check_report *report, struct gw_json_writer *json);
