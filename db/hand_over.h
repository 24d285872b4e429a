// SPDX-License-Identifier: MIT
#pragma once
// A token that the registry made itself and hands over: what is stored of one, without its secret.
// The digest makes it harmless to ask twice. Rules of calls as in db/tokens.h; the function is that
// of db/sql/0028_hand_over.sql.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token.h"
#include "db/token_outcome.h"

extern const struct db_statement db_hand_over_statement;

struct db_hand_over {
    struct db_query query;
    struct gw_str org_slug;
    struct gw_str name;
    struct gw_str prefix;
    unsigned char digest[DB_DIGEST_LENGTH];
    gw_scope_set scopes;       // never with GW_SCOPE_ADMIN
    int64_t expires_ms;        // DB_NO_TIME: never
    struct gw_str description; // .at NULL: none
    struct gw_str from;        // client's address as text; .at NULL: unknown
    struct gw_str request_key; // .at NULL: none
    unsigned char body_digest[DB_DIGEST_LENGTH];
    // GW_OK: `token`, as it is now, which knows no more than what is handed over; GW_NOT_FOUND: no
    // such organisation; GW_DENIED: DB_REFUSAL_DIFFERS, DB_REFUSAL_ENDED or DB_REFUSAL_OTHER_BODY.
    // Except for GW_OK `token` is NULL.
    void (*on_done)(struct db_hand_over *call, enum gw_status status,
                    const struct db_token_row *token);
    // Set before on_done.
    enum db_refusal refusal; // with GW_DENIED
    bool is_there;           // with GW_OK: it was there before
    uint64_t event_seq;      // with GW_OK; 0: nothing was changed
};
// GW_INVALID: PostgreSQL has no such time.
enum gw_status db_hand_over_submit(struct db_pool *pool, struct db_hand_over *call) GW_MUST_USE;
