// SPDX-License-Identifier: MIT
#include "db/bulk_revoke.h"

#include <stdlib.h>

const struct db_statement db_bulk_revoke_statement = {
    .name = "tokens_revoke",
    .sql = DB_REVOKED_TOKENS_COLUMNS
    " from skillreg.tokens_revoke($1::text, $2::text[], $3::text, $4::text::inet,"
    " $5::boolean, $6::boolean, $7::int8::int4)",
    .parameter_count = 7,
    .kind = DB_STATEMENT_CHANGE,
};

static void on_bulk_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_bulk_revoke *revoke = gw_container_of(query, struct db_bulk_revoke, query);
    struct db_revoked_token *tokens = NULL;
    int count = 0;
    if (status == GW_OK)
        status = db_token_outcome_read(result, &revoke->refusal);
    if (status == GW_NOT_FOUND)
        status = GW_OK; // the first of them was not there, so none was
    if (status == GW_OK)
        status = db_revoked_tokens_read(result, &tokens, &count);
    if (status == GW_OK)
        db_revoked_rules_split(result, tokens, &count, &revoke->rules);
    revoke->on_done(revoke, status, tokens, count);
    free(tokens);
}

static void put_ids(struct db_params *params, const struct db_bulk_revoke *revoke) {
    size_t bytes = 0;
    for (int i = 0; i < revoke->id_count; i++)
        bytes += revoke->ids[i].length;
    db_put_array(params, DB_ARRAY_TEXT, (size_t)revoke->id_count, bytes);
    for (int i = 0; i < revoke->id_count; i++)
        db_add_text(params, revoke->ids[i]);
}

enum gw_status db_bulk_revoke_submit(struct db_pool *pool, struct db_bulk_revoke *revoke) {
    struct db_query *query = &revoke->query;
    gw_assert(revoke->id_count > 0 && revoke->id_count <= GW_BULK_REVOKE_MAX);
    struct db_params *params = db_query_start(query, &db_bulk_revoke_statement, on_bulk_done);
    db_put_text(params, revoke->org_id);
    put_ids(params, revoke);
    db_put_text(params, revoke->revoked_by);
    db_put_text_or_null(params, revoke->revoked_from);
    db_put_boolean(params, !revoke->may_end_last);
    db_put_boolean(params, revoke->with_rules);
    db_put_int8(params, DB_MINTED_END_ROWS_MAX);
    return db_pool_submit(pool, query);
}
