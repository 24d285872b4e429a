// SPDX-License-Identifier: MIT
#pragma once
// The addresses that requests may go to, those of every --upstream together: which is next, and
// which is left out for a while because it fails. Policy over plain data: no I/O and no clock of
// its own.
//
// The next is the one with the fewest requests in flight; equal ones take turns. One that failed
// GW_UPSTREAM_FAILURES_MAX times without an answer in between is ejected, unless it is the last:
// nothing goes there for a window. Then a single request is let through. Its answer ends the
// ejection; its failure begins the next window, twice as long, up to GW_UPSTREAM_EJECTION_MAX_MS.
// Each ejection and each return is a line of the log.
//
// A request that could not be sent tries every address that is not left out. When there is no more
// of them it tries up to GW_UPSTREAM_LEFT_OUT_TRIES_MAX of those that are: while all are dead, a
// request costs a few attempts, not one for each.

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
    int origin;                          // which --upstream it came from
    bool is_listed;     // its name has it; else it only lasts until its connections are closed
    int failures;       // since its last answer
    uint64_t window_ms; // 0: not ejected
    uint64_t ejected_until_ms; // UINT64_MAX: a request is on its way that will tell
};

struct gw_upstream_peers {
    struct gw_upstream_peer list[GW_UPSTREAM_PEERS_MAX];
    int count; // places in use, now or before
    int next;  // where the next turn begins
    bool was_full;
    struct gw_metrics *metrics;
};

// Where one request has been.
struct gw_upstream_tries {
    uint64_t places; // a bit each
    int left_out;    // of those: at the time
};

void gw_upstream_peers_init(struct gw_upstream_peers *peers, struct gw_metrics *metrics);
// When there are no connections any more.
void gw_upstream_peers_deinit(struct gw_upstream_peers *peers);
// What the name of `origin` has now, in place of what it had. Those that are gone get no further
// request.
void gw_upstream_peers_update(struct gw_upstream_peers *peers, int origin,
                              const struct sockaddr_storage *addresses, int address_count);
// The next one that was not tried, and adds it to the tries; NULL when there is none.
struct gw_upstream_peer *gw_upstream_peers_pick(struct gw_upstream_peers *peers,
                                                struct gw_upstream_tries *tries, uint64_t now_ms);
// The request may pick it once more: the attempt came to nothing, through no fault of the address.
void gw_upstream_peers_allow_again(struct gw_upstream_peers *peers, struct gw_upstream_peer *peer,
                                   struct gw_upstream_tries *tries, uint64_t now_ms);
// How a request to it went.
void gw_upstream_peers_report_answer(struct gw_upstream_peers *peers,
                                     struct gw_upstream_peer *peer);
// Not connected, or no byte of an answer. `reason` is for the log.
void gw_upstream_peers_report_failure(struct gw_upstream_peers *peers,
                                      struct gw_upstream_peer *peer, uint64_t now_ms,
                                      const char *reason);
// It ended before it could tell.
void gw_upstream_peers_report_nothing(struct gw_upstream_peer *peer, uint64_t now_ms);
