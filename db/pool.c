// SPDX-License-Identifier: MIT
// How a query goes: db_pool_submit puts it on the queue of its lane; before the loop sleeps
// on_prepare deals the queues out to the connections and flushes them; its answer comes from the
// connection. A change that PostgreSQL ended for the sake of another one rests in its lane for a
// moment and queues again. A query that ends without an answer (connection lost, deadline passed)
// goes to `ended` and is told by on_prepare or on_timer, so that no call ever calls back inside
// itself. One timer serves all deadlines: those of queries, connects and reconnects, and the looks
// at who blocks a change.
#include "db/pool.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "db/backoff.h"
#include "db/blockers.h"
#include "db/pg_conn.h"
#include "db/pool_lane.h"
#include "db/pool_log.h"

#define NEVER UINT64_MAX

struct pool_member {
    struct db_conn conn;
    struct db_pool *pool;
    struct db_pool_lane *lane;
    uint64_t due_ms;     // DOWN: when to connect; CONNECTING, PREPARING: when to give up
    uint64_t ready_ms;   // since when it is READY
    int attempts;        // failed in a row
    unsigned first_host; // of the URL, to be tried first
};

struct db_pool {
    uv_loop_t *loop;
    struct db_pool_options options;
    struct db_url url;
    struct db_conn_statements statements;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uint64_t timer_due_ms; // NEVER: not running
    int handle_count;      // of the two above
    bool is_closing;
    bool is_finished;
    void (*on_closed)(struct db_pool *pool);
    struct db_pool_lane lanes[DB_STATEMENT_KIND_COUNT];
    // A kind without connections shares those of the one before.
    struct db_pool_lane *lane_of[DB_STATEMENT_KIND_COUNT];
    struct gw_list ended; // to be told their outcome
    struct db_pool_log log;
    struct db_blockers blockers;
    struct db_pool_stats stats;
    int member_count;
    struct pool_member members[];
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

// Of what a connection has in flight. Who waits for a lock is answered in its time, or the server
// is silent.
static uint64_t in_flight_due_ms(const struct pool_member *member) {
    const struct gw_list *list = &member->conn.in_flight;
    if (gw_list_is_empty(list) || member->lane->may_wait)
        return NEVER;
    return gw_container_of(list->next, struct db_query, link)->deadline_ms;
}

static uint64_t member_due_ms(const struct pool_member *member) {
    if (member->conn.state != DB_CONN_READY)
        return member->due_ms;
    uint64_t sent_ms = db_conn_oldest_sent_ms(&member->conn);
    if (sent_ms == UINT64_MAX)
        return NEVER;
    return earlier(sent_ms + member->pool->options.query_timeout_ms, in_flight_due_ms(member));
}

static uint64_t due_ms_of(const struct db_pool *pool) {
    uint64_t due_ms = db_blockers_due_ms(&pool->blockers);
    for (int i = 0; i < DB_STATEMENT_KIND_COUNT; i++)
        due_ms = earlier(due_ms, db_pool_lane_due_ms(&pool->lanes[i]));
    for (int i = 0; i < pool->member_count; i++)
        due_ms = earlier(due_ms, member_due_ms(&pool->members[i]));
    return due_ms;
}

// ---- queries that end ----

// The last touch of the query.
static void tell_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    db_params_deinit(&query->params);
    query->on_done(query, status, result);
}

// Off the list that it was on.
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

static void tell_ended(struct db_pool *pool) {
    struct gw_list *link;
    while ((link = gw_list_pop_front(&pool->ended)) != NULL) {
        struct db_query *query = gw_container_of(link, struct db_query, link);
        count_failure(pool, query, query->outcome);
        tell_done(query, query->outcome, NULL);
    }
}

static void end_in_flight(struct pool_member *member) {
    struct gw_list *link;
    while ((link = gw_list_pop_front(&member->conn.in_flight)) != NULL) {
        member->lane->in_flight--;
        end_query(member->pool, gw_container_of(link, struct db_query, link), GW_UNAVAILABLE);
    }
}

static void end_queue(struct db_pool *pool, struct db_pool_lane *lane, uint64_t due_ms) {
    while (lane->queued > 0 && db_pool_lane_late_ms(lane) <= due_ms)
        end_query(pool, db_pool_lane_pop(lane), db_pool_lane_late_status(lane));
}

// ---- changes that are tried again ----

// False: it was not the fault of the moment, was tried often enough, or its time is over.
static bool may_repeat(const struct db_pool *pool, const struct db_query *query,
                       const PGresult *error) {
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    uint64_t half_ms = pool->options.query_timeout_ms / 2;
    return query->statement->kind == DB_STATEMENT_CHANGE && db_sql_error_may_repeat(sqlstate) &&
           query->repeats < GW_DB_REPEATS_MAX && uv_now(pool->loop) + half_ms < query->deadline_ms;
}

