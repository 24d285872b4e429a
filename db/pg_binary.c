// SPDX-License-Identifier: MIT
#include "db/pg_binary.h"

#include <string.h>

#define EPOCH_2000_MS 946684800000LL
// PostgreSQL ends in the year 294276; no need to go that far: 9999-12-31T23:59:59.999Z and
// 0001-01-01.
#define TIME_MAX_MS 253402300799999LL
#define TIME_MIN_MS (-62135596800000LL)
// inet and cidr, sent: family, bits of the prefix, whether it is a cidr, bytes of the address, the
// address.
#define IP_HEADER_BYTES 4
#define IP_FAMILY_V4 2
#define IP_FAMILY_V6 3
#define V4_MAPPED_BITS 96

static void put_big_endian(char *out, uint64_t value, size_t length) {
    for (size_t i = 0; i < length; i++)
        out[i] = (char)(unsigned char)(value >> (8 * (length - 1 - i)));
}

static uint64_t get_big_endian(const char *at, size_t length) {
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

// ---- parameters ----

void db_set_bytes(struct db_query *query, int index, struct gw_str bytes) {
    query->values[index] = bytes.at == NULL ? "" : bytes.at;
    query->lengths[index] = (int)bytes.length;
    query->formats[index] = 1;
}

void db_set_bytes_or_null(struct db_query *query, int index, struct gw_str bytes) {
    db_set_bytes(query, index, bytes);
    if (bytes.at == NULL)
        query->values[index] = NULL;
}

void db_set_boolean(struct db_query *query, int index, bool truth) {
    db_set_bytes(query, index, truth ? GW_STR("\1") : gw_str("\0", 1));
}

void db_set_int2(struct db_query *query, int index, int16_t value, char out[2]) {
    put_big_endian(out, (uint16_t)value, 2);
    db_set_bytes(query, index, gw_str(out, 2));
}

void db_set_int8(struct db_query *query, int index, int64_t value, char out[8]) {
    put_big_endian(out, (uint64_t)value, 8);
    db_set_bytes(query, index, gw_str(out, 8));
}

static enum gw_status put_time(int64_t wall_ms, char out[8]) {
    if (wall_ms > TIME_MAX_MS || wall_ms < TIME_MIN_MS)
        return GW_INVALID;
    put_big_endian(out, (uint64_t)((wall_ms - EPOCH_2000_MS) * 1000), 8);
    return GW_OK;
}

enum gw_status db_set_time(struct db_query *query, int index, int64_t wall_ms, char out[8]) {
    db_set_bytes_or_null(query, index, gw_str(NULL, 0));
    if (wall_ms == DB_TIME_NULL)
        return GW_OK;
    enum gw_status status = put_time(wall_ms, out);
    if (status == GW_OK)
        db_set_bytes(query, index, gw_str(out, 8));
    return status;
}

// One dimension, no nulls; the count is filled in at the end.
void db_array_start(struct db_array *array, char *at, uint32_t element_oid) {
    put_big_endian(at, 1, 4);
    put_big_endian(at + 4, 0, 4);
    put_big_endian(at + 8, element_oid, 4);
    put_big_endian(at + 16, 1, 4); // lower bound
    *array = (struct db_array){at, 20, 0};
}

void db_array_add_text(struct db_array *array, struct gw_str text) {
    put_big_endian(array->at + array->length, text.length, 4);
    memcpy(array->at + array->length + 4, text.at, text.length);
    array->length += 4 + text.length;
    array->count++;
}

void db_array_add_ip_range(struct db_array *array, const struct gw_ip_range *range) {
    bool is_v4 = gw_ip_is_v4(&range->first) && range->prefix_bits >= V4_MAPPED_BITS;
    size_t skipped = is_v4 ? V4_MAPPED_BITS / 8 : 0;
    size_t length = sizeof(range->first.bytes) - skipped;
    char *at = array->at + array->length;
    put_big_endian(at, IP_HEADER_BYTES + length, 4);
    at[4] = is_v4 ? IP_FAMILY_V4 : IP_FAMILY_V6;
    at[5] = (char)(range->prefix_bits - 8 * skipped);
    at[6] = 1;
    at[7] = (char)length;
    memcpy(at + 4 + IP_HEADER_BYTES, range->first.bytes + skipped, length);
    array->length += 4 + IP_HEADER_BYTES + length;
    array->count++;
}

enum gw_status db_array_add_time(struct db_array *array, int64_t wall_ms) {
    enum gw_status status = put_time(wall_ms, array->at + array->length + 4);
    if (status != GW_OK)
        return status;
    put_big_endian(array->at + array->length, 8, 4);
    array->length += 12;
    array->count++;
    return GW_OK;
}

struct gw_str db_array_finish(struct db_array *array) {
    put_big_endian(array->at + 12, (uint32_t)array->count, 4);
    return gw_str(array->at, array->length);
}

// ---- results ----

struct gw_str db_get_bytes(const PGresult *result, int row, int column) {
    if (PQgetisnull(result, row, column))
        return gw_str(NULL, 0);
    return gw_str(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));
}

