// SPDX-License-Identifier: MIT
#pragma once
// The columns of a result in PostgreSQL's binary format, as the few types that we use. Readers
// check the length of what they read and never trust the server's shape: a column of an unexpected
// length reads as null. Each statement names its columns in an enum, in the order of its select
// list.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"
#include "db/time.h"
#include "token/limits.h"

// Valid as long as the result; .at NULL for null.
struct gw_str db_get_bytes(const PGresult *result, int row, int column);
// Exactly `length` bytes to `out`; false and zeros for null and any other length.
bool db_get_fixed(const PGresult *result, int row, int column, unsigned char *out, size_t length);
// An int2, int4 or int8; `otherwise` for null.
int64_t db_get_int(const PGresult *result, int row, int column, int64_t otherwise);
// The number of an event, a row of a log or a count; 0 for null.
uint64_t db_get_number(const PGresult *result, int row, int column);
// False for null.
bool db_get_boolean(const PGresult *result, int row, int column);
// An earlier time than DB_TIME_FIRST_MS, and the negative infinity, is that; a later one than
// DB_TIME_LAST_MS is that. DB_NO_TIME for null, and for the infinity.
int64_t db_get_time(const PGresult *result, int row, int column);
// The elements of a cidr[]; 0 of them for null. GW_INVALID for any other shape, which is not taken
// for null: these are restrictions.
enum gw_status db_get_ip_ranges(const PGresult *result, int row, int column,
                                struct gw_ip_range ranges[GW_ALLOWED_IPS_MAX],
                                uint8_t *count) GW_MUST_USE;
