// SPDX-License-Identifier: MIT
#pragma once
// One request and its response, between the connection that carries it and the handler that answers
// it. The connection embeds the exchange and implements struct gw_exchange_owner_calls. A handler
// (whoami, token API, relay) starts after the decision, answers through the functions below, and
// may take the body. Request lifetime: everything in `arena` is freed when the exchange ends.
//
// A handler answers exactly once, now or later: gw_exchange_respond for a whole response, or
// gw_exchange_begin, _send, _finish for a streamed one. It may answer inside start and inside its
// own callbacks. An answer at any other time ends the exchange before the call returns: on_over
// comes inside gw_exchange_respond, _fail, _finish or _break, and the handler must touch nothing of
// the request afterwards.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "db/token.h"
#include "gateway/exchange/report.h"
#include "gateway/exchange/request_ids.h"
#include "gateway/exchange/response.h"
#include "gateway/exchange/router.h"
#include "gateway/exchange/services.h"
#include "gateway/exchange/site.h"
#include "gateway/exchange/trace_context.h"
#include "gateway/http/client.h"
#include "gateway/http/errors.h"
#include "gateway/http/parse.h"
#include "gateway/settings/metrics.h"

#define GW_REQUEST_ARENA_BYTES_MAX (512 * 1024)
#define GW_ERROR_BODY_BYTES_MAX 2048

struct gw_exchange;

// Implemented by a handler that reads a body or streams; all may be NULL in a handler that answers
// in start.
struct gw_handler;
struct gw_handler_calls {
    // A piece of the request body, valid during the call. No call follows a complete response.
    void (*on_body)(struct gw_handler *handler, struct gw_str bytes);
    void (*on_body_end)(struct gw_handler *handler);
    // gw_exchange_pending_bytes fell below the low water mark again.
    void (*on_writable)(struct gw_handler *handler);
    // The exchange is over: the response is complete, the client left, or a deadline passed. The
    // last call, exactly once: free or detach, and do not answer.
    void (*on_over)(struct gw_handler *handler);
};
struct gw_handler {
    const struct gw_handler_calls *calls;
    struct gw_exchange *exchange;
};

// Implemented by the connection.
struct gw_exchange_owner_calls {
    // The buffer that takes bytes of the response, for appending now.
    struct gw_buf *(*output)(struct gw_exchange *exchange);
    // Bytes were appended: send them, those of one turn together.
    void (*on_output)(struct gw_exchange *exchange);
    // The response is complete.
    void (*on_response_end)(struct gw_exchange *exchange);
    // The response cannot be completed: the client must see the connection break.
    void (*on_response_broken)(struct gw_exchange *exchange);
    // Starts and stops the bytes of the body (back-pressure towards the client).
    void (*on_body_wanted)(struct gw_exchange *exchange, bool wanted);
    size_t (*pending_bytes)(const struct gw_exchange *exchange);
};

enum gw_response_phase { GW_RESPONSE_NONE, GW_RESPONSE_STREAMING, GW_RESPONSE_DONE };

struct gw_exchange {
    struct gw_services *services;
    const struct gw_exchange_owner_calls *owner;
    enum gw_site site; // set by the connection, once
    struct gw_arena arena;
    const struct gw_http_head *request;
    struct gw_route_match match;
    enum gw_route_class route_class;   // of that, for the metrics
    struct db_token_row identity;      // meaningful when has_identity; slices in `arena`
    const unsigned char *token_digest; // of that token, DB_DIGEST_LENGTH bytes in `arena`
    bool has_identity;
    bool is_tls;
    int64_t expires_soon_ms;     // end of the live token when it is near; else DB_NO_TIME
    struct gw_client client;     // the peer, or the client that a trusted proxy names, or unknown
    struct gw_str proxy_address; // of the trusted proxy that sent the request; empty without one
    struct gw_str limit_fields;  // whole lines for the response, in `arena`
    char request_id[GW_REQUEST_ID_LENGTH_MAX + 1]; // ours, or that of a trusted proxy
    struct gw_trace trace; // gw_exchange_trace(); not begun while `parent` is empty
    struct gw_str
        client_subject;         // of the client certificate, owned by the connection; empty without
    struct gw_str client_names; // of that certificate (base/san.h), likewise
    struct gw_handler *handler; // NULL: the body is dropped
    enum gw_response_phase phase;
    bool close_after;        // the response says Connection: close
    bool is_last;            // the connection takes no request after this one; set by its owner
    bool body_complete;      // the request body was read whole
    bool has_continued;      // 100 Continue was sent
    bool is_chunked;         // response body framing
    bool is_head_only;       // HEAD, 204, 304: no body bytes leave
    int status;              // 0 until one is sent
    uint64_t content_left;   // of a response with Content-Length
    uint64_t body_bytes;     // of the response, sent
    size_t written_bytes;    // of a streamed response, with its framing
    struct gw_report report; // for the access log
};

