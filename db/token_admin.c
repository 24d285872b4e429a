// SPDX-License-Identifier: MIT
#include "db/token_admin.h"

#include "db/events_wait.h"
#include "db/result.h"

#define COLUMNS                                                                                    \
    "select t.id, t.name, left(t.prefix, 12), t.scopes, t.created_at, t.last_used_at, "            \
    "t.expires_at,"                                                                                \
    " t.allowed_ips, t.binds_children, o.id, o.slug, o.name, t.digest, t.description,"             \
    " t.rotates_itself, t.created_by, t.revoked_at, t.revoked_by,"                                 \
    " case when t.revoked_at is not null then 'revoked' when o.deleted_at is not null then"        \
    "  'deleted' when t.expires_at <= now() then 'expired' else 'live' end,"                       \
    " max(length(t.id)) over (), max(length(o.slug)) over (), t.bound_san"                         \
    " from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id"

enum column {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_PREFIX,
    COLUMN_SCOPES,
    COLUMN_CREATED_AT,
    COLUMN_LAST_USED_AT,
    COLUMN_EXPIRES_AT,
    COLUMN_ALLOWED_IPS,
    COLUMN_BINDS_CHILDREN,
    COLUMN_ORG_ID,
    COLUMN_ORG_SLUG,
    COLUMN_ORG_NAME,
    COLUMN_DIGEST,
    COLUMN_DESCRIPTION,
    COLUMN_ROTATES_ITSELF,
    COLUMN_CREATED_BY,
    COLUMN_REVOKED_AT,
    COLUMN_REVOKED_BY,
    COLUMN_STATE,
    COLUMN_ID_WIDTH,
    COLUMN_ORG_WIDTH,
    COLUMN_BOUND_SAN
};

static const struct db_statement list_statement = {
    .name = "token_admin_list",
    .sql = COLUMNS " where ($1::text is null or o.slug = $1::text)"
                   " and ($2::boolean or (t.revoked_at is null and o.deleted_at is null"
                   " and (t.expires_at is null or t.expires_at > now())))"
                   " order by o.slug, t.created_at desc, t.id desc",
    .parameter_count = 2,
};
static const struct db_statement find_statement = {
    .name = "token_admin_find",
    .sql = COLUMNS " where t.id = $1::text and ($2::text is null or o.slug = $2::text)",
    .parameter_count = 2,
};
static const struct db_statement revoke_statement = {
    .name = "token_admin_revoke",
    .sql = "select r.outcome, r.id, r.name, r.revoked_at, r.event_seq"
           " from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id"
           " cross join lateral skillreg.token_revoke(t.org_id, t.id, '" DB_OPERATOR
           "', null::inet, case when $3::boolean then 'successors' end, false) r"
           " where t.id = $1::text and ($2::text is null or o.slug = $2::text)",
    .parameter_count = 3,
};

enum revoke_column { REVOKE_OUTCOME, REVOKE_ID, REVOKE_NAME, REVOKE_REVOKED_AT, REVOKE_EVENT_SEQ };

// ---- seeing ----

