// SPDX-License-Identifier: MIT
#pragma once
// A request to the registry and its response. The caller (the relay) embeds the struct and keeps it
// until the call is over: on_end or on_error was called, or the caller aborted it. Calls are
// started and aborted through gateway/upstream/pool.h; the connection belongs to the upstream and
// outlives the call.
//
// Functions of this header never call back; on_end and on_error are the last callbacks. Inside any
// callback the caller may use its call, abort it, or (in on_end and on_error) start another.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/http/parse.h"
#include "gateway/net/deadline.h"
#include "gateway/upstream/balancer.h"

struct gw_upstream;
struct gw_upstream_call;
struct gw_upstream_conn;

struct gw_upstream_call_events {
    // The head of an interim response, 1xx: 100 says that the registry wants the body. Valid during
    // the call. May be NULL.
    void (*on_interim)(struct gw_upstream_call *call, const struct gw_http_head *head);
    // The head of the final response, valid during the call.
    void (*on_head)(struct gw_upstream_call *call, const struct gw_http_head *head);
    // A piece of the response body, without its framing; valid during the call. After a pause,
    // bytes already read may still come: at most GW_CONN_READ_BYTES.
    void (*on_body)(struct gw_upstream_call *call, struct gw_str bytes);
    // The response is complete, perhaps before the request body was sent whole: send no more of it.
    void (*on_end)(struct gw_upstream_call *call);
    // The request has a body, and gw_upstream_call_is_writable became true.
    void (*on_writable)(struct gw_upstream_call *call);
    // GW_UNAVAILABLE: could not resolve or connect; GW_SYSTEM: no descriptor was left for it;
    // GW_CLOSED: the connection died; GW_TIMED_OUT; GW_INVALID: no valid HTTP response;
    // GW_NO_MEMORY. gw_upstream_call_reason says more, for the log.
    void (*on_error)(struct gw_upstream_call *call, enum gw_status status);
};

enum gw_upstream_body { GW_UPSTREAM_NO_BODY, GW_UPSTREAM_BODY_SIZED, GW_UPSTREAM_BODY_CHUNKED };

// Slices must stay until the call is over. The upstream writes Host between the two, because it
// depends on the origin.
struct gw_upstream_request {
    struct gw_str line;   // request line, with its line end
    struct gw_str fields; // all others, and the empty line
    enum gw_upstream_body body;
    bool is_head;       // method HEAD: the response has no body
    bool is_idempotent; // RFC 9110 section 9.2.2
};

struct gw_upstream_call {
    const struct gw_upstream_call_events *events;
    struct gw_upstream *upstream;
    struct gw_upstream_conn *conn; // NULL: the call is over
    struct gw_upstream_request request;
    struct gw_buf early; // framed body bytes from before there was a connection
    struct gw_upstream_tries tries;
    struct gw_deadline connect_deadline; // of all attempts; set while there is no connection yet
    bool is_body_ended, was_retried;
    const char *reason; // static
};

// For the upstream.
void gw_upstream_call_init(struct gw_upstream_call *call, struct gw_upstream *upstream,
                           const struct gw_upstream_call_events *events,
                           const struct gw_upstream_request *request);
// Sends head and early body on a connection that was just opened, or parked. On failure: close it.
enum gw_status gw_upstream_call_send_head(struct gw_upstream_call *call,
                                          struct gw_str authority) GW_MUST_USE;

// False without a connection, or while more than GW_CONN_WRITE_HIGH_WATER_BYTES wait to be sent.
// Sending nevertheless works within bounds: one read from the client always fits.
bool gw_upstream_call_is_writable(const struct gw_upstream_call *call);
// A piece of the request body, framed here when the body is chunked. GW_TOO_BIG, GW_NO_MEMORY:
// abort the call. Harmless when the call is over.
enum gw_status gw_upstream_call_send_body(struct gw_upstream_call *call,
                                          struct gw_str bytes) GW_MUST_USE;
// The request is whole. The clock for the response starts here.
enum gw_status gw_upstream_call_end_body(struct gw_upstream_call *call) GW_MUST_USE;
// Stops and continues reading the response.
void gw_upstream_call_pause(struct gw_upstream_call *call);
void gw_upstream_call_resume(struct gw_upstream_call *call);
bool gw_upstream_call_is_over(const struct gw_upstream_call *call);
// Why the call failed, static, for the log. Set before on_error, and when start fails.
const char *gw_upstream_call_reason(const struct gw_upstream_call *call);
