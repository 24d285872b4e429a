// SPDX-License-Identifier: MIT
#pragma once
// The statements of the gateway over organisations and tokens, typed. No policy: what a row means
// is decided above. Every call follows the rules of db/query.h: one callback, never inside the
// call, cancel with db_token_store_cancel; the strings given to a call must stay until then.
//
// Lookups of one loop turn leave as one `prefix = any($1)` statement. Rows and slices handed to
// callbacks are valid during the callback.

#include <stdint.h>
#include <uv.h>

#include "base/ip.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/time.h"
#include "token/scope.h"
#include "token/syntax.h"

#define DB_ID_LENGTH_MAX 32
#define DB_SLUG_LENGTH_MAX 48
#define DB_DIGEST_LENGTH 32

// One token as it stands in the database; times in milliseconds of wall clock, DB_NO_TIME = null.
struct db_token_row {
    struct gw_str id;
    struct gw_str name;
    struct gw_str prefix;
    gw_scope_set scopes;
    bool binds_children;      // what it makes is bound to its addresses; not told by a lookup
    uint8_t allowed_ip_count; // 0: it may be used from anywhere
    const struct gw_ip_range *allowed_ips;
    int64_t created_ms;
    int64_t last_used_ms;
    int64_t expires_ms;
    struct gw_str org_id;
    struct gw_str org_slug;
    struct gw_str org_name;
};

struct db_token_store;

enum gw_status db_token_store_create(uv_loop_t *loop, struct db_pool *pool,
                                     struct db_token_store **store) GW_MUST_USE;
// Every lookup still waiting ends as GW_UNAVAILABLE. Close before the pool; frees the store once
// its handles have closed.
void db_token_store_close(struct db_token_store *store,
                          void (*on_closed)(struct db_token_store *store));
// For db_pool_options.statements.
extern const struct db_statement *const db_token_store_statements[];
extern const int db_token_store_statement_count;

// ---- the decision ----
// Of an answer that a primary gave: it knew everything that was committed when it was asked.
#define DB_SEEN_ALL UINT64_MAX

struct db_token_lookup {
    struct gw_list link; // the store's
    int row;             // the store's: its row in the answer, or -1
    // Set before on_done with GW_OK or GW_NOT_FOUND: DB_SEEN_ALL, or, when a standby answered, the
    // number of the newest event (db/events.h) that it had replayed: the answer is as old as that.
    uint64_t seen_seq;
    char prefix[GW_TOKEN_PREFIX_LENGTH];
    unsigned char
        digest[DB_DIGEST_LENGTH]; // SHA-256 of the whole secret; compared in constant time
    // GW_OK with the live row (not revoked, organisation not deleted; expiry is the caller's to
    // judge), GW_NOT_FOUND, or GW_UNAVAILABLE (unknown), then `row` is NULL.
    void (*on_done)(struct db_token_lookup *lookup, enum gw_status status,
                    const struct db_token_row *row);
};
// GW_INVALID: the prefix holds a character that no token has; GW_UNAVAILABLE: closing. on_done will
// not be called.
enum gw_status db_token_store_lookup(struct db_token_store *store,
                                     struct db_token_lookup *lookup) GW_MUST_USE;

// ---- changes ----
// Each asks, in its own transaction, about the token that asks for it, and changes nothing unless
// GW_OK. Besides what is said at each: GW_DENIED (`refusal` says why), GW_BUSY (it waited for
// another transaction), GW_UNAVAILABLE.
enum db_refusal {
    DB_REFUSAL_NONE,
    DB_REFUSAL_NOT_LIVE,      // who asks was revoked, has expired, or its organisation is gone
    DB_REFUSAL_OTHER_ORG,     // who asks is of another organisation
    DB_REFUSAL_NOT_ADMIN,     // who asks has no scope for it any more
    DB_REFUSAL_ENDS_TOO_LATE, // a child would outlive who asks
    DB_REFUSAL_NOT_BOUND,     // a child might be used from where who asks may not
    DB_REFUSAL_IN_PROGRESS,   // the same request was answered within the last two seconds
    DB_REFUSAL_OTHER_BODY     // a request with the same key had another body
};
#define DB_OPERATOR "operator" // who asks when no token does

struct db_token_create {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id;
    struct gw_str name;
    struct gw_str prefix;
    unsigned char digest[DB_DIGEST_LENGTH];
    gw_scope_set scopes;
    int64_t expires_ms;
    bool is_imported;
    bool binds_children; // what it makes is bound to its addresses
    const struct gw_ip_range *allowed_ips;
    uint8_t allowed_ip_count;   // at most GW_ALLOWED_IPS_MAX; 0: anywhere
    struct gw_str created_by;   // token id, or DB_OPERATOR
    struct gw_str created_from; // client's address as text; .at NULL: operator, or unknown
    // GW_OK: `made` is the token as it is stored, which may be narrower than asked for, by what
    // binds who asks (organisation slices are empty); GW_NOT_FOUND (no such organisation any more),
    // GW_CONFLICT (this digest or id exists), GW_DENIED. Else than GW_OK `made` is NULL.
    void (*on_done)(struct db_token_create *create, enum gw_status status,
                    const struct db_token_row *made);
    // Set before on_done with GW_DENIED.
    enum db_refusal refusal;
    int64_t expires_ms_max; // of DB_REFUSAL_ENDS_TOO_LATE
};
enum gw_status db_token_store_create_token(struct db_token_store *store,
                                           struct db_token_create *create) GW_MUST_USE;

// A token that a revocation was about: first the one that was named, then those that came of it by
// rotation and lived.
struct db_revoked_token {
    struct gw_str id;
    struct gw_str name;
    int64_t revoked_ms; // DB_NO_TIME: it was left alone, a successor
    unsigned char digest[DB_DIGEST_LENGTH];
    uint64_t event_seq; // of the event that tells of it (db/events.h)
};

