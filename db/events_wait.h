// SPDX-License-Identifier: MIT
#pragma once
// Waiting until every gateway has applied an event: part of db/events.h, on its connection. While
// somebody waits, the view skillreg.gateway_state is asked every 25 to 50 ms, once for all who
// wait.

#include <libpq-fe.h>
#include <uv.h>

#include "base/list.h"
#include "db/event.h"
#include "db/link.h"
#include "db/query.h"

// How many gateways stand at which number.
extern const struct db_statement db_event_waits_statement;

struct db_event_waits {
    struct db_link *connection;
    uv_timer_t timer;
    struct db_query query;
    struct gw_list asked;   // the answer on its way is for these
    struct gw_list waiting; // for the next one
    struct gw_list late;    // about to be told so
    void (*on_closed)(struct db_event_waits *waits);
};

// `connection` carries the query and hands its answer to db_event_waits_take.
void db_event_waits_init(struct db_event_waits *waits, struct db_link *connection);
// Ends all as GW_UNAVAILABLE; the memory is the owner's again when on_closed is called.
void db_event_waits_close(struct db_event_waits *waits,
                          void (*on_closed)(struct db_event_waits *waits));
void db_event_waits_add(struct db_event_waits *waits, struct db_events_wait *wait);
void db_event_waits_take(struct db_event_waits *waits, const PGresult *result);
// The connection is down: what was asked will have no answer.
void db_event_waits_on_down(struct db_event_waits *waits);
