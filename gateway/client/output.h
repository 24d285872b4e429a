// SPDX-License-Identifier: MIT
#pragma once
// What the exchanges of a connection put out and its peer has not taken yet. What TLS itself has to
// say (a ticket that waits to leave with the first response) is not part of it: no deadline for
// writing runs while nothing but that waits.

#include <stdbool.h>
#include <stdint.h>

#include "gateway/net/transport.h"

// Progress is that much of a body, either way, within its deadline, or the rest of it: a byte now
// and then does not count.
#define GW_PROGRESS_BYTES_MIN (16 * 1024)

enum gw_output_phase {
    GW_OUTPUT_SENT,   // nothing of an exchange waits
    GW_OUTPUT_FRESH,  // put out since the last flush
    GW_OUTPUT_WAITING // flushed, and the socket did not take all of it
};

struct gw_output {
    struct gw_transport *transport;
    enum gw_output_phase phase;
    uint64_t progress_mark; // acknowledged bytes at gw_output_watch
};

void gw_output_init(struct gw_output *output, struct gw_transport *transport);
// An exchange appended to the transport's output. Much of it is flushed at once: what a handler
// sees as pending has to be what the socket did not take, which alone is followed by on_drain.
void gw_output_add(struct gw_output *output);
void gw_output_flush(struct gw_output *output);
// The transport's on_drain.
void gw_output_note_drain(struct gw_output *output);
// Bytes of an exchange wait.
bool gw_output_is_waiting(const struct gw_output *output);

// Progress of the peer, for the deadline of writing: whether it has acknowledged
// GW_PROGRESS_BYTES_MIN since gw_output_watch.
void gw_output_watch(struct gw_output *output);
bool gw_output_has_progress(const struct gw_output *output);
