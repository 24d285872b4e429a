// SPDX-License-Identifier: MIT
#pragma once
// HTTP/1.1 messages, strictly (RFC 9112): llhttp with every leniency off, and above it our own
// checks of each line (here and in chunk_line.h) and of the whole head (head_rules.h). Bytes in,
// events out; no I/O. Used for the requests of clients and for the responses of the registry.
//
// The head (target and fields) is copied into one block (head_block.h), bounded by the limits below
// while it is being read; its slices are valid until the next message begins. Trailers are dropped.

#include <llhttp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/http/chunk_extension.h"
#include "gateway/http/chunk_line.h"
#include "gateway/http/errors.h"
#include "gateway/http/head_block.h"

// Bounds of one message head (RFC 9112 leaves these to us; RFC 9110 section 4.1 asks for at least
// 8000 bytes of target).
#define GW_HTTP_TARGET_BYTES_MAX 8192
#define GW_HTTP_FIELD_BYTES_MAX 16384 // one field line: name and value
#define GW_HTTP_HEAD_BYTES_MAX 32768  // all field lines together, with the target

enum gw_http_event {
    GW_HTTP_WANT_INPUT, // all bytes taken, nothing complete
    GW_HTTP_HEAD,       // head complete; body bytes go to on_body when fed on
    GW_HTTP_END,        // message complete; the next feed starts a new one
    GW_HTTP_FAILED      // gw_http_parser_failure says why; no further feeding
};

enum gw_http_side { GW_HTTP_REQUESTS, GW_HTTP_RESPONSES };

#define GW_HTTP_LEAD_BYTES 7 // the last byte of a target and " HTTP/"

struct gw_http_parser {
    llhttp_t llhttp;
    enum gw_http_side side;
    struct gw_http_head *head; // of this message, and of the last one until the next begins
    struct gw_http_head_block *block;
    struct gw_refusal failure;
    enum gw_http_event event; // what the callbacks of one feed paused for
    void (*on_body)(struct gw_http_parser *parser, struct gw_str bytes);
    bool in_message;
    bool head_is_complete;
    bool expects_no_body;
    bool has_blank_cr;     // the CR of an empty line before a message was read
    bool version_is_begun; // and with it the request line after the target was checked
    bool version_is_complete;
    uint16_t head_flags;    // llhttp's, as the head left them
    uint32_t reason_bytes;  // of a status line
    uint32_t field_bytes;   // of the field line being read
    uint32_t trailer_bytes; // of this message
    // Where llhttp stands: the bytes of this call, and those before them in a request line.
    const char *fed;
    char lead[GW_HTTP_LEAD_BYTES];
    struct gw_http_chunk_line chunk_line;
    struct gw_http_chunk_extension chunk_extension; // of responses
};

void gw_http_parser_init(struct gw_http_parser *parser, enum gw_http_side side,
                         void (*on_body)(struct gw_http_parser *parser, struct gw_str bytes));
void gw_http_parser_deinit(struct gw_http_parser *parser);
// Takes bytes up to the next event; *consumed is how many. Body bytes go to on_body during the
// call.
enum gw_http_event gw_http_parser_feed(struct gw_http_parser *parser, struct gw_str bytes,
                                       size_t *consumed) GW_MUST_USE;
// The peer closed. True when no message was in progress, or when the close legally ends it (a
// response framed by close); false after a failure.
bool gw_http_parser_finish(struct gw_http_parser *parser);
// Between messages: overwrites the head and frees its memory, for a connection that becomes idle.
void gw_http_parser_trim(struct gw_http_parser *parser);
// Between messages: overwrites the head, which held a secret, and keeps its memory.
void gw_http_parser_forget(struct gw_http_parser *parser);
// Responses: the request was HEAD, so the head ends the message. Called before feeding the
// response; holds until the final one has ended (RFC 9110 section 15.2).
void gw_http_parser_expect_no_body(struct gw_http_parser *parser);
// Why a message was refused; of a response always GW_ERROR_UPSTREAM_INVALID. The message is static.
const struct gw_refusal *gw_http_parser_failure(const struct gw_http_parser *parser);
// A message has begun and is not complete.
bool gw_http_parser_in_message(const struct gw_http_parser *parser);
