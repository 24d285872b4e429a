// SPDX-License-Identifier: MIT
// One timer serves all: reconnects, their deadlines, the silence of the server, and the owner's
// tick.
#include "db/pg_link.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "db/backoff.h"

#define NEVER UINT64_MAX

static void on_timer(uv_timer_t *timer);

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// When the oldest query has waited too long.
static uint64_t silence_due_ms(const struct db_link *link) {
    uint64_t sent_ms = db_conn_oldest_sent_ms(&link->conn);
    return sent_ms == UINT64_MAX ? NEVER : sent_ms + link->options.query_timeout_ms;
}

static void plan_timer(struct db_link *link) {
    if (link->is_closing)
        return;
    uint64_t now = uv_now(db_link_loop(link));
    uint64_t due_ms =
        db_link_is_up(link) ? earlier(link->tick_ms, silence_due_ms(link)) : link->due_ms;
    int error = uv_timer_start(&link->timer, on_timer, due_ms > now ? due_ms - now : 0, 0);
    gw_assert(error == 0);
}

// After each event.
static void settle(struct db_link *link) {
    db_conn_flush(&link->conn);
    plan_timer(link);
}

// ---- down ----

static void forget_queries(struct db_link *link) {
    while (gw_list_pop_front(&link->conn.in_flight) != NULL)
        continue;
}

// Each distinct reason once, until the connection stands again.
static void note_down(struct db_link *link) {
    const char *reason = link->conn.reason;
    if (strcmp(link->last_reason, reason) == 0)
        return;
    (void)snprintf(link->last_reason, sizeof(link->last_reason), "%s", reason);
    struct gw_log_quote quote;
    gw_log(GW_LOG_WARNING, "db", "the %s has no connection to PostgreSQL, trying again reason=%s",
           link->options.name, gw_log_quoted(&quote, gw_str_from(reason)));
}

static void plan_connect(struct db_link *link) {
    note_down(link);
    link->due_ms = uv_now(db_link_loop(link)) + db_backoff_pause_ms(link->attempts);
    if (link->attempts < 32)
        link->attempts++;
}

static void on_down(struct db_conn *conn) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    // one that fails soon after each connect keeps its long pauses
    if (link->ready_ms != 0 && uv_now(conn->loop) - link->ready_ms >= GW_DB_RECONNECT_MAX_MS)
        link->attempts = 0;
    link->ready_ms = 0;
    forget_queries(link);
    plan_connect(link);
    link->events->on_down(link);
    plan_timer(link);
}

// ---- up ----

static void on_ready(struct db_conn *conn) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    link->ready_ms = uv_now(conn->loop);
    link->tick_ms = NEVER;
    if (link->last_reason[0] != '\0') {
        link->last_reason[0] = '\0';
        gw_log(GW_LOG_INFO, "db", "the %s is connected to PostgreSQL again", link->options.name);
    }
    link->events->on_ready(link);
    settle(link);
}

static void on_answer(struct db_conn *conn, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    link->events->on_answer(link, query, status, result, error);
    settle(link);
}

static void on_notify(struct db_conn *conn) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    link->events->on_notify(link);
    settle(link);
}

// ---- the timer ----

static void connect_now(struct db_link *link) {
    uint64_t timeout_ms = link->options.connect_timeout_ms;
    if (db_conn_open(&link->conn, &link->url, link->first_host, timeout_ms) != GW_OK)
        plan_connect(link);
    else
        link->due_ms = uv_now(db_link_loop(link)) + timeout_ms;
}

// A host of several that says nothing must not keep us from the others.
static void give_up_connect(struct db_link *link) {
    link->first_host++;
    db_conn_fail(&link->conn, "no connection in time");
}

// What the server has sent meanwhile still counts: this process may have been stopped, not the
// server.
static void check_silence(struct db_link *link, uint64_t now) {
    if (silence_due_ms(link) > now)
        return;
    db_conn_read(&link->conn);
    if (db_link_is_up(link) && silence_due_ms(link) <= now)
        db_conn_fail(&link->conn, "no answer to a query in time");
}

static void on_timer(uv_timer_t *timer) {
    struct db_link *link = gw_container_of(timer, struct db_link, timer);
    uint64_t now = uv_now(db_link_loop(link));
    if (db_link_is_up(link))
        check_silence(link, now);
    else if (now >= link->due_ms && link->conn.state == DB_CONN_DOWN)
        connect_now(link);
    else if (now >= link->due_ms)
        give_up_connect(link);
    if (db_link_is_up(link) && now >= link->tick_ms) {
        link->tick_ms = NEVER;
        link->events->on_tick(link);
    }
    settle(link);
}

// ---- life ----

static void tell_closed(struct db_link *link) {
    if (!link->is_timer_closed || db_conn_has_handles(&link->conn))
        return;
    db_url_deinit(&link->url);
    link->events->on_closed(link);
}

static void on_conn_handle_closed(struct db_conn *conn) {
    tell_closed(gw_container_of(conn, struct db_link, conn));
}

static void on_timer_closed(uv_handle_t *handle) {
    struct db_link *link = gw_container_of(handle, struct db_link, timer);
    link->is_timer_closed = true;
    tell_closed(link);
}

static const struct db_conn_events conn_events = {
    .on_ready = on_ready,
    .on_answer = on_answer,
    .on_down = on_down,
    .on_notify = on_notify,
    .on_handle_closed = on_conn_handle_closed,
};

enum gw_status db_link_open(struct db_link *link, uv_loop_t *loop,
                            const struct db_link_options *options,
                            const struct db_link_events *events) {
    memset(link, 0, sizeof(*link));
    enum gw_status status = db_url_parse(options->url, &link->url);
    if (status != GW_OK)
        return status;
    link->events = events;
    link->options = *options;
    link->options.url = NULL;
    db_conn_statements_init(&link->statements, options->statements, options->statement_count);
    link->statements.role_check = options->role_check;
    db_conn_init(&link->conn, loop, &link->statements, &conn_events);
    (void)uv_timer_init(loop, &link->timer); // cannot fail
    plan_timer(link);
    return GW_OK;
}

void db_link_close(struct db_link *link) {
    gw_assert(!link->is_closing);
    link->is_closing = true;
    db_conn_close(&link->conn);
    forget_queries(link);
    uv_close((uv_handle_t *)&link->timer, on_timer_closed);
}

void db_link_send(struct db_link *link, struct db_query *query) {
    if (db_conn_has_room(&link->conn) && gw_list_is_empty(&query->link))
        db_conn_send(&link->conn, query);
}

void db_link_flush(struct db_link *link) {
    settle(link);
}

void db_link_hurry(struct db_link *link) {
    if (link->conn.state == DB_CONN_DOWN)
        link->due_ms = uv_now(db_link_loop(link));
    plan_timer(link);
}

void db_link_tick_at(struct db_link *link, uint64_t tick_ms) {
    link->tick_ms = tick_ms;
    plan_timer(link);
}
