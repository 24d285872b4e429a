// SPDX-License-Identifier: MIT
// One timer serves all: reconnects, their deadlines, the silence of the server, and the owner's
// tick. It is started for the earliest of these and never put off: when it fires too early it is
// started again, which costs less than moving it with every query.
#include "db/link.h"

#include <stdio.h>
#include <string.h>

#include "db/backoff.h"

#define NEVER UINT64_MAX
#define ATTEMPTS_MAX 32 // counted: the pause is at its longest before

enum gw_status db_link_target_init(struct db_link_target *target,
                                   const struct db_link_options *options) {
    memset(target, 0, sizeof(*target));
    target->query_timeout_ms = options->query_timeout_ms;
    target->connect_timeout_ms = options->connect_timeout_ms;
    db_conn_statements_init(&target->statements, options->statements, options->statement_count);
    target->statements.role_check = options->role_check;
    return db_url_parse(options->url, &target->url);
}

void db_link_target_deinit(struct db_link_target *target) {
    db_url_deinit(&target->url);
}

// ---- the timer ----

static void on_timer(uv_timer_t *timer);

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// When the oldest query has waited too long.
static uint64_t silence_due_ms(const struct db_link *link) {
    uint64_t sent_ms = db_conn_oldest_sent_ms(&link->conn);
    return sent_ms == NEVER ? NEVER : sent_ms + link->target->query_timeout_ms;
}

static void arm_timer(struct db_link *link) {
    uint64_t due_ms = link->is_up ? earlier(link->tick_ms, silence_due_ms(link)) : link->due_ms;
    if (link->is_closing || due_ms >= link->timer_due_ms)
        return;
    uint64_t now = uv_now(db_link_loop(link));
    link->timer_due_ms = due_ms;
    int error = uv_timer_start(&link->timer, on_timer, due_ms > now ? due_ms - now : 0, 0);
    gw_assert(error == 0);
}

// After each event.
static void settle(struct db_link *link) {
    db_conn_flush(&link->conn);
    arm_timer(link);
}

// ---- down ----

static void forget_queries(struct db_link *link) {
    while (gw_list_pop_front(&link->conn.in_flight) != NULL)
        continue;
}

static void note_down(struct db_link *link) {
    struct db_link_target *target = link->target;
    (void)snprintf(target->last_reason, sizeof(target->last_reason), "%s", link->conn.reason);
    target->was_reached = link->conn.was_reached;
    if (db_once_is_new(&target->logged, target->last_reason))
        link->events->log_down(link, target->last_reason);
}

static void plan_connect(struct db_link *link) {
    gw_assert(link->conn.state == DB_CONN_DOWN && !link->is_closing);
    link->due_ms = uv_now(db_link_loop(link)) + db_backoff_pause_ms(link->attempts);
    if (link->attempts < ATTEMPTS_MAX)
        link->attempts++;
    note_down(link);
}

static void on_down(struct db_conn *conn) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    bool was_up = link->is_up;
    link->is_up = false;
    // a link that fails soon after each connect keeps its long pauses
    if (was_up && uv_now(conn->socket.loop) - link->ready_ms >= GW_DB_RECONNECT_MAX_MS)
        link->attempts = 0;
    link->events->on_down(link, was_up);
    forget_queries(link);
    plan_connect(link);
    arm_timer(link);
}

// ---- up ----

static void note_up(struct db_link *link) {
    struct db_link_target *target = link->target;
    if (target->last_reason[0] == '\0')
        return;
    target->last_reason[0] = '\0';
    target->logged = (struct db_once){.count = 0};
    link->events->log_up(link);
}

static void on_ready(struct db_conn *conn) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    gw_assert(!link->is_up && !link->is_closing);
    link->is_up = true;
    link->ready_ms = uv_now(conn->socket.loop);
    link->tick_ms = NEVER;
    note_up(link);
    link->events->on_ready(link);
    settle(link);
}

static void on_answer(struct db_conn *conn, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    gw_assert(link->is_up && !link->is_closing);
    link->events->on_answer(link, query, status, result, error);
    settle(link);
}

