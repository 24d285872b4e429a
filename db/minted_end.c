// SPDX-License-Identifier: MIT
#include "db/minted_end.h"

#include <stdlib.h>

const struct db_statement db_minted_end_statement = {
    .name = "minted_end",
    .sql = DB_REVOKED_TOKENS_COLUMNS
    " from skillreg.minted_end($1::text, $2::text[], $3::text, $4::text::inet, $5::int8::int4)",
    .parameter_count = 5,
    .kind = DB_STATEMENT_CHANGE,
};

static void on_ended(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_minted_end *end = gw_container_of(query, struct db_minted_end, query);
    struct db_revoked_token *tokens = NULL;
    int count = 0;
    if (status == GW_OK && PQntuples(result) > 0)
        status = db_revoked_tokens_read(result, &tokens, &count);
    end->on_done(end, status, tokens, count, count > 0);
    free(tokens);
}

static void put_rule_ids(struct db_params *params, const struct db_minted_end *end) {
    size_t bytes = 0;
    for (int i = 0; i < end->rule_count; i++)
        bytes += end->rule_ids[i].length;
    db_put_array(params, DB_ARRAY_TEXT, (size_t)end->rule_count, bytes);
    for (int i = 0; i < end->rule_count; i++)
        db_add_text(params, end->rule_ids[i]);
}

enum gw_status db_minted_end_submit(struct db_pool *pool, struct db_minted_end *end) {
    gw_assert(end->rule_count > 0);
    struct db_params *params = db_query_start(&end->query, &db_minted_end_statement, on_ended);
    db_put_text(params, end->org_id);
    put_rule_ids(params, end);
    db_put_text(params, end->ended_by);
    db_put_text_or_null(params, end->ended_from);
    db_put_int8(params, DB_MINTED_END_ROWS_MAX);
    return db_pool_submit(pool, &end->query);
}
