// SPDX-License-Identifier: MIT
#pragma once
// The origins of the registry, one for each address of --upstream: its URL, and the socket
// addresses behind its name, or behind that of the proxy through which it is reached: only the
// proxy looks its name up then. Read from the options once; looked up again and again.

#include <stdbool.h>
#include <uv.h>

#include "base/loop/name.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/upstream/proxy.h"
#include "gateway/upstream/url.h"
#include "tls/client_context.h"

#define GW_UPSTREAM_ORIGINS_MAX 16 // --upstream

struct gw_upstream_options {
    // Each holds one address or several, with commas or white space between them, as
    // gateway/upstream/url.h takes them.
    const char *const *texts;
    int text_count;
    const char *authorities_file; // trusted for https://; NULL: the system's
    // The way to https:// origins, borrowed, unless `no_proxy` (gateway/upstream/no_proxy.h) has
    // their host. NULL: none.
    const struct gw_upstream_proxy *proxy;
    struct gw_str no_proxy;
};
struct gw_upstream_problem {
    char text[TLS_ERROR_TEXT_BYTES]; // a sentence
    struct gw_str culprit;           // the part of a text that it is about
};

struct gw_upstream_origin {
    struct gw_upstream_origins *origins;
    struct gw_upstream_url url;
    const struct gw_upstream_proxy *proxy; // NULL: it is reached directly
    struct gw_name name;                   // of the proxy, if there is one
};

struct gw_upstream_origins {
    struct gw_upstream_origin list[GW_UPSTREAM_ORIGINS_MAX];
    int count;
    int open_count;
    struct tls_client_context *tls; // NULL: no origin needs it
    // The addresses of an origin are known, or known anew; its list may be empty.
    void (*on_resolved)(struct gw_upstream_origins *origins, struct gw_upstream_origin *origin);
    void (*on_closed)(struct gw_upstream_origins *origins);
};

// Of zeros. GW_INVALID: *problem says why. Only GW_OK needs gw_upstream_origins_deinit. The texts
// are borrowed.
enum gw_status gw_upstream_origins_read(struct gw_upstream_origins *origins,
                                        const struct gw_upstream_options *options,
                                        struct gw_upstream_problem *problem) GW_MUST_USE;
void gw_upstream_origins_deinit(struct gw_upstream_origins *origins);
// Starts the lookups. on_resolved comes inside for a numeric address, which needs none.
void gw_upstream_origins_open(struct gw_upstream_origins *origins, uv_loop_t *loop,
                              void (*on_resolved)(struct gw_upstream_origins *origins,
                                                  struct gw_upstream_origin *origin));
// on_closed follows; no lookup is waited for.
void gw_upstream_origins_close(struct gw_upstream_origins *origins,
                               void (*on_closed)(struct gw_upstream_origins *origins));
bool gw_upstream_origins_are_closed(const struct gw_upstream_origins *origins);
// Looks every name up unless that was just done. True: a lookup is under way.
bool gw_upstream_origins_refresh(struct gw_upstream_origins *origins);
bool gw_upstream_origins_are_looking_up(const struct gw_upstream_origins *origins);