static void on_notify(struct db_conn *conn) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    gw_assert(!link->is_closing);
    if (link->events->on_notify != NULL)
        link->events->on_notify(link);
    settle(link);
}

// ---- when the timer fires ----

static void connect_now(struct db_link *link) {
    const struct db_link_target *target = link->target;
    uint64_t timeout_ms = target->connect_timeout_ms;
    if (db_conn_open(&link->conn, &target->url, link->first_host, timeout_ms) != GW_OK)
        plan_connect(link);
    else
        link->due_ms = uv_now(db_link_loop(link)) + timeout_ms;
}

// The next attempt begins with the next host: a silent one does not keep us from the others.
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
    if (link->is_up && silence_due_ms(link) <= now)
        db_conn_fail(&link->conn, "no answer to a query in time");
}

static void tick(struct db_link *link, uint64_t now) {
    if (!link->is_up || now < link->tick_ms)
        return;
    link->tick_ms = NEVER;
    link->events->on_tick(link);
}

static void on_timer(uv_timer_t *timer) {
    struct db_link *link = gw_container_of(timer, struct db_link, timer);
    gw_assert(!link->is_closing);
    uint64_t now = uv_now(db_link_loop(link));
    link->timer_due_ms = NEVER;
    if (link->is_up)
        check_silence(link, now);
    else if (now >= link->due_ms && link->conn.state == DB_CONN_DOWN)
        connect_now(link);
    else if (now >= link->due_ms)
        give_up_connect(link);
    tick(link, now);
    settle(link);
}

// ---- life ----

static void finish_closing(struct db_link *link) {
    if (link->is_timer_closed && !db_conn_has_handles(&link->conn))
        link->events->on_closed(link);
}

static void on_conn_handle_closed(struct db_conn *conn) {
    finish_closing(gw_container_of(conn, struct db_link, conn));
}

static void on_timer_closed(uv_handle_t *handle) {
    struct db_link *link = gw_container_of(handle, struct db_link, timer);
    gw_assert(link->is_closing && !link->is_timer_closed);
    link->is_timer_closed = true;
    finish_closing(link);
}

static const struct db_conn_events conn_events = {
    .on_ready = on_ready,
    .on_answer = on_answer,
    .on_down = on_down,
    .on_notify = on_notify,
    .on_handle_closed = on_conn_handle_closed,
};

void db_link_open(struct db_link *link, uv_loop_t *loop, struct db_link_target *target,
                  const struct db_link_events *events) {
    memset(link, 0, sizeof(*link));
    link->target = target;
    link->events = events;
    link->timer_due_ms = NEVER;
    link->due_ms = uv_now(loop);
    db_conn_init(&link->conn, loop, &target->statements, &conn_events);
    (void)uv_timer_init(loop, &link->timer); // cannot fail
    arm_timer(link);
}

void db_link_close(struct db_link *link) {
    gw_assert(!link->is_closing);
    link->is_closing = true;
    link->is_up = false;
    db_conn_close(&link->conn);
    forget_queries(link);
    uv_close((uv_handle_t *)&link->timer, on_timer_closed);
}

void db_link_send(struct db_link *link, struct db_query *query) {
    gw_assert(db_link_has_room(link));
    db_conn_send(&link->conn, query);
    arm_timer(link);
}

void db_link_flush(struct db_link *link) {
    settle(link);
}

void db_link_read(struct db_link *link) {
    gw_assert(link->is_up);
    db_conn_read(&link->conn);
}

void db_link_fail(struct db_link *link, const char *reason) {
    gw_assert(link->is_up);
    db_conn_fail(&link->conn, reason);
}

void db_link_hurry(struct db_link *link) {
    if (link->conn.state == DB_CONN_DOWN)
        link->due_ms = uv_now(db_link_loop(link));
    arm_timer(link);
}

void db_link_tick_at(struct db_link *link, uint64_t tick_ms) {
    link->tick_ms = tick_ms;
    arm_timer(link);
}
