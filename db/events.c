// SPDX-License-Identifier: MIT
// One round: the heartbeat, when one is due, and then a poll in the same write, so that an answered
// poll proves that the heartbeat was answered too. Rounds start when the link is up and every poll
// interval after; a notification asks for a poll alone. After a poll that brought events the
// heartbeat follows at once.
//
//   ready --> LISTEN, newest row (first time only) --> round --> page --+--> heartbeat if applied,
//                                                       ^               |    next page if full
//                                                       +-- timer       +--> gap: newest row,
//                                                                            on_gap, round
//
// Any statement that fails fails the link, which starts over (db/link.h), except a chore
// (db/chores.h).
#include "db/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/turn_part.h"
#include "db/chores.h"
#include "db/event_log.h"
#include "db/events_wait.h"
#include "db/link.h"
#include "db/pool.h"
#include "db/result.h"

#define ROUND_INTERVAL_MS_MAX 1000
#define HEARTBEAT_PAUSE_MS 500 // at the least, between two with the same number
#define GATEWAY_ID_BYTES_MAX 100
#define STALE_MS_MAX 3153600000000ULL // a hundred years
#define NOT_SENT UINT64_MAX

static const struct db_statement listen_statement = {
    .name = "event_listen",
    .sql = "listen skillreg_events",
    .parameter_count = 0,
};

static const struct db_statement heartbeat_statement = {
    .name = "gateway_heartbeat",
    .sql = "select skillreg.gateway_heartbeat($1::text, $2::int8, $3::int8, $4::text)",
    .parameter_count = 4,
};

static const struct db_statement leave_statement = {
    .name = "gateway_leave",
    .sql = "select skillreg.gateway_leave($1::text)",
    .parameter_count = 1,
};

static const struct db_statement *const statements[] = {
    &listen_statement,
    &db_event_log_newest_statement,
    &db_event_log_page_statement,
    &heartbeat_statement,
    &leave_statement,
    &db_chore_prune_statement,
    &db_chore_expiry_statement,
    &db_chore_exchanges_statement,
    &db_chore_logins_statement,
    &db_event_waits_statement,
};

// There is one of each.
struct statement_query {
    struct db_query query;
    uint64_t sent_ms;
};

struct db_events {
    struct db_link link;
    struct db_link_target target;
    struct db_pool *pool; // NULL: none
    struct db_event_waits waits;
    struct db_event_log log;
    char gateway_id[GATEWAY_ID_BYTES_MAX + 1];
    char slot[GATEWAY_ID_BYTES_MAX + 1]; // empty: none
    uint64_t stale_ms;                   // as the heartbeats say it
    uint64_t poll_interval_ms;
    bool is_closing;
    bool is_link_closed;
    bool is_target_closed;
    bool is_waits_closed;
    bool is_page_wanted;                   // notified while one was on its way
    struct db_events_departure *departure; // to be called when the membership has ended
    bool has_left;
    struct statement_query listen;
    struct statement_query newest;
    struct statement_query page;
    struct statement_query heartbeat;
    struct statement_query leave;
    struct db_chores chores;
    uint64_t heartbeat_seq; // last sent on this connection, or NOT_SENT
    uint64_t page_beat_ms;  // when the heartbeat before the page was sent
    uint64_t heard_ms;
};

// ---- statements ----

static uint64_t now_ms(const struct db_events *events) {
    return uv_now(db_link_loop(&events->link));
}

static bool is_on_its_way(const struct statement_query *statement) {
    return !gw_list_is_empty(&statement->query.link);
}

// Without a link nothing is sent: on_ready starts over. The link may fail in here; on_down has run
// then.
static void send_statement(struct db_events *events, struct statement_query *statement) {
    if (is_on_its_way(statement) || !db_link_has_room(&events->link))
        return;
    statement->sent_ms = now_ms(events);
    db_link_send(&events->link, &statement->query);
}

