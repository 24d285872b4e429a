// SPDX-License-Identifier: MIT
#include "gateway/bulk/writer.h"

#include <csv.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/json.h"

#define LIST_BYTES_MAX (GW_ALLOWED_IPS_MAX * GW_IP_RANGE_TEXT_BYTES_MAX)
#define HEX_LENGTH ((size_t)2 * DB_DIGEST_LENGTH)

// In the order of the columns; `token` is in no export.
static const enum gw_bulk_field columns[] = {
    GW_BULK_ID,          GW_BULK_ORG,         GW_BULK_NAME,          GW_BULK_PREFIX,
    GW_BULK_SHA256,      GW_BULK_SCOPES,      GW_BULK_CREATED_AT,    GW_BULK_LAST_USED_AT,
    GW_BULK_EXPIRES_AT,  GW_BULK_ALLOWED_IPS, GW_BULK_BIND_CHILDREN, GW_BULK_SELF_ROTATE,
    GW_BULK_DESCRIPTION, GW_BULK_BOUND_SAN,
};
#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

// The texts that are made here and stand in no row.
struct made_texts {
    char digest[HEX_LENGTH + 1];
    char scopes[GW_SCOPE_TEXT_BYTES_MAX];
    char times[GW_BULK_FIELD_COUNT][GW_CLOCK_ISO_LENGTH];
    char allowed_ips[LIST_BYTES_MAX];
};

// ---- CSV ----

static struct gw_str time_text(struct made_texts *made, enum gw_bulk_field field, int64_t wall_ms) {
    if (wall_ms == DB_NO_TIME)
        return GW_STR("");
    gw_clock_format_iso(wall_ms, made->times[field]);
    return gw_str(made->times[field], GW_CLOCK_ISO_LENGTH);
}

static struct gw_str allowed_ips_text(struct made_texts *made,
                                      const struct db_token_admin_row *row) {
    size_t used = 0;
    for (int i = 0; i < row->token.allowed_ip_count; i++) {
        if (i > 0)
            made->allowed_ips[used++] = ',';
        used += gw_ip_range_format(&row->allowed_ips[i], made->allowed_ips + used);
    }
    return gw_str(made->allowed_ips, used);
}

static struct gw_str mark_text(bool is_set) {
    return is_set ? GW_STR("true") : GW_STR("");
}

static struct gw_str text_of(enum gw_bulk_field field, const struct db_token_admin_row *row,
                             struct made_texts *made) {
    const struct db_token_row *token = &row->token;
    switch (field) {
    case GW_BULK_ID:
        return token->id;
    case GW_BULK_ORG:
        return token->org_slug;
    case GW_BULK_NAME:
        return token->name;
    case GW_BULK_PREFIX:
        return token->prefix;
    case GW_BULK_SHA256:
        gw_hex_encode(row->digest, sizeof(row->digest), made->digest);
        return gw_str(made->digest, HEX_LENGTH);
    case GW_BULK_SCOPES:
        return gw_str(made->scopes, gw_scope_format(token->scopes, ",", made->scopes));
    case GW_BULK_CREATED_AT:
        return time_text(made, field, token->created_ms);
    case GW_BULK_LAST_USED_AT:
        return time_text(made, field, token->last_used_ms);
    case GW_BULK_EXPIRES_AT:
        return time_text(made, field, token->expires_ms);
    case GW_BULK_ALLOWED_IPS:
        return allowed_ips_text(made, row);
    case GW_BULK_BIND_CHILDREN:
        return mark_text(token->binds_children);
    case GW_BULK_SELF_ROTATE:
        return mark_text(token->rotates_itself);
    case GW_BULK_DESCRIPTION:
        return token->description;
    case GW_BULK_BOUND_SAN:
        return token->bound_san;
    case GW_BULK_TOKEN:
    case GW_BULK_FIELD_COUNT:
    default:
        return GW_STR("");
    }
}

// In quotes, those in it doubled (RFC 4180 section 2); an empty cell is none.
static enum gw_status put_cell(struct gw_buf *out, struct gw_str text) {
    char *at;
    enum gw_status status = gw_buf_reserve(out, 2 * text.length + 2, &at);
    if (status != GW_OK || text.length == 0)
        return status;
    size_t written = csv_write(at, 2 * text.length + 2, text.at, text.length);
    gw_buf_commit(out, written);
    return GW_OK;
}

static bool is_written(const struct gw_bulk_writer *writer, enum gw_bulk_field field) {
    return field != GW_BULK_SHA256 || writer->with_digests;
}

static enum gw_status put_separator(struct gw_buf *out, size_t column) {
    return column == 0 ? GW_OK : gw_buf_append(out, ",", 1);
}