// The pause differs, so that two that met do not meet again.
static void rest(struct db_pool *pool, struct db_query *query) {
    struct db_pool_lane *lane = pool->lane_of[query->statement->kind];
    uint64_t pause_ms = 1 + db_backoff_random_below(GW_DB_REPEAT_PAUSE_MS);
    db_pool_lane_rest(lane, query, uv_now(pool->loop) + pause_ms);
    pool->stats.repeated_total++;
    arm_timer(pool, query->repeat_ms);
}

// ---- what waits for a lock ----

// The answer tells the log who is in the way. Without room for the question it is asked the next
// time.
static void look_for_blockers(struct db_pool *pool, uint64_t now) {
    enum gw_status status = GW_OK;
    if (db_blockers_look(&pool->blockers, now))
        status = db_pool_submit(pool, &pool->blockers.query);
    if (status != GW_OK)
        gw_log(GW_LOG_DEBUG, "db", "no room to ask what a change waits for");
}

static void on_blockers(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_pool *pool = gw_container_of(query, struct db_pool, blockers.query);
    db_blockers_take(&pool->blockers, status, result, uv_now(pool->loop));
}

// ---- connections ----

static int ready_count(const struct db_pool *pool) {
    int count = 0;
    for (int i = 0; i < DB_STATEMENT_KIND_COUNT; i++)
        count += pool->lanes[i].ready;
    return count;
}

static void plan_connect(struct pool_member *member) {
    member->due_ms = uv_now(member->pool->loop) + db_backoff_pause_ms(member->attempts);
    if (member->attempts < 32)
        member->attempts++;
    arm_timer(member->pool, member->due_ms);
}

static void start_connect(struct pool_member *member) {
    struct db_pool *pool = member->pool;
    if (db_conn_open(&member->conn, &pool->url, member->first_host,
                     pool->options.connect_timeout_ms) != GW_OK) {
        db_pool_log_down(&pool->log, &member->conn, ready_count(pool));
        plan_connect(member);
        return;
    }
    member->due_ms = uv_now(pool->loop) + pool->options.connect_timeout_ms;
    arm_timer(pool, member->due_ms);
}

static void on_ready(struct db_conn *conn) {
    struct pool_member *member = gw_container_of(conn, struct pool_member, conn);
    struct db_pool *pool = member->pool;
    pool->stats.connects_total++;
    member->ready_ms = uv_now(pool->loop);
    member->due_ms = NEVER;
    db_pool_lane_connected(member->lane, member->ready_ms);
    arm_timer(pool, db_pool_lane_due_ms(member->lane));
    db_pool_log_up(&pool->log);
}

static void on_down(struct db_conn *conn) {
    struct pool_member *member = gw_container_of(conn, struct pool_member, conn);
    struct db_pool *pool = member->pool;
    bool was_ready = member->due_ms == NEVER;
    if (was_ready) {
        db_pool_lane_disconnected(member->lane);
        pool->stats.disconnects_total++;
        // one that fails soon after each connect keeps its long pauses
        if (uv_now(pool->loop) - member->ready_ms >= GW_DB_RECONNECT_MAX_MS)
            member->attempts = 0;
    }
    db_pool_log_down(&pool->log, conn, ready_count(pool));
    end_in_flight(member);
    plan_connect(member);
}

static enum gw_status status_of_answer(const struct db_query *query, enum gw_status status,
                                       const PGresult *error) {
    if (status == GW_BUSY && query->statement->kind == DB_STATEMENT_READ)
        return GW_UNAVAILABLE; // what changes nothing waits for no change
    if (status == GW_CONFLICT && db_pool_log_is_number_taken(error))
        return GW_INVALID;
    return status;
}

static void on_answer(struct db_conn *conn, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error) {
    struct pool_member *member = gw_container_of(conn, struct pool_member, conn);
    struct db_pool *pool = member->pool;
    member->lane->in_flight--;
    if (member->lane->may_wait)
        db_blockers_note_answer(&pool->blockers, query, status, uv_now(pool->loop));
    if (status == GW_BUSY && may_repeat(pool, query, error)) {
        rest(pool, query);
        return;
    }
    status = status_of_answer(query, status, error);
    if (status == GW_INVALID || status == GW_UNAVAILABLE || status == GW_BUSY) {
        count_failure(pool, query, status);
        db_pool_log_error(&pool->log, query->statement, error, uv_now(pool->loop));
    }
    tell_done(query, status, result);
}

// ---- dealing out ----