static struct db_params *start(struct statement_query *query,
                               const struct db_statement *statement) {
    return db_query_start(&query->query, statement, NULL); // the link has the answer
}

static void put_heartbeat(struct db_events *events) {
    struct db_params *params = start(&events->heartbeat, &heartbeat_statement);
    db_put_text(params, gw_str_from(events->gateway_id));
    db_put_int8(params, (int64_t)events->heartbeat_seq);
    db_put_int8(params, (int64_t)events->stale_ms);
    struct gw_str slot = gw_str_from(events->slot);
    db_put_text_or_null(params, slot.length > 0 ? slot : gw_str(NULL, 0));
}

// While a heartbeat is on its way, its answer looks again.
static void send_heartbeat(struct db_events *events) {
    if (events->has_left || !db_link_is_up(&events->link) || is_on_its_way(&events->heartbeat))
        return;
    events->heartbeat_seq = events->log.applied_seq;
    put_heartbeat(events);
    send_statement(events, &events->heartbeat);
}

static bool is_heartbeat_due(const struct db_events *events) {
    return events->heartbeat_seq != events->log.applied_seq ||
           now_ms(events) - events->heartbeat.sent_ms >= HEARTBEAT_PAUSE_MS;
}

// Behind a heartbeat: a poll counts only after a sign of life.
static void send_page(struct db_events *events) {
    if (is_on_its_way(&events->page)) {
        events->is_page_wanted = true;
        return;
    }
    if (is_heartbeat_due(events))
        send_heartbeat(events);
    events->is_page_wanted = false;
    events->page_beat_ms = events->heartbeat.sent_ms;
    db_event_log_put(&events->log, start(&events->page, &db_event_log_page_statement));
    send_statement(events, &events->page);
}

static void start_round(struct db_events *events) {
    uint64_t now = now_ms(events);
    db_link_tick_at(&events->link, now + events->poll_interval_ms);
    if (!events->log.is_known || is_on_its_way(&events->newest))
        return;
    send_page(events);
    if (db_link_is_up(&events->link))
        db_chores_run(&events->chores, &events->link, now);
}

// ---- answers ----

// Revocations reckon from the last sign of life how long this process may act on what it knows.
static uint64_t heard_by_page_ms(const struct db_events *events) {
    uint64_t latest_ms = events->page_beat_ms + DB_GATEWAY_HEARD_AHEAD_MS;
    return events->page.sent_ms < latest_ms ? events->page.sent_ms : latest_ms;
}

static void on_page(struct db_events *events, const PGresult *result) {
    gw_assert(events->log.is_known && !events->is_closing);
    uint64_t heard_ms = heard_by_page_ms(events);
    uint64_t before = events->log.applied_seq;
    gw_turn_part_begin("event_log");
    enum db_event_log_state state = db_event_log_take_page(&events->log, result);
    gw_turn_part_end();
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
        events->heard_ms = heard_ms;
    if (events->log.applied_seq != before)
        send_heartbeat(events);
    if (state == DB_EVENT_LOG_BEHIND || events->is_page_wanted)
        send_page(events);
}

static void on_newest(struct db_events *events, const PGresult *result) {
    gw_assert(!events->is_closing);
    db_event_log_take_newest(&events->log, result);
    if (!events->is_closing)
        start_round(events);
}

static void on_left(struct db_events *events) {
    gw_assert(events->has_left);
    struct db_events_departure *departure = events->departure;
    events->departure = NULL;
    if (departure != NULL)
        departure->on_left(departure);
}

static void dispatch(struct db_events *events, const struct db_query *query,
                     const PGresult *result) {
    if (db_chores_take(&events->chores, query, result))
        return;
    if (query == &events->page.query)
        on_page(events, result);
    else if (query == &events->newest.query)
        on_newest(events, result);
    else if (query == &events->waits.query)
        db_event_waits_take(&events->waits, result);
    else if (query == &events->leave.query)
        on_left(events);
    else if (query == &events->heartbeat.query && events->heartbeat_seq != events->log.applied_seq)
        send_heartbeat(events);
}

