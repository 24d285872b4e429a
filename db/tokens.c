// SPDX-License-Identifier: MIT
#include "db/tokens.h"

#include <stdlib.h>

#include "db/result.h"
#include "token/limits.h"

const struct db_statement db_token_create_statement = {
    .name = "token_create",
    .sql = "select outcome, created_at, expires_at, binds_children, allowed_ips"
           " from skillreg.token_create($1::text, $2::text, $3::text, $4::text, $5::bytea,"
           " $6::int2, $7::timestamptz, $8::text, $9::text::inet, $10::boolean,"
           " $11::cidr[], $12::boolean)",
    .parameter_count = 12,
    .kind = DB_STATEMENT_CHANGE,
};

enum create_column {
    CREATE_OUTCOME,
    CREATE_CREATED_AT,
    CREATE_EXPIRES_AT,
    CREATE_BINDS_CHILDREN,
    CREATE_ALLOWED_IPS
};

const struct db_statement db_token_revoke_statement = {
    .name = "token_revoke",
    .sql = "select outcome, id, name, revoked_at, digest, event_seq"
           " from skillreg.token_revoke($1::text, $2::text, $3::text, $4::text::inet,"
           " $5::boolean)",
    .parameter_count = 5,
    .kind = DB_STATEMENT_CHANGE,
};

enum revoke_column {
    REVOKE_OUTCOME,
    REVOKE_ID,
    REVOKE_NAME,
    REVOKE_REVOKED_AT,
    REVOKE_DIGEST,
    REVOKE_EVENT_SEQ
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

enum rotate_column {
    ROTATE_OUTCOME,
    ROTATE_ID,
    ROTATE_NAME,
    ROTATE_SCOPES,
    ROTATE_CREATED_AT,
    ROTATE_EXPIRES_AT,
    ROTATE_OLD_EXPIRES_AT,
    ROTATE_OLD_DIGEST,
    ROTATE_OLD_EVENT_SEQ,
    ROTATE_REVOKED_DIGEST,
    ROTATE_REVOKED_EVENT_SEQ,
    ROTATE_BINDS_CHILDREN,
    ROTATE_ALLOWED_IPS
};

// A row always comes, for the total; its other columns are null when the page is empty.
const struct db_statement db_token_list_statement = {
    .name = "token_list",
    .sql = "select c.total, p.id, p.name, p.prefix, p.scopes, p.created_at, p.last_used_at,"
           " p.expires_at, p.allowed_ips, p.binds_children"
           " from (select count(*) as total from skillreg.api_token"
           "   where org_id = $1::text and revoked_at is null"
           "   and (expires_at is null or expires_at > now())) c"
           " left join (select * from skillreg.api_token"
           "   where org_id = $1::text and revoked_at is null"
           "   and (expires_at is null or expires_at > now())"
           "   order by created_at desc, id desc limit $2::int8 offset $3::int8) p on true"
           " order by p.created_at desc, p.id desc",
    .parameter_count = 3,
};

enum list_column {
    LIST_TOTAL,
    LIST_ID,
    LIST_NAME,
    LIST_PREFIX,
    LIST_SCOPES,
    LIST_CREATED_AT,
    LIST_LAST_USED_AT,
    LIST_EXPIRES_AT,
    LIST_ALLOWED_IPS,
    LIST_BINDS_CHILDREN
};

// ---- outcomes ----

#define COLUMN_OUTCOME 0
_Static_assert(CREATE_OUTCOME == COLUMN_OUTCOME && REVOKE_OUTCOME == COLUMN_OUTCOME &&
                   ROTATE_OUTCOME == COLUMN_OUTCOME,
               "every change begins with its outcome");

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

// Of the first row. GW_UNAVAILABLE: an outcome of a newer schema.
static enum gw_status read_outcome(const PGresult *result, enum db_refusal *refusal) {
    struct gw_str name =
        PQntuples(result) > 0 ? db_get_bytes(result, 0, COLUMN_OUTCOME) : GW_STR("");
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
        made.created_ms = db_get_time(result, 0, CREATE_CREATED_AT);
        made.expires_ms = db_get_time(result, 0, CREATE_EXPIRES_AT);
        made.binds_children = db_get_boolean(result, 0, CREATE_BINDS_CHILDREN);
        status =
            db_get_ip_ranges(result, 0, CREATE_ALLOWED_IPS, allowed_ips, &made.allowed_ip_count);
    } else if (status == GW_DENIED) {
        create->expires_ms_max = db_get_time(result, 0, CREATE_EXPIRES_AT);
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
    return db_pool_submit(pool, query);
}

// ---- revoke ----

static void read_revoked(const PGresult *result, int row, struct db_revoked_token *token) {
    *token = (struct db_revoked_token){
        .id = db_get_bytes(result, row, REVOKE_ID),
        .name = db_get_bytes(result, row, REVOKE_NAME),
        .revoked_ms = db_get_time(result, row, REVOKE_REVOKED_AT),
        .event_seq = db_get_number(result, row, REVOKE_EVENT_SEQ),
    };
    (void)db_get_fixed(result, row, REVOKE_DIGEST, token->digest, DB_DIGEST_LENGTH);
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

enum gw_status db_tokens_revoke(struct db_pool *pool, struct db_token_revoke *revoke) {
    struct db_query *query = &revoke->query;
    struct db_params *params = db_query_start(query, &db_token_revoke_statement, on_revoke_done);
    db_put_text(params, revoke->org_id);
    db_put_text(params, revoke->id);
    db_put_text(params, revoke->revoked_by);
    db_put_text_or_null(params, revoke->revoked_from);
    db_put_boolean(params, revoke->with_successors);
    return db_pool_submit(pool, query);
}

// ---- rotate ----

static enum gw_status read_rotation(const PGresult *result, struct db_token_rotation *out) {
    *out = (struct db_token_rotation){
        .successor = {.id = db_get_bytes(result, 0, ROTATE_ID),
                      .name = db_get_bytes(result, 0, ROTATE_NAME),
                      .scopes = (gw_scope_set)db_get_int(result, 0, ROTATE_SCOPES, 0),
                      .created_ms = db_get_time(result, 0, ROTATE_CREATED_AT),
                      .last_used_ms = DB_NO_TIME,
                      .expires_ms = db_get_time(result, 0, ROTATE_EXPIRES_AT),
                      .binds_children = db_get_boolean(result, 0, ROTATE_BINDS_CHILDREN)},
        .old_expires_ms = db_get_time(result, 0, ROTATE_OLD_EXPIRES_AT),
        .old_event_seq = db_get_number(result, 0, ROTATE_OLD_EVENT_SEQ),
        .revoked_event_seq = db_get_number(result, 0, ROTATE_REVOKED_EVENT_SEQ),
        .may_repeat = gw_str_equal(db_get_bytes(result, 0, ROTATE_OUTCOME), GW_STR("may_repeat")),
    };
    (void)db_get_fixed(result, 0, ROTATE_OLD_DIGEST, out->old_digest, DB_DIGEST_LENGTH);
    out->has_revoked =
        db_get_fixed(result, 0, ROTATE_REVOKED_DIGEST, out->revoked_digest, DB_DIGEST_LENGTH);
    out->successor.allowed_ips = out->allowed_ips;
    return db_get_ip_ranges(result, 0, ROTATE_ALLOWED_IPS, out->allowed_ips,
                            &out->successor.allowed_ip_count);
}

static void on_rotate_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_rotate *rotate = gw_container_of(query, struct db_token_rotate, query);
    struct db_token_rotation rotation;
    if (status == GW_CONFLICT)
        status = GW_INVALID; // the new id or digest is taken: there is no successor
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
    db_put_text_or_null(params, rotate->key);
    db_put_text(params, rotate->rotated_by);
    db_put_text_or_null(params, rotate->rotated_from);
    db_put_text_or_null(params, rotate->instead_of);
    db_put_bytes(params, rotate->body_digest, DB_DIGEST_LENGTH);
    return db_pool_submit(pool, query);
}

// ---- list ----

static enum gw_status read_list_row(const PGresult *result, int row, struct db_token_row *out,
                                    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]) {
    *out = (struct db_token_row){
        .id = db_get_bytes(result, row, LIST_ID),
        .name = db_get_bytes(result, row, LIST_NAME),
        .prefix = db_get_bytes(result, row, LIST_PREFIX),
        .scopes = (gw_scope_set)db_get_int(result, row, LIST_SCOPES, 0),
        .created_ms = db_get_time(result, row, LIST_CREATED_AT),
        .last_used_ms = db_get_time(result, row, LIST_LAST_USED_AT),
        .expires_ms = db_get_time(result, row, LIST_EXPIRES_AT),
        .binds_children = db_get_boolean(result, row, LIST_BINDS_CHILDREN),
        .allowed_ips = allowed_ips,
    };
    return db_get_ip_ranges(result, row, LIST_ALLOWED_IPS, allowed_ips, &out->allowed_ip_count);
}