// In this order: init once for a connection, start and end for each request, deinit once.
void gw_exchange_init(struct gw_exchange *exchange, struct gw_services *services,
                      const struct gw_exchange_owner_calls *owner);
// `request` NULL: the head could not be read; only a refusal may follow.
void gw_exchange_start(struct gw_exchange *exchange, const struct gw_http_head *request);
// The trace that the request is a part of, begun when it is first asked for: most requests are
// neither logged nor forwarded. While the head of the request is there.
const struct gw_trace *gw_exchange_trace(struct gw_exchange *exchange);
// The same, as the traceparent of what goes on from here, terminated.
struct gw_str gw_exchange_trace_parent(struct gw_exchange *exchange);
// Calls the handler's on_over and frees what the request held.
void gw_exchange_end(struct gw_exchange *exchange);
// The names of the certificate of the client itself: none when a trusted proxy sends the request,
// for that one's certificate is its own.
struct gw_str gw_exchange_certificate_names(const struct gw_exchange *exchange);
// On an idle connection: frees the memory that is kept for the next request.
void gw_exchange_trim(struct gw_exchange *exchange);
void gw_exchange_deinit(struct gw_exchange *exchange);

// A whole response. Adds Date, X-Request-Id, traceparent for a client that sent one,
// SkillReg-Token-Expires when the end is near, Content-Length and Connection. `content_type` NULL:
// no such field.
void gw_exchange_respond(struct gw_exchange *exchange, int status,
                         const struct gw_response_field *fields, int field_count,
                         const char *content_type, struct gw_str body);
// The error shape {"error":{"code","message"}}, or that of the route, with Cache-Control: no-store.
// Status, code and the field that goes with them (WWW-Authenticate or Retry-After) are those of the
// error's row. `message` is one sentence, escaped here.
void gw_exchange_fail(struct gw_exchange *exchange, enum gw_error error, const char *message);
// The same with a field of the caller's (Allow, a Retry-After of its own) in place of the row's.
void gw_exchange_fail_with(struct gw_exchange *exchange, enum gw_error error, const char *message,
                           const struct gw_response_field *extra);
// The same with so many seconds in Retry-After.
void gw_exchange_fail_until(struct gw_exchange *exchange, enum gw_error error, const char *message,
                            uint64_t wait_s);
void gw_exchange_refuse(struct gw_exchange *exchange, const struct gw_refusal *refusal);

// A streamed response. With content_length == GW_LENGTH_UNKNOWN the body is chunked on HTTP/1.1 and
// ends with the connection on HTTP/1.0. Adds Date unless it is among the fields, X-Request-Id, and
// SkillReg-Token-Expires when the end is near. The fields must not hold Connection, Content-Length
// or Transfer-Encoding.
void gw_exchange_begin(struct gw_exchange *exchange, int status,
                       const struct gw_response_field *fields, int field_count,
                       uint64_t content_length);
void gw_exchange_send(struct gw_exchange *exchange, struct gw_str bytes);
void gw_exchange_finish(struct gw_exchange *exchange);
// After gw_exchange_begin only: the connection breaks, so that the client never takes a short body
// for a whole one.
void gw_exchange_break(struct gw_exchange *exchange);
// After gw_exchange_begin only: takes the response back if nothing of it has left the output yet,
// so that another one may follow. False: some of it has left, or it is over.
bool gw_exchange_take_back(struct gw_exchange *exchange);
// Whether a response has begun and is not whole: if its connection ends now, it has to end in a
// reset. A clean end would make it look whole where the end of the connection is the end of the
// body (HTTP/1.0, length unknown), and to a reader that is lax about lengths and chunks.
bool gw_exchange_is_cut(const struct gw_exchange *exchange);
// Sends "HTTP/1.1 100 Continue" when the client waits for it and nothing was sent yet; otherwise
// does nothing.
void gw_exchange_continue(struct gw_exchange *exchange);
// Passes an interim response other than 100 on, if the client speaks HTTP/1.1 (RFC 9110 section
// 15.2) and nothing was begun yet; otherwise does nothing. The fields as gw_exchange_begin has
// them.
void gw_exchange_interim(struct gw_exchange *exchange, int status,
                         const struct gw_response_field *fields, int field_count);
// Bytes of this connection that the kernel has not taken.
size_t gw_exchange_pending_bytes(const struct gw_exchange *exchange);
// So much is pending that a handler should put out no more until on_writable.
bool gw_exchange_is_congested(const struct gw_exchange *exchange);
void gw_exchange_want_body(struct gw_exchange *exchange, bool wanted);
