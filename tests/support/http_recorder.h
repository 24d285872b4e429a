// SPDX-License-Identifier: MIT
#pragma once
// Feeds bytes to a gw_http_parser, cut into pieces, and writes down what came out, as text. The
// text depends on the bytes alone, whatever the pieces: that is what unit tests and fuzzers
// compare. While it records it asserts (gw_assert) what must hold of every run: no more consumed
// than given, body bytes only between head and end, the head unchanged until the end, nothing after
// a failure.
//
//   head GET /x 1.1 host=a keep-alive length=5     one line for a head: "chunked", "close",
//   "continue" likewise | Host: a                                      one line for each field body
//   hello                                     all of it, missing when empty end 42 and the offset
//   behind the message failed 400 bad_request open | between                                 what
//   is left at the end of input: a message begun, or none

#include "base/buf.h"
#include "gateway/http/parse.h"

#define HTTP_PIECES_WHOLE 0
#define HTTP_PIECES_BYTES 1
// Any other number: cut at places drawn from it.

struct http_recording {
    enum gw_http_side side;
    struct gw_str input;
    uint32_t pieces;
    bool is_answer_to_head; // of responses: each final one answers HEAD
    bool is_closed; // the peer closes at the end: "closed whole" or "closed short" ends the text
    bool is_reason_hidden; // just "failed": what is wrong in two ways may be refused for either
};

// Appends the text to `out`, terminated (the terminator is not part of its length).
void http_record(const struct http_recording *recording, struct gw_buf *out);
