// SPDX-License-Identifier: MIT
#include "db/org_admin.h"

#include "db/result.h"

#define COLUMNS                                                                                    \
    "select o.id, o.slug, o.name, o.created_at, o.deleted_at,"                                     \
    " (select count(*) from skillreg.api_token t where t.org_id = o.id and t.revoked_at is null"   \
    "  and (t.expires_at is null or t.expires_at > now())),"                                       \
    " max(length(o.slug)) over ()"                                                                 \
    " from skillreg.organisation o"

enum column {
    COLUMN_ID,
    COLUMN_SLUG,
    COLUMN_NAME,
    COLUMN_CREATED_AT,
    COLUMN_DELETED_AT,
    COLUMN_LIVE_TOKENS,
    COLUMN_SLUG_WIDTH
};
enum { ONLY_COLUMN };

static const struct db_statement list_statement = {
    .name = "org_admin_list",
    .sql = COLUMNS " where $1::boolean or o.deleted_at is null order by o.slug",
    .parameter_count = 1,
};
static const struct db_statement find_statement = {
    .name = "org_admin_find",
    .sql = COLUMNS " where o.slug = $1::text",
    .parameter_count = 1,
};
static const struct db_statement rename_statement = {
    .name = "org_admin_rename",
    .sql = "select skillreg.organisation_rename($1::text, $2::text, $3::text)",
    .parameter_count = 3,
};
static const struct db_statement delete_statement = {
    .name = "org_admin_delete",
    .sql = "select skillreg.organisation_delete($1::text)",
    .parameter_count = 1,
};
static const struct db_statement restore_statement = {
    .name = "org_admin_restore",
    .sql = "select skillreg.organisation_restore($1::text)",
    .parameter_count = 1,
};

// ---- seeing ----

static void read_row(const PGresult *result, struct db_org_row *row) {
    *row = (struct db_org_row){
        .id = db_get_bytes(result, 0, COLUMN_ID),
        .slug = db_get_bytes(result, 0, COLUMN_SLUG),
        .name = db_get_bytes(result, 0, COLUMN_NAME),
        .created_ms = db_get_time(result, 0, COLUMN_CREATED_AT),
        .deleted_ms = db_get_time(result, 0, COLUMN_DELETED_AT),
        .live_tokens = db_get_int(result, 0, COLUMN_LIVE_TOKENS, 0),
        .slug_width = (int)db_get_int(result, 0, COLUMN_SLUG_WIDTH, 0),
    };
}

enum gw_status db_org_admin_list(struct db_session *session, bool with_deleted) {
    struct db_params params;
    db_params_init(&params);
    db_put_boolean(&params, with_deleted);
    return db_session_read(session, &list_statement, &params);
}

enum gw_status db_org_admin_next(struct db_session *session, struct db_org_row *row) {
    const PGresult *result;
    enum gw_status status = db_session_next(session, &result);
    if (status == GW_OK)
        read_row(result, row);
    return status;
}

enum gw_status db_org_admin_find(struct db_session *session, struct gw_str slug,
                                 struct db_org_row *row) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    db_put_text(&params, slug);
    enum gw_status status = db_session_run(session, &find_statement, &params, &result);
    if (status == GW_OK && PQntuples(result) == 0)
        status = GW_NOT_FOUND;
    if (status == GW_OK)
        read_row(result, row);
    return status;
}

// ---- changing ----

static enum gw_status change(struct db_session *session, const struct db_statement *statement,
                             struct db_params *params) {
    const PGresult *result;
    enum gw_status status = db_session_run(session, statement, params, &result);
    if (status != GW_OK)
        return status;
    struct gw_str outcome = db_get_bytes(result, 0, ONLY_COLUMN);
    if (gw_str_equal(outcome, GW_STR("done")))
        return GW_OK;
    return gw_str_equal(outcome, GW_STR("not_found")) ? GW_NOT_FOUND : GW_CONFLICT;
}

enum gw_status db_org_admin_rename(struct db_session *session, struct gw_str slug,
                                   struct gw_str new_slug, struct gw_str new_name) {
    struct db_params params;
    db_params_init(&params);
    db_put_text(&params, slug);
    db_put_text_or_null(&params, new_slug);
    db_put_text_or_null(&params, new_name);
    return change(session, &rename_statement, &params);
}

enum gw_status db_org_admin_delete(struct db_session *session, struct gw_str slug) {
    struct db_params params;
    db_params_init(&params);
    db_put_text(&params, slug);
    return change(session, &delete_statement, &params);
}

enum gw_status db_org_admin_restore(struct db_session *session, struct gw_str slug) {
    struct db_params params;
    db_params_init(&params);
    db_put_text(&params, slug);
    return change(session, &restore_statement, &params);
}