static void on_answer(struct db_link *link, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error) {
    struct db_events *events = gw_container_of(link, struct db_events, link);
    if (status == GW_OK)
        dispatch(events, query, result);
    else if (!db_chores_refuse(&events->chores, query, error))
        db_link_fail(link, PQresultErrorMessage(error));
}

static void on_notify(struct db_link *link) {
    struct db_events *events = gw_container_of(link, struct db_events, link);
    if (events->log.is_known && !is_on_its_way(&events->newest))
        send_page(events);
}

static void on_ready(struct db_link *link) {
    struct db_events *events = gw_container_of(link, struct db_events, link);
    gw_assert(events->heartbeat_seq == NOT_SENT && !is_on_its_way(&events->page));
    send_statement(events, &events->listen);
    if (events->departure != NULL)
        send_statement(events, &events->leave);
    if (!events->log.is_known)
        send_statement(events, &events->newest);
    start_round(events);
    if (events->pool != NULL)
        db_pool_expect(events->pool);
}

static void on_tick(struct db_link *link) {
    start_round(gw_container_of(link, struct db_events, link));
}

static void on_down(struct db_link *link, bool was_up) {
    struct db_events *events = gw_container_of(link, struct db_events, link);
    gw_assert(!events->is_closing);
    events->is_page_wanted = false;
    events->heartbeat_seq = NOT_SENT; // it may be lost, or the row
    db_event_waits_on_down(&events->waits);
    if (was_up && link->is_silent && events->pool != NULL)
        db_pool_suspect(events->pool, link->address_key);
}

static void log_down(struct db_link *link, const char *reason) {
    (void)link;
    struct gw_log_quote quote;
    gw_log(GW_LOG_WARNING, "db",
           "the event listener has no connection to PostgreSQL, trying again reason=%s",
           gw_log_quoted(&quote, gw_str_from(reason)));
}

static void log_up(struct db_link *link) {
    (void)link;
    gw_log(GW_LOG_INFO, "db", "the event listener is connected to PostgreSQL again");
}

// ---- life ----

static void free_when_closed(struct db_events *events) {
    if (events->is_link_closed && events->is_target_closed && events->is_waits_closed)
        free(events);
}

static void on_target_closed(struct db_link_target *target) {
    struct db_events *events = gw_container_of(target, struct db_events, target);
    gw_assert(events->is_closing && !events->is_target_closed);
    events->is_target_closed = true;
    free_when_closed(events);
}

static void on_link_closed(struct db_link *link) {
    struct db_events *events = gw_container_of(link, struct db_events, link);
    gw_assert(events->is_closing && !events->is_link_closed);
    events->is_link_closed = true;
    free_when_closed(events);
}

static void on_waits_closed(struct db_event_waits *waits) {
    struct db_events *events = gw_container_of(waits, struct db_events, waits);
    gw_assert(events->is_closing && !events->is_waits_closed);
    events->is_waits_closed = true;
    free_when_closed(events);
}

static const struct db_link_events link_events = {
    .on_ready = on_ready,
    .on_answer = on_answer,
    .on_notify = on_notify,
    .on_down = on_down,
    .on_tick = on_tick,
    .on_closed = on_link_closed,
    .log_down = log_down,
    .log_up = log_up,
};

static void init_statements(struct db_events *events) {
    (void)start(&events->listen, &listen_statement);
    (void)start(&events->newest, &db_event_log_newest_statement);
    (void)start(&events->page, &db_event_log_page_statement);
    (void)start(&events->heartbeat, &heartbeat_statement);
    (void)start(&events->leave, &leave_statement);
    db_chores_init(&events->chores);
}

static enum gw_status open_target(struct db_events *events, uv_loop_t *loop,
                                  const struct db_events_options *options) {
    const struct db_link_options target = {
        .url = options->url,
        .query_timeout_ms = options->query_timeout_ms,
        .connect_timeout_ms = options->connect_timeout_ms,
        .statements = statements,
        .statement_count = sizeof(statements) / sizeof(statements[0]),
        .role_check = options->role_check,
    };
    return db_link_target_open(&events->target, loop, &target);
}

