// SPDX-License-Identifier: MIT
#include "db/tokens.h"

#include "db/result.h"
#include "token/limits.h"

const struct db_statement db_token_create_statement = {
    .name = "token_create",
    .sql = "select outcome, id, is_revoked, revoked_digest, revoked_event_seq, created_at,"
           " expires_at, binds_children, allowed_ips, bound_san"
           " from skillreg.token_create($1::text, $2::text, $3::text, $4::text, $5::bytea,"
           " $6::int2, $7::timestamptz, $8::text, $9::text::inet, $10::boolean,"
           " $11::cidr[], $12::boolean, $13::text, $14::boolean, $15::text, $16::bytea,"
           " $17::text, $18::text)",
    .parameter_count = 18,
    .kind = DB_STATEMENT_CHANGE,
};

// What both changes that make tokens begin with.
enum made_column {
    MADE_OUTCOME,
    MADE_ID, // of the new token, or of the earlier one
    MADE_IS_REVOKED,
    MADE_REVOKED_DIGEST,
    MADE_REVOKED_EVENT_SEQ,
    MADE_COLUMN_COUNT
};

enum create_column {
    CREATE_CREATED_AT = MADE_COLUMN_COUNT,
    CREATE_EXPIRES_AT,
    CREATE_BINDS_CHILDREN,
    CREATE_ALLOWED_IPS,
    CREATE_BOUND_SAN
};

const struct db_statement db_token_rotate_statement = {
    .name = "token_rotate",
    .sql = "select outcome, id, is_revoked, revoked_digest, revoked_event_seq, name, scopes,"
           " created_at, expires_at, old_expires_at, old_digest, old_event_seq, binds_children,"
           " allowed_ips, description, rotates_itself,"
           " (select t.bound_san from skillreg.api_token t where t.id = $2::text)"
           " from skillreg.token_rotate($1::text, $2::text, $3::text, $4::text, $5::bytea,"
           " $6::int8, $7::timestamptz, $8::text, $9::text, $10::text::inet,"
           " $11::text, $12::bytea, $13::boolean)",
    .parameter_count = 13,
    .kind = DB_STATEMENT_CHANGE,
};

enum rotate_column {
    ROTATE_NAME = MADE_COLUMN_COUNT,
    ROTATE_SCOPES,
    ROTATE_CREATED_AT,
    ROTATE_EXPIRES_AT,
    ROTATE_OLD_EXPIRES_AT,
    ROTATE_OLD_DIGEST,
    ROTATE_OLD_EVENT_SEQ,
    ROTATE_BINDS_CHILDREN,
    ROTATE_ALLOWED_IPS,
    ROTATE_DESCRIPTION,
    ROTATE_ROTATES_ITSELF,
    ROTATE_BOUND_SAN
};

_Static_assert(MADE_OUTCOME == DB_TOKEN_OUTCOME_COLUMN, "every change begins with its outcome");

// ---- requests that are made again ----

static void read_earlier(const PGresult *result, struct db_earlier_token *earlier) {
    *earlier = (struct db_earlier_token){
        .id = db_get_bytes(result, 0, MADE_ID),
        .may_repeat = gw_str_equal(db_get_bytes(result, 0, MADE_OUTCOME), GW_STR("may_repeat")),
        .is_revoked = db_get_boolean(result, 0, MADE_IS_REVOKED)};
}

static void read_superseded(const PGresult *result, struct db_superseded_token *superseded) {
    superseded->is_there =
        db_get_fixed(result, 0, MADE_REVOKED_DIGEST, superseded->digest, DB_DIGEST_LENGTH);
    superseded->event_seq = db_get_number(result, 0, MADE_REVOKED_EVENT_SEQ);
}

// ---- create ----

static enum gw_status read_made(struct db_token_create *create, const PGresult *result,
                                struct db_token_row *made,
                                struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]) {
    *made = (struct db_token_row){
        .id = create->id,
        .name = create->name,
        .prefix = create->prefix,
        .description = create->description,
        .scopes = create->scopes,
        .rotates_itself = create->rotates_itself,
        .binds_children = db_get_boolean(result, 0, CREATE_BINDS_CHILDREN),
        .created_ms = db_get_time(result, 0, CREATE_CREATED_AT),
        .last_used_ms = DB_NO_TIME,
        .expires_ms = db_get_time(result, 0, CREATE_EXPIRES_AT),
        .bound_san = db_get_bytes(result, 0, CREATE_BOUND_SAN),
        .allowed_ips = allowed_ips,
    };
    read_superseded(result, &create->superseded);
    return db_get_ip_ranges(result, 0, CREATE_ALLOWED_IPS, allowed_ips, &made->allowed_ip_count);
}

static void on_create_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_create *create = gw_container_of(query, struct db_token_create, query);
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    struct db_token_row made;
    create->earlier = (struct db_earlier_token){.id = gw_str(NULL, 0)};
    if (status == GW_OK) {
        status = db_token_outcome_read(result, &create->refusal);
        if (status == GW_CONFLICT)
            read_earlier(result, &create->earlier);
        else if (status == GW_DENIED)
            create->expires_ms_max = db_get_time(result, 0, CREATE_EXPIRES_AT);
    }
    if (status == GW_OK)
        status = read_made(create, result, &made, allowed_ips);
    create->on_done(create, status, status == GW_OK ? &made : NULL);
}

