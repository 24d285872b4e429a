// SPDX-License-Identifier: MIT
#pragma once
// The end of tokens that rules of trust gave, once the rules were removed with the token that made
// them (db/token_revoke.h): DB_MINTED_END_ROWS_MAX in one transaction, each with its event. Follows
// the rules of db/query.h: one callback, never inside the call, ended early by db_pool_cancel; the
// strings given stay until then.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token_revoke.h"

extern const struct db_statement db_minted_end_statement;

struct db_minted_end {
    struct db_query query;
    struct gw_str org_id;
    const struct gw_str *rule_ids; // at least one; only what `ended_by` removed of them counts
    int rule_count;
    struct gw_str ended_by;   // token id, or DB_OPERATOR; need not live any more
    struct gw_str ended_from; // client's address as text; .at NULL: operator, or unknown
    // GW_OK with those that ended, perhaps none; has_more: there may be more, for the same call
    // again. GW_BUSY, GW_UNAVAILABLE.
    void (*on_done)(struct db_minted_end *end, enum gw_status status,
                    const struct db_revoked_token *tokens, int count, bool has_more);
};
enum gw_status db_minted_end_submit(struct db_pool *pool, struct db_minted_end *end) GW_MUST_USE;
