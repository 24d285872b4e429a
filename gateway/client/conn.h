// SPDX-License-Identifier: MIT
#pragma once
// One connection of a client, from accept to close: carries requests one after another over a
// transport, decides each, hands it to its handler and writes the answer. Pipelined requests are
// answered in order, one at a time; what has been read and cannot be parsed yet waits in a bounded
// buffer.
//
//            on_open          head read           verdict: allow
//   OPEN ─────────────▶ HEAD ───────────▶ DECIDE ───────────────▶ HANDLE
//                        ▲  │ refused        │ refused              │
//                        │  └────────────────┴──────────▶───────────┤ response complete
//                        └──────────────── keep-alive ◀─────────────┤
//                                                                   ▼ close
//                                    CLOSE ◀── peer gone / time ── LINGER
//
// A client over its budget of failed tokens is refused late: DECIDE goes through DELAY then.
//
// A connection owns itself: it is freed when its last handle has closed, and tells its group
// before.

#include <uv.h>

#include "gateway/client/group.h"
#include "tls/context.h"

enum gw_conn_kind { GW_CONN_CLIENT, GW_CONN_ADMIN };

// Accepts the next connection of `listener`. `tls` NULL: plain. Over the limit, or without memory
// for what belongs to a connection, the newcomer is closed at once. GW_NO_MEMORY: not even that
// could be done, and nothing was accepted.
enum gw_status gw_conn_accept(struct gw_conn_group *group, uv_stream_t *listener,
                              struct tls_context *tls, enum gw_conn_kind kind) GW_MUST_USE;
