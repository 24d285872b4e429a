// SPDX-License-Identifier: MIT
#pragma once
// Verifications in turns. One costs up to a millisecond, so a flood of tokens, verified as they
// come, would stop the loop for everybody. Instead they wait in the order of arrival, and between
// two polls of the sockets as many are made as fit into GW_ISSUER_BUDGET_US, at least one
// (handshakes take turns likewise: gateway/net/handshake_queue.h).

#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/settings/metrics.h"

#define GW_ISSUER_VERIFICATIONS_MAX 2048 // that wait for their turn in a process
#define GW_ISSUER_BUDGET_US 1000         // of verifications between two polls of the sockets

struct gw_issuer;
struct gw_jwk;
struct gw_jwt;

// Embedded by the caller, who keeps it, and the token with all that it holds, until it is over. All
// zero before it is started.
struct gw_issuer_verification {
    struct gw_issuer *issuer;
    const struct gw_jwt *jwt;
    // From the loop, once. GW_OK: a key of the issuer signed the token. GW_DENIED: its key did not.
    // GW_NOT_FOUND, GW_UNAVAILABLE: as gw_issuer_find_key, whose keys may have changed meanwhile.
    // GW_NO_MEMORY. GW_CANCELLED: the process ends.
    void (*on_done)(struct gw_issuer_verification *verification, enum gw_status status);
    struct gw_list link; // of the queue
};

// One for each loop.
struct gw_verifier {
    // As gw_issuer_find_key of gateway/issuers/issuers.h.
    enum gw_status (*find_key)(struct gw_issuer *issuer, struct gw_str key_id,
                               const struct gw_jwk **key);
    uv_idle_t idle; // active while something waits, so that the loop does not sleep
    struct gw_list waiting;
    int count;
    struct gw_metrics *metrics;
};

void gw_verifier_open(struct gw_verifier *verifier, uv_loop_t *loop, struct gw_metrics *metrics,
                      enum gw_status (*find_key)(struct gw_issuer *issuer, struct gw_str key_id,
                                                 const struct gw_jwk **key));
// Those that wait end as GW_CANCELLED.
void gw_verifier_close(struct gw_verifier *verifier);
// GW_BUSY: GW_ISSUER_VERIFICATIONS_MAX wait.
enum gw_status gw_verifier_add(struct gw_verifier *verifier,
                               struct gw_issuer_verification *verification) GW_MUST_USE;
// Harmless while it does not wait.
void gw_verifier_remove(struct gw_verifier *verifier, struct gw_issuer_verification *verification);
