// SPDX-License-Identifier: MIT
#include "gateway/operator/org_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "db/time.h"
#include "gateway/operator/text.h"

// NOLINTNEXTLINE(misc-redundant-expression): the two must stay equal
_Static_assert(DB_NO_TIME == GW_JSON_NO_TIME, "no time is null in both");

void gw_operator_org_write_json(struct gw_json_writer *json, const struct db_org_row *row) {
    gw_json_put_string(json, "id", row->id);
    gw_json_put_string(json, "slug", row->slug);
    gw_json_put_string(json, "name", row->name);
    gw_json_put_integer(json, "liveTokens", row->live_tokens);
    gw_json_put_time(json, "createdAt", row->created_ms);
    gw_json_put_time(json, "deletedAt", row->deleted_ms);
}

enum gw_status gw_operator_org_append_json(struct gw_buf *out, const struct db_org_row *row) {
    struct gw_json_writer json;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_operator_org_write_json(&json, row);
    return gw_operator_end_json(&json, out);
}

// The name comes last: its width depends on who shows it.
#define LINE "%-*.*s  %11s  %-16s  %-16s  "

enum gw_status gw_operator_org_append_titles(struct gw_buf *out, int slug_width) {
    return gw_buf_printf(out, LINE "NAME\n", slug_width, slug_width, "SLUG", "LIVE TOKENS",
                         "CREATED", "DELETED");
}

static enum gw_status end_with_name(struct gw_buf *out, struct gw_str name) {
    enum gw_status status = gw_operator_append_name(out, name);
    return status == GW_OK ? gw_buf_append(out, "\n", 1) : status;
}

enum gw_status gw_operator_org_append_line(struct gw_buf *out, int slug_width,
                                           const struct db_org_row *row) {
    char tokens[24];
    char created[GW_OPERATOR_TIME_LENGTH + 1];
    char deleted[GW_OPERATOR_TIME_LENGTH + 1];
    (void)snprintf(tokens, sizeof(tokens), "%" PRId64, row->live_tokens);
    enum gw_status status =
        gw_buf_printf(out, LINE, slug_width, (int)row->slug.length, row->slug.at, tokens,
                      gw_operator_time_text(row->created_ms, "-", created),
                      gw_operator_time_text(row->deleted_ms, "-", deleted));
    return status == GW_OK ? end_with_name(out, row->name) : status;
}

enum gw_status gw_operator_org_append_text(struct gw_buf *out, const struct db_org_row *row) {
    char created[GW_OPERATOR_TIME_LENGTH + 1];
    char deleted[GW_OPERATOR_TIME_LENGTH + 1];
    enum gw_status status =
        gw_buf_printf(out,
                      "Slug:         %.*s\nID:           %.*s\nLive tokens:  %" PRId64
                      "\nCreated:      %s UTC\nDeleted:      %s%s\nName:         ",
                      GW_STR_ARG(row->slug), GW_STR_ARG(row->id), row->live_tokens,
                      gw_operator_time_text(row->created_ms, "-", created),
                      gw_operator_time_text(row->deleted_ms, "no", deleted),
                      row->deleted_ms == DB_NO_TIME ? "" : " UTC");
    return status == GW_OK ? end_with_name(out, row->name) : status;
}
