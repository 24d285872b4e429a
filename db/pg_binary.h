// SPDX-License-Identifier: MIT
#pragma once
// PostgreSQL's binary formats of the few types that we use: parameters out, columns of results in.
// Integers are big endian; a timestamptz is microseconds since 2000-01-01T00:00:00Z; an array is
// dimensions, then each element with its length. Readers check the length of what they read and
// never trust the server's shape: a column of an unexpected length reads as null.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/str.h"
#include "db/query.h"

#define DB_TIME_NULL INT64_MIN

// ---- parameters; each fills one place of the query ----
// Any bytes: text, bytea, or an array built below.
void db_set_bytes(struct db_query *query, int index, struct gw_str bytes);
// The same, but .at NULL becomes null.
void db_set_bytes_or_null(struct db_query *query, int index, struct gw_str bytes);
void db_set_boolean(struct db_query *query, int index, bool truth);
// `out` is the 8 bytes that the value is written to; they must stay until the query is done.
void db_set_int2(struct db_query *query, int index, int16_t value, char out[2]);
void db_set_int8(struct db_query *query, int index, int64_t value, char out[8]);
// Milliseconds since 1970; DB_TIME_NULL becomes null. GW_INVALID when PostgreSQL has no such time.
enum gw_status db_set_time(struct db_query *query, int index, int64_t wall_ms,
                           char out[8]) GW_MUST_USE;

// An array in the making. `at` has room for db_array_bytes.
struct db_array {
    char *at;
    size_t length;
    int32_t count;
};
#define DB_OID_TEXT 25
#define DB_OID_TIMESTAMPTZ 1184
#define DB_OID_CIDR 650
static inline size_t db_array_bytes(size_t count, size_t element_bytes_total) {
    return 20 + 4 * count + element_bytes_total;
}
void db_array_start(struct db_array *array, char *at, uint32_t element_oid);
void db_array_add_text(struct db_array *array, struct gw_str text);
void db_array_add_ip_range(struct db_array *array, const struct gw_ip_range *range);
// What db_array_bytes is for that many ranges.
#define DB_IP_RANGES_BYTES(count) (20 + (4 + 4 + 16) * (count))
enum gw_status db_array_add_time(struct db_array *array, int64_t wall_ms) GW_MUST_USE;
struct gw_str db_array_finish(struct db_array *array);

// ---- results ----
// Valid as long as the result; .at NULL for null.
struct gw_str db_get_bytes(const PGresult *result, int row, int column);
// Exactly `length` bytes to `out`; false and zeros for null and any other length.
bool db_get_fixed(const PGresult *result, int row, int column, unsigned char *out, size_t length);
// `otherwise` for null.
int64_t db_get_int(const PGresult *result, int row, int column,
                   int64_t otherwise);                            // int2, int4, int8
bool db_get_boolean(const PGresult *result, int row, int column); // false for null
// Of the years 1 to 9999, which is what JSON can tell: an earlier time, and the negative infinity,
// is the first of them, a later one the last. DB_TIME_NULL for null, and for the infinity: never.
#define DB_TIME_FIRST_MS (-62135596800000LL) // 0001-01-01T00:00:00.000Z
#define DB_TIME_LAST_MS 253402300799999LL    // 9999-12-31T23:59:59.999Z
int64_t db_get_time(const PGresult *result, int row, int column);
// The elements of a cidr[]; none for null. GW_INVALID for any other shape, which is not taken for
// null: these are restrictions.
enum gw_status db_get_ip_ranges(const PGresult *result, int row, int column,
                                struct gw_ip_range ranges[GW_ALLOWED_IPS_MAX],
                                uint8_t *count) GW_MUST_USE;