static enum gw_status read_row(const PGresult *result, struct db_token_admin_row *row) {
    *row = (struct db_token_admin_row){
        .token = {.id = db_get_bytes(result, 0, COLUMN_ID),
                  .name = db_get_bytes(result, 0, COLUMN_NAME),
                  .prefix = db_get_bytes(result, 0, COLUMN_PREFIX),
                  .scopes = (gw_scope_set)db_get_int(result, 0, COLUMN_SCOPES, 0),
                  .created_ms = db_get_time(result, 0, COLUMN_CREATED_AT),
                  .last_used_ms = db_get_time(result, 0, COLUMN_LAST_USED_AT),
                  .expires_ms = db_get_time(result, 0, COLUMN_EXPIRES_AT),
                  .binds_children = db_get_boolean(result, 0, COLUMN_BINDS_CHILDREN),
                  .description = db_get_bytes(result, 0, COLUMN_DESCRIPTION),
                  .rotates_itself = db_get_boolean(result, 0, COLUMN_ROTATES_ITSELF),
                  .allowed_ips = row->allowed_ips,
                  .bound_san = db_get_bytes(result, 0, COLUMN_BOUND_SAN),
                  .org_id = db_get_bytes(result, 0, COLUMN_ORG_ID),
                  .org_slug = db_get_bytes(result, 0, COLUMN_ORG_SLUG),
                  .org_name = db_get_bytes(result, 0, COLUMN_ORG_NAME)},
        .state = db_get_bytes(result, 0, COLUMN_STATE),
        .created_by = db_get_bytes(result, 0, COLUMN_CREATED_BY),
        .revoked_ms = db_get_time(result, 0, COLUMN_REVOKED_AT),
        .revoked_by = db_get_bytes(result, 0, COLUMN_REVOKED_BY),
        .id_width = (int)db_get_int(result, 0, COLUMN_ID_WIDTH, 0),
        .org_width = (int)db_get_int(result, 0, COLUMN_ORG_WIDTH, 0),
    };
    (void)db_get_fixed(result, 0, COLUMN_DIGEST, row->digest, sizeof(row->digest));
    return db_get_ip_ranges(result, 0, COLUMN_ALLOWED_IPS, row->allowed_ips,
                            &row->token.allowed_ip_count);
}

enum gw_status db_token_admin_list(struct db_session *session,
                                   const struct db_token_admin_choice *choice) {
    struct db_params params;
    db_params_init(&params);
    db_put_text_or_null(&params, choice->org_slug);
    db_put_boolean(&params, choice->with_ended);
    return db_session_read(session, &list_statement, &params);
}

enum gw_status db_token_admin_next(struct db_session *session, struct db_token_admin_row *row) {
    const PGresult *result;
    enum gw_status status = db_session_next(session, &result);
    return status == GW_OK ? read_row(result, row) : status;
}

enum gw_status db_token_admin_find(struct db_session *session, struct gw_str id,
                                   struct gw_str org_slug, struct db_token_admin_row *row) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    db_put_text(&params, id);
    db_put_text_or_null(&params, org_slug);
    enum gw_status status = db_session_run(session, &find_statement, &params, &result);
    if (status == GW_OK && PQntuples(result) == 0)
        status = GW_NOT_FOUND;
    return status == GW_OK ? read_row(result, row) : status;
}

// ---- revoke ----

enum gw_status db_token_admin_revoke(struct db_session *session,
                                     const struct db_token_admin_revoke *revoke, int *count) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    db_put_text(&params, revoke->id);
    db_put_text_or_null(&params, revoke->org_slug);
    db_put_boolean(&params, revoke->with_successors);
    enum gw_status status = db_session_run(session, &revoke_statement, &params, &result);
    if (status != GW_OK)
        return status;
    if (PQntuples(result) == 0 ||
        gw_str_equal(db_get_bytes(result, 0, REVOKE_OUTCOME), GW_STR("not_found")))
        return GW_NOT_FOUND;
    *count = PQntuples(result);
    return GW_OK;
}

struct db_token_admin_revoked db_token_admin_revoked_at(const struct db_session *session,
                                                        int index) {
    gw_assert(index >= 0 && index < PQntuples(session->result));
    return (struct db_token_admin_revoked){
        .id = db_get_bytes(session->result, index, REVOKE_ID),
        .name = db_get_bytes(session->result, index, REVOKE_NAME),
        .revoked_ms = db_get_time(session->result, index, REVOKE_REVOKED_AT),
        .event_seq = db_get_number(session->result, index, REVOKE_EVENT_SEQ),
    };
}

enum gw_status db_token_admin_reach(struct db_session *session, uint64_t event_seq,
                                    struct db_events_reach *reach) {
    struct db_params none;
    const PGresult *result;
    db_params_init(&none);
    enum gw_status status = db_session_run(session, &db_event_waits_statement, &none, &result);
    if (status == GW_OK)
        *reach = db_event_waits_reach(result, event_seq);
    return status;
}
