// SPDX-License-Identifier: MIT
#pragma once
// The revocation of a token, and of those that rotation ties to it if asked. The rules of trust
// that these made go on and are named, or are removed, if asked, with what they gave. Follows the
// rules of db/query.h: one callback, never inside the call, ended early by db_pool_cancel; the
// strings given stay until then. What the callback is given is valid during the callback.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/time.h"
#include "db/token.h"
#include "db/token_outcome.h"

extern const struct db_statement db_token_revoke_statement;

// What is revoked besides the token itself; of all of them those that live.
enum db_revoke_kin {
    DB_REVOKE_ALONE,
    DB_REVOKE_SUCCESSORS, // what came of it by rotation
    DB_REVOKE_CHAIN       // these, and what it came of: the secret of any may be known with its own
};

// One token of a revocation: first the one that was named, then those that were revoked with it,
// and its live successors that were not.
struct db_revoked_token {
    struct gw_str id;
    struct gw_str name;
    int64_t revoked_ms; // DB_NO_TIME: a successor that was left alone
    unsigned char digest[DB_DIGEST_LENGTH];
    uint64_t event_seq; // of its event (db/events.h)
};

// What a revocation says of the live rules of trust that its tokens made.
struct db_revoked_rules {
    // `name` is kind and anchor. DB_NO_TIME: the rule goes on.
    const struct db_revoked_token *rules;
    int count;
    const struct db_revoked_token *tokens; // that removed rules gave, ended with them
    int token_count;
    bool has_more; // there may be more of these, which db/minted_end.h ends
};

// At most so many tokens of removed rules end in one transaction.
#define DB_MINTED_END_ROWS_MAX 1000

struct db_token_revoke {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id;
    struct gw_str revoked_by;   // token id, or DB_OPERATOR
    struct gw_str revoked_from; // client's address as text; .at NULL: operator, or unknown
    enum db_revoke_kin kin;
    bool may_end_last; // also the last live admin token of the organisation
    bool with_rules;   // an admin token alone ends rules, also those of its own
    // GW_OK with at least one token; GW_NOT_FOUND: unknown, of another organisation, or revoked
    // before; GW_DENIED.
    void (*on_done)(struct db_token_revoke *revoke, enum gw_status status,
                    const struct db_revoked_token *tokens, int count);
    enum db_refusal refusal;       // set before on_done with GW_DENIED
    struct db_revoked_rules rules; // set before on_done with GW_OK, valid during it
};
enum gw_status db_token_revoke_submit(struct db_pool *pool,
                                      struct db_token_revoke *revoke) GW_MUST_USE;

// The rows of every function that revokes, as bulk_revoke.c reads them too: *tokens is the caller's
// to free, with its texts in `result`. GW_NO_MEMORY: there is none.
#define DB_REVOKED_TOKENS_COLUMNS "select outcome, id, name, revoked_at, digest, event_seq"
enum gw_status db_revoked_tokens_read(const PGresult *result, struct db_revoked_token **tokens,
                                      int *count) GW_MUST_USE;
// Takes the rows about rules off the end of what was read.
void db_revoked_rules_split(const PGresult *result, const struct db_revoked_token *tokens,
                            int *count, struct db_revoked_rules *rules);
