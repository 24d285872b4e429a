// SPDX-License-Identifier: MIT
#include "gateway/auth/transfer_groups.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/exchange/exchange.h"

void gw_transfer_groups_init(struct gw_transfer_groups *groups) {
    for (int i = 0; i < GW_TRANSFER_BUCKETS; i++)
        gw_list_init(&groups->buckets[i]);
    for (int i = 0; i < GW_TRANSFER_SHELVES; i++) {
        gw_list_init(&groups->shelves[i].link);
        gw_list_init(&groups->shelves[i].groups);
        gw_list_init(&groups->shelves[i].doubted);
    }
}

bool gw_transfer_groups_is_empty(const struct gw_transfer_groups *groups) {
    for (int i = 0; i < GW_TRANSFER_BUCKETS; i++) {
        if (!gw_list_is_empty(&groups->buckets[i]))
            return false;
    }
    return true;
}

// Nobody chooses digests: tokens are made here, or brought by an operator.
static struct gw_list *bucket_of(struct gw_transfer_groups *groups, const unsigned char *digest) {
    uint32_t start;
    memcpy(&start, digest, sizeof(start));
    return &groups->buckets[start % GW_TRANSFER_BUCKETS];
}

// FNV-1a, folded.
struct gw_transfer_shelf *gw_transfer_groups_shelf(struct gw_transfer_groups *groups,
                                                   struct gw_str org_id) {
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < org_id.length; i++)
        hash = (hash ^ (unsigned char)org_id.at[i]) * 16777619U;
    return &groups->shelves[(hash ^ hash >> 8) % GW_TRANSFER_SHELVES];
}

struct gw_transfer_group *gw_transfer_groups_find(struct gw_transfer_groups *groups,
                                                  const unsigned char digest[DB_DIGEST_LENGTH]) {
    struct gw_list *bucket = bucket_of(groups, digest);
    for (struct gw_list *node = bucket->next; node != bucket; node = node->next) {
        struct gw_transfer_group *group =
            gw_container_of(node, struct gw_transfer_group, bucket_link);
        if (gw_bytes_equal_constant_time(group->question.digest, digest, DB_DIGEST_LENGTH))
            return group;
    }
    return NULL;
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
    struct gw_transfer_group *group = gw_transfer_groups_find(groups, exchange->token_digest);
    if (group != NULL)
        return group;
    group = calloc(1, sizeof(*group));
    if (group == NULL)
        return NULL;
    init_group(group, exchange);
    gw_list_push_back(bucket_of(groups, exchange->token_digest), &group->bucket_link);
    gw_list_push_back(&gw_transfer_groups_shelf(groups, exchange->identity.org_id)->groups,
                      &group->shelf_link);
    return group;
}

bool gw_transfer_group_is_empty(const struct gw_transfer_group *group) {
    return gw_list_is_empty(&group->settled) && gw_list_is_empty(&group->doubted);
}

void gw_transfer_group_free(struct gw_transfer_group *group) {
    gw_assert(gw_transfer_group_is_empty(group) && group->row == NULL && !group->is_asked);
    gw_list_remove(&group->bucket_link);
    gw_list_remove(&group->shelf_link);
    gw_list_remove(&group->work_link);
    gw_list_remove(&group->end_link);
    free(group);
}
