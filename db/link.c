// SPDX-License-Identifier: MIT
// One timer serves all: reconnects, their deadlines, the silence of the server, and the owner's
// tick. It is started for the earliest of these and never put off: when it fires too early it is
// started again, which costs less than moving it with every query.
#include "db/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "db/backoff.h"

#define NEVER UINT64_MAX
#define ROUNDS_MAX 32 // counted: the pause is at its longest before
// A link that the server ends again and again comes back no slower than after this many rounds.
#define ROUNDS_MAX_FLAPPING 2
#define STEADY_MS 5000 // up for so long: what comes now is another outage
#define SILENT_MS 1000 // an attempt that failed later than this was not answered

static void on_resolved(struct db_hosts *hosts);

static enum gw_status open_servers(struct db_link_target *target, uv_loop_t *loop,
                                   const char *url) {
    struct db_link_servers *servers = malloc(sizeof(*servers));
    if (servers == NULL)
        return GW_NO_MEMORY;
    servers->target = target;
    enum gw_status status = db_url_parse(url, &servers->url);
    if (status == GW_OK) {
        status = db_hosts_open(&servers->hosts, loop, &servers->url, on_resolved);
        if (status == GW_OK) {
            target->servers = servers;
            return GW_OK;
        }
        db_url_deinit(&servers->url);
    }
    free(servers);
    return status;
}

// Those that were replaced have no target to tell.
static void on_hosts_closed(struct db_hosts *hosts) {
    struct db_link_servers *servers = gw_container_of(hosts, struct db_link_servers, hosts);
    struct db_link_target *target = servers->target;
    db_url_deinit(&servers->url);
    free(servers);
    if (target != NULL)
        target->on_closed(target);
}

enum gw_status db_link_target_open(struct db_link_target *target, uv_loop_t *loop,
                                   const struct db_link_options *options) {
    memset(target, 0, sizeof(*target));
    target->query_timeout_ms = options->query_timeout_ms;
    target->connect_timeout_ms = options->connect_timeout_ms;
    gw_list_init(&target->waiting);
    db_conn_statements_init(&target->statements, options->statements, options->statement_count);
    target->statements.role_check = options->role_check;
    return open_servers(target, loop, options->url);
}

static void stop_waiting(struct db_link *link) {
    gw_list_remove(&link->waiting);
    link->waiting_ms = 0;
}

// Links that wait for names wait for those of the new URL.
enum gw_status db_link_target_use(struct db_link_target *target, const char *url) {
    struct db_link_servers *before = target->servers;
    enum gw_status status = open_servers(target, before->hosts.loop, url);
    if (status != GW_OK)
        return status;
    target->url_number++;
    while (!gw_list_is_empty(&target->waiting)) {
        struct db_link *link = gw_container_of(target->waiting.next, struct db_link, waiting);
        stop_waiting(link);
        db_link_hurry(link);
    }
    before->target = NULL;
    db_hosts_close(&before->hosts, on_hosts_closed);
    return GW_OK;
}

void db_link_target_close(struct db_link_target *target,
                          void (*on_closed)(struct db_link_target *target)) {
    target->on_closed = on_closed;
    db_hosts_close(&target->servers->hosts, on_hosts_closed);
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

// A link that comes and goes for one reason is one outage.
static void note_down(struct db_link *link) {
    struct db_link_target *target = link->target;
    uint64_t now = uv_now(db_link_loop(link));
    bool was_up = target->last_reason[0] == '\0';
    if (was_up && now - target->failed_ms >= GW_DB_LINK_QUIET_MS)
        target->logged = (struct db_once){.count = 0};
    target->failed_ms = now;
    (void)snprintf(target->last_reason, sizeof(target->last_reason), "%s", link->reason);
    target->was_reached = link->was_reached;
    if (!db_once_is_new(&target->logged, target->last_reason))
        return;
    target->is_down_logged = true;
    link->events->log_down(link, target->last_reason);
}

static void plan_round(struct db_link *link) {
    gw_assert(link->conn.state == DB_CONN_DOWN && !link->is_closing);
    link->due_ms = uv_now(db_link_loop(link)) + db_backoff_pause_ms(link->rounds);
    if (link->rounds < ROUNDS_MAX)
        link->rounds++;
    link->round.count = link->round.next = 0;
    note_down(link);
}

// What libpq says begins with the address.
static void add_reason(struct db_link *link, const char *reason) {
    size_t used = strlen(link->reason);
    if (strstr(link->reason, reason) != NULL)
        return;
    (void)snprintf(link->reason + used, sizeof(link->reason) - used, "%s%s", used > 0 ? "; " : "",
                   reason);
    gw_utf8_mask_controls(link->reason, strlen(link->reason)); // it may have been cut
}

static void note_attempt(struct db_link *link) {
    uint64_t now = uv_now(db_link_loop(link));
    bool is_late = now >= link->due_ms || now - link->attempt_ms >= SILENT_MS;
    if (!link->conn.was_reached && is_late)
        db_hosts_note_silent(&link->target->servers->hosts, link->address_key);
    else
        db_hosts_note_answer(&link->target->servers->hosts, link->address_key);
    link->was_reached |= link->conn.was_reached;
    add_reason(link, link->conn.reason);
}

static void end_round(struct db_link *link) {
    link->events->on_down(link, false);
    plan_round(link);
}

// The next address is for the next turn of the loop: libpq is still busy with this one.
static void on_attempt_failed(struct db_link *link) {
    note_attempt(link);
    if (link->round.next < link->round.count)
        link->due_ms = uv_now(db_link_loop(link));
    else
        end_round(link);
}

// A link that ends soon after each connect keeps its pauses, up to a point: it was the server that
// had an end to it, and lets us in again.
static void on_lost(struct db_link *link) {
    bool was_steady = uv_now(db_link_loop(link)) - link->ready_ms >= STEADY_MS;
    if (was_steady)
        link->rounds = 0;
    else if (!link->is_refused && link->rounds > ROUNDS_MAX_FLAPPING)
        link->rounds = ROUNDS_MAX_FLAPPING;
    link->is_up = false;
    link->was_reached = true;
    (void)snprintf(link->reason, sizeof(link->reason), "%s", link->conn.reason);
    link->events->on_down(link, true);
    forget_queries(link);
    plan_round(link);
}

static void on_down(struct db_conn *conn) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    if (link->is_up)
        on_lost(link);
    else
        on_attempt_failed(link);
    arm_timer(link);
}

