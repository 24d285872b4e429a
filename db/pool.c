// SPDX-License-Identifier: MIT
// How a query goes: db_pool_submit puts it on the queue of its lane; before the loop sleeps
// on_prepare deals the queues out to the links and flushes them; its answer comes from the link. A
// change that PostgreSQL ended for the sake of another one rests in its lane for a moment and
// queues again. A query that ends without an answer (link lost, deadline passed) goes to `ended`,
// which on_prepare and on_timer finish, so that no call ever calls back inside itself. One timer
// serves the deadlines of queries and the looks at what blocks a change; those of the server are
// the links' own (db/link.h).
#include "db/pool.h"

#include <stdlib.h>

#include "base/log.h"
#include "db/backoff.h"
#include "db/blockers.h"
#include "db/link.h"
#include "db/pool_lane.h"
#include "db/pool_log.h"
#include "db/pool_member.h"

#define NEVER UINT64_MAX

struct db_pool {
    uv_loop_t *loop;
    struct db_pool_options options;
    struct db_link_target target;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uint64_t timer_due_ms; // NEVER: not running
    int handle_count;      // of the two above, the links and their target
    uint64_t expected_ms;  // until then a connection for reading is
    bool is_closing;
    void (*on_closed)(struct db_pool *pool);
    struct db_pool_lane lanes[DB_STATEMENT_KIND_COUNT];
    // A kind without connections shares those of the one before.
    struct db_pool_lane *lane_of[DB_STATEMENT_KIND_COUNT];
    struct gw_list ended; // without an answer, on_done is still to be called
    struct db_pool_log log;
    struct db_blockers blockers;
    struct db_pool_stats stats;
    int member_count;
    struct db_pool_member members[];
};

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// ---- the timer ----

static void on_timer(uv_timer_t *timer);

// Makes sure that the timer fires at `due_ms` or before.
static void arm_timer(struct db_pool *pool, uint64_t due_ms) {
    if (pool->is_closing || due_ms >= pool->timer_due_ms)
        return;
    uint64_t now = uv_now(pool->loop);
    pool->timer_due_ms = due_ms;
    int error = uv_timer_start(&pool->timer, on_timer, due_ms > now ? due_ms - now : 0, 0);
    gw_assert(error == 0);
}

static uint64_t due_ms_of(const struct db_pool *pool) {
    uint64_t due_ms = db_blockers_due_ms(&pool->blockers);
    for (int i = 0; i < DB_STATEMENT_KIND_COUNT; i++)
        due_ms = earlier(due_ms, db_pool_lane_due_ms(&pool->lanes[i]));
    for (int i = 0; i < pool->member_count; i++)
        due_ms = earlier(due_ms, db_pool_member_due_ms(&pool->members[i]));
    return due_ms;
}

// ---- queries that end ----

// The last touch of the query.
static void finish_query(struct db_query *query, enum gw_status status, const PGresult *result) {
    gw_assert(query->conn == NULL && gw_list_is_empty(&query->link));
    db_params_deinit(&query->params);
    query->on_done(query, status, result);
}

// The query is off the list that it was on.
static void end_query(struct db_pool *pool, struct db_query *query, enum gw_status outcome) {
    query->conn = NULL;
    query->deadline_ms = 0;
    query->outcome = outcome;
    gw_list_push_back(&pool->ended, &query->link);
    arm_timer(pool, uv_now(pool->loop)); // for a turn that is about to sleep
}

static void count_failure(struct db_pool *pool, const struct db_query *query,
                          enum gw_status status) {
    pool->stats.queries_failed_total++;
    if (status == GW_BUSY && query->statement->kind == DB_STATEMENT_CHANGE)
        pool->stats.changes_busy_total++;
}

static void finish_ended(struct db_pool *pool) {
    struct gw_list *link;
    while ((link = gw_list_pop_front(&pool->ended)) != NULL) {
        struct db_query *query = gw_container_of(link, struct db_query, link);
        count_failure(pool, query, query->outcome);
        finish_query(query, query->outcome, NULL);
    }
}

