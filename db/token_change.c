// SPDX-License-Identifier: MIT
#include "db/token_change.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "db/result.h"

const struct db_statement db_token_create_statement = {
    .name = "token_create",
    .sql = "select outcome, created_at, expires_at, binds_children, allowed_ips"
           " from skillreg.token_create($1::text, $2::text, $3::text, $4::text, $5::bytea,"
           " $6::int2, $7::timestamptz, $8::text, $9::text::inet, $10::boolean,"
           " $11::cidr[], $12::boolean)",
    .parameter_count = 12,
    .kind = DB_STATEMENT_CHANGE,
};

const struct db_statement db_token_revoke_statement = {
    .name = "token_revoke",
    .sql = "select outcome, id, name, revoked_at, digest, event_seq"
           " from skillreg.token_revoke($1::text, $2::text, $3::text, $4::text::inet,"
           " $5::boolean)",
    .parameter_count = 5,
    .kind = DB_STATEMENT_CHANGE,
};

const struct db_statement db_token_rotate_statement = {
    .name = "token_rotate",
    .sql = "select outcome, id, name, scopes, created_at, expires_at, old_expires_at, old_digest,"
           " old_event_seq, revoked_digest, revoked_event_seq, binds_children, allowed_ips"
           " from skillreg.token_rotate($1::text, $2::text, $3::text, $4::text, $5::bytea,"
           " $6::int8, $7::timestamptz, $8::text, $9::text, $10::text::inet,"
           " $11::text, $12::bytea)",
    .parameter_count = 12,
    .kind = DB_STATEMENT_CHANGE,
};

// ---- outcomes ----

static const struct outcome {
    struct gw_str name; // as the functions of the schema say it
    enum gw_status status;
    enum db_refusal refusal;
} outcomes[] = {
    {GW_STR_INIT("made"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("revoked"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("left_live"), GW_OK, DB_REFUSAL_NONE},
    {GW_STR_INIT("no_org"), GW_NOT_FOUND, DB_REFUSAL_NONE},
    {GW_STR_INIT("not_found"), GW_NOT_FOUND, DB_REFUSAL_NONE},
    {GW_STR_INIT("replaced"), GW_CONFLICT, DB_REFUSAL_NONE},
    {GW_STR_INIT("may_repeat"), GW_CONFLICT, DB_REFUSAL_NONE},
    {GW_STR_INIT("not_live"), GW_DENIED, DB_REFUSAL_NOT_LIVE},
    {GW_STR_INIT("other_org"), GW_DENIED, DB_REFUSAL_OTHER_ORG},
    {GW_STR_INIT("not_admin"), GW_DENIED, DB_REFUSAL_NOT_ADMIN},
    {GW_STR_INIT("ends_too_late"), GW_DENIED, DB_REFUSAL_ENDS_TOO_LATE},
    {GW_STR_INIT("not_bound"), GW_DENIED, DB_REFUSAL_NOT_BOUND},
    {GW_STR_INIT("in_progress"), GW_DENIED, DB_REFUSAL_IN_PROGRESS},
    {GW_STR_INIT("other_body"), GW_DENIED, DB_REFUSAL_OTHER_BODY},
};

// Of the first row. GW_UNAVAILABLE: a newer schema says something that this program does not know.
static enum gw_status read_outcome(const PGresult *result, enum db_refusal *refusal) {
    struct gw_str name = PQntuples(result) > 0 ? db_get_bytes(result, 0, 0) : GW_STR("");
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (!gw_str_equal(outcomes[i].name, name))
            continue;
        *refusal = outcomes[i].refusal;
        return outcomes[i].status;
    }
    return GW_UNAVAILABLE;
}

// ---- create ----

static void on_create_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_create *create = gw_container_of(query, struct db_token_create, query);
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    struct db_token_row made = {.id = create->id,
                                .name = create->name,
                                .prefix = create->prefix,
                                .scopes = create->scopes,
                                .last_used_ms = DB_NO_TIME,
                                .allowed_ips = allowed_ips};
    if (status == GW_OK)
        status = read_outcome(result, &create->refusal);
    if (status == GW_OK) {
        made.created_ms = db_get_time(result, 0, 1);
        made.expires_ms = db_get_time(result, 0, 2);
        made.binds_children = db_get_boolean(result, 0, 3);
        status = db_get_ip_ranges(result, 0, 4, allowed_ips, &made.allowed_ip_count);
    } else if (status == GW_DENIED) {
        create->expires_ms_max = db_get_time(result, 0, 2);
    }
    create->on_done(create, status, status == GW_OK ? &made : NULL);
}

