// SPDX-License-Identifier: MIT
#pragma once
// The parameters of one statement, appended in the order of $1, $2, ... in PostgreSQL's binary
// format: text then needs no terminator and no quoting. Integers are big endian; a timestamptz is
// microseconds since 2000-01-01T00:00:00Z; an array is dimensions, then each element with its
// length.
//
// Text and bytes stay where the caller has them until the query has ended. Numbers, times and
// arrays are kept here: `scratch` for the small ones, a block of the heap for each array, freed by
// db_params_deinit. The first failure is kept in `status`, and db_pool_submit returns it: nothing
// is checked while appending.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"
#include "db/time.h"

#define DB_PARAMS_MAX 18
#define DB_PARAMS_SCRATCH_BYTES 64

struct db_params_block;

struct db_params {
    int count;
    enum gw_status status;             // of the first that failed, else GW_OK
    const char *values[DB_PARAMS_MAX]; // NULL = SQL null
    int lengths[DB_PARAMS_MAX];
    unsigned char scratch[DB_PARAMS_SCRATCH_BYTES];
    size_t scratch_used;
    struct db_params_block *blocks; // of the arrays, the newest first
};

// No parameters. Frees nothing: for new ones, and after db_params_deinit.
void db_params_init(struct db_params *params);
// Frees the arrays. Harmless twice.
void db_params_deinit(struct db_params *params);

void db_put_null(struct db_params *params);
// .at NULL: the empty text.
void db_put_text(struct db_params *params, struct gw_str text);
// .at NULL: null.
void db_put_text_or_null(struct db_params *params, struct gw_str text);
void db_put_bytes(struct db_params *params, const unsigned char *bytes, size_t length);
void db_put_boolean(struct db_params *params, bool truth);
void db_put_int2(struct db_params *params, int16_t value);
void db_put_int8(struct db_params *params, int64_t value);
// DB_NO_TIME: null. Outside of DB_TIME_FIRST_MS to DB_TIME_LAST_MS `status` becomes GW_INVALID.
void db_put_time(struct db_params *params, int64_t wall_ms);

// ---- arrays ----
enum db_array_type { DB_ARRAY_TEXT = 25, DB_ARRAY_CIDR = 650, DB_ARRAY_TIMESTAMPTZ = 1184 }; // OIDs
#define DB_TIME_BYTES 8
#define DB_IP_RANGE_BYTES_MAX (4 + 16)

// An empty array with room for `count_max` elements of `bytes_max` bytes altogether. Until the next
// parameter is put, db_add_* appends to it.
void db_put_array(struct db_params *params, enum db_array_type type, size_t count_max,
                  size_t bytes_max);
void db_add_text(struct db_params *params, struct gw_str text);
void db_add_time(struct db_params *params, int64_t wall_ms); // bounds as in db_put_time
void db_add_ip_range(struct db_params *params, const struct gw_ip_range *range);
// An array of `count` of them, at most GW_ALLOWED_IPS_MAX.
void db_put_ip_ranges(struct db_params *params, const struct gw_ip_range *ranges, size_t count);