static struct pool_member *least_busy(struct db_pool *pool, const struct db_pool_lane *lane) {
    struct pool_member *best = NULL;
    for (int i = 0; i < pool->member_count; i++) {
        struct pool_member *member = &pool->members[i];
        if (member->lane == lane && db_conn_has_room(&member->conn) &&
            member->conn.slot_count < lane->depth &&
            (best == NULL || member->conn.slot_count < best->conn.slot_count))
            best = member;
    }
    return best;
}

static void deal_out(struct db_pool *pool, struct db_pool_lane *lane) {
    struct pool_member *member;
    while (lane->queued > 0 && (member = least_busy(pool, lane)) != NULL) {
        struct db_query *query = db_pool_lane_pop(lane);
        lane->in_flight++;
        query->sent_ms = uv_now(pool->loop);
        db_conn_send(&member->conn, query);
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
        db_conn_flush(&pool->members[i].conn);
}

// Before the loop sleeps. What is told may submit again; each round but the first needs a
// connection to have failed.
static void on_prepare(uv_prepare_t *prepare) {
    struct db_pool *pool = gw_container_of(prepare, struct db_pool, prepare);
    db_pool_flush(pool);
    while (!pool->is_closing && !gw_list_is_empty(&pool->ended)) {
        tell_ended(pool);
        db_pool_flush(pool);
    }
}

// A silent server: what it has sent meanwhile still counts (the process may have been stopped, not
// the server).
static void check_in_flight(struct pool_member *member, uint64_t now) {
    struct db_pool *pool = member->pool;
    if (member_due_ms(member) > now)
        return;
    db_conn_read(&member->conn);
    if (member->conn.state != DB_CONN_READY)
        return;
    uint64_t sent_ms = db_conn_oldest_sent_ms(&member->conn);
    if (sent_ms != UINT64_MAX && sent_ms + pool->options.query_timeout_ms <= now) {
        db_conn_fail(&member->conn, "no answer to a query in time");
        return;
    }
    // Waited long in the queue: late, but the connection has had its chance not yet.
    while (in_flight_due_ms(member) <= now) {
        struct db_query *query =
            gw_container_of(member->conn.in_flight.next, struct db_query, link);
        db_conn_forget(&member->conn, query);
        member->lane->in_flight--;
        end_query(pool, query, GW_UNAVAILABLE);
    }
}

// A host of several that says nothing must not keep us from the others.
static void give_up_connect(struct pool_member *member) {
    member->first_host++;
    db_conn_fail(&member->conn, "no connection in time");
}

static void check_member(struct pool_member *member, uint64_t now) {
    if (member->conn.state == DB_CONN_READY)
        check_in_flight(member, now);
    else if (member->due_ms > now)
        return;
    else if (member->conn.state == DB_CONN_DOWN)
        start_connect(member);
    else
        give_up_connect(member);
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
        check_member(&pool->members[i], now);
    look_for_blockers(pool, now);
    tell_ended(pool);
    arm_timer(pool, due_ms_of(pool));
}

// ---- the life of the pool ----

static void finish_closing(struct db_pool *pool) {
    if (!pool->is_closing || pool->is_finished || pool->handle_count > 0)
        return;
    for (int i = 0; i < pool->member_count; i++) {
        if (db_conn_has_handles(&pool->members[i].conn))
            return;
    }
    pool->is_finished = true;
    tell_ended(pool);
    if (pool->on_closed != NULL)
        pool->on_closed(pool);
    db_url_deinit(&pool->url);
    free(pool);
}

static void on_conn_handle_closed(struct db_conn *conn) {
    finish_closing(gw_container_of(conn, struct pool_member, conn)->pool);
}

static void on_prepare_closed(uv_handle_t *handle) {
    struct db_pool *pool = gw_container_of(handle, struct db_pool, prepare);
    pool->handle_count--;
    finish_closing(pool);
}

static void on_timer_closed(uv_handle_t *handle) {
    struct db_pool *pool = gw_container_of(handle, struct db_pool, timer);
    pool->handle_count--;
    finish_closing(pool);
}

static const struct db_conn_events conn_events = {
    .on_ready = on_ready,
    .on_answer = on_answer,
    .on_down = on_down,
    .on_handle_closed = on_conn_handle_closed,
};

static int connections_of(const struct db_pool_options *options, int kind) {
    const int counts[DB_STATEMENT_KIND_COUNT] = {
        [DB_STATEMENT_READ] = options->connections,
        [DB_STATEMENT_CHANGE] = options->change_connections,
        [DB_STATEMENT_NOTE] = options->note_connections,
    };
    return counts[kind];
}

static bool finds_blockers(const struct db_pool_options *options) {
    for (int i = 0; i < options->statement_count; i++) {
        if (options->statements[i] == &db_blockers_statement)
            return true;
    }
    return false;
}

static void init_member(struct db_pool *pool, struct db_pool_lane *lane) {
    struct pool_member *member = &pool->members[pool->member_count++];
    member->pool = pool;
    member->lane = lane;
    member->due_ms = uv_now(pool->loop);
    db_conn_init(&member->conn, pool->loop, &pool->statements, &conn_events);
    if (lane->may_wait && finds_blockers(&pool->options))
        db_blockers_watch(&pool->blockers, &member->conn);
}

static void init_lanes(struct db_pool *pool) {
    const struct db_pool_options *options = &pool->options;
    uint64_t timeout_ms = options->query_timeout_ms;
    db_pool_lane_init(&pool->lanes[DB_STATEMENT_READ], options->queue_max, timeout_ms);
    db_pool_lane_init_waiting(&pool->lanes[DB_STATEMENT_CHANGE], GW_DB_CHANGE_QUEUE_MAX,
                              timeout_ms);
    db_pool_lane_init_waiting(&pool->lanes[DB_STATEMENT_NOTE], GW_DB_CHANGE_QUEUE_MAX, timeout_ms);
    struct db_pool_lane *lane = &pool->lanes[DB_STATEMENT_READ];
    for (int kind = 0; kind < DB_STATEMENT_KIND_COUNT; kind++) {
        int connections = connections_of(options, kind);
        lane = connections > 0 ? &pool->lanes[kind] : lane;
        pool->lane_of[kind] = lane;
        for (int i = 0; i < connections; i++)
            init_member(pool, lane);
    }
}

enum gw_status db_pool_create(uv_loop_t *loop, const struct db_pool_options *options,
                              struct db_pool **pool_out) {
    gw_assert(options->connections > 0 && options->url != NULL);
    int connections =
        options->connections + options->change_connections + options->note_connections;
    size_t members_size = (size_t)connections * sizeof(struct pool_member);
    struct db_pool *pool = calloc(1, sizeof(*pool) + members_size);
    if (pool == NULL)
        return GW_NO_MEMORY;
    enum gw_status status = db_url_parse(options->url, &pool->url);
    if (status != GW_OK) {
        free(pool);
        return status;
    }
    pool->loop = loop;
    pool->options = *options;
    pool->options.url = NULL;
    db_conn_statements_init(&pool->statements, options->statements, options->statement_count);
    pool->statements.role_check = options->role_check;
    pool->timer_due_ms = NEVER;
    gw_list_init(&pool->ended);
    db_blockers_init(&pool->blockers, on_blockers);
    // neither can fail; see their manual
    (void)uv_prepare_init(loop, &pool->prepare);
    (void)uv_prepare_start(&pool->prepare, on_prepare);
    (void)uv_timer_init(loop, &pool->timer);
    pool->handle_count = 2;
    init_lanes(pool);
    arm_timer(pool, uv_now(loop));
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
        db_conn_close(&pool->members[i].conn);
        end_in_flight(&pool->members[i]);
    }
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
        gw_container_of(query->conn, struct pool_member, conn)->lane->in_flight--;
        db_conn_forget(query->conn, query);
    } else if (query->deadline_ms == 0) {
        gw_list_remove(&query->link); // of `ended`
    } else {
        db_pool_lane_remove(pool->lane_of[query->statement->kind], query);
    }
}

