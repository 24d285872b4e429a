// SPDX-License-Identifier: MIT
#pragma once
// One connection of a client, from accept to close: carries requests one after another over a
// transport, decides each, hands it to its handler and writes the response. Pipelined requests are
// answered in order, one at a time; what has been read and cannot be parsed yet waits in `input`.
//
//           opened           head read            allowed
//   OPEN ───────────▶ HEAD ───────────▶ DECIDE ─────────────▶ HANDLE
//                      ▲  │ no route,      │ refused             ▲ │
//                      │  │ unreadable     ├─────────────────────┤ │
//                      │  └────────────────│─────────────────────┤ │
//                      │                   └──▶ DELAY ───────────┘ │ response complete
//                      └────────────────── keep-alive ─────────────┤
//                                                                  ▼ last one
//                               CLOSE ◀── LINGER ◀──────────── FAREWELL
//
// A client over its budget of failed tokens is refused late, through DELAY. A connection without a
// request leaves HEAD for FAREWELL or CLOSE. Whatever breaks the stream leads from any state to
// LINGER (broken TLS) or CLOSE.
//
// conn.c has the steps. accept.c makes connections and has the callbacks: each stores here what
// happened and calls gw_conn_run. A connection owns itself: it is freed when its last handle has
// closed, and leaves its group before.

#include "gateway/client/conn_state.h"

#define GW_TRIM_TIMEOUT_MS 1000 // of an idle connection, until it gives its memory back

// Something was stored: takes the steps that follow from it.
void gw_conn_run(struct gw_conn *conn);
// The same with bytes, valid during the call.
void gw_conn_run_with(struct gw_conn *conn, struct gw_str bytes);
// The stream has come to `phase`, if it was not further: takes the steps that follow.
void gw_conn_move_on(struct gw_conn *conn, enum gw_conn_phase phase);
void gw_conn_flush(struct gw_conn *conn);
// The request, if there is one, is over.
void gw_conn_end_exchange(struct gw_conn *conn);
