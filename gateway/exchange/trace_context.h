// SPDX-License-Identifier: MIT
#pragma once
// W3C Trace Context (https://www.w3.org/TR/trace-context/): the part of a trace that a request is.
// A client that sends a valid traceparent goes on with its trace, under a span of the gateway's
// own; any other request begins one. Later versions are read as version 00, which is what is
// written. Of the flags those are kept that are defined: sampled and random. Pure.

#include <stdbool.h>

#include "base/random.h"
#include "base/str.h"
#include "gateway/http/parse.h"

#define GW_TRACE_PARENT_LENGTH 55 // "00-<32>-<16>-<2>"
#define GW_TRACE_ID_LENGTH 32
#define GW_SPAN_ID_LENGTH 16

struct gw_trace {
    bool is_of_client;                       // of its traceparent; else begun here
    bool has_span;                           // drawn already
    char parent[GW_TRACE_PARENT_LENGTH + 1]; // gw_trace_parent(); empty: not begun
};

// The ids and flags of a valid value, as slices of it.
struct gw_trace_parts {
    struct gw_str trace_id;
    struct gw_str span_id;
    struct gw_str flags;
};
// False: the value is not one that may be gone on with.
bool gw_trace_parse(struct gw_str value, struct gw_trace_parts *parts) GW_MUST_USE;

// `request` NULL: the head could not be read. Two fields are as bad as one that is not valid.
void gw_trace_begin(struct gw_trace *trace, const struct gw_http_head *request,
                    struct gw_random_sequence *random);
struct gw_str gw_trace_id(const struct gw_trace *trace);
// The traceparent of what goes on from here, terminated. The span is drawn when this is first asked
// for: most traces are logged alone.
struct gw_str gw_trace_parent(struct gw_trace *trace, struct gw_random_sequence *random);
