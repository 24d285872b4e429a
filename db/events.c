// SPDX-License-Identifier: MIT
// One round: the heartbeat, when one is due, and then a poll in the same write, so that an answered poll says that the
// heartbeat was answered too. Rounds start when the connection is ready and every poll interval after; a
// notification asks for a poll alone. Whenever a poll brought something, the heartbeat follows at once.
//
//   ready --> LISTEN, newest row (first time only) --> round --> page --+--> heartbeat if applied, next page if full
//               ^                                       ^               |
//               |                                       +-- timer       +--> gap: newest row, on_gap, round
//
// One timer serves reconnects and the silence of the server. Any statement that fails fails the connection: it starts over.
#include "db/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "db/backoff.h"
#include "db/event_log.h"
#include "db/events_wait.h"
#include "db/pg_binary.h"
#include "db/pg_conn.h"

#define HEARTBEAT_INTERVAL_MS (DB_GATEWAY_LIVE_MS / 5)
#define GATEWAY_ID_BYTES_MAX 100
#define PRUNE_INTERVAL_MS (3600 * 1000ULL)
#define PRUNE_ROWS_MAX 5000 // of one statement
#define HANDLES 2           // timer, waits.timer

static const struct db_statement listen_statement = {
    .name = "event_listen",
    .sql = "listen skillreg_events",
    .parameter_count = 0,
};

static const struct db_statement heartbeat_statement = {
    .name = "gateway_heartbeat",
    .sql = "insert into skillreg.gateway (id, applied_seq, seen_at)"
           " values ($1::text, $2::int8, now())"
           " on conflict (id) do update"
           " set applied_seq = excluded.applied_seq, seen_at = excluded.seen_at",
    .parameter_count = 2,
};

static const struct db_statement leave_statement = {
    .name = "gateway_leave",
    .sql = "delete from skillreg.gateway where id = $1::text",
    .parameter_count = 1,
};

static const struct db_statement prune_statement = {
    .name = "event_prune",
    .sql = "select skillreg.token_event_prune($1::int8::int4)",
    .parameter_count = 1,
};

static const struct db_statement *const statements[] = {
    &listen_statement,
    &db_event_log_newest_statement,
    &db_event_log_page_statement,
    &heartbeat_statement,
    &leave_statement,
    &prune_statement,
    &db_event_waits_statement,
};

// Of each there is one; its link tells whether it is on its way.
struct statement_query {
    struct db_query query;
    uint64_t sent_ms;
    char scratch[8];
};

struct db_events {
    uv_loop_t *loop;
    struct db_events_options options; // without the strings
    struct db_url url;
    char gateway_id[GATEWAY_ID_BYTES_MAX + 1];
    struct db_conn conn;
    uv_timer_t timer;
    int handle_count;
    bool is_closing;
    uint64_t due_ms;     // DOWN: when to connect; CONNECTING, PREPARING: when to give up
    uint64_t ready_ms;   // since when the connection is
    int attempts;        // failed in a row
    unsigned first_host; // of the URL, to be tried first
    char last_reason[DB_CONN_REASON_LENGTH]; // logged already; empty: connected
    struct statement_query listen;
    struct statement_query newest;
    struct statement_query page;
    struct statement_query heartbeat;
    struct statement_query leave;
    struct statement_query prune;
    struct db_event_log log;
    struct db_event_waits waits;
    bool is_page_wanted; // notified while one was on its way
    bool has_left;
    uint64_t heartbeat_seq; // as last sent
    uint64_t round_ms;      // when the last one began
    uint64_t prune_due_ms;
    uint64_t heard_ms;
};

// ---- statements ---------------------------------------------------------------------------------------------------

static bool is_on_its_way(const struct statement_query *statement) {
    return !gw_list_is_empty(&statement->query.link);
}

// The connection may fail in here; on_down has run then.
static void send_statement(struct db_events *events, struct statement_query *statement) {
    if (!db_conn_has_room(&events->conn) || is_on_its_way(statement))
        return;
    statement->sent_ms = uv_now(events->loop);
    db_conn_send(&events->conn, &statement->query);
}

static void send_page(struct db_events *events) {
    if (is_on_its_way(&events->page)) {
        events->is_page_wanted = true;
        return;
    }
    events->is_page_wanted = false;
    db_event_log_bind(&events->log, &events->page.query, events->page.scratch);
    send_statement(events, &events->page);
}

