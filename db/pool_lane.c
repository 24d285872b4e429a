// SPDX-License-Identifier: MIT
#include "db/pool_lane.h"

#include "db/conn.h"
#include "db/sql_error.h"

void db_pool_lane_init(struct db_pool_lane *lane, int queue_max, uint64_t timeout_ms) {
    *lane = (struct db_pool_lane){
        .queue_max = queue_max, .timeout_ms = timeout_ms, .depth = DB_CONN_IN_FLIGHT_MAX};
    gw_list_init(&lane->queue);
    gw_list_init(&lane->resting);
}

void db_pool_lane_init_waiting(struct db_pool_lane *lane, int queue_max, uint64_t timeout_ms) {
    db_pool_lane_init(lane, queue_max, timeout_ms);
    lane->depth = 1;
    lane->may_wait = true;
    lane->patience_ms = GW_DB_CHANGE_PATIENCE_MS;
}

void db_pool_lane_connected(struct db_pool_lane *lane, uint64_t now_ms) {
    if (lane->ready++ == 0)
        lane->ready_ms = now_ms;
}

void db_pool_lane_disconnected(struct db_pool_lane *lane) {
    gw_assert(lane->ready > 0);
    lane->ready--;
}

enum gw_status db_pool_lane_admit(const struct db_pool_lane *lane) {
    int room = lane->ready * lane->depth - lane->in_flight;
    if (lane->queued < lane->queue_max + (room > 0 ? room : 0))
        return GW_OK;
    return db_pool_lane_late_status(lane);
}

void db_pool_lane_push(struct db_pool_lane *lane, struct db_query *query) {
    gw_list_push_back(&lane->queue, &query->link);
    lane->queued++;
}

bool db_pool_lane_may_repeat(const struct db_pool_lane *lane, const struct db_query *query,
                             const PGresult *error, uint64_t now_ms) {
    return query->statement->kind == DB_STATEMENT_CHANGE &&
           db_sql_error_may_repeat(PQresultErrorField(error, PG_DIAG_SQLSTATE)) &&
           query->repeats < GW_DB_REPEATS_MAX && now_ms + lane->timeout_ms / 2 < query->deadline_ms;
}

void db_pool_lane_rest(struct db_pool_lane *lane, struct db_query *query, uint64_t repeat_ms) {
    gw_assert(repeat_ms > 0 && gw_list_is_empty(&query->link));
    query->repeats++;
    query->repeat_ms = repeat_ms;
    gw_list_push_back(&lane->resting, &query->link);
}

void db_pool_lane_wake(struct db_pool_lane *lane, uint64_t now_ms) {
    struct gw_list *next;
    for (struct gw_list *link = lane->resting.next; link != &lane->resting; link = next) {
        next = link->next;
        struct db_query *query = gw_container_of(link, struct db_query, link);
        if (query->repeat_ms > now_ms)
            continue;
        gw_list_remove(link);
        query->repeat_ms = 0;
        gw_list_push_front(&lane->queue, link);
        lane->queued++;
    }
}

struct db_query *db_pool_lane_pop(struct db_pool_lane *lane) {
    struct gw_list *link = gw_list_pop_front(&lane->queue);
    if (link == NULL)
        return NULL;
    lane->queued--;
    return gw_container_of(link, struct db_query, link);
}

void db_pool_lane_remove(struct db_pool_lane *lane, struct db_query *query) {
    bool is_resting = query->repeat_ms != 0;
    gw_assert(is_resting || lane->queued > 0);
    gw_list_remove(&query->link);
    lane->queued -= is_resting ? 0 : 1;
}

// Patience begins when there is a connection to wait for: queries that queued through an outage
// have their turn after it.
uint64_t db_pool_lane_late_ms(const struct db_pool_lane *lane) {
    if (gw_list_is_empty(&lane->queue))
        return UINT64_MAX;
    uint64_t deadline_ms = gw_container_of(lane->queue.next, struct db_query, link)->deadline_ms;
    if (lane->patience_ms == 0 || lane->ready == 0)
        return deadline_ms;
    uint64_t queued_ms = deadline_ms - lane->timeout_ms;
    uint64_t impatient_ms =
        (queued_ms > lane->ready_ms ? queued_ms : lane->ready_ms) + lane->patience_ms;
    return impatient_ms < deadline_ms ? impatient_ms : deadline_ms;
}

enum gw_status db_pool_lane_late_status(const struct db_pool_lane *lane) {
    return lane->may_wait && lane->ready > 0 ? GW_BUSY : GW_UNAVAILABLE;
}

uint64_t db_pool_lane_due_ms(const struct db_pool_lane *lane) {
    uint64_t due_ms = db_pool_lane_late_ms(lane);
    for (struct gw_list *link = lane->resting.next; link != &lane->resting; link = link->next) {
        uint64_t repeat_ms = gw_container_of(link, struct db_query, link)->repeat_ms;
        if (repeat_ms < due_ms)
            due_ms = repeat_ms;
    }
    return due_ms;
}
