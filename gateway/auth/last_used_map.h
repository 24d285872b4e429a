// SPDX-License-Identifier: MIT
#pragma once
// Token id -> newest use, by open addressing. Ids are ours, so nobody can choose them to collide.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/token_store.h"

struct gw_last_use {
    int64_t used_ms;
    uint32_t uses;     // requests that this entry stands for
    uint8_t id_length; // 0: the slot is free
    char id[DB_ID_LENGTH_MAX];
};

struct gw_last_used_map {
    struct gw_last_use *slots;
    size_t capacity; // a power of two, or 0
    size_t count;
};

static inline struct gw_str gw_last_use_id(const struct gw_last_use *use) {
    return gw_str(use->id, use->id_length);
}

// Adds `uses` and moves the time forward, never back.
void gw_last_use_add(struct gw_last_use *use, int64_t used_ms, uint32_t uses);

// Adds `uses` to the entry of `id` and moves its time forward, never back. GW_NO_MEMORY;
// GW_TOO_BIG: not there yet and `count_max` reached.
enum gw_status gw_last_used_map_note(struct gw_last_used_map *map, struct gw_str id,
                                     int64_t used_ms, uint32_t uses, size_t count_max) GW_MUST_USE;
// NULL when not there.
struct gw_last_use *gw_last_used_map_find(const struct gw_last_used_map *map, struct gw_str id);
// Moves the uses that `from` has into `to`, where they fit; returns those that did not. `from` is
// empty then.
uint64_t gw_last_used_map_move(struct gw_last_used_map *to, struct gw_last_used_map *from,
                               size_t count_max);
// Turns the slots into an array of `count` entries sorted by id, owned by the caller (free); the
// map is empty then.
struct gw_last_use *gw_last_used_map_take_sorted(struct gw_last_used_map *map, size_t *count);
void gw_last_used_map_deinit(struct gw_last_used_map *map);
// Order of ids, for qsort and bsearch over such arrays.
int gw_last_use_compare(const void *a, const void *b);
