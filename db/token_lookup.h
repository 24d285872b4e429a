// SPDX-License-Identifier: MIT
#pragma once
// The batched lookups of the token store (private to it): all that were asked for in one loop turn
// leave as one statement `prefix = any($1)` over their distinct prefixes, before the loop sleeps.
// While every connection has something to do they gather, up to GW_DB_LOOKUP_PATIENCE_MS, and leave
// together when one is free. Every candidate row of a prefix is compared with every lookup of that
// prefix, whole digest, in constant time, and none ends the walk early.
//
// A standby may lag, so it adds how far it has come (seen_seq of a lookup). The statement itself
// asks where it runs: a connection through a pooler, or one that outlives a promotion, is not what
// it was when it was opened.

#include <uv.h>

#include "db/token_store.h"

extern const struct db_statement db_token_lookup_statement;

struct db_token_lookups {
    struct db_pool *pool;
    uv_prepare_t prepare;
    uv_timer_t patience;    // runs while lookups wait for a connection
    int handle_count;       // of the two above
    struct gw_list waiting; // of this turn, or for a connection
    struct gw_list batches; // on their way
    bool is_patient;
    bool is_closing;
    void (*on_closed)(struct db_token_lookups *lookups);
};

void db_token_lookups_init(struct db_token_lookups *lookups, uv_loop_t *loop, struct db_pool *pool);
// Ends what waits as GW_UNAVAILABLE, then calls on_closed.
void db_token_lookups_close(struct db_token_lookups *lookups,
                            void (*on_closed)(struct db_token_lookups *lookups));
enum gw_status db_token_lookups_add(struct db_token_lookups *lookups,
                                    struct db_token_lookup *lookup) GW_MUST_USE;
