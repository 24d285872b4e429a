// SPDX-License-Identifier: MIT
#pragma once
// The registry behind the gateway: requests in, responses out, over keep-alive connections that this process pools.
// A call is one request and its response. Its struct is embedded by whoever makes it (the relay) and must stay until the call is over: on_end or
// on_error was called, or the caller aborted it. The connection under a call belongs to the upstream and
// outlives it.
//
// Nothing is called back inside a function of this header; after on_end or on_error nothing more comes. Inside any
// callback the caller may use its call, abort it, or (in on_end and on_error) start another.
//
// A pooled connection may be closed by the registry at the very moment it is used again. A request without a body whose method
// is idempotent is then sent once more, on a fresh connection (RFC 9112 section 9.3.1); others end as GW_CLOSED.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/http_parse.h"

struct gw_services;
struct gw_upstream;
struct gw_upstream_call;
struct gw_upstream_conn;

// `url` is `http://host[:port]`, as gateway/upstream_url.h takes it; on GW_INVALID *problem is a sentence. Name resolution begins
// at once and is repeated. `services` (loop, transport_shared, deadlines, metrics) is borrowed.
enum gw_status gw_upstream_create(const struct gw_services *services, struct gw_str url,
                                  struct gw_upstream **upstream, const char **problem) GW_MUST_USE;
// Closes every connection and ends the calls that are left as GW_CLOSED. on_closed (may be NULL) is the last callback; the upstream
// is freed right after it. No call may be started any more.
void gw_upstream_close(struct gw_upstream *upstream,
                       void (*on_closed)(struct gw_upstream *upstream));
// For Host: "registry.internal:8080".
struct gw_str gw_upstream_authority(const struct gw_upstream *upstream);

struct gw_upstream_stats {
    int connections_opening; // waiting for an address, or connecting
    int connections_busy;
    int connections_idle;
};
void gw_upstream_stats(const struct gw_upstream *upstream, struct gw_upstream_stats *stats);

struct gw_upstream_call_events {
    // The head of the final response: 1xx never comes here. Valid during the call.
    void (*on_head)(struct gw_upstream_call *call, const struct gw_http_head *head);
    // A piece of the response body, without its framing; valid during the call. Pieces already read still come after
    // a pause: at most GW_CONN_READ_BYTES.
    void (*on_body)(struct gw_upstream_call *call, struct gw_str bytes);
    // The response is complete. It may be so before the request body was sent whole: send no more of it.
    void (*on_end)(struct gw_upstream_call *call);
    // The request has a body, and gw_upstream_call_is_writable became true.
    void (*on_writable)(struct gw_upstream_call *call);
    // GW_UNAVAILABLE: could not resolve or connect; GW_CLOSED: the connection died; GW_TIMED_OUT; GW_INVALID: no
    // valid HTTP response; GW_NO_MEMORY. gw_upstream_call_reason says more, for the log.
    void (*on_error)(struct gw_upstream_call *call, enum gw_status status);
};

enum gw_upstream_body { GW_UPSTREAM_NO_BODY, GW_UPSTREAM_BODY_SIZED, GW_UPSTREAM_BODY_CHUNKED };

struct gw_upstream_request {
    struct gw_str head; // request line, fields and empty line; must stay until the call is over
    enum gw_upstream_body body;
    bool is_head;       // method HEAD: the response has no body
    bool is_idempotent; // RFC 9110 section 9.2.2
};

struct gw_upstream_call {
    const struct gw_upstream_call_events *events;
    struct gw_upstream *upstream;
    struct gw_upstream_conn *conn; // NULL: the call is over
    struct gw_upstream_request request;
    struct gw_buf early;      // framed body bytes that came before there was a connection
    uint32_t addresses_tried; // bit per address
    bool is_body_ended, is_paused, was_retried;
    const char *reason; // static
};

// Sends the head now if a pooled connection is there, else once connected. Failure (GW_UNAVAILABLE, GW_NO_MEMORY): the
// call is over, nothing will be called back.
enum gw_status gw_upstream_call_start(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      const struct gw_upstream_call_events *events,
                                      const struct gw_upstream_request *request) GW_MUST_USE;
// False while there is no connection yet, or while more than GW_CONN_WRITE_HIGH_WATER_BYTES wait to be sent. Sending anyway works within reason: what
// was read from the client at once always fits.
bool gw_upstream_call_is_writable(const struct gw_upstream_call *call);
// A piece of the request body, framed here when the body is chunked. GW_TOO_BIG, GW_NO_MEMORY: abort the call. Harmless when the call is over.
enum gw_status gw_upstream_call_send_body(struct gw_upstream_call *call,
                                          struct gw_str bytes) GW_MUST_USE;
// The request is whole. The clock for the response starts here.
enum gw_status gw_upstream_call_end_body(struct gw_upstream_call *call) GW_MUST_USE;
// Stop and go on reading the response.
void gw_upstream_call_pause(struct gw_upstream_call *call);
void gw_upstream_call_resume(struct gw_upstream_call *call);
// Closes the connection, calls nothing back. Harmless when the call is over.
void gw_upstream_call_abort(struct gw_upstream_call *call);
bool gw_upstream_call_is_over(const struct gw_upstream_call *call);
// Static text: what went wrong, for the log. Set before on_error, and when start fails.
const char *gw_upstream_call_reason(const struct gw_upstream_call *call);
