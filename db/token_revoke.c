// SPDX-License-Identifier: MIT
#include "db/token_revoke.h"

#include <stdlib.h>

#include "db/result.h"

const struct db_statement db_token_revoke_statement = {
    .name = "token_revoke",
    .sql = DB_REVOKED_TOKENS_COLUMNS
    " from skillreg.token_revoke($1::text, $2::text, $3::text, $4::text::inet,"
    " $5::text, $6::boolean, $7::boolean, $8::int8::int4)",
    .parameter_count = 8,
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

_Static_assert(REVOKE_OUTCOME == DB_TOKEN_OUTCOME_COLUMN, "every change begins with its outcome");

static void read_revoked(const PGresult *result, int row, struct db_revoked_token *token) {
    *token = (struct db_revoked_token){
        .id = db_get_bytes(result, row, REVOKE_ID),
        .name = db_get_bytes(result, row, REVOKE_NAME),
        .revoked_ms = db_get_time(result, row, REVOKE_REVOKED_AT),
        .event_seq = db_get_number(result, row, REVOKE_EVENT_SEQ),
    };
    (void)db_get_fixed(result, row, REVOKE_DIGEST, token->digest, DB_DIGEST_LENGTH);
}

enum gw_status db_revoked_tokens_read(const PGresult *result, struct db_revoked_token **tokens,
                                      int *count) {
    int rows = PQntuples(result);
    *tokens = calloc((size_t)rows, sizeof(**tokens));
    if (*tokens == NULL)
        return GW_NO_MEMORY;
    for (int i = 0; i < rows; i++)
        read_revoked(result, i, &(*tokens)[i]);
    *count = rows;
    return GW_OK;
}

static int count_rows(const PGresult *result, const char *outcome) {
    int count = 0;
    for (int i = 0; i < PQntuples(result); i++)
        count += gw_str_equal(db_get_bytes(result, i, REVOKE_OUTCOME), gw_str_from(outcome));
    return count;
}

void db_revoked_rules_split(const PGresult *result, const struct db_revoked_token *tokens,
                            int *count, struct db_revoked_rules *rules) {
    rules->token_count = count_rows(result, "ended");
    rules->count = count_rows(result, "rule_removed") + count_rows(result, "rule_left");
    *count -= rules->token_count + rules->count;
    rules->rules = tokens + *count;
    rules->tokens = rules->rules + rules->count;
    rules->has_more = rules->token_count > 0;
}

static void on_revoke_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_revoke *revoke = gw_container_of(query, struct db_token_revoke, query);
    struct db_revoked_token *tokens = NULL;
    int count = 0;
    if (status == GW_OK)
        status = db_token_outcome_read(result, &revoke->refusal);
    if (status == GW_OK)
        status = db_revoked_tokens_read(result, &tokens, &count);
    if (status == GW_OK)
        db_revoked_rules_split(result, tokens, &count, &revoke->rules);
    revoke->on_done(revoke, status, tokens, count);
    free(tokens);
}

static struct gw_str name_of(enum db_revoke_kin kin) {
    static const struct gw_str names[] = {
        [DB_REVOKE_ALONE] = GW_STR_INIT(""),
        [DB_REVOKE_SUCCESSORS] = GW_STR_INIT("successors"),
        [DB_REVOKE_CHAIN] = GW_STR_INIT("chain"),
    };
    gw_assert(kin <= DB_REVOKE_CHAIN);
    return names[kin];
}

enum gw_status db_token_revoke_submit(struct db_pool *pool, struct db_token_revoke *revoke) {
    struct db_query *query = &revoke->query;
    struct db_params *params = db_query_start(query, &db_token_revoke_statement, on_revoke_done);
    db_put_text(params, revoke->org_id);
    db_put_text(params, revoke->id);
    db_put_text(params, revoke->revoked_by);
    db_put_text_or_null(params, revoke->revoked_from);
    db_put_text(params, name_of(revoke->kin));
    db_put_boolean(params, !revoke->may_end_last);
    db_put_boolean(params, revoke->with_rules);
    db_put_int8(params, DB_MINTED_END_ROWS_MAX);
    return db_pool_submit(pool, query);
}