static enum gw_status put_csv(const struct gw_bulk_writer *writer,
                              const struct db_token_admin_row *row, struct gw_buf *out) {
    struct made_texts made;
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < COLUMN_COUNT && status == GW_OK; i++) {
        if (!is_written(writer, columns[i]))
            continue;
        status = put_separator(out, i);
        if (status == GW_OK)
            status = put_cell(out, text_of(columns[i], row, &made));
    }
    return status == GW_OK ? gw_buf_append_str(out, GW_STR("\r\n")) : status;
}

// ---- JSON lines ----

static void put_digest(struct gw_json_writer *json, const struct db_token_admin_row *row) {
    char hex[HEX_LENGTH + 1];
    gw_hex_encode(row->digest, sizeof(row->digest), hex);
    gw_json_put_string(json, gw_bulk_field_name(GW_BULK_SHA256), gw_str(hex, HEX_LENGTH));
}

static void put_allowed_ips(struct gw_json_writer *json, const struct db_token_admin_row *row) {
    gw_json_key(json, gw_bulk_field_name(GW_BULK_ALLOWED_IPS));
    gw_json_open_array(json);
    for (int i = 0; i < row->token.allowed_ip_count; i++) {
        char text[GW_IP_RANGE_TEXT_BYTES_MAX];
        size_t length = gw_ip_range_format(&row->allowed_ips[i], text);
        gw_json_write_string(json, gw_str(text, length));
    }
    gw_json_close_array(json);
}

static void put_mark(struct gw_json_writer *json, enum gw_bulk_field field, bool is_set) {
    if (is_set)
        gw_json_put_boolean(json, gw_bulk_field_name(field), true);
}

static enum gw_status put_json(const struct gw_bulk_writer *writer,
                               const struct db_token_admin_row *row, struct gw_buf *out) {
    struct gw_json_writer json;
    const struct db_token_row *token = &row->token;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_json_put_string(&json, gw_bulk_field_name(GW_BULK_ID), token->id);
    gw_json_put_string(&json, gw_bulk_field_name(GW_BULK_ORG), token->org_slug);
    gw_json_put_string(&json, gw_bulk_field_name(GW_BULK_NAME), token->name);
    gw_json_put_string(&json, gw_bulk_field_name(GW_BULK_PREFIX), token->prefix);
    if (writer->with_digests)
        put_digest(&json, row);
    gw_json_key(&json, gw_bulk_field_name(GW_BULK_SCOPES));
    gw_scope_write_json(&json, token->scopes);
    gw_json_put_time(&json, gw_bulk_field_name(GW_BULK_CREATED_AT), token->created_ms);
    gw_json_put_time(&json, gw_bulk_field_name(GW_BULK_LAST_USED_AT), token->last_used_ms);
    gw_json_put_time(&json, gw_bulk_field_name(GW_BULK_EXPIRES_AT), token->expires_ms);
    put_allowed_ips(&json, row);
    put_mark(&json, GW_BULK_BIND_CHILDREN, token->binds_children);
    put_mark(&json, GW_BULK_SELF_ROTATE, token->rotates_itself);
    if (token->description.at != NULL)
        gw_json_put_string(&json, gw_bulk_field_name(GW_BULK_DESCRIPTION), token->description);
    if (token->bound_san.at != NULL)
        gw_json_put_string(&json, gw_bulk_field_name(GW_BULK_BOUND_SAN), token->bound_san);
    gw_json_close_object(&json);
    enum gw_status status = gw_json_writer_finish(&json);
    return status == GW_OK ? gw_buf_append(out, "\n", 1) : status;
}

// ---- either ----

enum gw_status gw_bulk_writer_begin(const struct gw_bulk_writer *writer, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < COLUMN_COUNT && writer->format == GW_BULK_CSV && status == GW_OK; i++) {
        if (!is_written(writer, columns[i]))
            continue;
        status = put_separator(out, i);
        if (status == GW_OK)
            status = gw_buf_append_str(out, gw_str_from(gw_bulk_field_name(columns[i])));
    }
    if (status == GW_OK && writer->format == GW_BULK_CSV)
        status = gw_buf_append_str(out, GW_STR("\r\n"));
    return status;
}

enum gw_status gw_bulk_writer_add(const struct gw_bulk_writer *writer,
                                  const struct db_token_admin_row *row, struct gw_buf *out) {
    gw_assert(writer->format != GW_BULK_BY_CONTENT);
    return writer->format == GW_BULK_CSV ? put_csv(writer, row, out) : put_json(writer, row, out);
}
