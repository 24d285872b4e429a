// SPDX-License-Identifier: MIT
#pragma once
// The addresses of all origins together, each a peer: picks the next one for a request, and ejects
// failing ones for a while. Policy over plain data: no I/O and no clock of its own.
//
// The next is the peer with the fewest requests in flight; equal ones take turns. A peer that
// failed GW_UPSTREAM_FAILURES_MAX times in a row is ejected, unless it is the last one left: it
// gets no request for a window, then a single one as a probe. An answer ends the ejection; a
// failure begins the next window, twice as long, up to GW_UPSTREAM_EJECTION_MAX_MS. Each ejection
// and each return is a line of the log.
//
// A request that could not be sent tries every peer that is not ejected, then at most
// GW_UPSTREAM_LEFT_OUT_TRIES_MAX ejected ones: while all are dead, a request costs a few attempts,
// not one for each.

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "gateway/settings/metrics.h"
#include "gateway/upstream/conn.h"
#include "tls/kept_session.h"

#define GW_UPSTREAM_FAILURES_MAX 3       // of an address in a row, until it is left out
#define GW_UPSTREAM_LEFT_OUT_TRIES_MAX 3 // of one request, at addresses that are left out
#define GW_UPSTREAM_EJECTION_MIN_MS 1000
#define GW_UPSTREAM_EJECTION_MAX_MS 60000

#define GW_UPSTREAM_PEERS_MAX 64 // a bit each in a set

struct gw_upstream_peer {
    struct gw_upstream_conn_lists conns;
    struct sockaddr_storage address;
    struct tls_kept_session tls_session; // to resume with the next connection
    int origin;                          // index of its origin
    bool is_listed;            // its name has it; else it lasts until its connections are closed
    int failures;              // since its last answer
    uint64_t window_ms;        // 0: not ejected
    uint64_t ejected_until_ms; // UINT64_MAX: the probe is under way
};

struct gw_upstream_balancer {
    struct gw_upstream_peer list[GW_UPSTREAM_PEERS_MAX];
    int count; // places in use, now or before
    int next;  // where the next turn begins
    bool was_full;
    struct gw_metrics *metrics;
};

// The peers that one request has tried.
struct gw_upstream_tries {
    uint64_t places; // a bit each
    int left_out;    // of those: ejected at the time
};

void gw_upstream_balancer_init(struct gw_upstream_balancer *balancer, struct gw_metrics *metrics);
// After the last connection has closed.
void gw_upstream_balancer_deinit(struct gw_upstream_balancer *balancer);
// Replaces the addresses of `origin`. Peers that are gone get no further request.
void gw_upstream_balancer_update(struct gw_upstream_balancer *balancer, int origin,
                                 const struct sockaddr_storage *addresses, int address_count);
// Picks the next peer that was not tried, and adds it to the tries; NULL when there is none.
struct gw_upstream_peer *gw_upstream_balancer_pick(struct gw_upstream_balancer *balancer,
                                                   struct gw_upstream_tries *tries,
                                                   uint64_t now_ms);
// The request may pick the peer once more: the attempt failed through no fault of the address.
void gw_upstream_balancer_allow_again(struct gw_upstream_balancer *balancer,
                                      struct gw_upstream_peer *peer,
                                      struct gw_upstream_tries *tries, uint64_t now_ms);
// A request to the peer was answered.
void gw_upstream_balancer_report_answer(struct gw_upstream_balancer *balancer,
                                        struct gw_upstream_peer *peer);
// Not connected, or no byte of an answer. `reason` is for the log.
void gw_upstream_balancer_report_failure(struct gw_upstream_balancer *balancer,
                                         struct gw_upstream_peer *peer, uint64_t now_ms,
                                         const char *reason);
// A request to the peer ended before it proved anything.
void gw_upstream_balancer_report_nothing(struct gw_upstream_peer *peer, uint64_t now_ms);
