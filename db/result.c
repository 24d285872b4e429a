// SPDX-License-Identifier: MIT
#include "db/result.h"

#include <string.h>

#include "base/big_endian.h"
#include "token/limits.h"

#define ARRAY_COUNT_AT 12
#define ARRAY_HEADER_BYTES 20
// inet and cidr, sent: family, bits of the prefix, whether it is a cidr, bytes of the address, the
// address.
#define IP_HEADER_BYTES 4
#define IP_FAMILY_V4 2
#define IP_FAMILY_V6 3
#define V4_MAPPED_BITS 96

static uint64_t big_endian_of(const char *at, size_t length) {
    return gw_get_big_endian((const unsigned char *)at, length);
}

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
        return (int16_t)big_endian_of(bytes.at, 2);
    case 4:
        return (int32_t)big_endian_of(bytes.at, 4);
    case 8:
        return (int64_t)big_endian_of(bytes.at, 8);
    default:
        return otherwise;
    }
}

uint64_t db_get_number(const PGresult *result, int row, int column) {
    return (uint64_t)db_get_int(result, row, column, 0);
}

bool db_get_boolean(const PGresult *result, int row, int column) {
    struct gw_str byte = db_get_bytes(result, row, column);
    return byte.length == 1 && byte.at[0] != 0;
}

int64_t db_get_time(const PGresult *result, int row, int column) {
    if (PQgetisnull(result, row, column) != 0)
        return DB_NO_TIME;
    int64_t us = db_get_int(result, row, column, INT64_MAX);
    if (us == INT64_MAX)
        return DB_NO_TIME;
    int64_t ms = us / 1000;
    if (us % 1000 < 0)
        ms--; // rounds towards the past, as for later times
    if (ms < DB_TIME_FIRST_MS - DB_EPOCH_2000_MS)
        return DB_TIME_FIRST_MS;
    return ms < DB_TIME_LAST_MS - DB_EPOCH_2000_MS ? ms + DB_EPOCH_2000_MS : DB_TIME_LAST_MS;
}

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

// The next element of an array, after its length; *rest moves behind it.
static bool next_element(struct gw_str *rest, struct gw_str *element) {
    if (rest->length < 4)
        return false;
    uint64_t length = big_endian_of(rest->at, 4); // of a null -1: more than is left
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
    if (rest.length < ARRAY_HEADER_BYTES || big_endian_of(rest.at, 4) != 1) // dimensions
        return GW_INVALID;
    uint64_t length = big_endian_of(rest.at + ARRAY_COUNT_AT, 4);
    if (length == 0 || length > GW_ALLOWED_IPS_MAX)
        return GW_INVALID;
    rest = gw_str_slice(rest, ARRAY_HEADER_BYTES, rest.length);
    struct gw_str element;
    for (uint64_t i = 0; i < length; i++) {
        if (!next_element(&rest, &element) || !read_ip_range(element, &ranges[i]))
            return GW_INVALID;
    }
    *count = (uint8_t)length;
    return GW_OK;
}