static void end_in_flight(struct db_pool_member *member) {
    struct gw_list *link;
    while ((link = gw_list_pop_front(&member->link.conn.in_flight)) != NULL) {
        struct db_query *query = gw_container_of(link, struct db_query, link);
        member->lane->in_flight--;
        query->is_lost = true;
        end_query(member->pool, query, GW_UNAVAILABLE);
    }
}

static void end_queue(struct db_pool *pool, struct db_pool_lane *lane, uint64_t due_ms) {
    while (lane->queued > 0 && db_pool_lane_late_ms(lane) <= due_ms)
        end_query(pool, db_pool_lane_pop(lane), db_pool_lane_late_status(lane));
}

// ---- changes that are tried again ----

// The pause is random, so that two changes that met do not meet again.
static void rest(struct db_pool *pool, struct db_query *query) {
    struct db_pool_lane *lane = pool->lane_of[query->statement->kind];
    uint64_t pause_ms = 1 + db_backoff_random_below(GW_DB_REPEAT_PAUSE_MS);
    db_pool_lane_rest(lane, query, uv_now(pool->loop) + pause_ms);
    pool->stats.repeated_total++;
    arm_timer(pool, query->repeat_ms);
}

// ---- what waits for a lock ----

// The answer goes to the log. Without room for the question it is asked the next time.
static void look_for_blockers(struct db_pool *pool, uint64_t now) {
    if (db_blockers_look(&pool->blockers, now) &&
        db_pool_submit(pool, &pool->blockers.query) != GW_OK)
        gw_log(GW_LOG_DEBUG, "db", "no room to ask what a change waits for");
}

static void on_blockers(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_pool *pool = gw_container_of(query, struct db_pool, blockers.query);
    db_blockers_take(&pool->blockers, status, result, uv_now(pool->loop));
}

// ---- connections ----

void db_pool_expect(struct db_pool *pool) {
    pool->expected_ms = uv_now(pool->loop) + GW_DB_EXPECTED_MS;
    for (int i = 0; i < pool->member_count && !pool->is_closing; i++)
        db_link_hurry(&pool->members[i].link);
}

// Where one connection got through, others will.
static void on_ready(struct db_link *link) {
    struct db_pool_member *member = gw_container_of(link, struct db_pool_member, link);
    struct db_pool *pool = member->pool;
    pool->stats.connects_total++;
    db_pool_lane_connected(member->lane, link->ready_ms);
    db_pool_expect(pool);
    arm_timer(pool, db_pool_lane_due_ms(member->lane));
}

static void on_down(struct db_link *link, bool was_up) {
    struct db_pool_member *member = gw_container_of(link, struct db_pool_member, link);
    gw_assert(!member->pool->is_closing);
    if (was_up) {
        db_pool_lane_disconnected(member->lane);
        member->pool->stats.disconnects_total++;
        if (!db_pool_is_ready(member->pool))
            member->pool->expected_ms = uv_now(member->pool->loop) + GW_DB_EXPECTED_MS;
    }
    end_in_flight(member);
    if (was_up && link->is_silent)
        db_pool_suspect(member->pool, link->address_key);
}

void db_pool_suspect(struct db_pool *pool, uint32_t address_key) {
    if (!pool->is_closing)
        db_pool_member_suspect(pool->members, pool->member_count, address_key);
}

static void log_down(struct db_link *link, const char *reason) {
    struct db_pool_member *member = gw_container_of(link, struct db_pool_member, link);
    db_pool_log_down(reason,
                     db_pool_member_count_up(member->pool->members, member->pool->member_count));
}

static void log_up(struct db_link *link) {
    (void)link;
    db_pool_log_up();
}

static enum gw_status status_of_answer(const struct db_query *query, enum gw_status status,
                                       const PGresult *error) {
    if (status == GW_BUSY && query->statement->kind == DB_STATEMENT_READ)
        return GW_UNAVAILABLE; // a read waits for no change
    if (status == GW_CONFLICT && db_pool_log_is_number_taken(error))
        return GW_INVALID;
    return status;
}

