// SPDX-License-Identifier: MIT
#pragma once
// HTTP/1.1 messages, strictly (RFC 9112): llhttp with every leniency off, and above it the checks
// that HARDENING asks for: one Host, one framing, no list in Content-Length, bounded lines. Bytes
// in, events out; no I/O. Used for requests of clients and for responses of the registry.
//
// The head (target and fields) is copied to one block, bounded by base/limits.h while it is being
// read; slices in struct gw_http_head point into it and stay until the next message starts.
// Trailers are dropped.

#include <llhttp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/http/errors.h"

// Fields that something looks at; found once while parsing. Names are matched in any letter case.
#define GW_HTTP_KNOWN_FIELDS(X)                                                                    \
    X(AUTHORIZATION, "authorization")                                                              \
    X(CONNECTION, "connection")                                                                    \
    X(CONTENT_LENGTH, "content-length")                                                            \
    X(CONTENT_TYPE, "content-type")                                                                \
    X(EXPECT, "expect")                                                                            \
    X(FORWARDED, "forwarded")                                                                      \
    X(HOST, "host")                                                                                \
    X(KEEP_ALIVE, "keep-alive")                                                                    \
    X(TRANSFER_ENCODING, "transfer-encoding")                                                      \
    X(X_FORWARDED_FOR, "x-forwarded-for")                                                          \
    X(X_FORWARDED_HOST, "x-forwarded-host")                                                        \
    X(X_FORWARDED_PROTO, "x-forwarded-proto")

enum gw_http_field_id {
    GW_FIELD_OTHER,
#define X(id, name) GW_FIELD_##id,
    GW_HTTP_KNOWN_FIELDS(X)
#undef X
};

struct gw_http_field {
    struct gw_str name;  // as sent
    struct gw_str value; // without white space at its ends
    enum gw_http_field_id id;
};

struct gw_http_head {
    // Requests.
    llhttp_method_t method;
    struct gw_str method_name;
    struct gw_str target; // raw bytes, in origin form: an absolute form is taken apart
    struct gw_str host;   // of an absolute target, else of Host; empty on HTTP/1.0 without one
    bool expects_continue;
    // Responses.
    int status;
    // Both.
    uint8_t version_minor; // of HTTP/1
    bool keep_alive;       // the connection may be used again after this message
    bool is_chunked;
    bool has_content_length;
    uint64_t content_length;
    int field_count;
    struct gw_http_field fields[GW_HTTP_FIELDS_MAX];
};

enum gw_http_event {
    GW_HTTP_WANT_INPUT, // all bytes taken, nothing complete
    GW_HTTP_HEAD,       // head complete; body bytes go to on_body when fed on
    GW_HTTP_END,        // message complete; the next feed starts a new one
    GW_HTTP_FAILED      // gw_http_parser_failure says why; no further feeding
};

enum gw_http_side { GW_HTTP_REQUESTS, GW_HTTP_RESPONSES };

struct gw_http_head_block;

#define GW_HTTP_LEAD_BYTES 7 // the last byte of a target and " HTTP/"

struct gw_http_parser {
    llhttp_t llhttp;
    enum gw_http_side side;
    struct gw_http_head
        *head; // of the message in progress, and of the last one until the next begins
    struct gw_http_head_block *block;
    struct gw_refusal failure;
    enum gw_http_event event; // what the callbacks of one feed paused for
    void (*on_body)(struct gw_http_parser *parser, struct gw_str bytes);
    bool in_message;
    bool head_is_complete;
    bool expects_no_body;
    bool has_blank_cr;     // of an empty line before a message its CR was read
    bool version_is_begun; // and with it the request line behind the target was checked
    bool version_is_complete;
    bool has_chunk_extension; // in the chunk line being read
    uint16_t head_flags;      // llhttp's, as the head left them
    uint32_t reason_bytes;    // of a status line
    uint32_t field_bytes;     // of the field line being read
    uint32_t extension_bytes; // of this message's chunks, in lines that are complete
    uint32_t trailer_bytes;   // of this message
    // Where llhttp stands: the bytes of this call, those that came before them in a request line,
    // and how much of a chunked body came before them.
    const char *fed;
    char lead[GW_HTTP_LEAD_BYTES];
    uint64_t body_offset;
    uint64_t chunk_line_start; // as body_offset counts; of the line being read or of the next one
    uint64_t chunk_digits;     // of the size before the extension
};

void gw_http_parser_init(struct gw_http_parser *parser, enum gw_http_side side,
                         void (*on_body)(struct gw_http_parser *parser, struct gw_str bytes));
void gw_http_parser_deinit(struct gw_http_parser *parser);
// Takes bytes up to the next event; *consumed says how many. Body bytes are handed to on_body
// during the call.
enum gw_http_event gw_http_parser_feed(struct gw_http_parser *parser, struct gw_str bytes,
                                       size_t *consumed) GW_MUST_USE;
// The peer closed. True when that legally ends the message in progress (a response framed by close)
// or when there was none; false after a failure.
bool gw_http_parser_finish(struct gw_http_parser *parser);
// Between messages: overwrites the head and gives its memory back. Called by owners of idle
// connections.
void gw_http_parser_rest(struct gw_http_parser *parser);
// Between messages: overwrites the head, which held a secret, and keeps its memory.
void gw_http_parser_forget(struct gw_http_parser *parser);
// Responses: the request was HEAD, so the head ends the message. Call before feeding its response;
// holds up to the end of the final one (RFC 9110 section 15.2).
void gw_http_parser_expect_no_body(struct gw_http_parser *parser);
// Why a message was refused; of a response always GW_ERROR_UPSTREAM_INVALID. The message is static.
const struct gw_refusal *gw_http_parser_failure(const struct gw_http_parser *parser);
// A message has begun and is not complete.
bool gw_http_parser_in_message(const struct gw_http_parser *parser);

// First field with this id, or NULL.
const struct gw_http_field *gw_http_head_field(const struct gw_http_head *head,
                                               enum gw_http_field_id id);
int gw_http_head_count(const struct gw_http_head *head, enum gw_http_field_id id);
