// SPDX-License-Identifier: MIT
#include "db/leaks.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "db/result.h"

#define HEX_LENGTH ((size_t)DB_DIGEST_LENGTH * 2)

const struct db_statement db_leaks_statement = {
    .name = "tokens_leaked",
    .sql = "select outcome, digest, event_seq"
           " from skillreg.tokens_leaked($1::text[], $2::text[], $3::text, $4::text::inet)",
    .parameter_count = 4,
    .kind = DB_STATEMENT_CHANGE,
};

enum column { COLUMN_OUTCOME, COLUMN_DIGEST, COLUMN_EVENT_SEQ };

// GW_NO_MEMORY; GW_UNAVAILABLE for what no function of ours answers.
static enum gw_status read_tokens(const PGresult *result, struct db_leaked_token **tokens,
                                  int *count) {
    *count = PQntuples(result);
    *tokens = *count > 0 ? calloc((size_t)*count, sizeof(**tokens)) : NULL;
    if (*count > 0 && *tokens == NULL)
        return GW_NO_MEMORY;
    for (int i = 0; i < *count; i++) {
        struct gw_str digest = db_get_bytes(result, i, COLUMN_DIGEST);
        if (digest.length != DB_DIGEST_LENGTH)
            return GW_UNAVAILABLE;
        memcpy((*tokens)[i].digest, digest.at, DB_DIGEST_LENGTH);
        (*tokens)[i].event_seq = db_get_number(result, i, COLUMN_EVENT_SEQ);
    }
    return GW_OK;
}

static void on_query_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_leaks *call = gw_container_of(query, struct db_leaks, query);
    struct db_leaked_token *tokens = NULL;
    int count = 0;
    if (status == GW_OK)
        status = read_tokens(result, &tokens, &count);
    call->on_done(call, status, status == GW_OK ? tokens : NULL, status == GW_OK ? count : 0);
    free(tokens);
}

static void put_leaks(struct db_params *params, const struct db_leaks *call) {
    char hex[HEX_LENGTH];
    size_t places_bytes = 0;
    size_t count = (size_t)call->leak_count;
    db_put_array(params, DB_ARRAY_TEXT, count, count * HEX_LENGTH);
    for (size_t i = 0; i < count; i++) {
        gw_hex_encode(call->leaks[i].digest, DB_DIGEST_LENGTH, hex);
        db_add_text(params, gw_str(hex, HEX_LENGTH));
        places_bytes += call->leaks[i].place.length;
    }
    db_put_array(params, DB_ARRAY_TEXT, count, places_bytes);
    for (size_t i = 0; i < count; i++)
        db_add_text(params, call->leaks[i].place);
}

enum gw_status db_leaks_submit(struct db_pool *pool, struct db_leaks *call) {
    struct db_query *query = &call->query;
    gw_assert(call->leak_count > 0 && call->leak_count <= DB_LEAKS_MAX);
    struct db_params *params = db_query_start(query, &db_leaks_statement, on_query_done);
    put_leaks(params, call);
    db_put_text(params, call->reported_by);
    db_put_text_or_null(params, call->from);
    return db_pool_submit(pool, query);
}
