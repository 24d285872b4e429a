// SPDX-License-Identifier: MIT
#pragma once
// A change of a live token, which lets it do less: rules of calls as in db/tokens.h.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token.h"
#include "db/token_outcome.h"

extern const struct db_statement db_token_change_statement;

struct db_token_change {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id;
    struct gw_str name;        // .at NULL: stays
    struct gw_str description; // .at NULL: stays; empty: none
    int64_t expires_ms;        // DB_NO_TIME: stays
    gw_scope_set scopes;       // 0: stay
    bool sets_addresses;       // else they stay
    const struct gw_ip_range *allowed_ips;
    uint8_t allowed_ip_count;   // 0: anywhere
    struct gw_str changed_by;   // token id, or DB_OPERATOR
    struct gw_str changed_from; // client's address as text; .at NULL: operator, or unknown
    bool may_end_last;          // also the last live admin token of the organisation
    // GW_OK: `token` as it is now; GW_NOT_FOUND: unknown, of another organisation, revoked or
    // expired; GW_DENIED: with DB_REFUSAL_WIDER_SCOPES, _LATER_END and _WIDER_ADDRESSES `token` as
    // it is. Otherwise it is NULL.
    void (*on_done)(struct db_token_change *change, enum gw_status status,
                    const struct db_token_row *token);
    // Set before on_done.
    enum db_refusal refusal;
    unsigned char digest[DB_DIGEST_LENGTH]; // with GW_OK
    uint64_t event_seq;                     // 0: no decision depends on what was changed
};
// GW_INVALID: PostgreSQL has no such time.
enum gw_status db_token_change_submit(struct db_pool *pool,
                                      struct db_token_change *change) GW_MUST_USE;