// While one is on its way its answer looks again.
static void send_heartbeat(struct db_events *events) {
    if (events->has_left || is_on_its_way(&events->heartbeat))
        return;
    events->heartbeat_seq = events->log.applied_seq;
    struct db_query *query = &events->heartbeat.query;
    db_set_bytes(query, 0, gw_str_from(events->gateway_id));
    db_set_int8(query, 1, (int64_t)events->heartbeat_seq, events->heartbeat.scratch);
    send_statement(events, &events->heartbeat);
}

static void send_prune(struct db_events *events) {
    events->prune_due_ms =
        uv_now(events->loop) + PRUNE_INTERVAL_MS / 2 + db_backoff_random_below(PRUNE_INTERVAL_MS);
    db_set_int8(&events->prune.query, 0, PRUNE_ROWS_MAX, events->prune.scratch);
    send_statement(events, &events->prune);
}

static void start_round(struct db_events *events) {
    uint64_t now = uv_now(events->loop);
    events->round_ms = now;
    if (!events->log.is_known || is_on_its_way(&events->newest))
        return;
    if (events->heartbeat_seq != events->log.applied_seq || events->heard_ms == 0 ||
        now - events->heartbeat.sent_ms >= HEARTBEAT_INTERVAL_MS)
        send_heartbeat(events);
    send_page(events);
    if (now >= events->prune_due_ms)
        send_prune(events);
}

// ---- answers ------------------------------------------------------------------------------------------------------

static void on_page(struct db_events *events, const PGresult *result) {
    uint64_t sent_ms = events->page.sent_ms;
    uint64_t before = events->log.applied_seq;
    enum db_event_log_state state = db_event_log_take_page(&events->log, result);
    if (events->is_closing)
        return;
    if (state == DB_EVENT_LOG_GAP) {
        gw_log(GW_LOG_WARNING, "db",
               "the event log does not reach back to what was applied applied_seq=%llu",
               (unsigned long long)events->log.applied_seq);
        send_statement(events, &events->newest);
        return;
    }
    if (state == DB_EVENT_LOG_CURRENT)
        events->heard_ms = sent_ms;
    if (events->log.applied_seq != before)
        send_heartbeat(events);
    if (state == DB_EVENT_LOG_BEHIND || events->is_page_wanted)
        send_page(events);
}

static void on_newest(struct db_events *events, const PGresult *result) {
    db_event_log_take_newest(&events->log, result);
    if (!events->is_closing)
        start_round(events);
}

// A long log is deleted in pieces, one each round.
static void on_pruned(struct db_events *events, const PGresult *result) {
    if (PQntuples(result) == 1 && db_get_int(result, 0, 0, 0) >= PRUNE_ROWS_MAX)
        events->prune_due_ms = 0;
}

static void note_prune_refused(const PGresult *error) {
    const char *message = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);
    struct gw_log_quote quote;
    gw_log(GW_LOG_WARNING, "db", "cannot delete old events reason=%s",
           gw_log_quoted(&quote, gw_str_from(message == NULL ? "" : message)));
}

static void dispatch(struct db_events *events, const struct db_query *query,
                     const PGresult *result) {
    if (query == &events->page.query)
        on_page(events, result);
    else if (query == &events->newest.query)
        on_newest(events, result);
    else if (query == &events->waits.query)
        db_event_waits_take(&events->waits, result);
    else if (query == &events->prune.query)
        on_pruned(events, result);
    else if (query == &events->heartbeat.query && events->heartbeat_seq != events->log.applied_seq)
        send_heartbeat(events);
}

static void plan_timer(struct db_events *events);

static void on_answer(struct db_conn *conn, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error) {
    struct db_events *events = gw_container_of(conn, struct db_events, conn);
    if (status != GW_OK && query == &events->prune.query) {
        note_prune_refused(error); // a later one may do
        return;
    }
    if (status != GW_OK) {
        db_conn_fail(conn, PQresultErrorMessage(error));
        return;
    }
    dispatch(events, query, result);
    db_conn_flush(conn);
    plan_timer(events);
}

static void on_notify(struct db_conn *conn) {
    struct db_events *events = gw_container_of(conn, struct db_events, conn);
    if (!events->log.is_known || is_on_its_way(&events->newest))
        return;
    send_page(events);
    db_conn_flush(conn);
    plan_timer(events);
}

// ---- the connection -----------------------------------------------------------------------------------------------

