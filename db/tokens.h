// SPDX-License-Identifier: MIT
#pragma once
// Tokens: create, revoke, rotate, list. No policy: what a row means is decided above; what a change
// may do is decided in the functions of the schema (db/sql/0006_guarded_changes.sql), in one
// transaction. Every call follows the rules of db/query.h: one callback, never inside the call,
// ended early by db_pool_cancel; the strings given to a call stay until then. What a callback is
// given is valid during the callback.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/time.h"
#include "db/token.h"
#include "token/limits.h"
#include "token/scope.h"

extern const struct db_statement db_token_create_statement;
extern const struct db_statement db_token_revoke_statement;
extern const struct db_statement db_token_rotate_statement;
extern const struct db_statement db_token_list_statement;

// ---- changes ----
// Each judges, in its own transaction, the actor: the token that asks for it, or DB_OPERATOR. It
// changes nothing unless GW_OK. Besides what is said at each: GW_DENIED (`refusal` says why),
// GW_BUSY (it waited for another transaction), GW_UNAVAILABLE.
enum db_refusal {
    DB_REFUSAL_NONE,
    DB_REFUSAL_NOT_LIVE,      // the actor was revoked, has expired, or its organisation is gone
    DB_REFUSAL_OTHER_ORG,     // the actor is of another organisation
    DB_REFUSAL_NOT_ADMIN,     // the actor has no scope for it any more
    DB_REFUSAL_ENDS_TOO_LATE, // a child would outlive the actor
    DB_REFUSAL_NOT_BOUND,     // a child might be used from where the actor may not
    DB_REFUSAL_IN_PROGRESS,   // the same request was answered within the last two seconds
    DB_REFUSAL_OTHER_BODY     // a request with the same key had another body
};

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
    bool binds_children; // its children are bound to its addresses
    const struct gw_ip_range *allowed_ips;
    uint8_t allowed_ip_count;   // at most GW_ALLOWED_IPS_MAX; 0: anywhere
    struct gw_str created_by;   // token id, or DB_OPERATOR
    struct gw_str created_from; // client's address as text; .at NULL: operator, or unknown
    // GW_OK: `made` is the token as it is stored, which may be narrower than asked for, by what
    // binds the actor; GW_NOT_FOUND (no such organisation any more), GW_CONFLICT (this digest or id
    // exists), GW_DENIED. Except for GW_OK `made` is NULL.
    void (*on_done)(struct db_token_create *create, enum gw_status status,
                    const struct db_token_row *made);
    // Set before on_done with GW_DENIED.
    enum db_refusal refusal;
    int64_t expires_ms_max; // of DB_REFUSAL_ENDS_TOO_LATE
};
// GW_INVALID: PostgreSQL has no such time.
enum gw_status db_tokens_create(struct db_pool *pool, struct db_token_create *create) GW_MUST_USE;

// One token of a revocation: first the one that was named, then its live successors by rotation.
struct db_revoked_token {
    struct gw_str id;
    struct gw_str name;
    int64_t revoked_ms; // DB_NO_TIME: a successor that was left alone
    unsigned char digest[DB_DIGEST_LENGTH];
    uint64_t event_seq; // of its event (db/events.h)
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
enum gw_status db_tokens_revoke(struct db_pool *pool, struct db_token_revoke *revoke) GW_MUST_USE;

// A successor of a live token, in its place: of the same name, scopes and addresses. The old one
// expires after the overlap, if it does not before.
struct db_token_rotation {
    struct db_token_row successor;
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]; // of the successor
    int64_t old_expires_ms;
    unsigned char old_digest[DB_DIGEST_LENGTH];
    uint64_t old_event_seq; // of the event of its new end; 0: its end is as it was
    bool may_repeat;        // see db_token_rotate.instead_of
    bool has_revoked;       // the token that this one is made instead of
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
    struct gw_str key;  // marks the rotation, so that it can be repeated; .at NULL: no key
    unsigned char body_digest[DB_DIGEST_LENGTH]; // SHA-256 of what was asked for, with that key
    // .at NULL, or the successor that GW_CONFLICT named, when the rotation had the same key
    // (may_repeat): its secret reached nobody, so it is revoked and another one made.
    struct gw_str instead_of;
    struct gw_str rotated_by;   // token id, or DB_OPERATOR
    struct gw_str rotated_from; // client's address as text; .at NULL: operator, or unknown
    // GW_OK; GW_CONFLICT: there is a successor already, and of `rotation` only its id and
    // may_repeat are set; GW_NOT_FOUND: unknown, of another organisation, revoked or expired;
    // GW_DENIED. Except for the first two `rotation` is NULL.
    void (*on_done)(struct db_token_rotate *rotate, enum gw_status status,
                    const struct db_token_rotation *rotation);
    enum db_refusal refusal; // set before on_done with GW_DENIED
};
// GW_INVALID: PostgreSQL has no such time.
enum gw_status db_tokens_rotate(struct db_pool *pool, struct db_token_rotate *rotate) GW_MUST_USE;

// ---- list ----
// Live tokens (neither revoked nor expired by the clock of the database), newest first.
struct db_token_list {
    struct db_query query;
    struct gw_str org_id;
    uint64_t offset;
    uint32_t limit; // 1 to GW_LIST_LIMIT_MAX
    // `total` counts all pages.
    void (*on_done)(struct db_token_list *list, enum gw_status status,
                    const struct db_token_row *rows, int count, uint64_t total);
};
// GW_INVALID: limit or offset.
enum gw_status db_tokens_list(struct db_pool *pool, struct db_token_list *list) GW_MUST_USE;
