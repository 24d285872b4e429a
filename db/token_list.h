// SPDX-License-Identifier: MIT
#pragma once
// The tokens of an organisation: a page of them, or one by its id. Rules of calls as in
// db/tokens.h: one callback, never inside the call, ended early by db_pool_cancel; what it is given
// is valid during it.
//
// A page begins behind a position, which is the place of a token in the order and not a count: what
// is made or revoked meanwhile moves nothing, and the token itself may be gone. Or it begins after
// a number of tokens, for clients that ask for pages by their number.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token.h"
#include "token/limits.h"

extern const struct db_statement db_token_list_newest_statement;
extern const struct db_statement db_token_list_oldest_statement;
extern const struct db_statement db_token_list_numbered_statement;
extern const struct db_statement db_token_list_up_statement;
extern const struct db_statement db_token_list_down_statement;
extern const struct db_statement db_token_list_minted_newest_statement;
extern const struct db_statement db_token_list_minted_oldest_statement;
extern const struct db_statement db_token_list_minted_up_statement;
extern const struct db_statement db_token_list_minted_down_statement;
extern const struct db_statement db_token_show_statement;

enum db_token_state { DB_TOKEN_LIVE, DB_TOKEN_EXPIRED, DB_TOKEN_REVOKED };

// Who made or revoked a token.
struct db_token_actor {
    struct gw_str text; // id of a token, or another word such as DB_OPERATOR; .at NULL: nobody
    struct gw_str name; // .at NULL: no token
};

// Where a token stands in an order.
struct db_token_position {
    struct gw_str text; // of an order by name; otherwise empty
    int64_t time_us;    // since 2000, as PostgreSQL counts; its infinities are INT64_MIN and _MAX
    struct gw_str id;   // .at NULL: before all tokens
};

struct db_token_entry {
    struct db_token_row row;
    enum db_token_state state;
    int64_t revoked_ms;
    struct db_token_actor revoked_by;
    struct gw_str replaced_by;         // .at NULL: it has no successor
    struct db_token_position position; // in the order of the list
};

// ---- list ----
// Those of equal keys follow each other by id. Names compare in lower case, byte by byte; a token
// that was never used stands before all that were, one that never expires behind all that do.
enum db_token_order {
    DB_TOKENS_NEWEST_FIRST, // an index gives this one and the next
    DB_TOKENS_BY_CREATED,
    DB_TOKENS_BY_NAME,
    DB_TOKENS_BY_NAME_DOWN,
    DB_TOKENS_BY_LAST_USED,
    DB_TOKENS_BY_LAST_USED_DOWN,
    DB_TOKENS_BY_EXPIRES,
    DB_TOKENS_BY_EXPIRES_DOWN,
    DB_TOKEN_ORDER_COUNT
};

#define DB_TOKENS_MINTED_COUNT_MAX 1001

// All that is given must hold. Times are counted by the clock of the database.
struct db_token_filter {
    bool all;             // those that are revoked or have expired, too
    bool minted;          // those that rules minted, and no others, instead of the others alone
    uint64_t unused_ms;   // not used, or never and made, for that long; 0: any
    uint64_t expiring_ms; // live, and expires within that time; 0: any
    struct gw_str name;   // part of the name, in any case; .at NULL: any
    struct gw_str prefix; // how the prefix begins; .at NULL: any
    gw_scope_set scopes;  // has one of these; 0: any
};

struct db_token_page {
    const struct db_token_entry *entries;
    int count;
    bool has_more;  // there are tokens behind these
    uint64_t total; // of all pages; 0 when not asked for
    int minted;     // live tokens of rules, which the list leaves out; DB_TOKENS_MINTED_COUNT_MAX:
                    // as many or more
};

struct db_token_list {
    struct db_query query;
    struct gw_str org_id;
    struct db_token_filter filter;
    enum db_token_order order;
    struct db_token_position after;
    uint64_t offset;
    uint32_t limit; // 1 to GW_LIST_AFTER_LIMIT_MAX
    bool counts;    // asks for the total
    // `page` is NULL unless GW_OK.
    void (*on_done)(struct db_token_list *list, enum gw_status status,
                    const struct db_token_page *page);
};
// GW_INVALID: limit or offset.
enum gw_status db_token_list_start(struct db_pool *pool, struct db_token_list *list) GW_MUST_USE;

// ---- one ----
struct db_token_details {
    struct db_token_entry entry;
    struct db_token_actor created_by;
    struct gw_str created_from; // address of the client; .at NULL: an operator, or unknown
    struct gw_str revoked_from;
    struct gw_str replaces;  // .at NULL: made anew
    struct gw_str rule_name; // of one that was minted: created_by is that rule; else .at NULL
};

struct db_token_show {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id;
    // GW_NOT_FOUND: unknown, or of another organisation. `details` is NULL unless GW_OK.
    void (*on_done)(struct db_token_show *show, enum gw_status status,
                    const struct db_token_details *details);
};
enum gw_status db_token_show_start(struct db_pool *pool, struct db_token_show *show) GW_MUST_USE;
