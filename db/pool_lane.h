// SPDX-License-Identifier: MIT
#pragma once
// One lane of a pool: the statements that share its connections. Those without a connection wait
// here, oldest first. The lane of statements that may wait for a lock gives each of its connections
// one at a time, so that a waiting statement holds up no other; statements that have queued for its
// patience end as GW_BUSY, and have not run. Bookkeeping alone: the pool sends, and calls back.

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "db/query.h"

#define GW_DB_CHANGE_PATIENCE_MS 2000 // in the queue, behind changes that wait
#define GW_DB_REPEATS_MAX 3           // of a change that ended in a deadlock

struct db_pool_lane {
    struct gw_list queue;
    struct gw_list resting; // until their repeat_ms, in no order
    int queued;             // on the queue
    int queue_max;
    int in_flight; // without those that were cancelled
    int ready;     // connections that are up
    uint64_t ready_ms;
    int depth;            // statements at once on a connection
    bool may_wait;        // its statements may, for locks
    uint64_t patience_ms; // in the queue, while a connection is up; 0: until the deadline
    uint64_t timeout_ms;  // from submission to deadline
};

void db_pool_lane_init(struct db_pool_lane *lane, int queue_max, uint64_t timeout_ms);
// For statements that may wait for locks.
void db_pool_lane_init_waiting(struct db_pool_lane *lane, int queue_max, uint64_t timeout_ms);

void db_pool_lane_connected(struct db_pool_lane *lane, uint64_t now_ms);
void db_pool_lane_disconnected(struct db_pool_lane *lane);

// GW_UNAVAILABLE, GW_BUSY: the queue is full, and why.
enum gw_status db_pool_lane_admit(const struct db_pool_lane *lane) GW_MUST_USE;
void db_pool_lane_push(struct db_pool_lane *lane, struct db_query *query);
// False: the error would come again, it was tried often enough, or its time is over.
bool db_pool_lane_may_repeat(const struct db_pool_lane *lane, const struct db_query *query,
                             const PGresult *error, uint64_t now_ms);
// The query was sent and is sent again at `repeat_ms`; db_pool_lane_wake puts the queries that are
// due in front of the queue.
void db_pool_lane_rest(struct db_pool_lane *lane, struct db_query *query, uint64_t repeat_ms);
void db_pool_lane_wake(struct db_pool_lane *lane, uint64_t now_ms);
// NULL: empty.
struct db_query *db_pool_lane_pop(struct db_pool_lane *lane);
void db_pool_lane_remove(struct db_pool_lane *lane, struct db_query *query);
// When the oldest will have queued too long; UINT64_MAX: the queue is empty.
uint64_t db_pool_lane_late_ms(const struct db_pool_lane *lane);
// db_pool_lane_late_ms, or when the first resting query is due.
uint64_t db_pool_lane_due_ms(const struct db_pool_lane *lane);
// The outcome of queries that have queued too long.
enum gw_status db_pool_lane_late_status(const struct db_pool_lane *lane);
