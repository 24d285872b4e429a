// SPDX-License-Identifier: MIT
// How a query goes: db_pool_submit puts it on `queue`; before the loop sleeps on_prepare deals the queue out to the
// connections and flushes them; its answer comes from the connection. A query that ends without an answer (connection lost,
// deadline passed) goes to `ended` and is told by on_prepare or on_timer, so that no call ever calls back inside
// itself. One timer serves all deadlines: those of queries, connects and reconnects.
#include "db/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/token_syntax.h"
#include "db/backoff.h"
#include "db/pg_conn.h"

#define NEVER UINT64_MAX
#define ERROR_LOG_INTERVAL_MS 1000
#define REASONS_MAX 8

struct pool_member {
    struct db_conn conn;
    struct db_pool *pool;
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
    struct gw_list queue; // waiting for a connection, oldest first
    struct gw_list ended; // to be told GW_UNAVAILABLE
    int queued;
    int in_flight; // with an owner that waits
    int ready;
    char last_reason[DB_CONN_REASON_LENGTH]; // empty: connected
    uint32_t logged[REASONS_MAX];            // checksums of the reasons logged since then
    int logged_count;
    bool was_reached; // in the attempt of last_reason
    char error_logged[DB_SQLSTATE_LENGTH + 1];
    uint64_t error_logged_ms;
    struct db_pool_stats stats;
    int member_count;
    struct pool_member members[];
};

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// ---- the timer ----------------------------------------------------------------------------------------------------

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

static uint64_t query_due_ms(const struct gw_list *list) {
    if (gw_list_is_empty(list))
        return NEVER;
    return gw_container_of(list->next, struct db_query, link)->deadline_ms;
}

static uint64_t member_due_ms(const struct pool_member *member) {
    if (member->conn.state != DB_CONN_READY)
        return member->due_ms;
    uint64_t sent_ms = db_conn_oldest_sent_ms(&member->conn);
    if (sent_ms == UINT64_MAX)
        return NEVER;
    return earlier(sent_ms + member->pool->options.query_timeout_ms,
                   query_due_ms(&member->conn.in_flight));
}

// ---- queries that end without an answer ---------------------------------------------------------------------------

static void end_query(struct db_pool *pool, struct db_query *query) {
    gw_list_remove(&query->link);
    query->conn = NULL;
    query->deadline_ms = 0;
    gw_list_push_back(&pool->ended, &query->link);
    arm_timer(pool, uv_now(pool->loop)); // for a turn that is about to sleep
}

static void tell_ended(struct db_pool *pool) {
    struct gw_list *link;
    while ((link = gw_list_pop_front(&pool->ended)) != NULL) {
        struct db_query *query = gw_container_of(link, struct db_query, link);
        pool->stats.queries_failed_total++;
        query->on_done(query, GW_UNAVAILABLE, NULL);
    }
}

static void end_in_flight(struct pool_member *member) {
    struct db_pool *pool = member->pool;
    while (!gw_list_is_empty(&member->conn.in_flight)) {
        pool->in_flight--;
        end_query(pool, gw_container_of(member->conn.in_flight.next, struct db_query, link));
    }
}

static void end_queue(struct db_pool *pool, uint64_t due_ms) {
    while (query_due_ms(&pool->queue) <= due_ms && !gw_list_is_empty(&pool->queue)) {
        pool->queued--;
        end_query(pool, gw_container_of(pool->queue.next, struct db_query, link));
    }
}

// ---- connections --------------------------------------------------------------------------------------------------

static void plan_connect(struct pool_member *member) {
    member->due_ms = uv_now(member->pool->loop) + db_backoff_pause_ms(member->attempts);
    if (member->attempts < 32)
        member->attempts++;
    arm_timer(member->pool, member->due_ms);
}

// Each distinct reason is news once, until a connection stands again; past REASONS_MAX of them nothing is.
static bool is_news(struct db_pool *pool, const char *reason) {
    uint32_t checksum = gw_crc32(0, reason, strlen(reason));
    for (int i = 0; i < pool->logged_count; i++) {
        if (pool->logged[i] == checksum)
            return false;
    }
    if (pool->logged_count == REASONS_MAX)
        return false;
    pool->logged[pool->logged_count++] = checksum;
    return true;
}

static void note_down(struct db_pool *pool, const struct db_conn *conn) {
    pool->was_reached = conn->was_reached;
    (void)snprintf(pool->last_reason, sizeof(pool->last_reason), "%s", conn->reason);
    struct gw_log_quote quote;
    if (is_news(pool, conn->reason))
        gw_log(GW_LOG_WARNING, "db",
               "connection to PostgreSQL failed, trying again reason=%s ready=%d",
               gw_log_quoted(&quote, gw_str_from(conn->reason)), pool->ready);
}

