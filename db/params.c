// SPDX-License-Identifier: MIT
#include "db/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/big_endian.h"
#include "token/limits.h"

// An array: dimensions, whether it has nulls, type of the elements, then of the only dimension its
// count and lower bound.
#define ARRAY_COUNT_AT 12
#define ARRAY_HEADER_BYTES 20
// inet and cidr, sent: family, bits of the prefix, whether it is a cidr, bytes of the address, the
// address.
#define IP_HEADER_BYTES 4
#define IP_FAMILY_V4 2
#define IP_FAMILY_V6 3
#define V4_MAPPED_BITS 96

struct db_params_block {
    struct db_params_block *next;
    size_t room;
    unsigned char at[];
};

void db_params_init(struct db_params *params) {
    params->count = 0;
    params->status = GW_OK;
    params->scratch_used = 0;
    params->blocks = NULL;
}

void db_params_deinit(struct db_params *params) {
    while (params->blocks != NULL) {
        struct db_params_block *block = params->blocks;
        params->blocks = block->next;
        free(block);
    }
}

static void fail(struct db_params *params, enum gw_status status) {
    if (params->status == GW_OK)
        params->status = status;
}

static void put(struct db_params *params, const void *value, size_t length) {
    gw_assert(params->count < DB_PARAMS_MAX);
    params->values[params->count] = value;
    params->lengths[params->count] = (int)length;
    params->count++;
}

static unsigned char *take_scratch(struct db_params *params, size_t length) {
    gw_assert(params->scratch_used + length <= sizeof(params->scratch));
    unsigned char *at = params->scratch + params->scratch_used;
    params->scratch_used += length;
    return at;
}

// ---- single values ----

void db_put_null(struct db_params *params) {
    put(params, NULL, 0);
}

void db_put_text(struct db_params *params, struct gw_str text) {
    put(params, text.at == NULL ? "" : text.at, text.length);
}

void db_put_text_or_null(struct db_params *params, struct gw_str text) {
    put(params, text.at, text.length);
}

void db_put_bytes(struct db_params *params, const unsigned char *bytes, size_t length) {
    put(params, bytes, length);
}

void db_put_boolean(struct db_params *params, bool truth) {
    put(params, truth ? "\1" : "\0", 1);
}

static void put_integer(struct db_params *params, uint64_t value, size_t length) {
    unsigned char *at = take_scratch(params, length);
    gw_put_big_endian(at, length, value);
    put(params, at, length);
}

void db_put_int2(struct db_params *params, int16_t value) {
    put_integer(params, (uint16_t)value, 2);
}

void db_put_int8(struct db_params *params, int64_t value) {
    put_integer(params, (uint64_t)value, 8);
}

// The wire form; 0 for a time outside of the bounds.
static uint64_t wire_time(struct db_params *params, int64_t wall_ms) {
    if (wall_ms < DB_TIME_FIRST_MS || wall_ms > DB_TIME_LAST_MS) {
        fail(params, GW_INVALID);
        return 0;
    }
    return (uint64_t)((wall_ms - DB_EPOCH_2000_MS) * 1000);
}

void db_put_time(struct db_params *params, int64_t wall_ms) {
    if (wall_ms == DB_NO_TIME)
        db_put_null(params);
    else
        put_integer(params, wire_time(params, wall_ms), DB_TIME_BYTES);
}

// ---- arrays ----

void db_put_array(struct db_params *params, enum db_array_type type, size_t count_max,
                  size_t bytes_max) {
    size_t room = ARRAY_HEADER_BYTES + 4 * count_max + bytes_max;
    struct db_params_block *block = malloc(sizeof(*block) + room);
    if (block == NULL) {
        fail(params, GW_NO_MEMORY);
        return;
    }
    block->next = params->blocks;
    block->room = room;
    params->blocks = block;
    gw_put_big_endian(block->at, 4, 1);     // dimensions
    gw_put_big_endian(block->at + 4, 4, 0); // no nulls
    gw_put_big_endian(block->at + 8, 4, type);
    gw_put_big_endian(block->at + ARRAY_COUNT_AT, 4, 0);
    gw_put_big_endian(block->at + 16, 4, 1); // lower bound
    put(params, block->at, ARRAY_HEADER_BYTES);
}

// Appends an element of `length` bytes to the last parameter, counts it, and returns where its
// bytes go. NULL: without memory there is no array.
static unsigned char *add_element(struct db_params *params, size_t length) {
    if (params->status == GW_NO_MEMORY)
        return NULL;
    struct db_params_block *block = params->blocks;
    gw_assert(params->count > 0);
    int last = params->count - 1;
    size_t used = (size_t)params->lengths[last];
    gw_assert(params->values[last] == (const char *)block->at && used + 4 + length <= block->room);
    uint64_t count = gw_get_big_endian(block->at + ARRAY_COUNT_AT, 4);
    gw_put_big_endian(block->at + ARRAY_COUNT_AT, 4, count + 1);
    gw_put_big_endian(block->at + used, 4, length);
    params->lengths[last] += (int)(4 + length);
    return block->at + used + 4;
}

void db_add_text(struct db_params *params, struct gw_str text) {
    unsigned char *at = add_element(params, text.length);
    if (at != NULL)
        memcpy(at, text.at, text.length);
}

void db_add_time(struct db_params *params, int64_t wall_ms) {
    unsigned char *at = add_element(params, DB_TIME_BYTES);
    if (at != NULL)
        gw_put_big_endian(at, DB_TIME_BYTES, wire_time(params, wall_ms));
}

void db_add_ip_range(struct db_params *params, const struct gw_ip_range *range) {
    bool is_v4 = gw_ip_is_v4(&range->first) && range->prefix_bits >= V4_MAPPED_BITS;
    size_t skipped = is_v4 ? V4_MAPPED_BITS / 8 : 0;
    size_t length = sizeof(range->first.bytes) - skipped;
    unsigned char *at = add_element(params, IP_HEADER_BYTES + length);
    if (at == NULL)
        return;
    at[0] = is_v4 ? IP_FAMILY_V4 : IP_FAMILY_V6;
    at[1] = (unsigned char)(range->prefix_bits - 8 * skipped);
    at[2] = 1;
    at[3] = (unsigned char)length;
    memcpy(at + IP_HEADER_BYTES, range->first.bytes + skipped, length);
}

void db_put_ip_ranges(struct db_params *params, const struct gw_ip_range *ranges, size_t count) {
    gw_assert(count <= GW_ALLOWED_IPS_MAX);
    db_put_array(params, DB_ARRAY_CIDR, count, count * DB_IP_RANGE_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        db_add_ip_range(params, &ranges[i]);
}