// Without ranges null: no restriction.
static void put_allowed_ips(struct db_params *params, const struct db_token_create *create) {
    gw_assert(create->allowed_ip_count <= GW_ALLOWED_IPS_MAX);
    size_t count = create->allowed_ip_count;
    if (count == 0) {
        db_put_null(params);
        return;
    }
    db_put_array(params, DB_ARRAY_CIDR, count, count * DB_IP_RANGE_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        db_add_ip_range(params, &create->allowed_ips[i]);
}

enum gw_status db_token_store_create_token(struct db_token_store *store,
                                           struct db_token_create *create) {
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
    return db_pool_submit(db_token_store_pool(store), query);
}

// ---- revoke ----

static void read_revoked(const PGresult *result, int row, struct db_revoked_token *token) {
    *token = (struct db_revoked_token){
        .id = db_get_bytes(result, row, 1),
        .name = db_get_bytes(result, row, 2),
        .revoked_ms = db_get_time(result, row, 3),
        .event_seq = (uint64_t)db_get_int(result, row, 5, 0),
    };
    (void)db_get_fixed(result, row, 4, token->digest, DB_DIGEST_LENGTH);
}

static void on_revoke_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_revoke *revoke = gw_container_of(query, struct db_token_revoke, query);
    struct db_revoked_token *tokens = NULL;
    int count = 0;
    if (status == GW_OK)
        status = read_outcome(result, &revoke->refusal);
    if (status == GW_OK) {
        count = PQntuples(result);
        tokens = calloc((size_t)count, sizeof(*tokens));
        status = tokens == NULL ? GW_NO_MEMORY : GW_OK;
    }
    for (int i = 0; i < count && status == GW_OK; i++)
        read_revoked(result, i, &tokens[i]);
    revoke->on_done(revoke, status, tokens, status == GW_OK ? count : 0);
    free(tokens);
}

enum gw_status db_token_store_revoke_token(struct db_token_store *store,
                                           struct db_token_revoke *revoke) {
    struct db_query *query = &revoke->query;
    struct db_params *params = db_query_start(query, &db_token_revoke_statement, on_revoke_done);
    db_put_text(params, revoke->org_id);
    db_put_text(params, revoke->id);
    db_put_text(params, revoke->revoked_by);
    db_put_text_or_null(params, revoke->revoked_from);
    db_put_boolean(params, revoke->with_successors);
    return db_pool_submit(db_token_store_pool(store), query);
}

// ---- rotate ----

static enum gw_status read_rotation(const PGresult *result, struct db_token_rotation *out) {
    *out = (struct db_token_rotation){
        .successor = {.id = db_get_bytes(result, 0, 1),
                      .name = db_get_bytes(result, 0, 2),
                      .scopes = (gw_scope_set)db_get_int(result, 0, 3, 0),
                      .created_ms = db_get_time(result, 0, 4),
                      .last_used_ms = DB_NO_TIME,
                      .expires_ms = db_get_time(result, 0, 5),
                      .binds_children = db_get_boolean(result, 0, 11)},
        .old_expires_ms = db_get_time(result, 0, 6),
        .old_event_seq = (uint64_t)db_get_int(result, 0, 8, 0),
        .revoked_event_seq = (uint64_t)db_get_int(result, 0, 10, 0),
        .may_repeat = gw_str_equal(db_get_bytes(result, 0, 0), GW_STR("may_repeat")),
    };
    (void)db_get_fixed(result, 0, 7, out->old_digest, DB_DIGEST_LENGTH);
    out->has_revoked = db_get_fixed(result, 0, 9, out->revoked_digest, DB_DIGEST_LENGTH);
    out->successor.allowed_ips = out->allowed_ips;
    return db_get_ip_ranges(result, 0, 12, out->allowed_ips, &out->successor.allowed_ip_count);
}

static void on_rotate_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_rotate *rotate = gw_container_of(query, struct db_token_rotate, query);
    struct db_token_rotation rotation;
    if (status == GW_CONFLICT)
        status = GW_INVALID; // the new id or digest is taken: no successor to speak of
    else if (status == GW_OK)
        status = read_outcome(result, &rotate->refusal);
    bool has_successor = status == GW_OK || status == GW_CONFLICT;
    if (has_successor) {
        enum gw_status read = read_rotation(result, &rotation);
        rotation.successor.prefix = rotate->new_prefix;
        has_successor = read == GW_OK;
        status = has_successor ? status : read;
    }
    rotate->on_done(rotate, status, has_successor ? &rotation : NULL);
}

enum gw_status db_token_store_rotate_token(struct db_token_store *store,
                                           struct db_token_rotate *rotate) {
    struct db_query *query = &rotate->query;
    struct db_params *params = db_query_start(query, &db_token_rotate_statement, on_rotate_done);
    db_put_text(params, rotate->org_id);
    db_put_text(params, rotate->id);
    db_put_text(params, rotate->new_id);
    db_put_text(params, rotate->new_prefix);
    db_put_bytes(params, rotate->new_digest, DB_DIGEST_LENGTH);
    db_put_int8(params, rotate->overlap_s);
    db_put_time(params, rotate->expires_ms);
    db_put_text_or_null(params, rotate->key);
    db_put_text(params, rotate->rotated_by);
    db_put_text_or_null(params, rotate->rotated_from);
    db_put_text_or_null(params, rotate->instead_of);
    db_put_bytes(params, rotate->body_digest, DB_DIGEST_LENGTH);
    return db_pool_submit(db_token_store_pool(store), query);
}
