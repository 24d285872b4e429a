// SPDX-License-Identifier: MIT
#pragma once
// The addresses behind one name of the registry. Looked up at once and every
// GW_UPSTREAM_RESOLVE_INTERVAL_MS with uv_getaddrinfo, sooner when asked; a numeric host is known
// from the start and never looked up. A failed lookup keeps the addresses of the last successful
// one.

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"
#include "gateway/upstream/url.h"

#define GW_UPSTREAM_ADDRESSES_MAX 64
#define GW_UPSTREAM_RESOLVE_INTERVAL_MS 30000
#define GW_UPSTREAM_RESOLVE_MIN_MS 1000 // between two lookups

struct gw_upstream_addresses {
    struct sockaddr_storage list[GW_UPSTREAM_ADDRESSES_MAX];
    int count; // 0 before the first successful lookup
    const struct gw_upstream_url *url;
    // A lookup ended; `count` may still be 0. Never inside a call of this header.
    void (*on_resolved)(struct gw_upstream_addresses *addresses);
    void (*on_closed)(struct gw_upstream_addresses *addresses);
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    uint64_t looked_up_ms; // when the last lookup started
    bool is_looking_up, is_numeric, is_closing, is_timer_closed, was_failing;
};

// `url` is borrowed.
void gw_upstream_addresses_open(struct gw_upstream_addresses *addresses, uv_loop_t *loop,
                                const struct gw_upstream_url *url,
                                void (*on_resolved)(struct gw_upstream_addresses *addresses));
// on_closed is the last callback; the memory is the owner's again.
void gw_upstream_addresses_close(struct gw_upstream_addresses *addresses,
                                 void (*on_closed)(struct gw_upstream_addresses *addresses));
// Starts a lookup unless one is under way or the last was just now. True: on_resolved will come.
bool gw_upstream_addresses_refresh(struct gw_upstream_addresses *addresses);