static void on_answer(struct db_link *link, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error) {
    struct db_pool_member *member = gw_container_of(link, struct db_pool_member, link);
    struct db_pool *pool = member->pool;
    gw_assert(!pool->is_closing && member->lane->in_flight > 0);
    member->lane->in_flight--;
    if (member->lane->may_wait)
        db_blockers_note_answer(&pool->blockers, query, status, uv_now(pool->loop));
    if (status == GW_BUSY &&
        db_pool_lane_may_repeat(member->lane, query, error, uv_now(pool->loop))) {
        rest(pool, query);
        return;
    }
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    if (error != NULL)
        query->is_lost = db_sql_error_judge(sqlstate).drops_connection;
    query->is_right_missing = db_sql_error_is_right_missing(sqlstate);
    if (status == GW_OK)
        db_pool_log_success(&pool->log, query->statement);
    status = status_of_answer(query, status, error);
    if (status == GW_INVALID || status == GW_UNAVAILABLE || status == GW_BUSY) {
        count_failure(pool, query, status);
        db_pool_log_error(&pool->log, query->statement, error, uv_now(pool->loop));
    }
    finish_query(query, status, result);
}

// ---- dealing out ----

static void deal_out(struct db_pool *pool, struct db_pool_lane *lane) {
    struct db_pool_member *member;
    while (lane->queued > 0 &&
           (member = db_pool_member_pick(pool->members, pool->member_count, lane)) != NULL) {
        struct db_query *query = db_pool_lane_pop(lane);
        lane->in_flight++;
        query->sent_ms = uv_now(pool->loop);
        db_link_send(&member->link, query);
        if (lane->may_wait)
            arm_timer(pool, db_blockers_due_ms(&pool->blockers));
    }
}

void db_pool_flush(struct db_pool *pool) {
    if (pool->is_closing)
        return;
    for (int i = 0; i < DB_STATEMENT_KIND_COUNT; i++)
        deal_out(pool, &pool->lanes[i]);
    for (int i = 0; i < pool->member_count; i++)
        db_link_flush(&pool->members[i].link);
}

// Before the loop sleeps. The owner of a finished query may submit again; each round except the
// first needs a link to have failed.
static void on_prepare(uv_prepare_t *prepare) {
    struct db_pool *pool = gw_container_of(prepare, struct db_pool, prepare);
    db_pool_flush(pool);
    while (!pool->is_closing && !gw_list_is_empty(&pool->ended)) {
        finish_ended(pool);
        db_pool_flush(pool);
    }
}

// Ends the queries past their deadline that had queued for long: the server has not had its time
// for them, so the link stays. What it has sent meanwhile still counts (the process may have been
// stopped, not the server).
static void end_late_in_flight(struct db_pool_member *member, uint64_t now) {
    if (db_pool_member_due_ms(member) > now)
        return;
    db_link_read(&member->link);
    while (db_pool_member_due_ms(member) <= now) {
        struct db_query *query =
            gw_container_of(member->link.conn.in_flight.next, struct db_query, link);
        db_conn_forget(&member->link.conn, query);
        member->lane->in_flight--;
        end_query(member->pool, query, GW_UNAVAILABLE);
    }
}

static void on_timer(uv_timer_t *timer) {
    struct db_pool *pool = gw_container_of(timer, struct db_pool, timer);
    uint64_t now = uv_now(pool->loop);
    pool->timer_due_ms = NEVER;
    for (int i = 0; i < DB_STATEMENT_KIND_COUNT; i++) {
        db_pool_lane_wake(&pool->lanes[i], now);
        end_queue(pool, &pool->lanes[i], now);
    }
    for (int i = 0; i < pool->member_count && !pool->is_closing; i++)
        end_late_in_flight(&pool->members[i], now);
    look_for_blockers(pool, now);
    finish_ended(pool);
    arm_timer(pool, due_ms_of(pool));
}

// ---- the life of the pool ----

static void on_handle_closed(struct db_pool *pool) {
    gw_assert(pool->is_closing && pool->handle_count > 0);
    if (--pool->handle_count > 0)
        return;
    finish_ended(pool);
    if (pool->on_closed != NULL)
        pool->on_closed(pool);
    free(pool);
}