// Revocations know when a heartbeat came, and reckon from there.
static uint64_t stale_of_heartbeat_ms(uint64_t stale_ms) {
    if (stale_ms < DB_GATEWAY_LIVE_MS - DB_GATEWAY_SLACK_MS)
        return DB_GATEWAY_LIVE_MS;
    return stale_ms < STALE_MS_MAX ? stale_ms + DB_GATEWAY_SLACK_MS : STALE_MS_MAX;
}

enum gw_status db_events_create(uv_loop_t *loop, const struct db_events_options *options,
                                struct db_events_consumer *consumer,
                                struct db_events **events_out) {
    size_t id_length = strlen(options->gateway_id);
    struct gw_str slot = gw_str_from(options->slot != NULL ? options->slot : "");
    if (id_length == 0 || id_length > GATEWAY_ID_BYTES_MAX || slot.length > GATEWAY_ID_BYTES_MAX)
        return GW_INVALID;
    struct db_events *events = calloc(1, sizeof(*events));
    if (events == NULL)
        return GW_NO_MEMORY;
    enum gw_status status = open_target(events, loop, options);
    if (status != GW_OK) {
        free(events);
        return status;
    }
    memcpy(events->gateway_id, options->gateway_id, id_length);
    memcpy(events->slot, slot.at, slot.length);
    events->stale_ms = stale_of_heartbeat_ms(options->stale_ms);
    events->poll_interval_ms = options->poll_interval_ms < ROUND_INTERVAL_MS_MAX
                                   ? options->poll_interval_ms
                                   : ROUND_INTERVAL_MS_MAX;
    events->pool = options->pool;
    events->log.consumer = consumer;
    events->heartbeat_seq = NOT_SENT;
    init_statements(events);
    db_link_open(&events->link, loop, &events->target, &link_events);
    db_event_waits_init(&events->waits, &events->link);
    *events_out = events;
    return GW_OK;
}

enum gw_status db_events_use_url(struct db_events *events, const char *url) {
    enum gw_status status = db_link_target_use(&events->target, url);
    if (status == GW_OK)
        db_link_hurry(&events->link);
    return status;
}

void db_events_close(struct db_events *events) {
    gw_assert(!events->is_closing);
    events->is_closing = true;
    events->departure = NULL;
    events->log.consumer = NULL;
    db_link_close(&events->link);
    db_link_target_close(&events->target, on_target_closed);
    db_event_waits_close(&events->waits, on_waits_closed);
}

bool db_events_leave(struct db_events *events, struct db_events_departure *departure) {
    gw_assert(!events->is_closing && !events->has_left);
    events->has_left = true;
    if (events->heartbeat.sent_ms == 0)
        return false;
    events->departure = departure;
    db_put_text(start(&events->leave, &leave_statement), gw_str_from(events->gateway_id));
    send_statement(events, &events->leave);
    db_link_flush(&events->link);
    return true;
}

uint64_t db_events_applied_seq(const struct db_events *events) {
    return events->log.applied_seq;
}

uint64_t db_events_heard_ms(const struct db_events *events) {
    return events->heard_ms;
}

// ---- waiting ----

// Asks for a page, too: a notification would come a little later. And connects, if it is down: the
// change has reached the server.
void db_events_wait_applied(struct db_events *events, struct db_events_wait *wait, uint64_t seq,
                            uint64_t timeout_ms) {
    wait->seq = seq;
    wait->deadline_ms = now_ms(events) + timeout_ms;
    db_link_hurry(&events->link);
    if (events->log.applied_seq < seq)
        on_notify(&events->link);
    db_event_waits_add(&events->waits, wait);
}

void db_events_cancel_wait(struct db_events_wait *wait) {
    gw_list_remove(&wait->link);
}
