// SPDX-License-Identifier: MIT
#include "gateway/operator/token_export.h"

#include "db/org_admin.h"
#include "db/token_admin.h"
#include "gateway/bulk/writer.h"

#define OUTPUT_BYTES_MAX ((size_t)1024 * 1024)
#define FLUSH_BYTES ((size_t)32 * 1024)

static enum gw_operator_exit fail_output(void) {
    return gw_operator_fail("standard output cannot be written, the export is not whole");
}

static enum gw_operator_exit write_rows(struct db_session *session,
                                        const struct gw_bulk_writer *writer, struct gw_buf *out) {
    struct db_token_admin_row row;
    enum gw_status status;
    if (gw_bulk_writer_begin(writer, out) != GW_OK)
        return fail_output();
    while ((status = db_token_admin_next(session, &row)) == GW_OK) {
        if (gw_bulk_writer_add(writer, &row, out) != GW_OK ||
            !gw_operator_write_beyond(out, FLUSH_BYTES))
            return fail_output();
    }
    if (status != GW_NOT_FOUND)
        return gw_operator_fail_session(session, status);
    return gw_operator_write_beyond(out, 0) ? GW_OPERATOR_DONE : fail_output();
}

static enum gw_operator_exit export_tokens(const struct gw_operator_options *options,
                                           struct db_session *session) {
    const struct gw_bulk_writer writer = {
        .format = options->format == GW_BULK_BY_CONTENT ? GW_BULK_CSV : options->format,
        .with_digests = options->with_digests};
    struct db_org_row org;
    struct gw_buf out;
    enum gw_status status = GW_OK;
    if (options->slug.at != NULL)
        status = db_org_admin_find(session, options->slug, &org);
    if (status == GW_NOT_FOUND)
        return gw_operator_fail_unknown_org(options->slug);
    if (status == GW_OK)
        status = db_token_admin_list(session,
                                     &(struct db_token_admin_choice){.org_slug = options->slug});
    if (status != GW_OK)
        return gw_operator_fail_session(session, status);
    gw_buf_init(&out, OUTPUT_BYTES_MAX);
    enum gw_operator_exit code = write_rows(session, &writer, &out);
    gw_buf_deinit(&out);
    return code;
}

enum gw_operator_exit gw_operator_token_export(const struct gw_operator_options *options) {
    return gw_operator_with_session(options, export_tokens);
}
