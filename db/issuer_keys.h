// SPDX-License-Identifier: MIT
#pragma once
// The keys of issuers as all gateways share them (db/sql/0025_issuer_keys.sql): looking for those
// that changed, which also takes the lease to fetch where a fetch is due, and bringing what a fetch
// brought. Rules of calls as in db/tokens.h.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"

#define DB_ISSUERS_MAX 16
#define DB_ISSUER_OUTCOME_BYTES_MAX 300
#define DB_ISSUER_FETCH_PAUSE_MS 60000 // between two fetches for one issuer, by all gateways

extern const struct db_statement db_issuer_keys_look_statement;
extern const struct db_statement db_issuer_keys_put_statement;

// What is known of an issuer here.
struct db_issuer_known {
    struct gw_str issuer;
    uint64_t version; // 0: no keys
    bool is_asked;    // a token named a key that is not there
};

// Valid during the call that hands it out.
struct db_issuer_keys_row {
    struct gw_str issuer;
    uint64_t version;
    struct gw_str keys; // .at NULL: there are none, or the version is the known one
    int64_t age_ms;     // since the fetch began that brought them; -1: there are none
    int64_t taken_ms;   // since the last fetch began, whatever it brought; -1: there was none
    bool is_ours;       // the caller has the lease: it fetches, and puts
};

struct db_issuer_keys_look {
    struct db_query query;
    struct gw_str gateway_id;
    const struct db_issuer_known *known; // each issuer once; free to change after the call
    int count;                           // 1 to DB_ISSUERS_MAX
    // `rows` has `count` of them; 0 unless GW_OK.
    void (*on_done)(struct db_issuer_keys_look *look, enum gw_status status,
                    const struct db_issuer_keys_row *rows, int count);
};
enum gw_status db_issuer_keys_look(struct db_pool *pool,
                                   struct db_issuer_keys_look *look) GW_MUST_USE;

enum db_issuer_keys_outcome {
    DB_ISSUER_KEYS_LOST, // another gateway has begun a fetch since: nothing was written
    DB_ISSUER_KEYS_FAILED,
    DB_ISSUER_KEYS_SAME,
    DB_ISSUER_KEYS_CHANGED
};

// All slices stay until on_done.
struct db_issuer_keys_put {
    struct db_query query;
    struct gw_str gateway_id;
    struct gw_str issuer;
    struct gw_str keys;    // .at NULL: the fetch brought none
    struct gw_str outcome; // then: why not, at most DB_ISSUER_OUTCOME_BYTES_MAX
    void (*on_done)(struct db_issuer_keys_put *put, enum gw_status status,
                    enum db_issuer_keys_outcome outcome);
};
enum gw_status db_issuer_keys_put(struct db_pool *pool, struct db_issuer_keys_put *put) GW_MUST_USE;
