// SPDX-License-Identifier: MIT
#include "gateway/operator/token_text.h"

#include "db/time.h"
#include "gateway/exchange/token_json.h"
#include "gateway/operator/text.h"

#define ID_WIDTH_MIN 2
#define ORG_WIDTH_MIN 3

void gw_operator_token_write_json(struct gw_json_writer *json,
                                  const struct db_token_admin_row *row) {
    gw_json_put_string(json, "org", row->token.org_slug);
    gw_token_json_write(json, &row->token);
    gw_json_put_string(json, "state", row->state);
    gw_json_put_string(json, "createdBy", row->created_by);
    gw_json_put_time(json, "revokedAt", row->revoked_ms);
    gw_json_put_string_or_null(json, "revokedBy", row->revoked_by);
}

// ---- a line: the name comes last, because its width depends on who shows it ----

static int wider(int width, int width_min) {
    return width < width_min ? width_min : width;
}

static enum gw_status append_cell(struct gw_buf *out, bool is_there, int width,
                                  struct gw_str text) {
    return is_there ? gw_buf_printf(out, "%-*.*s  ", width, GW_STR_ARG(text)) : GW_OK;
}

#define FIXED "%-12.*s  %-18s  %-16s  %-16s  "

enum gw_status gw_operator_token_append_titles(struct gw_buf *out,
                                               const struct gw_operator_token_table *table,
                                               const struct db_token_admin_row *row) {
    enum gw_status status =
        append_cell(out, true, wider(row->id_width, ID_WIDTH_MIN), GW_STR("ID"));
    if (status == GW_OK)
        status = gw_buf_printf(out, FIXED, 12, "PREFIX", "SCOPES", "LAST USED", "EXPIRES");
    if (status == GW_OK)
        status = append_cell(out, table->has_states, 7, GW_STR("STATE"));
    if (status == GW_OK)
        status =
            append_cell(out, table->has_orgs, wider(row->org_width, ORG_WIDTH_MIN), GW_STR("ORG"));
    return status == GW_OK ? gw_buf_append_str(out, GW_STR("NAME\n")) : status;
}

static enum gw_status end_with_name(struct gw_buf *out, struct gw_str name) {
    enum gw_status status = gw_operator_append_name(out, name);
    return status == GW_OK ? gw_buf_append(out, "\n", 1) : status;
}

enum gw_status gw_operator_token_append_line(struct gw_buf *out,
                                             const struct gw_operator_token_table *table,
                                             const struct db_token_admin_row *row) {
    const struct db_token_row *token = &row->token;
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
    char used[GW_OPERATOR_TIME_LENGTH + 1];
    char ends[GW_OPERATOR_TIME_LENGTH + 1];
    (void)gw_scope_format(token->scopes, ", ", scopes);
    enum gw_status status = append_cell(out, true, wider(row->id_width, ID_WIDTH_MIN), token->id);
    if (status == GW_OK)
        status = gw_buf_printf(out, FIXED, GW_STR_ARG(token->prefix), scopes,
                               gw_operator_time_text(token->last_used_ms, "never", used),
                               gw_operator_time_text(token->expires_ms, "never", ends));
    if (status == GW_OK)
        status = append_cell(out, table->has_states, 7, row->state);
    if (status == GW_OK)
        status = append_cell(out, table->has_orgs, wider(row->org_width, ORG_WIDTH_MIN),
                             token->org_slug);
    return status == GW_OK ? end_with_name(out, token->name) : status;
}

// ---- by itself ----

static enum gw_status append_named(struct gw_buf *out, const char *title, struct gw_str text) {
    if (text.at == NULL)
        return GW_OK;
    enum gw_status status = gw_buf_printf(out, "%-14s", title);
    return status == GW_OK ? end_with_name(out, text) : status;
}

static enum gw_status append_time(struct gw_buf *out, const char *title, int64_t wall_ms,
                                  const char *never) {
    char text[GW_OPERATOR_TIME_LENGTH + 1];
    return gw_buf_printf(out, "%-14s%s%s\n", title, gw_operator_time_text(wall_ms, never, text),
                         wall_ms == DB_NO_TIME ? "" : " UTC");
}

static enum gw_status append_addresses(struct gw_buf *out, const struct db_token_admin_row *row) {
    enum gw_status status = gw_buf_printf(
        out, "%-14s%s", "Works from:", row->token.allowed_ip_count == 0 ? "anywhere" : "");
    for (int i = 0; i < row->token.allowed_ip_count && status == GW_OK; i++) {
        char text[GW_IP_RANGE_TEXT_BYTES_MAX];
        (void)gw_ip_range_format(&row->allowed_ips[i], text);
        status = gw_buf_printf(out, "%s%s", i == 0 ? "" : ", ", text);
    }
    return status == GW_OK ? gw_buf_append(out, "\n", 1) : status;
}

static enum gw_status append_times(struct gw_buf *out, const struct db_token_admin_row *row) {
    const struct db_token_row *token = &row->token;
    enum gw_status status = append_time(out, "Created:", token->created_ms, "-");
    if (status == GW_OK)
        status = append_named(out, "Created by:", row->created_by);
    if (status == GW_OK)
        status = append_time(out, "Last used:", token->last_used_ms, "never");
    if (status == GW_OK)
        status = append_time(out, "Expires:", token->expires_ms, "never");
    if (status == GW_OK && row->revoked_ms != DB_NO_TIME)
        status = append_time(out, "Revoked:", row->revoked_ms, "-");
    return status == GW_OK ? append_named(out, "Revoked by:", row->revoked_by) : status;
}

static enum gw_status append_marks(struct gw_buf *out, const struct db_token_admin_row *row) {
    enum gw_status status = GW_OK;
    if (row->token.binds_children)
        status = append_named(out, "Children:", GW_STR("work only from where it does"));
    if (status == GW_OK && row->token.rotates_itself)
        status = append_named(out, "Rotation:", GW_STR("by itself"));
    return status == GW_OK ? append_named(out, "Description:", row->token.description) : status;
}

enum gw_status gw_operator_token_append_text(struct gw_buf *out,
                                             const struct db_token_admin_row *row) {
    const struct db_token_row *token = &row->token;
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
    size_t length = gw_scope_format(token->scopes, ", ", scopes);
    enum gw_status status = append_named(out, "Name:", token->name);
    if (status == GW_OK)
        status = append_named(out, "ID:", token->id);
    if (status == GW_OK)
        status = append_named(out, "Organisation:", token->org_slug);
    if (status == GW_OK)
        status = append_named(out, "State:", row->state);
    if (status == GW_OK)
        status = append_named(out, "Prefix:", token->prefix);
    if (status == GW_OK)
        status = append_named(out, "Scopes:", gw_str(scopes, length));
    if (status == GW_OK)
        status = append_addresses(out, row);
    if (status == GW_OK)
        status = append_times(out, row);
    return status == GW_OK ? append_marks(out, row) : status;
}
