// SPDX-License-Identifier: MIT
#pragma once
// When each token was last used: a map of token id to newest use, written in statements of at most
// GW_LAST_USED_ROWS_MAX rows (every interval, or when GW_LAST_USED_ENTRIES_MAX are noted), never on
// the request path. The first use of a token is written with the next flush; after that at most one
// more in each period of the resolution, however busy the token is. While the database is away
// entries are kept (bounded) and retried. A crash loses the uses of one interval, of a token in
// steady use those of one period. No step takes longer than one statement's rows, however many
// tokens there are.

#include <stdint.h>
#include <uv.h>

#include "base/status.h"
#include "base/str.h"

#define GW_LAST_USED_ENTRIES_MAX 10000 // flush when reached
#define GW_LAST_USED_ROWS_MAX 500      // of a statement; 10,000 at once took the loop 20 ms
#define GW_LAST_USED_KEPT_MAX 200000   // while the database is away; newer tokens are not noted

struct db_pool;
struct gw_last_used;
struct gw_metrics;

struct gw_last_used_options {
    uint64_t interval_ms;
    uint64_t resolution_ms; // 0: every interval
};

enum gw_status gw_last_used_create(uv_loop_t *loop, struct db_pool *pool,
                                   struct gw_metrics *metrics,
                                   const struct gw_last_used_options *options,
                                   struct gw_last_used **last_used) GW_MUST_USE;
// Notes a use; O(1), allocates only for a token not yet in the map. Returns the newest one that is
// remembered from before, DB_NO_TIME when there is none: then the row's is the newest.
int64_t gw_last_used_note(struct gw_last_used *last_used, struct gw_str token_id, int64_t used_ms);
// The newest use known here, if it is not written yet; DB_NO_TIME otherwise.
int64_t gw_last_used_find(const struct gw_last_used *last_used, struct gw_str token_id);
// Writes everything, then calls back from the loop: GW_OK, or GW_UNAVAILABLE when `timeout_ms`
// passed first. `drain` is embedded by its owner, and must stay until then.
struct gw_last_used_drain {
    void (*on_drained)(struct gw_last_used_drain *drain, enum gw_status status);
};
void gw_last_used_drain(struct gw_last_used *last_used, uint64_t timeout_ms,
                        struct gw_last_used_drain *drain);
// Drops what is not written; frees once its handles have closed.
void gw_last_used_close(struct gw_last_used *last_used,
                        void (*on_closed)(struct gw_last_used *last_used));
