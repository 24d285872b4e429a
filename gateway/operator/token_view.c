// SPDX-License-Identifier: MIT
#include "gateway/operator/token_view.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "db/org_admin.h"
#include "gateway/operator/text.h"
#include "gateway/operator/token_text.h"
#include "gateway/settings/complaint.h"

#define OUTPUT_BYTES_MAX ((size_t)1024 * 1024)
#define FLUSH_BYTES ((size_t)32 * 1024)

// ---- list ----

static enum gw_operator_exit list_table(const struct gw_operator_options *options,
                                        struct db_session *session, struct gw_buf *out) {
    const struct gw_operator_token_table table = {.has_orgs = options->slug.at == NULL,
                                                  .has_states = options->wants_all};
    struct db_token_admin_row row;
    enum gw_status status;
    bool is_first = true;
    while ((status = db_token_admin_next(session, &row)) == GW_OK) {
        if ((is_first && gw_operator_token_append_titles(out, &table, &row) != GW_OK) ||
            gw_operator_token_append_line(out, &table, &row) != GW_OK ||
            !gw_operator_write_beyond(out, FLUSH_BYTES))
            return gw_operator_fail_output();
        is_first = false;
    }
    if (status != GW_NOT_FOUND)
        return gw_operator_fail_session(session, status);
    if (is_first)
        (void)fputs("No tokens.\n", stderr);
    return gw_operator_write_beyond(out, 0) ? GW_OPERATOR_DONE : gw_operator_fail_output();
}

static enum gw_operator_exit list_json(struct db_session *session, struct gw_buf *out) {
    struct db_token_admin_row row;
    struct gw_json_writer json;
    enum gw_status status;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_json_key(&json, "tokens");
    gw_json_open_array(&json);
    while ((status = db_token_admin_next(session, &row)) == GW_OK) {
        gw_json_open_object(&json);
        gw_operator_token_write_json(&json, &row);
        gw_json_close_object(&json);
        if (json.status != GW_OK || !gw_operator_write_beyond(out, FLUSH_BYTES))
            return gw_operator_fail_output();
    }
    if (status != GW_NOT_FOUND)
        return gw_operator_fail_session(session, status);
    gw_json_close_array(&json);
    if (gw_operator_end_json(&json, out) != GW_OK || !gw_operator_write_beyond(out, 0))
        return gw_operator_fail_output();
    return GW_OPERATOR_DONE;
}

static enum gw_operator_exit list(const struct gw_operator_options *options,
                                  struct db_session *session) {
    const struct db_token_admin_choice choice = {.org_slug = options->slug,
                                                 .with_ended = options->wants_all};
    struct db_org_row org;
    struct gw_buf out;
    enum gw_status status = GW_OK;
    if (options->slug.at != NULL)
        status = db_org_admin_find(session, options->slug, &org);
    if (status == GW_NOT_FOUND)
        return gw_operator_fail_unknown_org(options->slug);
    if (status == GW_OK)
        status = db_token_admin_list(session, &choice);
    if (status != GW_OK)
        return gw_operator_fail_session(session, status);
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    enum gw_operator_exit code =
        options->wants_json ? list_json(session, &out) : list_table(options, session, &out);
    gw_buf_deinit(&out);
    return code;
}

enum gw_operator_exit gw_operator_token_list(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, list);
}

// ---- show ----

static enum gw_status append_json(struct gw_buf *out, const struct db_token_admin_row *row) {
    struct gw_json_writer json;
    gw_json_writer_init(&json, out);
    gw_json_open_object(&json);
    gw_operator_token_write_json(&json, row);
    return gw_operator_end_json(&json, out);
}

static enum gw_operator_exit show(const struct gw_operator_options *options,
                                  struct db_session *session) {
    struct db_token_admin_row row;
    struct gw_buf out;
    enum gw_status status = db_token_admin_find(session, options->id, options->slug, &row);
    if (status == GW_NOT_FOUND) {
        gw_complain(
            "there is no token with the id %.*s (skillreg-gateway token list --all shows the ids)",
            GW_STR_ARG(options->id));
        return GW_OPERATOR_REFUSED;
    }
    if (status != GW_OK)
        return gw_operator_fail_session(session, status);
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    status =
        options->wants_json ? append_json(&out, &row) : gw_operator_token_append_text(&out, &row);
    bool is_shown = status == GW_OK && gw_operator_write_beyond(&out, 0);
    gw_buf_deinit(&out);
    return is_shown ? GW_OPERATOR_DONE : gw_operator_fail_output();
}

enum gw_operator_exit gw_operator_token_show(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, show);
}
