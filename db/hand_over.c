// SPDX-License-Identifier: MIT
#include "db/hand_over.h"

#include "db/result.h"

const struct db_statement db_hand_over_statement = {
    .name = "token_hand_over",
    .sql = "select outcome, id, name, prefix, scopes, created_at, expires_at, description,"
           " event_seq from skillreg.token_hand_over($1::text, $2::text, $3::bytea, $4::text,"
           " $5::text[], $6::timestamptz, $7::text, $8::text::inet, $9::text, $10::bytea)",
    .parameter_count = 10,
    .kind = DB_STATEMENT_CHANGE,
};

enum column {
    COLUMN_OUTCOME,
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_PREFIX,
    COLUMN_SCOPES,
    COLUMN_CREATED_AT,
    COLUMN_EXPIRES_AT,
    COLUMN_DESCRIPTION,
    COLUMN_EVENT_SEQ
};

_Static_assert(COLUMN_OUTCOME == DB_TOKEN_OUTCOME_COLUMN, "every change begins with its outcome");

static struct db_token_row read_token(const PGresult *result) {
    return (struct db_token_row){
        .id = db_get_bytes(result, 0, COLUMN_ID),
        .name = db_get_bytes(result, 0, COLUMN_NAME),
        .prefix = db_get_bytes(result, 0, COLUMN_PREFIX),
        .description = db_get_bytes(result, 0, COLUMN_DESCRIPTION),
        .scopes = (gw_scope_set)db_get_int(result, 0, COLUMN_SCOPES, 0),
        .created_ms = db_get_time(result, 0, COLUMN_CREATED_AT),
        .last_used_ms = DB_NO_TIME,
        .expires_ms = db_get_time(result, 0, COLUMN_EXPIRES_AT),
    };
}

static void on_query_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_hand_over *call = gw_container_of(query, struct db_hand_over, query);
    struct db_token_row token;
    if (status == GW_OK)
        status = db_token_outcome_read(result, &call->refusal);
    if (status == GW_OK) {
        token = read_token(result);
        call->event_seq = db_get_number(result, 0, COLUMN_EVENT_SEQ);
        call->is_there = call->event_seq == 0;
    }
    call->on_done(call, status, status == GW_OK ? &token : NULL);
}

static void put_scopes(struct db_params *params, gw_scope_set scopes) {
    static const enum gw_scope each[] = {GW_SCOPE_READ, GW_SCOPE_WRITE};
    db_put_array(params, DB_ARRAY_TEXT, 2, GW_SCOPE_TEXT_BYTES_MAX);
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        if (scopes & each[i])
            db_add_text(params, gw_str_from(gw_scope_name(each[i])));
    }
}

enum gw_status db_hand_over_submit(struct db_pool *pool, struct db_hand_over *call) {
    gw_assert(!(call->scopes & GW_SCOPE_ADMIN));
    struct db_query *query = &call->query;
    struct db_params *params = db_query_start(query, &db_hand_over_statement, on_query_done);
    db_put_text(params, call->org_slug);
    db_put_text(params, call->prefix);
    db_put_bytes(params, call->digest, DB_DIGEST_LENGTH);
    db_put_text(params, call->name);
    put_scopes(params, call->scopes);
    db_put_time(params, call->expires_ms);
    db_put_text_or_null(params, call->description);
    db_put_text_or_null(params, call->from);
    db_put_text_or_null(params, call->request_key);
    db_put_bytes(params, call->body_digest, DB_DIGEST_LENGTH);
    return db_pool_submit(pool, query);
}
