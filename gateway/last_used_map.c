// SPDX-License-Identifier: MIT
#include "gateway/last_used_map.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 64

// FNV-1a, 64 bit.
static size_t hash(struct gw_str id) {
    uint64_t value = 0xcbf29ce484222325;
    for (size_t i = 0; i < id.length; i++)
        value = (value ^ (unsigned char)id.at[i]) * 0x100000001b3;
    return (size_t)(value ^ (value >> 32));
}

// The slot of `id`, or the free one where it would go. There is always a free one.
static struct gw_last_use *slot_of(const struct gw_last_used_map *map, struct gw_str id) {
    size_t i = hash(id) & (map->capacity - 1);
    while (map->slots[i].id_length != 0 && !gw_str_equal(gw_last_use_id(&map->slots[i]), id))
        i = (i + 1) & (map->capacity - 1);
    return &map->slots[i];
}

static enum gw_status grow(struct gw_last_used_map *map) {
    struct gw_last_used_map larger = {
        .capacity = map->capacity == 0 ? CAPACITY_FIRST : map->capacity * 2, .count = map->count};
    larger.slots = calloc(larger.capacity, sizeof larger.slots[0]);
    if (larger.slots == NULL)
        return GW_NO_MEMORY;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].id_length != 0)
            *slot_of(&larger, gw_last_use_id(&map->slots[i])) = map->slots[i];
    }
    free(map->slots);
    *map = larger;
    return GW_OK;
}

enum gw_status gw_last_used_map_note(struct gw_last_used_map *map, struct gw_str id,
                                     int64_t used_ms, uint32_t uses, size_t count_max) {
    gw_assert(id.length > 0 && id.length <= DB_ID_LENGTH_MAX);
    if (map->count * 4 >= map->capacity * 3 && grow(map) != GW_OK)
        return GW_NO_MEMORY;
    struct gw_last_use *slot = slot_of(map, id);
    if (slot->id_length == 0) {
        if (map->count >= count_max)
            return GW_TOO_BIG;
        slot->id_length = (uint8_t)id.length;
        memcpy(slot->id, id.at, id.length);
        slot->used_ms = used_ms;
        map->count++;
    }
    slot->uses += uses;
    if (used_ms > slot->used_ms)
        slot->used_ms = used_ms;
    return GW_OK;
}

const struct gw_last_use *gw_last_used_map_find(const struct gw_last_used_map *map,
                                                struct gw_str id) {
    if (map->count == 0)
        return NULL;
    const struct gw_last_use *slot = slot_of(map, id);
    return slot->id_length != 0 ? slot : NULL;
}

uint64_t gw_last_used_map_move(struct gw_last_used_map *to, struct gw_last_used_map *from,
                               size_t count_max) {
    uint64_t uses_left = 0;
    for (size_t i = 0; i < from->capacity; i++) {
        const struct gw_last_use *use = &from->slots[i];
        if (use->id_length != 0 && gw_last_used_map_note(to, gw_last_use_id(use), use->used_ms,
                                                         use->uses, count_max) != GW_OK)
            uses_left += use->uses;
    }
    gw_last_used_map_deinit(from);
    return uses_left;
}

int gw_last_use_compare(const void *a, const void *b) {
    const struct gw_last_use *left = a;
    const struct gw_last_use *right = b;
    size_t shorter = left->id_length < right->id_length ? left->id_length : right->id_length;
    int order = memcmp(left->id, right->id, shorter);
    return order != 0 ? order : (int)left->id_length - (int)right->id_length;
}

struct gw_last_use *gw_last_used_map_take_sorted(struct gw_last_used_map *map, size_t *count) {
    struct gw_last_use *slots = map->slots;
    size_t kept = 0;
    for (size_t i = 0; i < map->capacity; i++) {
        if (slots[i].id_length != 0)
            slots[kept++] = slots[i];
    }
    if (kept > 0)
        qsort(slots, kept, sizeof slots[0], gw_last_use_compare);
    *map = (struct gw_last_used_map){.slots = NULL};
    *count = kept;
    return slots;
}

void gw_last_used_map_deinit(struct gw_last_used_map *map) {
    free(map->slots);
    *map = (struct gw_last_used_map){.slots = NULL};
}
