// SPDX-License-Identifier: MIT
#pragma once
// A hash table that grows, by open addressing, for slots of one size with keys of one size. Every
// operation is a bounded step: a table that grows moves GW_TABLE_MOVES_MAX slots with each new key
// from its old array to one twice as large, and is emptied slot by slot with gw_table_take. The
// memory of a large array comes and goes page by page, too: zeroing or unmapping megabytes at once
// is a step of milliseconds.
//
//      array   |  a     c  |      taken until `cursor`; new keys go here
//      older   |  .  .  b  |      while it grows: what has not moved yet
//
// A caller declares its slot as a struct that begins with `uint64_t hash` (the table's; never 0 in
// a taken slot) and the key directly behind it, without padding inside the key:
//
//      struct count { uint64_t hash; uint64_t key; uint32_t count; };
//
// Where a key lies is a secret of the process.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define GW_TABLE_MOVES_MAX 4 // with each new key, while the table grows

struct gw_table_array {
    unsigned char *slots; // NULL: no memory yet
    unsigned bits;        // 2^bits slots
    size_t count;         // of taken ones
    size_t cursor;        // every slot before it is free
};

struct gw_table {
    struct gw_table_array array;
    struct gw_table_array older;
    uint32_t slot_bytes;
    uint32_t key_bytes;
    uint64_t seed;
};

// An empty table, which has no memory until its first key. `slot_bytes` is the size of the caller's
// struct, a multiple of 8. GW_SYSTEM: no random bytes.
enum gw_status gw_table_init(struct gw_table *table, uint32_t slot_bytes,
                             uint32_t key_bytes) GW_MUST_USE;
// Frees everything; the table is empty, and can be used again.
void gw_table_clear(struct gw_table *table);

static inline size_t gw_table_count(const struct gw_table *table) {
    return table->array.count + table->older.count;
}

// The slot of the key, NULL when it is not there. Valid, as any slot, until the next put, remove or
// take.
void *gw_table_find(const struct gw_table *table, const void *key);
// The slot of the key; made when it is not there, all zero behind the key. NULL: no memory.
void *gw_table_put(struct gw_table *table, const void *key) GW_MUST_USE;
// `slot` is one that find or put returned.
void gw_table_remove(struct gw_table *table, void *slot);
// Takes any slot out and copies it to `slot`. False: the table is empty, or `*visits_left` slots
// were looked at, which every look reduces by one.
bool gw_table_take(struct gw_table *table, void *slot, size_t *visits_left) GW_MUST_USE;
