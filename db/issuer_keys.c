// SPDX-License-Identifier: MIT
#include "db/issuer_keys.h"

#include <inttypes.h>
#include <stdio.h>

#include "db/result.h"

const struct db_statement db_issuer_keys_look_statement = {
    .name = "issuer_keys_look",
    .sql = "select issuer, version, keys, age_ms, taken_ms, is_ours"
           " from skillreg.issuer_keys_look($1::text, $2::text[], $3::text[]::int8[], $4::text[])",
    .parameter_count = 4,
    .kind = DB_STATEMENT_NOTE,
};

const struct db_statement db_issuer_keys_put_statement = {
    .name = "issuer_keys_put",
    .sql = "select skillreg.issuer_keys_put($1::text, $2::text, $3::text, $4::text)",
    .parameter_count = 4,
    .kind = DB_STATEMENT_NOTE,
};

enum look_column {
    COLUMN_ISSUER,
    COLUMN_VERSION,
    COLUMN_KEYS,
    COLUMN_AGE_MS,
    COLUMN_TAKEN_MS,
    COLUMN_IS_OURS
};
enum put_column { COLUMN_OUTCOME };

// ---- looking ----

static struct db_issuer_keys_row read_row(const PGresult *result, int row) {
    return (struct db_issuer_keys_row){
        .issuer = db_get_bytes(result, row, COLUMN_ISSUER),
        .version = db_get_number(result, row, COLUMN_VERSION),
        .keys = db_get_bytes(result, row, COLUMN_KEYS),
        .age_ms = db_get_int(result, row, COLUMN_AGE_MS, -1),
        .taken_ms = db_get_int(result, row, COLUMN_TAKEN_MS, -1),
        .is_ours = db_get_boolean(result, row, COLUMN_IS_OURS),
    };
}

static void on_looked(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_issuer_keys_look *look = gw_container_of(query, struct db_issuer_keys_look, query);
    struct db_issuer_keys_row rows[DB_ISSUERS_MAX];
    int count = 0;
    for (int i = 0; status == GW_OK && i < PQntuples(result) && i < DB_ISSUERS_MAX; i++)
        rows[count++] = read_row(result, i);
    look->on_done(look, status, rows, count);
}

enum { VERSION_DIGITS = 20 };

static void put_known(struct db_params *params, const struct db_issuer_keys_look *look) {
    size_t bytes = 0;
    size_t count = (size_t)look->count;
    for (size_t i = 0; i < count; i++)
        bytes += look->known[i].issuer.length;
    db_put_array(params, DB_ARRAY_TEXT, count, bytes);
    for (size_t i = 0; i < count; i++)
        db_add_text(params, look->known[i].issuer);
    db_put_array(params, DB_ARRAY_TEXT, count, count * VERSION_DIGITS);
    for (size_t i = 0; i < count; i++) {
        char digits[VERSION_DIGITS + 1];
        (void)snprintf(digits, sizeof(digits), "%" PRIu64, look->known[i].version);
        db_add_text(params, gw_str_from(digits));
    }
    db_put_array(params, DB_ARRAY_TEXT, count, bytes);
    for (size_t i = 0; i < count; i++) {
        if (look->known[i].is_asked)
            db_add_text(params, look->known[i].issuer);
    }
}

enum gw_status db_issuer_keys_look(struct db_pool *pool, struct db_issuer_keys_look *look) {
    gw_assert(look->count > 0 && look->count <= DB_ISSUERS_MAX);
    struct db_params *params =
        db_query_start(&look->query, &db_issuer_keys_look_statement, on_looked);
    db_put_text(params, look->gateway_id);
    put_known(params, look);
    return db_pool_submit(pool, &look->query);
}

// ---- putting ----

static enum db_issuer_keys_outcome read_outcome(struct gw_str text) {
    if (gw_str_equal(text, GW_STR("changed")))
        return DB_ISSUER_KEYS_CHANGED;
    if (gw_str_equal(text, GW_STR("same")))
        return DB_ISSUER_KEYS_SAME;
    return gw_str_equal(text, GW_STR("failed")) ? DB_ISSUER_KEYS_FAILED : DB_ISSUER_KEYS_LOST;
}

static void on_put(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_issuer_keys_put *put = gw_container_of(query, struct db_issuer_keys_put, query);
    enum db_issuer_keys_outcome outcome = DB_ISSUER_KEYS_LOST;
    if (status == GW_OK)
        outcome = read_outcome(db_get_bytes(result, 0, COLUMN_OUTCOME));
    put->on_done(put, status, outcome);
}

enum gw_status db_issuer_keys_put(struct db_pool *pool, struct db_issuer_keys_put *put) {
    struct db_params *params = db_query_start(&put->query, &db_issuer_keys_put_statement, on_put);
    db_put_text(params, put->gateway_id);
    db_put_text(params, put->issuer);
    db_put_text_or_null(params, put->keys);
    db_put_text_or_null(params, put->outcome);
    return db_pool_submit(pool, &put->query);
}
