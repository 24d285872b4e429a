// SPDX-License-Identifier: MIT
#pragma once
// The registry behind the gateway: requests in, responses out, over keep-alive connections that
// this process pools. It has one address or many (several --upstream, names with several
// addresses); gateway/upstream/balancer.h says which is asked next. gateway/upstream/call.h says
// what a caller may do with a call.
//
// A connection that cannot be opened lets the request go to another address, until
// GW_DEADLINE_UPSTREAM_CONNECT_ALL has passed since the first attempt. A pooled one may be closed
// by the registry at the very moment it is used again, perhaps with a 408 as its last word: a
// request without a body whose method is idempotent is then sent once more, on a fresh connection,
// to another address if there is one (RFC 9112 section 9.3.1, RFC 9110 section 15.5.9); others end
// as GW_CLOSED, or with that answer. Where the registry says in Keep-Alive for how long it keeps a
// connection, none is used again in the last second of it.

#include "base/status.h"
#include "base/str.h"
#include "gateway/upstream/call.h"
#include "tls/client_context.h"

#define GW_UPSTREAM_ORIGINS_MAX 16  // --upstream
#define GW_UPSTREAM_CONNECT_TIMES 2 // all attempts of a request, in connect timeouts
#define GW_UPSTREAM_IDLE_TIMEOUT_MS 30000

struct gw_services;

struct gw_upstream_options {
    // Each holds one address or several, with commas or white space between them, as
    // gateway/upstream/url.h takes them.
    const char *const *texts;
    int text_count;
    const char *authorities_file; // to believe for https://; NULL: the system's
};
struct gw_upstream_problem {
    char text[TLS_ERROR_TEXT_BYTES]; // a sentence
    struct gw_str culprit;           // the part of a text that it is about
};

// GW_INVALID: *problem says why. Names are looked up at once and again and again. `services` (loop,
// transport_shared, deadlines, metrics) and the texts are borrowed.
enum gw_status gw_upstream_create(const struct gw_services *services,
                                  const struct gw_upstream_options *options,
                                  struct gw_upstream **upstream,
                                  struct gw_upstream_problem *problem) GW_MUST_USE;
// Closes every connection and ends the calls that are left as GW_CLOSED. on_closed (may be NULL) is
// the last callback; the upstream is freed right after it. No call may be started any more.
void gw_upstream_close(struct gw_upstream *upstream,
                       void (*on_closed)(struct gw_upstream *upstream));

struct gw_upstream_stats {
    int connections_opening; // waiting for an address, or connecting
    int connections_busy;
    int connections_idle;
};
void gw_upstream_stats(const struct gw_upstream *upstream, struct gw_upstream_stats *stats);

// Sends the head now if a pooled connection is there, else once connected. Failure (GW_UNAVAILABLE,
// GW_SYSTEM, GW_NO_MEMORY): the call is over, nothing will be called back.
enum gw_status gw_upstream_call_start(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      const struct gw_upstream_call_events *events,
                                      const struct gw_upstream_request *request) GW_MUST_USE;
// Closes the connection, calls nothing back. Harmless when the call is over.
void gw_upstream_call_abort(struct gw_upstream_call *call);
