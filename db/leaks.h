// SPDX-License-Identifier: MIT
#pragma once
// Tokens that a scanner has found where everybody can read them, revoked in one transaction,
// whichever organisations they are of. The same report again changes nothing. Rules of calls as in
// db/tokens.h; the function is that of db/sql/0032_leaks.sql.

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token.h"

#define DB_LEAKS_MAX 1000 // tokens of one report
#define DB_LEAK_PLACE_BYTES_MAX 500

extern const struct db_statement db_leaks_statement;

struct db_leak {
    unsigned char digest[DB_DIGEST_LENGTH];
    struct gw_str place; // where it was found: plain text of DB_LEAK_PLACE_BYTES_MAX; may be empty
};

// A reported token that is one of ours.
struct db_leaked_token {
    unsigned char digest[DB_DIGEST_LENGTH];
    uint64_t event_seq; // 0: it had ended before
};

struct db_leaks {
    struct db_query query;
    const struct db_leak *leaks; // 1 to DB_LEAKS_MAX, no two the same
    int leak_count;
    struct gw_str reported_by; // of the audit: DB_GITLAB
    struct gw_str from;        // client's address as text; .at NULL: unknown
    // GW_OK: all that were live are revoked; `tokens` are valid during the call. Otherwise none is.
    void (*on_done)(struct db_leaks *call, enum gw_status status,
                    const struct db_leaked_token *tokens, int count);
};
enum gw_status db_leaks_submit(struct db_pool *pool, struct db_leaks *call) GW_MUST_USE;