// ---- up ----

static void note_up(struct db_link *link) {
    struct db_link_target *target = link->target;
    if (target->last_reason[0] == '\0')
        return;
    target->last_reason[0] = '\0';
    if (target->is_down_logged)
        link->events->log_up(link);
    target->is_down_logged = false;
}

static void on_ready(struct db_conn *conn) {
    struct db_link *link = gw_container_of(conn, struct db_link, conn);
    gw_assert(!link->is_up && !link->is_closing);
    link->is_up = true;
    link->is_refused = link->is_silent = false;
    link->ready_ms = uv_now(conn->socket.loop);
    link->tick_ms = NEVER;
    db_hosts_note_answer(&link->target->servers->hosts, link->address_key);
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

static void on_resolved(struct db_hosts *hosts) {
    struct db_link_target *target = gw_container_of(hosts, struct db_link_servers, hosts)->target;
    struct gw_list *next;
    for (struct gw_list *node = target->waiting.next; node != &target->waiting; node = next) {
        next = node->next;
        db_link_hurry(gw_container_of(node, struct db_link, waiting));
    }
}

// Before each round the names are looked up. False: not for long enough yet.
static bool are_hosts_ready(struct db_link *link) {
    struct db_hosts *hosts = &link->target->servers->hosts;
    uint64_t now = uv_now(db_link_loop(link));
    if (link->waiting_ms == 0) {
        link->waiting_ms = now;
        link->reason[0] = '\0';
        link->was_reached = false;
        gw_list_push_back(&link->target->waiting, &link->waiting);
        (void)db_hosts_refresh(hosts);
    }
    uint64_t patience_ms =
        db_hosts_are_known(hosts) ? GW_DB_LOOKUP_PAUSE_MS : link->target->connect_timeout_ms;
    link->due_ms = link->waiting_ms + patience_ms;
    if (db_hosts_are_looking_up(hosts) && now < link->due_ms)
        return false;
    stop_waiting(link);
    return true;
}

// The first of several addresses must not use up the time of all.
static uint64_t timeout_of(const struct db_link *link, const struct db_attempt *attempt) {
    uint64_t timeout_ms = link->target->connect_timeout_ms;
    bool has_more = link->round.next < link->round.count;
    return has_more && !attempt->was_silent ? timeout_ms * 2 / 5 : timeout_ms;
}

static void add_unknown_host(struct db_link *link) {
    const struct db_url *url = &link->target->servers->url;
    char reason[DB_CONN_REASON_LENGTH];
    const char *name = NULL;
    for (int i = 0; i < url->server_count && name == NULL; i++)
        name = db_url_name_of(&url->servers[i]);
    (void)snprintf(reason, sizeof(reason), "no address of \"%s\" is known",
                   name != NULL ? name : "");
    add_reason(link, reason);
}

// A round that was planned by another URL is over.
static void note_url(struct db_link *link) {
    if (link->url_number == link->target->url_number)
        return;
    link->url_number = link->target->url_number;
    link->round.count = link->round.next = 0;
}

static void connect_next(struct db_link *link) {
    struct db_link_target *target = link->target;
    struct db_attempt attempt;
    note_url(link);
    bool is_new = link->round.next == link->round.count;
    if (is_new && !are_hosts_ready(link))
        return;
    struct db_link_servers *servers = target->servers;
    if (is_new)
        db_hosts_plan(&servers->hosts, &link->round);
    if (!db_hosts_next(&servers->hosts, &link->round, target->connect_timeout_ms, &attempt)) {
        add_unknown_host(link);
        end_round(link);
        return;
    }
    uint64_t packet_timeout_ms = target->connect_timeout_ms / 2;
    link->address_key = attempt.key;
    link->attempt_ms = uv_now(db_link_loop(link));
    link->due_ms = link->attempt_ms + timeout_of(link, &attempt);
    if (db_conn_open(&link->conn, &servers->url, &attempt.what, packet_timeout_ms) != GW_OK)
        on_attempt_failed(link);
}

static void give_up_connect(struct db_link *link) {
    db_conn_fail(&link->conn, "no connection in time");
}

// What the server has sent meanwhile still counts: this process may have been stopped, not the
// server.
static void check_silence(struct db_link *link, uint64_t now) {
    if (silence_due_ms(link) > now)
        return;
    db_conn_read(&link->conn);
    if (!link->is_up || silence_due_ms(link) > now)
        return;
    link->is_silent = true;
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
        connect_next(link);
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
    gw_list_init(&link->waiting);
    db_conn_init(&link->conn, loop, &target->statements, &conn_events);
    (void)uv_timer_init(loop, &link->timer); // cannot fail
    arm_timer(link);
}

void db_link_close(struct db_link *link) {
    gw_assert(!link->is_closing);
    link->is_closing = true;
    link->is_up = false;
    stop_waiting(link);
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
    link->is_refused = true;
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
