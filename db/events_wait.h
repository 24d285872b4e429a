// SPDX-License-Identifier: MIT
#pragma once
// Waiting until every gateway has applied an event: part of db/events.h, on its link. While there
// is a wait, the view skillreg.gateway_state is asked every 25 to 50 ms, once for all waits.

#include <libpq-fe.h>
#include <uv.h>

#include "base/list.h"
#include "db/event.h"
#include "db/query.h"

struct db_link;

// How many gateways stand at which number.
extern const struct db_statement db_event_waits_statement;
// What its answer says about the event of that number. All 0: no gateway is known.
struct db_events_reach db_event_waits_reach(const PGresult *result, uint64_t seq);

struct db_event_waits {
    struct db_link *server;
    uv_timer_t timer;
    struct db_query query;
    struct gw_list asked;   // before the query was sent: its answer is for these
    struct gw_list waiting; // for the next one
    struct gw_list late;    // about to end as GW_UNAVAILABLE
    void (*on_closed)(struct db_event_waits *waits);
};

// `server` carries the query; its owner hands the answer to db_event_waits_take.
void db_event_waits_init(struct db_event_waits *waits, struct db_link *server);
// Ends all as GW_UNAVAILABLE; the memory is the owner's again when on_closed is called.
void db_event_waits_close(struct db_event_waits *waits,
                          void (*on_closed)(struct db_event_waits *waits));
void db_event_waits_add(struct db_event_waits *waits, struct db_events_wait *wait);
void db_event_waits_take(struct db_event_waits *waits, const PGresult *result);
// The link is down: the question has no answer, and is asked again.
void db_event_waits_on_down(struct db_event_waits *waits);
