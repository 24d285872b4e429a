// SPDX-License-Identifier: MIT
#pragma once
// The keys that all gateways share (db/issuer_keys.h), and this process's part in fetching them. It
// looks into the database every minute or so, at once when the log of changes says that keys
// changed, and as soon as a fetch may be made when a token named a key that is not there. The look
// takes the lease where a fetch is due; whoever gets it fetches, and brings what came:
//
//   timer, event, unknown id --> look --> keys changed: in use from now on
//                                 |
//                                 +--> ours: bearer file --> fetch --> put --> look
//
// Whatever fails is one line of the log, until the reason is another one or it works again.

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/loop/files.h"
#include "base/status.h"
#include "db/issuer_keys.h"
#include "gateway/exchange/services.h"
#include "gateway/issuers/fetch.h"
#include "gateway/issuers/keys.h"
#include "gateway/issuers/proxy.h"
#include "gateway/settings/issuer_setting.h"
#include "token/id.h"

#define GW_KEYS_LOOK_MS 60000      // at most, between two looks
#define GW_KEYS_LOOK_SOON_MS 5000  // while an issuer has no keys
#define GW_KEYS_LOOK_PAUSE_MS 1000 // at least

struct gw_shared_keys;

// One issuer.
struct gw_shared_issuer {
    struct gw_shared_keys *shared;
    const struct gw_issuer_setting *setting;
    struct gw_issuer_keys *keys;
    uint64_t version; // in the database, of what was looked at last
    int64_t taken_ms; // when the last fetch began, by whomever; INT64_MIN: never
    struct gw_issuer_fetch fetch;
    struct gw_file_reader bearer_reader; // open where there is a bearer file
    struct db_issuer_keys_put put;
    char *text;                                    // of the put
    char outcome[DB_ISSUER_OUTCOME_BYTES_MAX + 1]; // of the put
    char problem[DB_ISSUER_OUTCOME_BYTES_MAX + 1]; // that was logged last; empty: it works
    bool is_usable; // the keys of `version` are those that are in use
    bool is_busy;   // from the lease to the answer of the put
};

struct gw_shared_keys {
    const struct gw_services *services; // loop, pool, metrics
    struct gw_services fetch_services;  // the same, with metrics that nobody sees
    struct gw_metrics fetch_metrics;
    struct gw_issuer_proxy proxy; // known from the first issuer on
    uv_timer_t timer;
    struct db_issuer_keys_look look;
    int64_t look_ms; // when it was sent
    struct gw_shared_issuer of[GW_ISSUERS_MAX];
    int count;
    char gateway_id[GW_ID_LENGTH + 1];
    bool is_looking;
    bool is_wanted; // a look, behind the one that is on its way
    bool is_closing;
};

// GW_SYSTEM: no random bytes; nothing is open then.
enum gw_status gw_shared_keys_open(struct gw_shared_keys *shared,
                                   const struct gw_services *services) GW_MUST_USE;
// `setting` and `keys` are borrowed. GW_INVALID: *problem says why. Before the loop runs.
enum gw_status gw_shared_keys_add(struct gw_shared_keys *shared,
                                  const struct gw_issuer_setting *setting,
                                  struct gw_issuer_keys *keys,
                                  struct gw_upstream_problem *problem) GW_MUST_USE;
// Looks at once.
void gw_shared_keys_hurry(struct gw_shared_keys *shared);
// A token named a key that is not there (keys->is_asked became true).
void gw_shared_keys_ask(struct gw_shared_keys *shared);
// The memory is needed until the loop has ended.
void gw_shared_keys_close(struct gw_shared_keys *shared);
