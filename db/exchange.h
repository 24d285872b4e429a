// SPDX-License-Identifier: MIT
#pragma once
// The rules that might trust an identity, which is then exchanged for a token (db/mints.h).
// Rules of calls as in db/tokens.h: one callback, never inside the call, ended early by
// db_pool_cancel; the strings given to a call stay until then; what a callback is given is valid
// during it.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/trust.h"

extern const struct db_statement db_exchange_rules_statement;

#define DB_EXCHANGE_RULES_MAX 64

struct db_exchange_rules {
    struct db_query query;
    struct gw_str issuer; // URL
    struct gw_str anchor;
    struct gw_str org_slug; // .at NULL: of any organisation
    // GW_OK: the live rules of organisations that are there, the oldest first, none too (`rules` is
    // NULL then). `has_more`: there are more than DB_EXCHANGE_RULES_MAX, which one organisation
    // cannot have.
    void (*on_done)(struct db_exchange_rules *call, enum gw_status status,
                    const struct db_trust_rule *rules, int count, bool has_more);
};
enum gw_status db_exchange_rules_start(struct db_pool *pool,
                                       struct db_exchange_rules *call) GW_MUST_USE;
