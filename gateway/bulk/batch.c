// SPDX-License-Identifier: MIT
#include "gateway/bulk/batch.h"

#include "base/hex.h"
#include "token/id.h"

// A row has 500 bytes usually, 6 KB at the most.
#define BYTES_MAX ((size_t)16 * 1024 * 1024)

// NOLINTNEXTLINE(misc-redundant-expression): the two must stay equal
_Static_assert(DB_NO_TIME == GW_JSON_NO_TIME, "no time is null in both");

static void begin(struct gw_bulk_batch *batch) {
    gw_json_writer_init(&batch->json, &batch->rows);
    gw_json_open_array(&batch->json);
    batch->count = 0;
}

void gw_bulk_batch_init(struct gw_bulk_batch *batch) {
    gw_buf_init(&batch->rows, BYTES_MAX);
    begin(batch);
}

void gw_bulk_batch_deinit(struct gw_bulk_batch *batch) {
    gw_buf_deinit(&batch->rows);
}

void gw_bulk_batch_reset(struct gw_bulk_batch *batch) {
    gw_buf_clear(&batch->rows);
    begin(batch);
}

enum gw_status gw_bulk_batch_finish(struct gw_bulk_batch *batch, struct gw_str *rows) {
    gw_json_close_array(&batch->json);
    enum gw_status status = gw_json_writer_finish(&batch->json);
    if (status == GW_OK)
        *rows = gw_buf_bytes(&batch->rows);
    return status;
}

// ---- a row, as skillreg.token_import_row has it ----

static void put_digest(struct gw_json_writer *json, const unsigned char *digest) {
    char hex[2 * DB_DIGEST_LENGTH + 1];
    gw_hex_encode(digest, DB_DIGEST_LENGTH, hex);
    gw_json_put_string(json, "digest", gw_str(hex, sizeof(hex) - 1));
}

// None is null: from anywhere.
static void put_allowed_ips(struct gw_json_writer *json, const struct gw_bulk_token *token) {
    if (token->allowed_ip_count == 0) {
        gw_json_put_null(json, "allowed_ips");
        return;
    }
    gw_json_key(json, "allowed_ips");
    gw_json_open_array(json);
    for (int i = 0; i < token->allowed_ip_count; i++) {
        char text[GW_IP_RANGE_TEXT_BYTES_MAX];
        size_t length = gw_ip_range_format(&token->allowed_ips[i], text);
        gw_json_write_string(json, gw_str(text, length));
    }
    gw_json_close_array(json);
}

enum gw_status gw_bulk_batch_add(struct gw_bulk_batch *batch, uint64_t line,
                                 const struct gw_bulk_token *token) {
    struct gw_json_writer *json = &batch->json;
    char made[GW_ID_LENGTH + 1];
    struct gw_str id = token->id;
    if (id.at == NULL && gw_id_make(made) != GW_OK)
        return GW_SYSTEM;
    if (id.at == NULL)
        id = gw_str(made, GW_ID_LENGTH);
    gw_json_open_object(json);
    gw_json_put_integer(json, "line", (int64_t)line);
    gw_json_put_string(json, "id", id);
    gw_json_put_boolean(json, "has_own_id", token->id.at != NULL);
    gw_json_put_string(json, "org", token->org);
    gw_json_put_string(json, "name", token->name);
    gw_json_put_string(json, "prefix", token->prefix);
    put_digest(json, token->digest);
    gw_json_put_integer(json, "scopes", token->scopes);
    gw_json_put_time(json, "created_at", token->created_ms);
    gw_json_put_time(json, "last_used_at", token->last_used_ms);
    gw_json_put_time(json, "expires_at", token->expires_ms);
    put_allowed_ips(json, token);
    gw_json_put_string_or_null(json, "description", token->description);
    gw_json_put_boolean(json, "binds_children", token->binds_children);
    gw_json_put_boolean(json, "rotates_itself", token->rotates_itself);
    gw_json_put_string_or_null(json, "bound_san", token->bound_san);
    gw_json_close_object(json);
    batch->count++;
    return json->status;
}