static void start_connect(struct pool_member *member) {
    struct db_pool *pool = member->pool;
    if (db_conn_open(&member->conn, &pool->url, member->first_host,
                     pool->options.connect_timeout_ms) != GW_OK) {
        note_down(pool, &member->conn);
        plan_connect(member);
        return;
    }
    member->due_ms = uv_now(pool->loop) + pool->options.connect_timeout_ms;
    arm_timer(pool, member->due_ms);
}

static void on_ready(struct db_conn *conn) {
    struct pool_member *member = gw_container_of(conn, struct pool_member, conn);
    struct db_pool *pool = member->pool;
    pool->ready++;
    pool->stats.connects_total++;
    member->ready_ms = uv_now(pool->loop);
    member->due_ms = NEVER;
    if (pool->last_reason[0] != '\0') {
        pool->last_reason[0] = '\0';
        pool->logged_count = 0;
        gw_log(GW_LOG_INFO, "db", "connected to PostgreSQL again");
    }
}

static void on_down(struct db_conn *conn) {
    struct pool_member *member = gw_container_of(conn, struct pool_member, conn);
    struct db_pool *pool = member->pool;
    bool was_ready = member->due_ms == NEVER;
    if (was_ready) {
        pool->ready--;
        pool->stats.disconnects_total++;
        // one that fails soon after each connect keeps its long pauses
        if (uv_now(pool->loop) - member->ready_ms >= GW_DB_RECONNECT_MAX_MS)
            member->attempts = 0;
    }
    note_down(pool, conn);
    end_in_flight(member);
    plan_connect(member);
}

// Of an error that is the statement's own fault, not of the connection. No detail: it may hold values.
static void log_statement_error(struct db_pool *pool, const struct db_query *query,
                                const PGresult *error) {
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL)
        return;
    uint64_t now = uv_now(pool->loop);
    if (strcmp(pool->error_logged, sqlstate) == 0 &&
        now - pool->error_logged_ms < ERROR_LOG_INTERVAL_MS)
        return;
    (void)snprintf(pool->error_logged, sizeof(pool->error_logged), "%s", sqlstate);
    pool->error_logged_ms = now;
    struct gw_log_quote quote;
    gw_log(GW_LOG_ERROR, "db", "statement refused statement=%s sqlstate=%s reason=%s",
           query->statement->name, sqlstate, gw_log_quoted(&quote, gw_str_from(message)));
}

static void on_answer(struct db_conn *conn, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error) {
    struct db_pool *pool = gw_container_of(conn, struct pool_member, conn)->pool;
    pool->in_flight--;
    if (status == GW_BUSY && query->statement->kind == DB_STATEMENT_READ)
        status = GW_UNAVAILABLE; // what changes nothing waits for no change
    if (status == GW_INVALID || status == GW_UNAVAILABLE || status == GW_BUSY) {
        pool->stats.queries_failed_total++;
        log_statement_error(pool, query, error);
    }
    query->on_done(query, status, result);
}

// ---- dealing out --------------------------------------------------------------------------------------------------

static struct pool_member *least_busy(struct db_pool *pool) {
    struct pool_member *best = NULL;
    for (int i = 0; i < pool->member_count; i++) {
        struct pool_member *member = &pool->members[i];
        if (db_conn_has_room(&member->conn) &&
            (best == NULL || member->conn.slot_count < best->conn.slot_count))
            best = member;
    }
    return best;
}

static void deal_out(struct db_pool *pool) {
    struct pool_member *member;
    while (!gw_list_is_empty(&pool->queue) && (member = least_busy(pool)) != NULL) {
        struct gw_list *link = gw_list_pop_front(&pool->queue);
        pool->queued--;
        pool->in_flight++;
        db_conn_send(&member->conn, gw_container_of(link, struct db_query, link));
    }
}

void db_pool_flush(struct db_pool *pool) {
    if (pool->is_closing)
        return;
    deal_out(pool);
    for (int i = 0; i < pool->member_count; i++)
        db_conn_flush(&pool->members[i].conn);
}

// Before the loop sleeps. What is told may submit again; each round but the first needs a connection to have failed.
static void on_prepare(uv_prepare_t *prepare) {
    struct db_pool *pool = gw_container_of(prepare, struct db_pool, prepare);
    db_pool_flush(pool);
    while (!pool->is_closing && !gw_list_is_empty(&pool->ended)) {
        tell_ended(pool);
        db_pool_flush(pool);
    }
}

