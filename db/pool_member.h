// SPDX-License-Identifier: MIT
#pragma once
// One connection of a pool, of one of its lanes: how busy it is, and which of several is the least.

#include <stdint.h>

#include "db/link.h"
#include "db/pool_lane.h"

struct db_pool;

struct db_pool_member {
    struct db_link link;
    struct db_pool *pool;
    struct db_pool_lane *lane;
};

// When what it has in flight has waited too long; UINT64_MAX: never. A statement that waits for a
// lock is answered when it has the lock, or the server is silent.
uint64_t db_pool_member_due_ms(const struct db_pool_member *member);
// The least busy one of `lane` that has room; NULL: none has.
struct db_pool_member *db_pool_member_pick(struct db_pool_member *members, int count,
                                           const struct db_pool_lane *lane);
// Those that are up.
int db_pool_member_count_up(const struct db_pool_member *members, int count);
// Ends those that are connected to the address, and have nothing to do: they would find out with a
// statement that somebody waits for.
void db_pool_member_suspect(struct db_pool_member *members, int count, uint32_t address_key);
// Those of `lane` that are up and have nothing to do.
int db_pool_member_count_idle(const struct db_pool_member *members, int count,
                              const struct db_pool_lane *lane);
