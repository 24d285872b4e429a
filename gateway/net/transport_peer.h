// SPDX-License-Identifier: MIT
#pragma once
// What the kernel knows of the other end of a connected transport, and what it is told to find out.
// A system call each.

#include <stdbool.h>
#include <stdint.h>

#include "gateway/net/transport_state.h"

// Whether nothing has come that the loop has not read yet: no bytes, no end, no reset. Between
// messages, where each of these means that the connection is not to be used again.
bool gw_transport_is_quiet(const struct gw_transport *transport);
// Whether bytes have come that the loop has not read yet.
bool gw_transport_has_unread(const struct gw_transport *transport);
// A host that vanished says nothing, not even that it has gone. From now on the kernel asks it
// while nothing is on its way, and gives the connection up when `silence_ms` pass without an
// answer: on_error(GW_TIMED_OUT). Coarse, at least a second.
void gw_transport_watch_host(struct gw_transport *transport, uint64_t silence_ms);
// The same for bytes on their way, which have to be acknowledged within `silence_ms`; 0: as long as
// the kernel tries. Not for more than the peer takes at once: Linux gives up a peer that answers,
// too, when it has no room for that long.
void gw_transport_limit_silence(struct gw_transport *transport, uint64_t silence_ms);
