// SPDX-License-Identifier: MIT
#include "gateway/auth/last_used_map.h"

_Static_assert(offsetof(struct gw_last_use, key) == sizeof(uint64_t), "a slot of base/table.h");

void gw_last_use_add(struct gw_last_use *use, int64_t used_ms, uint32_t uses) {
    use->uses += uses;
    if (used_ms > use->used_ms)
        use->used_ms = used_ms;
}

int gw_last_use_compare(const void *a, const void *b) {
    const struct gw_id_key *left = &((const struct gw_last_use *)a)->key;
    const struct gw_id_key *right = &((const struct gw_last_use *)b)->key;
    return gw_str_compare(gw_str(left->text, left->length), gw_str(right->text, right->length));
}

enum gw_status gw_last_used_map_init(struct gw_last_used_map *map) {
    return gw_table_init(&map->table, sizeof(struct gw_last_use), sizeof(struct gw_id_key));
}

void gw_last_used_map_clear(struct gw_last_used_map *map) {
    gw_table_clear(&map->table);
}

enum gw_status gw_last_used_map_note(struct gw_last_used_map *map, struct gw_str id,
                                     int64_t used_ms, uint32_t uses, size_t count_max) {
    gw_assert(id.length > 0);
    const struct gw_id_key key = gw_id_key_of(id);
    struct gw_last_use *use = gw_table_find(&map->table, &key);
    if (use == NULL) {
        if (gw_last_used_map_count(map) >= count_max)
            return GW_TOO_BIG;
        use = gw_table_put(&map->table, &key);
        if (use == NULL)
            return GW_NO_MEMORY;
        use->used_ms = used_ms;
    }
    gw_last_use_add(use, used_ms, uses);
    return GW_OK;
}

struct gw_last_use *gw_last_used_map_find(const struct gw_last_used_map *map, struct gw_str id) {
    if (gw_last_used_map_count(map) == 0 || id.length > DB_ID_LENGTH_MAX)
        return NULL;
    const struct gw_id_key key = gw_id_key_of(id);
    return gw_table_find(&map->table, &key);
}

void gw_last_used_map_remove(struct gw_last_used_map *map, struct gw_last_use *use) {
    gw_table_remove(&map->table, use);
}

bool gw_last_used_map_take(struct gw_last_used_map *map, struct gw_last_use *use,
                           size_t *visits_left) {
    return gw_table_take(&map->table, use, visits_left);
}
