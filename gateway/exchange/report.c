// SPDX-License-Identifier: MIT
#include "gateway/exchange/report.h"

#include <string.h>
#include <uv.h>

void gw_report_begin(struct gw_report *report, bool is_wanted) {
    static const struct gw_report_time unknown;
    if (is_wanted)
        *report = (struct gw_report){.is_wanted = true};
    report->is_wanted = is_wanted;
    report->whole = report->decision = report->lookup = report->registry = unknown;
    gw_report_begin_time(&report->whole);
}

void gw_report_begin_time(struct gw_report_time *time) {
    if (time->began_ns == 0)
        time->began_ns = uv_hrtime();
}

void gw_report_end_time(struct gw_report_time *time) {
    if (time->began_ns == 0)
        return;
    time->ended_ns = uv_hrtime();
    time->took_ns += time->ended_ns - time->began_ns;
    time->began_ns = 0;
    time->is_known = true;
}

void gw_report_begin_decision(struct gw_report *report) {
    if (report->decision.is_known)
        gw_report_begin_time(&report->decision);
    else
        report->decision.began_ns = report->whole.began_ns;
}

static uint8_t copy(char *out, size_t room, struct gw_str text) {
    size_t length = text.length < room ? text.length : room;
    if (length > 0)
        memcpy(out, text.at, length);
    return (uint8_t)length;
}

void gw_report_note_token(struct gw_report *report, const struct db_token_row *row) {
    if (!report->is_wanted)
        return;
    report->token_id_length = copy(report->token_id, sizeof(report->token_id), row->id);
    report->org_length = copy(report->org, sizeof(report->org), row->org_slug);
}

void gw_report_note_original(struct gw_report *report, struct gw_str method, struct gw_str target) {
    if (!report->is_wanted)
        return;
    report->original_method = method;
    report->original_target = target;
}

struct gw_str gw_report_verdict_text(const struct gw_report *report) {
    static const struct gw_str texts[] = {[GW_REPORT_UNDECIDED] = GW_STR_INIT(""),
                                          [GW_REPORT_ALLOW] = GW_STR_INIT("allow"),
                                          [GW_REPORT_DENY] = GW_STR_INIT("deny"),
                                          [GW_REPORT_UNKNOWN] = GW_STR_INIT("unknown")};
    gw_assert(report->verdict <= GW_REPORT_UNKNOWN);
    return texts[report->verdict];
}

struct gw_str gw_report_source_text(const struct gw_report *report) {
    static const struct gw_str texts[] = {[GW_REPORT_NO_SOURCE] = GW_STR_INIT(""),
                                          [GW_REPORT_HIT] = GW_STR_INIT("hit"),
                                          [GW_REPORT_MISS] = GW_STR_INIT("miss"),
                                          [GW_REPORT_JOINED] = GW_STR_INIT("joined"),
                                          [GW_REPORT_STALE] = GW_STR_INIT("stale")};
    gw_assert(report->source <= GW_REPORT_STALE);
    return texts[report->source];
}

struct gw_str gw_report_error_code(const struct gw_report *report) {
    return report->error == GW_ERROR_NONE ? GW_STR("")
                                          : gw_str_from(gw_error_row(report->error)->code);
}