static void on_list_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_list *list = gw_container_of(query, struct db_token_list, query);
    struct db_token_row rows[GW_LIST_LIMIT_MAX];
    struct gw_ip_range(*allowed_ips)[GW_ALLOWED_IPS_MAX] = NULL; // of each row
    int count = status == GW_OK ? PQntuples(result) : 0;
    gw_assert(count <= GW_LIST_LIMIT_MAX); // the limit of the statement
    uint64_t total = count == 0 ? 0 : db_get_number(result, 0, LIST_TOTAL);
    if (count > 0 && PQgetisnull(result, 0, LIST_ID))
        count = 0;
    if (count > 0) {
        allowed_ips = malloc((size_t)count * sizeof(*allowed_ips));
        status = allowed_ips == NULL ? GW_NO_MEMORY : GW_OK;
    }
    for (int i = 0; i < count && status == GW_OK; i++)
        status = read_list_row(result, i, &rows[i], allowed_ips[i]);
    if (status == GW_OK)
        list->on_done(list, GW_OK, rows, count, total);
    else
        list->on_done(list, status, NULL, 0, 0);
    free(allowed_ips);
}

enum gw_status db_tokens_list(struct db_pool *pool, struct db_token_list *list) {
    if (list->limit < 1 || list->limit > GW_LIST_LIMIT_MAX || list->offset > INT64_MAX)
        return GW_INVALID;
    struct db_query *query = &list->query;
    struct db_params *params = db_query_start(query, &db_token_list_statement, on_list_done);
    db_put_text(params, list->org_id);
    db_put_int8(params, list->limit);
    db_put_int8(params, (int64_t)list->offset);
    return db_pool_submit(pool, query);
}
