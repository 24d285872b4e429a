// SPDX-License-Identifier: MIT
#pragma once
// Token id -> newest use, in a table whose every operation is a bounded step (base/table.h).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "base/table.h"
#include "gateway/auth/id_key.h"

// A slot of the table.
struct gw_last_use {
    uint64_t hash;
    struct gw_id_key key;
    int64_t used_ms;
    uint32_t uses; // requests that this entry stands for
    uint32_t unused;
};

struct gw_last_used_map {
    struct gw_table table;
};

static inline struct gw_str gw_last_use_id(const struct gw_last_use *use) {
    return gw_str(use->key.text, use->key.length);
}

// Adds `uses` and moves the time forward, never back.
void gw_last_use_add(struct gw_last_use *use, int64_t used_ms, uint32_t uses);
// Order of ids as PostgreSQL sorts them under the C collation, for qsort and bsearch.
int gw_last_use_compare(const void *a, const void *b);

enum gw_status gw_last_used_map_init(struct gw_last_used_map *map) GW_MUST_USE;
// Frees everything; the map is empty, and can be used again.
void gw_last_used_map_clear(struct gw_last_used_map *map);

static inline size_t gw_last_used_map_count(const struct gw_last_used_map *map) {
    return gw_table_count(&map->table);
}

// Adds `uses` to the entry of `id` and moves its time forward, never back. GW_NO_MEMORY;
// GW_TOO_BIG: not there yet and `count_max` reached.
enum gw_status gw_last_used_map_note(struct gw_last_used_map *map, struct gw_str id,
                                     int64_t used_ms, uint32_t uses, size_t count_max) GW_MUST_USE;
// NULL when not there. Valid until the next call that changes the map.
struct gw_last_use *gw_last_used_map_find(const struct gw_last_used_map *map, struct gw_str id);
void gw_last_used_map_remove(struct gw_last_used_map *map, struct gw_last_use *use);
// Takes any entry out. False: the map is empty, or the visits are used up (base/table.h).
bool gw_last_used_map_take(struct gw_last_used_map *map, struct gw_last_use *use,
                           size_t *visits_left) GW_MUST_USE;
