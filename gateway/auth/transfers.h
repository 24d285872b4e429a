// SPDX-License-Identifier: MIT
#pragma once
// What each token has under way: requests that are being forwarded for it, up and down, for as long
// as they take. They are kept by token, and the tokens by organisation, so that what was allowed at
// a request's head ends when it is allowed no longer: the token is revoked, rotated out, narrowed,
// or its organisation gone, here or through another gateway, or its own end has come.
//
//      add              change of the token               answer: live, absent
//   ────────▶ settled ────────────────────▶ doubted ─────▶ judged one by one ─────▶ on_ended
//                ▲                           ▲   │ unknown        │ allowed
//                │                           └───┘ asked again    │
//                └────────────────────────────────────────────────┘
//
// Changes come from the authentication cache, where all of them pass, by the log or through this
// process. A change moves lists and asks nothing, whatever their length. Then, in each turn of the
// loop no more than GW_TRANSFER_WORK_PER_TURN: tokens are asked for as they are now, and of each
// the transfers that were under way at the change are judged by the answer, without a rate or a
// last use. An unknown answer ends nothing, and the token is asked for again. An end that a token
// was known to have needs no question.
//
// Memory: 40 bytes a transfer, where its owner puts it, and about 300 a token that has one, on the
// heap, while it has.

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "gateway/auth/judgement.h"

// Work of one turn of the loop, in steps: a lookup of a token is 4 of them, the end of a transfer
// 16.
#define GW_TRANSFER_WORK_PER_TURN 128
#define GW_TRANSFER_LOOKUPS_MAX 256 // at once
#define GW_TRANSFER_TICK_MS 500     // until the next try of a lookup, and between looks at expiries

struct gw_auth_cache;
struct gw_exchange;
struct gw_services;
struct gw_transfer_group;
struct gw_transfers;

// One of them; embedded by its owner.
struct gw_transfer {
    struct gw_list link;
    struct gw_transfer_group *group; // NULL: not among them
    const struct gw_exchange *exchange;
    // From the loop, once: it is allowed no longer, and must be removed before this returns. Answer
    // or break the exchange, which ends it.
    void (*on_ended)(struct gw_transfer *transfer, const struct gw_judgement *judgement);
};

// Watches `cache`. GW_NO_MEMORY, GW_SYSTEM.
enum gw_status gw_transfers_create(struct gw_services *services, struct gw_auth_cache *cache,
                                   struct gw_transfers **transfers) GW_MUST_USE;
// Every transfer was removed. Frees once the handles have closed.
void gw_transfers_close(struct gw_transfers *transfers);

// An exchange with an identity, which was allowed just now. It, the transfer and on_ended stay
// until it is removed. GW_NO_MEMORY: it would not be found again, so it must not go on.
enum gw_status gw_transfers_add(struct gw_transfers *transfers, struct gw_transfer *transfer,
                                const struct gw_exchange *exchange) GW_MUST_USE;
// Harmless when it is not among them (all zero), or no longer.
void gw_transfer_remove(struct gw_transfer *transfer);