static void on_ready(struct db_conn *conn) {
    struct db_events *events = gw_container_of(conn, struct db_events, conn);
    events->ready_ms = uv_now(events->loop);
    if (events->last_reason[0] != '\0') {
        events->last_reason[0] = '\0';
        gw_log(GW_LOG_INFO, "db", "the event listener is connected to PostgreSQL again");
    }
    send_statement(events, &events->listen);
    if (!events->log.is_known)
        send_statement(events, &events->newest);
    start_round(events);
    db_conn_flush(conn);
    plan_timer(events);
}

// Each distinct reason once, until the connection stands again.
static void note_down(struct db_events *events) {
    const char *reason = events->conn.reason;
    if (strcmp(events->last_reason, reason) == 0)
        return;
    (void)snprintf(events->last_reason, sizeof(events->last_reason), "%s", reason);
    struct gw_log_quote quote;
    gw_log(GW_LOG_WARNING, "db",
           "the event listener has no connection to PostgreSQL, trying again reason=%s",
           gw_log_quoted(&quote, gw_str_from(reason)));
}

static void plan_connect(struct db_events *events) {
    note_down(events);
    events->due_ms = uv_now(events->loop) + db_backoff_pause_ms(events->attempts);
    if (events->attempts < 32)
        events->attempts++;
}

static void drop_in_flight(struct db_events *events) {
    while (gw_list_pop_front(&events->conn.in_flight) != NULL)
        continue;
    events->is_page_wanted = false;
}

static void on_down(struct db_conn *conn) {
    struct db_events *events = gw_container_of(conn, struct db_events, conn);
    // one that fails soon after each connect keeps its long pauses
    if (events->ready_ms != 0 && uv_now(events->loop) - events->ready_ms >= GW_DB_RECONNECT_MAX_MS)
        events->attempts = 0;
    events->ready_ms = 0;
    drop_in_flight(events);
    db_event_waits_on_down(&events->waits);
    plan_connect(events);
    plan_timer(events);
}

static void connect_now(struct db_events *events) {
    if (db_conn_open(&events->conn, &events->url, events->first_host,
                     events->options.connect_timeout_ms) != GW_OK)
        plan_connect(events);
    else
        events->due_ms = uv_now(events->loop) + events->options.connect_timeout_ms;
}

// A silent server: what it has sent meanwhile still counts (the process may have been stopped, not the server).
static void check_silence(struct db_events *events, uint64_t now) {
    uint64_t limit_ms = events->options.query_timeout_ms;
    uint64_t sent_ms = db_conn_oldest_sent_ms(&events->conn);
    if (sent_ms == UINT64_MAX || sent_ms + limit_ms > now)
        return;
    db_conn_read(&events->conn);
    sent_ms = db_conn_oldest_sent_ms(&events->conn);
    if (events->conn.state == DB_CONN_READY && sent_ms != UINT64_MAX && sent_ms + limit_ms <= now)
        db_conn_fail(&events->conn, "no answer to a query in time");
}

// A host of several that says nothing must not keep us from the others.
static void give_up_connect(struct db_events *events) {
    events->first_host++;
    db_conn_fail(&events->conn, "no connection in time");
}

static void on_timer(uv_timer_t *timer) {
    struct db_events *events = gw_container_of(timer, struct db_events, timer);
    uint64_t now = uv_now(events->loop);
    if (events->conn.state == DB_CONN_READY) {
        check_silence(events, now);
        if (events->conn.state == DB_CONN_READY &&
            now - events->round_ms >= events->options.poll_interval_ms)
            start_round(events);
        db_conn_flush(&events->conn);
    } else if (now >= events->due_ms && events->conn.state == DB_CONN_DOWN) {
        connect_now(events);
    } else if (now >= events->due_ms) {
        give_up_connect(events);
    }
    plan_timer(events);
}

static void plan_timer(struct db_events *events) {
    if (events->is_closing)
        return;
    uint64_t now = uv_now(events->loop);
    uint64_t due_ms = events->due_ms;
    if (events->conn.state == DB_CONN_READY) {
        uint64_t sent_ms = db_conn_oldest_sent_ms(&events->conn);
        due_ms = events->round_ms + events->options.poll_interval_ms;
        if (sent_ms != UINT64_MAX && sent_ms + events->options.query_timeout_ms < due_ms)
            due_ms = sent_ms + events->options.query_timeout_ms;
    }
    int error = uv_timer_start(&events->timer, on_timer, due_ms > now ? due_ms - now : 0, 0);
    gw_assert(error == 0);
}

