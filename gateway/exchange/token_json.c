// SPDX-License-Identifier: MIT
#include "gateway/exchange/token_json.h"

// NOLINTNEXTLINE(misc-redundant-expression): the two must stay equal
_Static_assert(DB_NO_TIME == GW_JSON_NO_TIME, "no time is null in both");

static void write_range(struct gw_json_writer *json, const struct gw_ip_range *range) {
    char text[GW_IP_RANGE_TEXT_BYTES_MAX];
    gw_json_write_string(json, gw_str(text, gw_ip_range_format(range, text)));
}

void gw_token_json_write_ranges(struct gw_json_writer *json, const char *key,
                                const struct db_token_row *row) {
    gw_json_key(json, key);
    gw_json_open_array(json);
    for (int i = 0; i < row->allowed_ip_count; i++)
        write_range(json, &row->allowed_ips[i]);
    gw_json_close_array(json);
}

static void write_binding(struct gw_json_writer *json, const struct db_token_row *row) {
    if (row->bound_san.length > 0)
        gw_json_put_string(json, "boundSan", row->bound_san);
}

static void write_known(struct gw_json_writer *json, const struct db_token_row *row) {
    gw_json_put_string(json, "id", row->id);
    gw_json_put_string(json, "name", row->name);
    gw_json_put_string(json, "prefix", row->prefix);
    gw_json_key(json, "scopes");
    gw_scope_write_json(json, row->scopes);
    gw_json_put_time(json, "createdAt", row->created_ms);
    gw_json_put_time(json, "lastUsedAt", row->last_used_ms);
    gw_json_put_time(json, "expiresAt", row->expires_ms);
    gw_token_json_write_ranges(json, "allowedIps", row);
}

void gw_token_json_write_looked_up(struct gw_json_writer *json, const struct db_token_row *row) {
    write_known(json, row);
    gw_json_put_boolean(json, "selfRotate", row->rotates_itself);
    write_binding(json, row);
}

void gw_token_json_write(struct gw_json_writer *json, const struct db_token_row *row) {
    write_known(json, row);
    gw_json_put_string_or_null(json, "description", row->description);
    gw_json_put_boolean(json, "selfRotate", row->rotates_itself);
    if (row->binds_children)
        gw_json_put_boolean(json, "bindChildren", true);
    write_binding(json, row);
}