bool db_pool_is_ready(const struct db_pool *pool) {
    return pool->lanes[DB_STATEMENT_READ].ready > 0;
}

bool db_pool_is_busy(const struct db_pool *pool) {
    const struct db_pool_lane *lane = &pool->lanes[DB_STATEMENT_READ];
    int idle = -lane->queued; // what is queued will be dealt out first
    for (int i = 0; i < pool->member_count; i++) {
        const struct pool_member *member = &pool->members[i];
        idle += member->lane == lane && member->conn.state == DB_CONN_READY &&
                member->conn.slot_count == 0;
    }
    return lane->ready > 0 && idle <= 0;
}

const char *db_pool_trouble(const struct db_pool *pool, bool *is_reached) {
    if (db_pool_is_ready(pool) || pool->log.last_reason[0] == '\0')
        return NULL;
    *is_reached = pool->log.was_reached;
    return pool->log.last_reason;
}

void db_pool_stats(const struct db_pool *pool, struct db_pool_stats *stats) {
    *stats = pool->stats;
    stats->connections_ready = ready_count(pool);
    for (int i = 0; i < DB_STATEMENT_KIND_COUNT; i++) {
        stats->queries_in_flight += pool->lanes[i].in_flight;
        stats->queries_queued += pool->lanes[i].queued;
    }
    db_blockers_count(&pool->blockers, uv_now(pool->loop), &stats->locks);
}
