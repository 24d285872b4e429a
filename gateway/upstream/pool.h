// SPDX-License-Identifier: MIT
#pragma once
// The registry: requests in, responses out, over keep-alive connections that this process pools. It
// has one address or many (several --upstream, names with several addresses); the balancer picks
// among them (gateway/upstream/balancer.h). gateway/upstream/call.h is the interface of a call.
//
// When a connection cannot be opened, the request goes to another address, until
// GW_DEADLINE_UPSTREAM_CONNECT_ALL after the first attempt. The registry may close a pooled
// connection just when it is used again, perhaps with a final 408: a request without a body whose
// method is idempotent is then sent once more, on a fresh connection, to another address if there
// is one (RFC 9112 section 9.3.1, RFC 9110 section 15.5.9); others end as GW_CLOSED, or with that
// answer. A connection is not used in the last second of the time that Keep-Alive announced for it,
// nor once the registry has closed it or sent something behind an answer. A host that answers no
// more, not even by acknowledging, is noticed within the time to connect: a request that may be
// repeated goes elsewhere, and what rests there is closed.

#include "base/status.h"
#include "gateway/upstream/call.h"
#include "gateway/upstream/origins.h"

#define GW_UPSTREAM_CONNECT_TIMES 2 // all attempts of a request, in connect timeouts
#define GW_UPSTREAM_IDLE_TIMEOUT_MS 30000
#define GW_UPSTREAM_CONTINUE_TIMEOUT_MS 1000 // to say 100 Continue before the gateway does

struct gw_services;

// GW_INVALID: *problem says why. Looks names up at once, and again and again. `services` (loop,
// transport_shared, deadlines, metrics) and the texts are borrowed.
enum gw_status gw_upstream_create(const struct gw_services *services,
                                  const struct gw_upstream_options *options,
                                  struct gw_upstream **upstream,
                                  struct gw_upstream_problem *problem) GW_MUST_USE;
// Closes every connection and ends the remaining calls as GW_CLOSED. on_closed (may be NULL) is the
// last callback; the upstream is freed right after it. No call may be started after this.
void gw_upstream_close(struct gw_upstream *upstream,
                       void (*on_closed)(struct gw_upstream *upstream));

struct gw_upstream_stats {
    int connections_opening; // waiting for an address, or connecting
    int connections_busy;
    int connections_idle;
};
void gw_upstream_stats(const struct gw_upstream *upstream, struct gw_upstream_stats *stats);

// Sends the head now on a parked connection, or once connected. Failure (GW_UNAVAILABLE, GW_SYSTEM,
// GW_NO_MEMORY): the call is over, without a callback.
enum gw_status gw_upstream_call_start(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      const struct gw_upstream_call_events *events,
                                      const struct gw_upstream_request *request) GW_MUST_USE;
// Closes the connection, without a callback. Harmless when the call is over.
void gw_upstream_call_abort(struct gw_upstream_call *call);