// Without ranges null: no restriction.
static void put_allowed_ips(struct db_params *params, const struct db_token_create *create) {
    if (create->allowed_ip_count > 0)
        db_put_ip_ranges(params, create->allowed_ips, create->allowed_ip_count);
    else
        db_put_null(params);
}

enum gw_status db_tokens_create(struct db_pool *pool, struct db_token_create *create) {
    struct db_query *query = &create->query;
    struct db_params *params = db_query_start(query, &db_token_create_statement, on_create_done);
    db_put_text(params, create->id);
    db_put_text(params, create->org_id);
    db_put_text(params, create->name);
    db_put_text(params, create->prefix);
    db_put_bytes(params, create->digest, DB_DIGEST_LENGTH);
    db_put_int2(params, create->scopes);
    db_put_time(params, create->expires_ms);
    db_put_text(params, create->created_by);
    db_put_text_or_null(params, create->created_from);
    db_put_boolean(params, create->is_imported);
    put_allowed_ips(params, create);
    db_put_boolean(params, create->binds_children);
    db_put_text_or_null(params, create->description);
    db_put_boolean(params, create->rotates_itself);
    db_put_text_or_null(params, create->request.key);
    db_put_bytes(params, create->request.body_digest, DB_DIGEST_LENGTH);
    db_put_text_or_null(params, create->request.instead_of);
    db_put_text_or_null(params, create->bound_san);
    return db_pool_submit(pool, query);
}

// ---- rotate ----

static enum gw_status read_rotation(const PGresult *result, struct gw_str prefix,
                                    struct db_token_rotation *out) {
    *out = (struct db_token_rotation){
        .successor = {.id = db_get_bytes(result, 0, MADE_ID),
                      .name = db_get_bytes(result, 0, ROTATE_NAME),
                      .prefix = prefix,
                      .description = db_get_bytes(result, 0, ROTATE_DESCRIPTION),
                      .scopes = (gw_scope_set)db_get_int(result, 0, ROTATE_SCOPES, 0),
                      .created_ms = db_get_time(result, 0, ROTATE_CREATED_AT),
                      .last_used_ms = DB_NO_TIME,
                      .expires_ms = db_get_time(result, 0, ROTATE_EXPIRES_AT),
                      .binds_children = db_get_boolean(result, 0, ROTATE_BINDS_CHILDREN),
                      .rotates_itself = db_get_boolean(result, 0, ROTATE_ROTATES_ITSELF),
                      .bound_san = db_get_bytes(result, 0, ROTATE_BOUND_SAN)},
        .old_expires_ms = db_get_time(result, 0, ROTATE_OLD_EXPIRES_AT),
        .old_event_seq = db_get_number(result, 0, ROTATE_OLD_EVENT_SEQ),
    };
    (void)db_get_fixed(result, 0, ROTATE_OLD_DIGEST, out->old_digest, DB_DIGEST_LENGTH);
    read_superseded(result, &out->superseded);
    out->successor.allowed_ips = out->allowed_ips;
    return db_get_ip_ranges(result, 0, ROTATE_ALLOWED_IPS, out->allowed_ips,
                            &out->successor.allowed_ip_count);
}

static void on_rotate_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_rotate *rotate = gw_container_of(query, struct db_token_rotate, query);
    struct db_token_rotation rotation;
    if (status == GW_CONFLICT) {
        status = GW_INVALID; // the new id or digest is taken: there is no successor
    } else if (status == GW_OK) {
        status = db_token_outcome_read(result, &rotate->refusal);
        if (status == GW_CONFLICT)
            read_earlier(result, &rotate->earlier);
        else if (status == GW_DENIED)
            rotate->expires_ms_max = db_get_time(result, 0, ROTATE_EXPIRES_AT);
    }
    if (status == GW_OK)
        status = read_rotation(result, rotate->new_prefix, &rotation);
    rotate->on_done(rotate, status, status == GW_OK ? &rotation : NULL);
}

enum gw_status db_tokens_rotate(struct db_pool *pool, struct db_token_rotate *rotate) {
    struct db_query *query = &rotate->query;
    struct db_params *params = db_query_start(query, &db_token_rotate_statement, on_rotate_done);
    db_put_text(params, rotate->org_id);
    db_put_text(params, rotate->id);
    db_put_text(params, rotate->new_id);
    db_put_text(params, rotate->new_prefix);
    db_put_bytes(params, rotate->new_digest, DB_DIGEST_LENGTH);
    db_put_int8(params, rotate->overlap_s);
    db_put_time(params, rotate->expires_ms);
    db_put_text_or_null(params, rotate->request.key);
    db_put_text(params, rotate->rotated_by);
    db_put_text_or_null(params, rotate->rotated_from);
    db_put_text_or_null(params, rotate->request.instead_of);
    db_put_bytes(params, rotate->request.body_digest, DB_DIGEST_LENGTH);
    db_put_boolean(params, rotate->is_own);
    return db_pool_submit(pool, query);
}