static void on_target_closed(struct db_link_target *target) {
    on_handle_closed(gw_container_of(target, struct db_pool, target));
}

static void on_link_closed(struct db_link *link) {
    on_handle_closed(gw_container_of(link, struct db_pool_member, link)->pool);
}

static void on_prepare_closed(uv_handle_t *handle) {
    on_handle_closed(gw_container_of(handle, struct db_pool, prepare));
}

static void on_timer_closed(uv_handle_t *handle) {
    on_handle_closed(gw_container_of(handle, struct db_pool, timer));
}

static const struct db_link_events link_events = {
    .on_ready = on_ready,
    .on_answer = on_answer,
    .on_down = on_down,
    .on_closed = on_link_closed,
    .log_down = log_down,
    .log_up = log_up,
};

static void init_member(struct db_pool *pool, struct db_pool_lane *lane) {
    struct db_pool_member *member = &pool->members[pool->member_count++];
    member->pool = pool;
    member->lane = lane;
    db_link_open(&member->link, pool->loop, &pool->target, &link_events);
    pool->handle_count++;
    if (lane->may_wait)
        db_blockers_watch(&pool->blockers, &member->link.conn);
}

static void init_lanes(struct db_pool *pool) {
    const struct db_pool_options *options = &pool->options;
    uint64_t timeout_ms = options->query_timeout_ms;
    db_pool_lane_init(&pool->lanes[DB_STATEMENT_READ], options->queue_max, timeout_ms);
    db_pool_lane_init_waiting(&pool->lanes[DB_STATEMENT_CHANGE], GW_DB_CHANGE_QUEUE_MAX,
                              timeout_ms);
    db_pool_lane_init_waiting(&pool->lanes[DB_STATEMENT_NOTE], GW_DB_CHANGE_QUEUE_MAX, timeout_ms);
    const int connections[DB_STATEMENT_KIND_COUNT] = {
        [DB_STATEMENT_READ] = options->connections,
        [DB_STATEMENT_CHANGE] = options->change_connections,
        [DB_STATEMENT_NOTE] = options->note_connections,
    };
    struct db_pool_lane *lane = &pool->lanes[DB_STATEMENT_READ];
    for (int kind = 0; kind < DB_STATEMENT_KIND_COUNT; kind++) {
        lane = connections[kind] > 0 ? &pool->lanes[kind] : lane;
        pool->lane_of[kind] = lane;
        for (int i = 0; i < connections[kind]; i++)
            init_member(pool, lane);
    }
}

enum gw_status db_pool_create(uv_loop_t *loop, const struct db_pool_options *options,
                              struct db_pool **pool_out) {
    gw_assert(options->connections > 0 && options->url != NULL);
    int connections =
        options->connections + options->change_connections + options->note_connections;
    size_t members_size = (size_t)connections * sizeof(struct db_pool_member);
    struct db_pool *pool = calloc(1, sizeof(*pool) + members_size);
    if (pool == NULL)
        return GW_NO_MEMORY;
    const struct db_link_options target = {.url = options->url,
                                           .query_timeout_ms = options->query_timeout_ms,
                                           .connect_timeout_ms = options->connect_timeout_ms,
                                           .statements = options->statements,
                                           .statement_count = options->statement_count,
                                           .role_check = options->role_check};
    enum gw_status status = db_link_target_open(&pool->target, loop, &target);
    if (status != GW_OK) {
        free(pool);
        return status;
    }
    pool->loop = loop;
    pool->options = *options;
    pool->options.url = NULL;
    pool->timer_due_ms = NEVER;
    pool->expected_ms = uv_now(loop) + GW_DB_EXPECTED_MS;
    gw_list_init(&pool->ended);
    db_blockers_init(&pool->blockers, options->statements, options->statement_count, on_blockers);
    // these cannot fail; see their manual
    (void)uv_prepare_init(loop, &pool->prepare);
    (void)uv_prepare_start(&pool->prepare, on_prepare);
    (void)uv_timer_init(loop, &pool->timer);
    pool->handle_count = 3;
    init_lanes(pool);
    *pool_out = pool;
    return GW_OK;
}

