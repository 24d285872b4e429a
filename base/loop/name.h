// SPDX-License-Identifier: MIT
#pragma once
// The addresses behind one host name: of the database, of the registry. A numeric host is known
// from the start and never looked up. A lookup that fails, or does not end, leaves the addresses of
// the last one that succeeded. Looked up when asked, and every GW_NAME_INTERVAL_MS after that.
//
// Each lookup has a thread of its own, which nobody waits for: a resolver can hang for minutes.
// uv_getaddrinfo would not do. libuv runs two lookups at once and no more, so that two names that
// hang stop all others, and exit() waits for them to end. Here a name has at most
// GW_NAME_THREADS_MAX threads, holds up no other name, and a thread that hangs is left behind.
//
//   gw_name_refresh --> thread: getaddrinfo --> post (under the lock) --> uv_async_send
//                                                |                            |
//                                                v                            v
//                                  nobody is there any more:          on_posted: take, log,
//                                  the last thread frees the box      on_resolved

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"

#define GW_NAME_ADDRESSES_MAX 64
#define GW_NAME_INTERVAL_MS 30000
#define GW_NAME_REFRESH_MIN_MS 1000 // between two lookups
// A lookup that takes longer is not waited for by the next one: the resolver may have been replaced
// meanwhile.
#define GW_NAME_STUCK_MS 20000
#define GW_NAME_THREADS_MAX 2

struct gw_name_box;

struct gw_name {
    struct sockaddr_storage list[GW_NAME_ADDRESSES_MAX];
    int count; // 0 before the first lookup that succeeded
    // A lookup ended; `count` may still be 0. Never inside a call of this header.
    void (*on_resolved)(struct gw_name *name);
    void (*on_closed)(struct gw_name *name);
    const char *host;
    const char *component; // of the log
    uint16_t port;
    uv_timer_t timer;
    uv_async_t posted;
    int handle_count;        // of the two above
    struct gw_name_box *box; // shared with the threads; NULL: out of memory
    uint64_t looked_up_ms;   // when the last lookup started; 0: never
    uint32_t asked;          // number of the last lookup
    uint32_t answered;       // number of the last one that ended
    bool is_numeric, is_closing, was_failing;
};

// `host` and `component` are borrowed. No lookup starts.
void gw_name_open(struct gw_name *name, uv_loop_t *loop, const char *component, const char *host,
                  uint16_t port, void (*on_resolved)(struct gw_name *name));
// on_closed is the last callback; the memory is the owner's again. Waits for no lookup.
void gw_name_close(struct gw_name *name, void (*on_closed)(struct gw_name *name));
// Starts a lookup unless one is under way or the last was just now. True: on_resolved will come.
bool gw_name_refresh(struct gw_name *name);

static inline bool gw_name_is_looking_up(const struct gw_name *name) {
    return name->asked != name->answered;
}
