// SPDX-License-Identifier: MIT
#pragma once
// Lookups of tokens, in batches: those of one loop turn leave as one statement `prefix = any($1)`
// over their distinct prefixes, before the loop sleeps. While every connection has something to do
// they gather, up to GW_DB_LOOKUP_PATIENCE_MS, and leave together when one is free. Every candidate
// row of a prefix is compared with every lookup of that prefix, whole digest, in constant time; a
// match does not end the walk.
//
// Without a connection lookups wait as long as one is expected (db/pool.h), and for
// GW_DB_EXPECTED_MS at the most; those whose connection is lost before the answer are asked again
// within that time. So a limit on idle connections, or a start, costs a moment and no answer.
//
// A standby may lag, so it adds how far it has come (seen_seq of a lookup). The statement itself
// asks where it runs: behind a pooler, or after a promotion, the server of a connection is not what
// it was when it was opened.

#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token.h"
#include "token/syntax.h"

#define GW_DB_LOOKUP_PATIENCE_MS 20 // for an idle connection

extern const struct db_statement db_lookup_statement;

struct db_lookups;

enum gw_status db_lookups_create(uv_loop_t *loop, struct db_pool *pool,
                                 struct db_lookups **lookups) GW_MUST_USE;
// Every lookup still waiting ends as GW_UNAVAILABLE. Close before the pool; calls on_closed (may be
// NULL) and frees once the handles have closed.
void db_lookups_close(struct db_lookups *lookups, void (*on_closed)(struct db_lookups *lookups));

// Of an answer from a primary, which has everything that was committed when it was asked.
#define DB_SEEN_ALL UINT64_MAX

struct db_token_lookup {
    struct gw_list link; // the batch's; gw_list_remove ends the lookup early, without a callback
    int row;             // its row in the answer, or -1
    uint64_t asked_ms;   // set by db_lookups_add
    // Set before on_done with GW_OK or GW_NOT_FOUND: DB_SEEN_ALL, or, when a standby answered, the
    // number of the newest event (db/events.h) that it had replayed: the answer is as old as that.
    uint64_t seen_seq;
    char prefix[GW_TOKEN_PREFIX_LENGTH];
    unsigned char digest[DB_DIGEST_LENGTH];
    // GW_OK with the live row (not revoked, organisation not deleted; expiry is the caller's to
    // judge), GW_NOT_FOUND, or GW_UNAVAILABLE (unknown), then `row` is NULL. Never inside
    // db_lookups_add.
    void (*on_done)(struct db_token_lookup *lookup, enum gw_status status,
                    const struct db_token_row *row);
};
// GW_INVALID: the prefix holds a character that no token has; GW_UNAVAILABLE: closing. on_done will
// not be called.
enum gw_status db_lookups_add(struct db_lookups *lookups,
                              struct db_token_lookup *lookup) GW_MUST_USE;
