// SPDX-License-Identifier: MIT
#include "db/pool_member.h"

uint64_t db_pool_member_due_ms(const struct db_pool_member *member) {
    const struct gw_list *list = &member->link.conn.in_flight;
    if (gw_list_is_empty(list) || member->lane->may_wait)
        return UINT64_MAX;
    return gw_container_of(list->next, struct db_query, link)->deadline_ms;
}

struct db_pool_member *db_pool_member_pick(struct db_pool_member *members, int count,
                                           const struct db_pool_lane *lane) {
    struct db_pool_member *best = NULL;
    for (int i = 0; i < count; i++) {
        struct db_pool_member *member = &members[i];
        if (member->lane == lane && db_link_has_room(&member->link) &&
            db_link_load(&member->link) < lane->depth &&
            (best == NULL || db_link_load(&member->link) < db_link_load(&best->link)))
            best = member;
    }
    return best;
}

int db_pool_member_count_up(const struct db_pool_member *members, int count) {
    int up = 0;
    for (int i = 0; i < count; i++)
        up += db_link_is_up(&members[i].link);
    return up;
}

void db_pool_member_suspect(struct db_pool_member *members, int count, uint32_t address_key) {
    for (int i = 0; i < count; i++) {
        struct db_link *link = &members[i].link;
        if (db_link_is_up(link) && link->address_key == address_key && db_link_load(link) == 0)
            db_link_fail(link, "its server does not answer others");
    }
}

int db_pool_member_count_idle(const struct db_pool_member *members, int count,
                              const struct db_pool_lane *lane) {
    int idle = 0;
    for (int i = 0; i < count; i++)
        idle += members[i].lane == lane && db_link_is_up(&members[i].link) &&
                db_link_load(&members[i].link) == 0;
    return idle;
}