struct db_token_revoke {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id;
    struct gw_str revoked_by;   // token id, or DB_OPERATOR
    struct gw_str revoked_from; // client's address as text; .at NULL: operator, or unknown
    bool with_successors;       // revoke those as well
    // GW_OK with at least one token; GW_NOT_FOUND: unknown, of another organisation, or revoked
    // before; GW_DENIED.
    void (*on_done)(struct db_token_revoke *revoke, enum gw_status status,
                    const struct db_revoked_token *tokens, int count);
    enum db_refusal refusal; // set before on_done with GW_DENIED
};
enum gw_status db_token_store_revoke_token(struct db_token_store *store,
                                           struct db_token_revoke *revoke) GW_MUST_USE;

// A successor of a live token, in its place: of the same name, scopes and addresses. The old one
// expires after the overlap, if it does not before.
struct db_token_rotation {
    struct db_token_row successor;                      // organisation slices are empty
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]; // of the successor
    int64_t old_expires_ms;
    unsigned char old_digest[DB_DIGEST_LENGTH];
    uint64_t old_event_seq; // of the event that tells of its new end; 0: its end is as it was
    bool may_repeat;        // see db_token_rotate.instead_of
    bool has_revoked;       // the one that this is made instead of
    unsigned char revoked_digest[DB_DIGEST_LENGTH];
    uint64_t revoked_event_seq;
};

struct db_token_rotate {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id; // the old one
    struct gw_str new_id;
    struct gw_str new_prefix;
    unsigned char new_digest[DB_DIGEST_LENGTH];
    int64_t overlap_s;
    int64_t expires_ms; // DB_NO_TIME: as long as the old one was to live
    struct gw_str key;  // marks the rotation, so that it can be repeated; .at NULL: none
    unsigned char body_digest[DB_DIGEST_LENGTH]; // SHA-256 of what was asked for, with that key
    // .at NULL, or the successor that GW_CONFLICT named, when the rotation had the same key
    // (may_repeat): it is revoked as one whose secret nobody has seen, and another made.
    struct gw_str instead_of;
    struct gw_str rotated_by;   // token id, or DB_OPERATOR
    struct gw_str rotated_from; // client's address as text; .at NULL: operator, or unknown
    // GW_OK; GW_CONFLICT: there is a successor already, and of `rotation` only its id and
    // may_repeat are set; GW_NOT_FOUND: unknown, of another organisation, revoked or expired;
    // GW_DENIED; else than for the first two `rotation` is NULL.
    void (*on_done)(struct db_token_rotate *rotate, enum gw_status status,
                    const struct db_token_rotation *rotation);
    enum db_refusal refusal; // set before on_done with GW_DENIED
};
enum gw_status db_token_store_rotate_token(struct db_token_store *store,
                                           struct db_token_rotate *rotate) GW_MUST_USE;

// ---- lists ----
// Live tokens (neither revoked nor expired by the clock of the database), newest first.
struct db_token_list {
    struct db_query query;
    struct gw_str org_id;
    uint64_t offset;
    uint32_t limit;
    // `rows` has `count` entries (organisation slices are empty in them); `total` counts all pages.
    void (*on_done)(struct db_token_list *list, enum gw_status status,
                    const struct db_token_row *rows, int count, uint64_t total);
};
enum gw_status db_token_store_list_tokens(struct db_token_store *store,
                                          struct db_token_list *list) GW_MUST_USE;

// What was done to the tokens of an organisation, newest first.
struct db_audit_event {
    int64_t id;
    int64_t at_ms;
    struct gw_str action; // "create", "import", "rotate", "revoke"
    struct gw_str token_id;
    struct gw_str token_name;
    struct gw_str successor_id;   // of a rotation; else .at NULL
    struct gw_str actor_token_id; // .at NULL: an operator
    struct gw_str actor_name;
    struct gw_str address; // .at NULL: of an operator, or unknown
};

struct db_audit_list {
    struct db_query query;
    struct gw_str org_id;
    int64_t before; // only events with a lower id
    uint32_t limit;
    void (*on_done)(struct db_audit_list *list, enum gw_status status,
                    const struct db_audit_event *events, int count, bool has_more);
};
enum gw_status db_token_store_list_audit(struct db_token_store *store,
                                         struct db_audit_list *list) GW_MUST_USE;

// Newest uses of many tokens in one statement: never moves a time backwards, skips revoked rows.
struct db_last_used_write {
    struct db_query query;
    // Parallel arrays, sorted by id by the caller so that two gateways cannot deadlock.
    const struct gw_str *ids;
    const int64_t *used_ms;
    int count;
    void (*on_done)(struct db_last_used_write *write, enum gw_status status, uint64_t rows_written);
};
enum gw_status db_token_store_write_last_used(struct db_token_store *store,
                                              struct db_last_used_write *write) GW_MUST_USE;

// ---- organisations ----
struct db_org_create {
    struct db_query query;
    struct gw_str id;
    struct gw_str slug;
    struct gw_str name;
    // GW_CONFLICT: the slug is taken.
    void (*on_done)(struct db_org_create *create, enum gw_status status);
};
enum gw_status db_token_store_create_org(struct db_token_store *store,
                                         struct db_org_create *create) GW_MUST_USE;

struct db_org_find {
    struct db_query query;
    struct gw_str slug;
    void (*on_done)(struct db_org_find *find, enum gw_status status, struct gw_str id,
                    struct gw_str name);
};
enum gw_status db_token_store_find_org(struct db_token_store *store,
                                       struct db_org_find *find) GW_MUST_USE;

// For any of the queries above (pass &request->query).
void db_token_store_cancel(struct db_token_store *store, struct db_query *query);
