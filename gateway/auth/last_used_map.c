// SPDX-License-Identifier: MIT
#include "gateway/auth/last_used_map.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 64

// A product carries upwards only: what differs at the top of it comes down by the fold.
static uint64_t mix(uint64_t value) {
    value *= 0x9e3779b97f4a7c15;
    return value ^ (value >> 32);
}

// Eight bytes at a time: this is done on each request. The last characters of an id are at the top
// of the last word, and reach the low bits with the second mix.
static size_t hash(struct gw_str id) {
    uint64_t value = id.length;
    for (size_t i = 0; i < id.length; i += sizeof(uint64_t)) {
        size_t left = id.length - i;
        uint64_t word = 0;
        memcpy(&word, id.at + i, left < sizeof(word) ? left : sizeof(word));
        value = mix(value ^ word);
    }
    return (size_t)mix(value);
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
    larger.slots = calloc(larger.capacity, sizeof(larger.slots[0]));
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

void gw_last_use_add(struct gw_last_use *use, int64_t used_ms, uint32_t uses) {
    use->uses += uses;
    if (used_ms > use->used_ms)
        use->used_ms = used_ms;
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
    gw_last_use_add(slot, used_ms, uses);
    return GW_OK;
}

struct gw_last_use *gw_last_used_map_find(const struct gw_last_used_map *map, struct gw_str id) {
    if (map->count == 0)
        return NULL;
    struct gw_last_use *slot = slot_of(map, id);
    return slot->id_length != 0 ? slot : NULL;
}

uint64_t gw_last_used_map_move(struct gw_last_used_map *to, struct gw_last_used_map *from,
                               size_t count_max) {
    uint64_t uses_left = 0;
    for (size_t i = 0; i < from->capacity; i++) {
        const struct gw_last_use *use = &from->slots[i];
        if (use->uses > 0 && gw_last_used_map_note(to, gw_last_use_id(use), use->used_ms, use->uses,
                                                   count_max) != GW_OK)
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
        qsort(slots, kept, sizeof(slots[0]), gw_last_use_compare);
    *map = (struct gw_last_used_map){.slots = NULL};
    *count = kept;
    return slots;
}

void gw_last_used_map_deinit(struct gw_last_used_map *map) {
    free(map->slots);
    *map = (struct gw_last_used_map){.slots = NULL};
}