// A silent server: what it has sent meanwhile still counts (the process may have been stopped, not the server).
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
    while (query_due_ms(&member->conn.in_flight) <= now) {
        struct db_query *query =
            gw_container_of(member->conn.in_flight.next, struct db_query, link);
        db_conn_forget(&member->conn, query);
        pool->in_flight--;
        end_query(pool, query);
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
    end_queue(pool, now);
    for (int i = 0; i < pool->member_count && !pool->is_closing; i++)
        check_member(&pool->members[i], now);
    tell_ended(pool);
    uint64_t due_ms = query_due_ms(&pool->queue);
    for (int i = 0; i < pool->member_count; i++)
        due_ms = earlier(due_ms, member_due_ms(&pool->members[i]));
    arm_timer(pool, due_ms);
}

// ---- the life of the pool -----------------------------------------------------------------------------------------

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

static void init_member(struct db_pool *pool, struct pool_member *member) {
    member->pool = pool;
    member->due_ms = uv_now(pool->loop);
    db_conn_init(&member->conn, pool->loop, &pool->statements, &conn_events);
}

enum gw_status db_pool_create(uv_loop_t *loop, const struct db_pool_options *options,
                              struct db_pool **pool_out) {
    gw_assert(options->connections > 0 && options->url != NULL);
    size_t members_size = (size_t)options->connections * sizeof(struct pool_member);
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
    pool->timer_due_ms = NEVER;
    gw_list_init(&pool->queue);
    gw_list_init(&pool->ended);
    // neither can fail; see their manual
    (void)uv_prepare_init(loop, &pool->prepare);
    (void)uv_prepare_start(&pool->prepare, on_prepare);
    (void)uv_timer_init(loop, &pool->timer);
    pool->handle_count = 2;
    pool->member_count = options->connections;
    for (int i = 0; i < pool->member_count; i++)
        init_member(pool, &pool->members[i]);
    arm_timer(pool, uv_now(loop));
    *pool_out = pool;
    return GW_OK;
}

void db_pool_close(struct db_pool *pool, void (*on_closed)(struct db_pool *pool)) {
    gw_assert(!pool->is_closing);
    pool->is_closing = true;
    pool->on_closed = on_closed;
    pool->ready = 0;
    end_queue(pool, NEVER);
    for (int i = 0; i < pool->member_count; i++) {
        db_conn_close(&pool->members[i].conn);
        end_in_flight(&pool->members[i]);
    }
    uv_close((uv_handle_t *)&pool->prepare, on_prepare_closed);
    uv_close((uv_handle_t *)&pool->timer, on_timer_closed);
}

// ---- queries ------------------------------------------------------------------------------------------------------

enum gw_status db_pool_submit(struct db_pool *pool, struct db_query *query) {
    gw_assert(query->statement->parameter_count <= DB_QUERY_PARAMETERS_MAX);
    int room = pool->ready * DB_CONN_IN_FLIGHT_MAX - pool->in_flight;
    if (pool->is_closing || pool->queued >= pool->options.queue_max + (room > 0 ? room : 0))
        return GW_UNAVAILABLE;
    query->conn = NULL;
    query->deadline_ms = uv_now(pool->loop) + pool->options.query_timeout_ms;
    gw_list_push_back(&pool->queue, &query->link);
    pool->queued++;
    pool->stats.queries_total++;
    arm_timer(pool, query->deadline_ms);
    return GW_OK;
}

void db_pool_cancel(struct db_pool *pool, struct db_query *query) {
    if (gw_list_is_empty(&query->link))
        return;
    if (query->conn != NULL) {
        db_conn_forget(query->conn, query);
        pool->in_flight--;
        return;
    }
    if (query->deadline_ms != 0) // else it is on `ended`
        pool->queued--;
    gw_list_remove(&query->link);
}

bool db_pool_is_ready(const struct db_pool *pool) {
    return pool->ready > 0;
}

bool db_pool_is_busy(const struct db_pool *pool) {
    int idle = -pool->queued; // what is queued will be dealt out first
    for (int i = 0; i < pool->member_count; i++) {
        const struct db_conn *conn = &pool->members[i].conn;
        idle += conn->state == DB_CONN_READY && conn->slot_count == 0;
    }
    return pool->ready > 0 && idle <= 0;
}

const char *db_pool_trouble(const struct db_pool *pool, bool *is_reached) {
    if (pool->ready > 0 || pool->last_reason[0] == '\0')
        return NULL;
    *is_reached = pool->was_reached;
    return pool->last_reason;
}

void db_pool_stats(const struct db_pool *pool, struct db_pool_stats *stats) {
    *stats = pool->stats;
    stats->connections_ready = pool->ready;
    stats->queries_in_flight = pool->in_flight;
    stats->queries_queued = pool->queued;
}