// ---- life ---------------------------------------------------------------------------------------------------------

static void free_when_closed(struct db_events *events) {
    if (!events->is_closing || events->handle_count > 0 || db_conn_has_handles(&events->conn))
        return;
    db_url_deinit(&events->url);
    free(events);
}

static void on_conn_handle_closed(struct db_conn *conn) {
    free_when_closed(gw_container_of(conn, struct db_events, conn));
}

static void on_timer_closed(uv_handle_t *handle) {
    struct db_events *events = handle->data;
    events->handle_count--;
    free_when_closed(events);
}

static const struct db_conn_events conn_events = {
    .on_ready = on_ready,
    .on_answer = on_answer,
    .on_down = on_down,
    .on_notify = on_notify,
    .on_handle_closed = on_conn_handle_closed,
};

static void init_statement(struct statement_query *query, const struct db_statement *statement) {
    query->query.statement = statement;
    gw_list_init(&query->query.link);
}

static void init_statements(struct db_events *events) {
    init_statement(&events->listen, &listen_statement);
    init_statement(&events->newest, &db_event_log_newest_statement);
    init_statement(&events->page, &db_event_log_page_statement);
    init_statement(&events->heartbeat, &heartbeat_statement);
    init_statement(&events->leave, &leave_statement);
    init_statement(&events->prune, &prune_statement);
    db_conn_init(&events->conn, events->loop, &conn_events);
    events->conn.statements = statements;
    events->conn.statement_count = sizeof(statements) / sizeof(statements[0]);
}

static void set_options(struct db_events *events, const struct db_events_options *options) {
    events->options = *options;
    events->options.url = events->options.gateway_id = NULL;
    if (events->options.poll_interval_ms > HEARTBEAT_INTERVAL_MS)
        events->options.poll_interval_ms = HEARTBEAT_INTERVAL_MS;
    (void)snprintf(events->gateway_id, sizeof(events->gateway_id), "%s", options->gateway_id);
}

enum gw_status db_events_create(uv_loop_t *loop, const struct db_events_options *options,
                                struct db_events_consumer *consumer,
                                struct db_events **events_out) {
    size_t id_length = strlen(options->gateway_id);
    if (id_length == 0 || id_length > GATEWAY_ID_BYTES_MAX)
        return GW_INVALID;
    struct db_events *events = calloc(1, sizeof(*events));
    if (events == NULL)
        return GW_NO_MEMORY;
    enum gw_status status = db_url_parse(options->url, &events->url);
    if (status != GW_OK) {
        free(events);
        return status;
    }
    events->loop = loop;
    events->log.consumer = consumer;
    set_options(events, options);
    init_statements(events);
    (void)uv_timer_init(loop, &events->timer); // cannot fail
    db_event_waits_init(&events->waits, &events->conn);
    events->timer.data = events->waits.timer.data = events;
    events->handle_count = HANDLES;
    plan_timer(events);
    *events_out = events;
    return GW_OK;
}

void db_events_close(struct db_events *events) {
    gw_assert(!events->is_closing);
    events->is_closing = true;
    events->log.consumer = NULL;
    db_conn_close(&events->conn);
    drop_in_flight(events);
    uv_close((uv_handle_t *)&events->timer, on_timer_closed);
    uv_close((uv_handle_t *)&events->waits.timer, on_timer_closed);
    db_event_waits_end(&events->waits);
}

void db_events_leave(struct db_events *events) {
    events->has_left = true;
    db_set_bytes(&events->leave.query, 0, gw_str_from(events->gateway_id));
    send_statement(events, &events->leave);
    db_conn_flush(&events->conn);
    plan_timer(events);
}

uint64_t db_events_applied_seq(const struct db_events *events) {
    return events->log.applied_seq;
}

uint64_t db_events_heard_ms(const struct db_events *events) {
    return events->heard_ms;
}

// ---- waiting ------------------------------------------------------------------------------------------------------

// Asks for a page, too: a notification would come a little later.
void db_events_wait_applied(struct db_events *events, struct db_events_wait *wait, uint64_t seq,
                            uint64_t timeout_ms) {
    wait->seq = seq;
    wait->deadline_ms = uv_now(events->loop) + timeout_ms;
    if (events->log.applied_seq < seq)
        on_notify(&events->conn);
    db_event_waits_add(&events->waits, wait);
}

void db_events_cancel_wait(struct db_events_wait *wait) {
    gw_list_remove(&wait->link);
}
