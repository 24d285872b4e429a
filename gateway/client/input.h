// SPDX-License-Identifier: MIT
#pragma once
// What a connection has received and its parser has not seen. Bytes are lent for a turn: `unread`
// points to them where they lie. What is left of them at the end of the turn is kept, so a
// connection that parses what it gets holds no memory. Bytes in, bytes out; no loop in sight.
//
// A turn: gw_input_begin, with the bytes that came or none; gw_input_feed as often as there is
// something to parse; gw_input_end.

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "gateway/http/parse.h"

struct gw_input {
    struct gw_str unread; // within a turn
    struct gw_buf kept;   // between turns; within one, `unread` is its end, if it holds anything
};

void gw_input_init(struct gw_input *input);
void gw_input_deinit(struct gw_input *input);
// `bytes` are the caller's and stay until gw_input_end. GW_TOO_BIG, GW_NO_MEMORY: there is nothing
// to read in this turn.
enum gw_status gw_input_begin(struct gw_input *input, struct gw_str bytes) GW_MUST_USE;
// Feeds `parser` up to its next event.
enum gw_http_event gw_input_feed(struct gw_input *input, struct gw_http_parser *parser) GW_MUST_USE;
// Nothing more of what came will be read.
void gw_input_drop(struct gw_input *input);
// GW_TOO_BIG, GW_NO_MEMORY: what is left could not be kept and is lost.
enum gw_status gw_input_end(struct gw_input *input) GW_MUST_USE;
// Within a turn.
bool gw_input_is_empty(const struct gw_input *input);
// Between turns: bytes wait, and so many that no more should be read.
size_t gw_input_kept_bytes(const struct gw_input *input);
bool gw_input_is_full(const struct gw_input *input);
// The memory of it.
size_t gw_input_held_bytes(const struct gw_input *input);