bool db_get_fixed(const PGresult *result, int row, int column, unsigned char *out, size_t length) {
    struct gw_str bytes = db_get_bytes(result, row, column);
    bool fits = bytes.at != NULL && bytes.length == length;
    if (fits)
        memcpy(out, bytes.at, length);
    else
        memset(out, 0, length);
    return fits;
}

int64_t db_get_int(const PGresult *result, int row, int column, int64_t otherwise) {
    struct gw_str bytes = db_get_bytes(result, row, column);
    if (bytes.at == NULL)
        return otherwise;
    switch (bytes.length) {
    case 2:
        return (int16_t)get_big_endian(bytes.at, 2);
    case 4:
        return (int32_t)get_big_endian(bytes.at, 4);
    case 8:
        return (int64_t)get_big_endian(bytes.at, 8);
    default:
        return otherwise;
    }
}

bool db_get_boolean(const PGresult *result, int row, int column) {
    struct gw_str byte = db_get_bytes(result, row, column);
    return byte.length == 1 && byte.at[0] != 0;
}

int64_t db_get_time(const PGresult *result, int row, int column) {
    if (PQgetisnull(result, row, column) != 0)
        return DB_TIME_NULL;
    int64_t us = db_get_int(result, row, column, INT64_MAX);
    if (us == INT64_MAX)
        return DB_TIME_NULL;
    int64_t ms = us / 1000;
    if (us % 1000 < 0)
        ms--; // towards the past, as for later times
    if (ms < DB_TIME_FIRST_MS - EPOCH_2000_MS)
        return DB_TIME_FIRST_MS;
    return ms < DB_TIME_LAST_MS - EPOCH_2000_MS ? ms + EPOCH_2000_MS : DB_TIME_LAST_MS;
}

// An element without its length.
static bool read_ip_range(struct gw_str bytes, struct gw_ip_range *range) {
    if (bytes.length < IP_HEADER_BYTES)
        return false;
    const unsigned char *at = (const unsigned char *)bytes.at;
    size_t length = at[0] == IP_FAMILY_V4 ? 4 : at[0] == IP_FAMILY_V6 ? 16 : 0;
    if (length == 0 || at[3] != length || bytes.length != IP_HEADER_BYTES + length ||
        at[1] > 8 * length)
        return false;
    bool is_v4 = length == 4;
    range->first =
        is_v4 ? gw_ip_from_v4(at + IP_HEADER_BYTES) : gw_ip_from_v6(at + IP_HEADER_BYTES);
    range->prefix_bits = (uint8_t)(is_v4 ? V4_MAPPED_BITS + at[1] : at[1]);
    return true;
}

// The next element of an array, with its length before it; *rest moves behind it.
static bool next_element(struct gw_str *rest, struct gw_str *element) {
    if (rest->length < 4)
        return false;
    uint64_t length = get_big_endian(rest->at, 4); // -1: null, and more than there is
    if (length > rest->length - 4)
        return false;
    *element = gw_str_slice(*rest, 4, 4 + (size_t)length);
    *rest = gw_str_slice(*rest, 4 + (size_t)length, rest->length);
    return true;
}

enum gw_status db_get_ip_ranges(const PGresult *result, int row, int column,
                                struct gw_ip_range ranges[GW_ALLOWED_IPS_MAX], uint8_t *count) {
    struct gw_str rest = db_get_bytes(result, row, column);
    *count = 0;
    if (rest.at == NULL)
        return GW_OK;
    if (rest.length < 20 || get_big_endian(rest.at, 4) != 1) // dimensions
        return GW_INVALID;
    uint64_t length = get_big_endian(rest.at + 12, 4);
    if (length == 0 || length > GW_ALLOWED_IPS_MAX)
        return GW_INVALID;
    rest = gw_str_slice(rest, 20, rest.length);
    struct gw_str element;
    for (uint64_t i = 0; i < length; i++) {
        if (!next_element(&rest, &element) || !read_ip_range(element, &ranges[i]))
            return GW_INVALID;
    }
    *count = (uint8_t)length;
    return GW_OK;
}
