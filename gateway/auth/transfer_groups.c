// SPDX-License-Identifier: MIT
#include "gateway/auth/transfer_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "gateway/exchange/exchange.h"

struct slot {
    uint64_t hash;
    unsigned char digest[DB_DIGEST_LENGTH];
    struct gw_transfer_group *group;
};

enum gw_status gw_transfer_groups_init(struct gw_transfer_groups *groups) {
    for (int i = 0; i < GW_TRANSFER_SHELVES; i++) {
        gw_list_init(&groups->shelves[i].link);
        gw_list_init(&groups->shelves[i].groups);
        gw_list_init(&groups->shelves[i].doubted);
    }
    return gw_table_init(&groups->by_digest, sizeof(struct slot), DB_DIGEST_LENGTH);
}

void gw_transfer_groups_deinit(struct gw_transfer_groups *groups) {
    gw_assert(gw_transfer_groups_is_empty(groups));
    gw_table_clear(&groups->by_digest);
}

bool gw_transfer_groups_is_empty(const struct gw_transfer_groups *groups) {
    return gw_table_count(&groups->by_digest) == 0;
}

// The gateway makes the ids, so no client can put its organisation on the shelf of another.
struct gw_transfer_shelf *gw_transfer_groups_shelf(struct gw_transfer_groups *groups,
                                                   struct gw_str org_id) {
    return &groups->shelves[gw_hash_bytes(0, org_id.at, org_id.length) % GW_TRANSFER_SHELVES];
}

struct gw_transfer_group *gw_transfer_groups_find(const struct gw_transfer_groups *groups,
                                                  const unsigned char digest[DB_DIGEST_LENGTH]) {
    const struct slot *slot = gw_table_find(&groups->by_digest, digest);
    return slot != NULL ? slot->group : NULL;
}

static void init_group(struct gw_transfer_group *group, const struct gw_exchange *exchange) {
    const struct db_token_row *identity = &exchange->identity;
    const struct gw_str id = gw_str_slice(identity->id, 0, DB_ID_LENGTH_MAX);
    group->expires_ms = DB_NO_TIME;
    group->id_length = (uint8_t)id.length;
    memcpy(group->id, id.at, id.length);
    memcpy(group->question.prefix, identity->prefix.at, GW_TOKEN_PREFIX_LENGTH);
    memcpy(group->question.digest, exchange->token_digest, DB_DIGEST_LENGTH);
    gw_list_init(&group->question.link);
    gw_list_init(&group->work_link);
    gw_list_init(&group->end_link);
    gw_list_init(&group->settled);
    gw_list_init(&group->doubted);
}

struct gw_transfer_group *gw_transfer_groups_acquire(struct gw_transfer_groups *groups,
                                                     const struct gw_exchange *exchange) {
    struct slot *slot = gw_table_put(&groups->by_digest, exchange->token_digest);
    if (slot == NULL || slot->group != NULL)
        return slot != NULL ? slot->group : NULL;
    struct gw_transfer_group *group = calloc(1, sizeof(*group));
    if (group == NULL) {
        gw_table_remove(&groups->by_digest, slot);
        return NULL;
    }
    slot->group = group;
    init_group(group, exchange);
    gw_list_push_back(&gw_transfer_groups_shelf(groups, exchange->identity.org_id)->groups,
                      &group->shelf_link);
    return group;
}

bool gw_transfer_group_is_empty(const struct gw_transfer_group *group) {
    return gw_list_is_empty(&group->settled) && gw_list_is_empty(&group->doubted);
}

void gw_transfer_groups_free(struct gw_transfer_groups *groups, struct gw_transfer_group *group) {
    struct slot *slot = gw_table_find(&groups->by_digest, group->question.digest);
    gw_assert(slot != NULL && slot->group == group);
    gw_assert(gw_transfer_group_is_empty(group) && group->row == NULL && !group->is_asked);
    gw_table_remove(&groups->by_digest, slot);
    gw_list_remove(&group->shelf_link);
    gw_list_remove(&group->work_link);
    gw_list_remove(&group->end_link);
    free(group);
}