void db_pool_close(struct db_pool *pool, void (*on_closed)(struct db_pool *pool)) {
    gw_assert(!pool->is_closing);
    pool->is_closing = true;
    pool->on_closed = on_closed;
    for (int i = 0; i < DB_STATEMENT_KIND_COUNT; i++) {
        db_pool_lane_wake(&pool->lanes[i], NEVER);
        pool->lanes[i].ready = 0;
        end_queue(pool, &pool->lanes[i], NEVER);
    }
    for (int i = 0; i < pool->member_count; i++) {
        end_in_flight(&pool->members[i]);
        db_link_close(&pool->members[i].link);
    }
    db_link_target_close(&pool->target, on_target_closed);
    uv_close((uv_handle_t *)&pool->prepare, on_prepare_closed);
    uv_close((uv_handle_t *)&pool->timer, on_timer_closed);
}

// ---- queries ----

enum gw_status db_pool_submit(struct db_pool *pool, struct db_query *query) {
    struct db_pool_lane *lane = pool->lane_of[query->statement->kind];
    enum gw_status status = query->params.status;
    if (status == GW_OK)
        status = pool->is_closing ? GW_UNAVAILABLE : db_pool_lane_admit(lane);
    if (status != GW_OK) {
        db_params_deinit(&query->params);
        return status;
    }
    gw_assert(query->params.count == query->statement->parameter_count);
    query->conn = NULL;
    query->repeats = 0;
    query->is_lost = query->is_right_missing = false;
    query->repeat_ms = 0;
    query->deadline_ms = uv_now(pool->loop) + pool->options.query_timeout_ms;
    db_pool_lane_push(lane, query);
    pool->stats.queries_total++;
    arm_timer(pool, db_pool_lane_due_ms(lane));
    return GW_OK;
}

void db_pool_cancel(struct db_pool *pool, struct db_query *query) {
    if (query->link.next == NULL || gw_list_is_empty(&query->link))
        return;
    db_params_deinit(&query->params);
    if (query->conn != NULL) {
        gw_container_of(query->conn, struct db_pool_member, link.conn)->lane->in_flight--;
        db_conn_forget(query->conn, query);
    } else if (query->deadline_ms == 0) {
        gw_list_remove(&query->link); // of `ended`
    } else {
        db_pool_lane_remove(pool->lane_of[query->statement->kind], query);
    }
}

enum gw_status db_pool_use_url(struct db_pool *pool, const char *url) {
    enum gw_status status = db_link_target_use(&pool->target, url);
    if (status == GW_OK)
        db_pool_expect(pool);
    return status;
}

bool db_pool_is_ready(const struct db_pool *pool) {
    return pool->lanes[DB_STATEMENT_READ].ready > 0;
}

bool db_pool_is_expected(const struct db_pool *pool) {
    return db_pool_is_ready(pool) || uv_now(pool->loop) < pool->expected_ms;
}

uint64_t db_pool_expected_ms(const struct db_pool *pool) {
    return pool->expected_ms;
}

bool db_pool_is_busy(const struct db_pool *pool) {
    const struct db_pool_lane *lane = &pool->lanes[DB_STATEMENT_READ];
    int idle = db_pool_member_count_idle(pool->members, pool->member_count, lane);
    idle -= lane->queued; // the queue will be dealt out first
    return lane->ready > 0 && idle <= 0;
}

const char *db_pool_trouble(const struct db_pool *pool, bool *is_reached) {
    if (db_pool_is_ready(pool) || pool->target.last_reason[0] == '\0')
        return NULL;
    *is_reached = pool->target.was_reached;
    return pool->target.last_reason;
}

void db_pool_stats(const struct db_pool *pool, struct db_pool_stats *stats) {
    *stats = pool->stats;
    stats->connections_ready = db_pool_member_count_up(pool->members, pool->member_count);
    for (int i = 0; i < DB_STATEMENT_KIND_COUNT; i++) {
        stats->queries_in_flight += pool->lanes[i].in_flight;
        stats->queries_queued += pool->lanes[i].queued;
    }
    db_blockers_count(&pool->blockers, uv_now(pool->loop), &stats->locks);
}
