// SPDX-License-Identifier: MIT
#include "db/token_change.h"

#include "db/result.h"

const struct db_statement db_token_change_statement = {
    .name = "token_change",
    .sql =
        "select outcome, id, name, left(prefix, 12), scopes, created_at, last_used_at, expires_at,"
        " allowed_ips, binds_children, description, rotates_itself, digest, event_seq,"
        " (select t.bound_san from skillreg.api_token t where t.id = $2::text)"
        " from skillreg.token_change($1::text, $2::text, $3::text, $4::text::inet, $5::text,"
        " $6::text, $7::timestamptz, $8::int2, $9::cidr[], $10::boolean)",
    .parameter_count = 10,
    .kind = DB_STATEMENT_CHANGE,
};

enum change_column {
    CHANGE_OUTCOME,
    CHANGE_ID,
    CHANGE_NAME,
    CHANGE_PREFIX,
    CHANGE_SCOPES,
    CHANGE_CREATED_AT,
    CHANGE_LAST_USED_AT,
    CHANGE_EXPIRES_AT,
    CHANGE_ALLOWED_IPS,
    CHANGE_BINDS_CHILDREN,
    CHANGE_DESCRIPTION,
    CHANGE_ROTATES_ITSELF,
    CHANGE_DIGEST,
    CHANGE_EVENT_SEQ,
    CHANGE_BOUND_SAN
};

_Static_assert(CHANGE_OUTCOME == DB_TOKEN_OUTCOME_COLUMN, "every change begins with its outcome");

static enum gw_status read_token(const PGresult *result, struct db_token_row *token,
                                 struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]) {
    *token = (struct db_token_row){
        .id = db_get_bytes(result, 0, CHANGE_ID),
        .name = db_get_bytes(result, 0, CHANGE_NAME),
        .prefix = db_get_bytes(result, 0, CHANGE_PREFIX),
        .description = db_get_bytes(result, 0, CHANGE_DESCRIPTION),
        .scopes = (gw_scope_set)db_get_int(result, 0, CHANGE_SCOPES, 0),
        .created_ms = db_get_time(result, 0, CHANGE_CREATED_AT),
        .last_used_ms = db_get_time(result, 0, CHANGE_LAST_USED_AT),
        .expires_ms = db_get_time(result, 0, CHANGE_EXPIRES_AT),
        .binds_children = db_get_boolean(result, 0, CHANGE_BINDS_CHILDREN),
        .rotates_itself = db_get_boolean(result, 0, CHANGE_ROTATES_ITSELF),
        .bound_san = db_get_bytes(result, 0, CHANGE_BOUND_SAN),
        .allowed_ips = allowed_ips,
    };
    return db_get_ip_ranges(result, 0, CHANGE_ALLOWED_IPS, allowed_ips, &token->allowed_ip_count);
}

static bool tells_the_token(enum gw_status status, enum db_refusal refusal) {
    return status == GW_OK || (status == GW_DENIED && (refusal == DB_REFUSAL_WIDER_SCOPES ||
                                                       refusal == DB_REFUSAL_LATER_END ||
                                                       refusal == DB_REFUSAL_WIDER_ADDRESSES));
}

static void on_change_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_change *change = gw_container_of(query, struct db_token_change, query);
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    struct db_token_row token;
    if (status == GW_OK)
        status = db_token_outcome_read(result, &change->refusal);
    if (status == GW_OK) {
        change->event_seq = db_get_number(result, 0, CHANGE_EVENT_SEQ);
        (void)db_get_fixed(result, 0, CHANGE_DIGEST, change->digest, DB_DIGEST_LENGTH);
    }
    bool has_token = tells_the_token(status, change->refusal);
    if (has_token) {
        enum gw_status read = read_token(result, &token, allowed_ips);
        has_token = read == GW_OK;
        status = has_token ? status : read;
    }
    change->on_done(change, status, has_token ? &token : NULL);
}

enum gw_status db_token_change_submit(struct db_pool *pool, struct db_token_change *change) {
    struct db_query *query = &change->query;
    struct db_params *params = db_query_start(query, &db_token_change_statement, on_change_done);
    db_put_text(params, change->org_id);
    db_put_text(params, change->id);
    db_put_text(params, change->changed_by);
    db_put_text_or_null(params, change->changed_from);
    db_put_text_or_null(params, change->name);
    db_put_text_or_null(params, change->description);
    db_put_time(params, change->expires_ms);
    if (change->scopes != 0)
        db_put_int2(params, change->scopes);
    else
        db_put_null(params);
    if (change->sets_addresses)
        db_put_ip_ranges(params, change->allowed_ips, change->allowed_ip_count);
    else
        db_put_null(params);
    db_put_boolean(params, !change->may_end_last);
    return db_pool_submit(pool, query);
}
