// SPDX-License-Identifier: MIT
#include "cli/listing.h"

#include "cli/answer.h"
#include "cli/output.h"

#define LISTING_BYTES_MAX (256 * 1024 * 1024)

void cli_listing_init(struct cli_listing *listing, const struct cli_listing_kind *kind, bool json) {
    gw_assert(kind->column_count > 0 && kind->column_count <= CLI_TABLE_COLUMNS_MAX);
    *listing = (struct cli_listing){.kind = kind, .json = json};
    gw_buf_init(&listing->cells, LISTING_BYTES_MAX);
    gw_buf_init(&listing->array, LISTING_BYTES_MAX);
}

void cli_listing_deinit(struct cli_listing *listing) {
    gw_buf_deinit(&listing->array);
    gw_buf_deinit(&listing->cells);
}

static enum gw_status add_json(struct cli_listing *listing, struct gw_json element) {
    enum gw_status status = GW_OK;
    if (listing->count > 0)
        status = gw_buf_append(&listing->array, ",", 1);
    return status == GW_OK ? gw_buf_append_str(&listing->array, gw_json_raw(element)) : status;
}

static enum gw_status add_row(struct cli_listing *listing, struct cli_session *session,
                              struct gw_json element) {
    size_t count = listing->kind->column_count;
    struct gw_str cells[CLI_TABLE_COLUMNS_MAX];
    gw_assert(count <= CLI_TABLE_COLUMNS_MAX);
    listing->kind->read(element, cli_session_now_ms(session), &session->answer, cells);
    for (size_t i = 0; i < count; i++) {
        if (cells[i].at == NULL)
            return GW_INVALID;
        cells[i] = cli_answer_keep(cells[i], &session->memory);
        if (cells[i].at == NULL)
            return GW_NO_MEMORY;
    }
    return gw_buf_append(&listing->cells, cells, count * sizeof(cells[0]));
}

bool cli_listing_is_full(const struct cli_listing *listing) {
    return listing->count_max > 0 && listing->count >= listing->count_max;
}

enum cli_exit cli_listing_add_one(struct cli_listing *listing, struct cli_session *session,
                                  struct gw_json element, struct cli_reason *why) {
    enum gw_status status =
        listing->json ? add_json(listing, element) : add_row(listing, session, element);
    if (status == GW_INVALID)
        return cli_session_fail_strange(session, why);
    if (status != GW_OK)
        return cli_fail_status(why, status);
    listing->count++;
    return CLI_DONE;
}

enum cli_exit cli_listing_add(struct cli_listing *listing, struct cli_session *session,
                              struct gw_json root, struct cli_reason *why) {
    struct gw_json elements;
    if (!gw_json_member(root, gw_str_from(listing->kind->key), &elements) ||
        gw_json_type(elements) != GW_JSON_ARRAY)
        return cli_session_fail_strange(session, why);
    for (int i = 0; i < gw_json_count(elements) && !cli_listing_is_full(listing); i++) {
        enum cli_exit exit =
            cli_listing_add_one(listing, session, gw_json_element(elements, i), why);
        if (exit != CLI_DONE)
            return exit;
    }
    return CLI_DONE;
}

static void render_table(const struct cli_listing *listing, struct cli_output *out) {
    gw_assert(gw_buf_length(&listing->cells) ==
              listing->count * listing->kind->column_count * sizeof(struct gw_str));
    const struct cli_table table = {
        .columns = listing->kind->columns,
        .column_count = listing->kind->column_count,
        .cells = (const struct gw_str *)(const void *)gw_buf_bytes(&listing->cells).at,
        .row_count = listing->count,
        .columns_max = out->columns,
        .no_titles = listing->no_titles,
    };
    if (out->status == GW_OK)
        out->status = cli_table_render(&table, out->utf8, &out->bytes);
}

static void render_json(const struct cli_listing *listing, struct cli_output *out) {
    cli_output_put(out, "{\"");
    cli_output_put(out, listing->kind->key);
    cli_output_put(out, "\":[");
    cli_output_put_json(out, gw_buf_bytes(&listing->array));
    cli_output_put(out, "]}\n");
}

enum cli_exit cli_listing_show(const struct cli_listing *listing, FILE *stream,
                               struct cli_reason *why) {
    struct cli_output out;
    cli_output_init_for(&out, stream);
    if (listing->json)
        render_json(listing, &out);
    else if (listing->count == 0)
        cli_output_put(&out, listing->no_titles ? "" : listing->kind->empty);
    else
        render_table(listing, &out);
    return cli_output_send(&out, why);
}

enum cli_exit cli_listing_print(const struct cli_listing *listing, struct cli_reason *why) {
    return cli_listing_show(listing, stdout, why);
}
