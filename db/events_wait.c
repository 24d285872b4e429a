// SPDX-License-Identifier: MIT
#include "db/events_wait.h"

#include "db/backoff.h"
#include "db/link.h"
#include "db/result.h"

#define ASK_INTERVAL_MS 25 // and up to as much more

_Static_assert(DB_GATEWAY_LIVE_MS == 5000, "the view gateway_state says so");

// All of one snapshot: a number that a gateway has applied was in the log then, unless the gateway
// followed another log.
const struct db_statement db_event_waits_statement = {
    .name = "gateway_applied",
    .sql = "select applied_seq, is_live, count(*),"
           " (extract(epoch from max(decides_until)) * 1000)::int8, skillreg.newest_event()"
           " from skillreg.gateway_state where decides_until > now() group by applied_seq, is_live",
    .parameter_count = 0,
};

enum column { COLUMN_APPLIED, COLUMN_IS_LIVE, COLUMN_COUNT, COLUMN_UNTIL, COLUMN_NEWEST };

static void on_timer(uv_timer_t *timer);

static bool is_idle(const struct db_event_waits *waits) {
    return gw_list_is_empty(&waits->waiting) && gw_list_is_empty(&waits->asked);
}

static void plan_timer(struct db_event_waits *waits) {
    if (is_idle(waits)) {
        (void)uv_timer_stop(&waits->timer);
        return;
    }
    uint64_t pause_ms = ASK_INTERVAL_MS + db_backoff_random_below(ASK_INTERVAL_MS + 1);
    (void)uv_timer_start(&waits->timer, on_timer, pause_ms, 0); // fails for closing handles only
}

void db_event_waits_init(struct db_event_waits *waits, struct db_link *server) {
    waits->server = server;
    waits->on_closed = NULL;
    (void)db_query_start(&waits->query, &db_event_waits_statement, NULL);
    gw_list_init(&waits->asked);
    gw_list_init(&waits->waiting);
    gw_list_init(&waits->late);
    (void)uv_timer_init(db_link_loop(server), &waits->timer); // cannot fail
}

static void finish(struct db_events_wait *wait, enum gw_status status,
                   const struct db_events_reach *reach) {
    gw_assert(!gw_list_is_empty(&wait->link));
    gw_list_remove(&wait->link);
    wait->on_done(wait, status, reach);
}

static void finish_unknown(struct db_events_wait *wait) {
    finish(wait, GW_UNAVAILABLE, &(struct db_events_reach){0});
}

static struct db_events_wait *first_of(struct gw_list *list) {
    return gw_list_is_empty(list) ? NULL : gw_container_of(list->next, struct db_events_wait, link);
}

static void on_timer_closed(uv_handle_t *handle) {
    struct db_event_waits *waits = gw_container_of(handle, struct db_event_waits, timer);
    waits->on_closed(waits);
}

void db_event_waits_close(struct db_event_waits *waits,
                          void (*on_closed)(struct db_event_waits *waits)) {
    gw_assert(waits->on_closed == NULL && on_closed != NULL);
    waits->on_closed = on_closed;
    uv_close((uv_handle_t *)&waits->timer, on_timer_closed);
    struct db_events_wait *wait;
    gw_list_append_all(&waits->waiting, &waits->asked);
    gw_list_append_all(&waits->waiting, &waits->late);
    while ((wait = first_of(&waits->waiting)) != NULL)
        finish_unknown(wait);
}

// ---- asking ----

// The answer serves the waits from before the question alone: a gateway that was not a member then
// begins after their events.
static void ask(struct db_event_waits *waits) {
    bool is_asked = !gw_list_is_empty(&waits->query.link) || !gw_list_is_empty(&waits->asked);
    if (is_asked || gw_list_is_empty(&waits->waiting) || !db_link_has_room(waits->server))
        return;
    gw_list_append_all(&waits->asked, &waits->waiting);
    db_link_send(waits->server, &waits->query);
    db_link_flush(waits->server);
}

void db_event_waits_add(struct db_event_waits *waits, struct db_events_wait *wait) {
    gw_assert(waits->on_closed == NULL); // not closing
    gw_list_push_back(&waits->waiting, &wait->link);
    if (!uv_is_active((const uv_handle_t *)&waits->timer))
        plan_timer(waits);
    ask(waits);
}

void db_event_waits_on_down(struct db_event_waits *waits) {
    gw_list_append_all(&waits->waiting, &waits->asked);
}

// While the link is up a late wait ends with the next answer: its count is a fresh one.
static void end_late_without_link(struct db_event_waits *waits) {
    uint64_t now = uv_now(db_link_loop(waits->server));
    struct gw_list *next;
    for (struct gw_list *link = waits->waiting.next; link != &waits->waiting; link = next) {
        next = link->next;
        if (gw_container_of(link, struct db_events_wait, link)->deadline_ms > now)
            continue;
        gw_list_remove(link);
        gw_list_push_back(&waits->late, link);
    }
    struct db_events_wait *wait;
    while ((wait = first_of(&waits->late)) != NULL)
        finish_unknown(wait);
}

static void on_timer(uv_timer_t *timer) {
    struct db_event_waits *waits = gw_container_of(timer, struct db_event_waits, timer);
    if (!db_link_is_up(waits->server))
        end_late_without_link(waits);
    if (uv_is_closing((const uv_handle_t *)timer))
        return;
    ask(waits);
    plan_timer(waits);
}

// ---- the answer ----

static void count_row(struct db_events_reach *reach, uint64_t seq, const PGresult *result,
                      int row) {
    uint64_t applied = db_get_number(result, row, COLUMN_APPLIED);
    uint64_t newest = db_get_number(result, row, COLUMN_NEWEST);
    int count = (int)db_get_int(result, row, COLUMN_COUNT, 0);
    if (applied >= seq && applied <= newest) { // above the newest: of another log
        reach->applied += count;
        return;
    }
    *(db_get_boolean(result, row, COLUMN_IS_LIVE) ? &reach->pending : &reach->silent) += count;
    int64_t until_ms = db_get_int(result, row, COLUMN_UNTIL, 0);
    if (until_ms > reach->until_ms)
        reach->until_ms = until_ms;
}

struct db_events_reach db_event_waits_reach(const PGresult *result, uint64_t seq) {
    struct db_events_reach reach = {0};
    for (int row = 0; row < PQntuples(result); row++)
        count_row(&reach, seq, result, row);
    return reach;
}

// Without any gateway: then not even this one is a member yet.
static bool is_known(const struct db_events_reach *reach) {
    return reach->applied + reach->pending + reach->silent > 0;
}

static void judge(struct db_event_waits *waits, struct db_events_wait *wait,
                  const PGresult *result) {
    struct db_events_reach reach = db_event_waits_reach(result, wait->seq);
    if (is_known(&reach) && reach.pending + reach.silent == 0) {
        finish(wait, GW_OK, &reach);
    } else if (wait->deadline_ms <= uv_now(db_link_loop(waits->server))) {
        finish(wait, is_known(&reach) ? GW_TIMED_OUT : GW_UNAVAILABLE, &reach);
    } else {
        gw_list_remove(&wait->link);
        gw_list_push_back(&waits->waiting, &wait->link);
    }
}

void db_event_waits_take(struct db_event_waits *waits, const PGresult *result) {
    struct db_events_wait *wait;
    while ((wait = first_of(&waits->asked)) != NULL)
        judge(waits, wait, result);
}
