// SPDX-License-Identifier: MIT
#pragma once
// The revocation of up to a thousand tokens in one transaction, which holds the lock of the log for
// tens of milliseconds: rules of calls as in db/tokens.h.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token_outcome.h"
#include "db/token_revoke.h"
#include "token/limits.h"

extern const struct db_statement db_bulk_revoke_statement;

struct db_bulk_revoke {
    struct db_query query;
    struct gw_str org_id;
    const struct gw_str *ids; // 1 to GW_BULK_REVOKE_MAX, no two the same
    int id_count;
    struct gw_str revoked_by;   // token id, or DB_OPERATOR
    struct gw_str revoked_from; // client's address as text; .at NULL: operator, or unknown
    bool may_end_last;          // also the last live admin token of the organisation
    bool with_rules;            // also the rules of trust that these tokens made
    // GW_OK: all that were there are revoked; first those, then those that were not there (unknown,
    // of another organisation, or revoked before), of which only the id is set; each in the order
    // of `ids`. GW_DENIED: none is revoked.
    void (*on_done)(struct db_bulk_revoke *revoke, enum gw_status status,
                    const struct db_revoked_token *tokens, int count);
    enum db_refusal refusal;       // set before on_done with GW_DENIED
    struct db_revoked_rules rules; // set before on_done with GW_OK, valid during it
};
enum gw_status db_bulk_revoke_submit(struct db_pool *pool,
                                     struct db_bulk_revoke *revoke) GW_MUST_USE;
