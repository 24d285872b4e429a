// SPDX-License-Identifier: MIT
#pragma once
// Tokens: create, rotate. No policy: what a row means is decided above; what a change may do is
// decided in the functions of the schema (db/sql/0006_guarded_changes.sql), in one transaction.
// Every call follows the rules of db/query.h: one callback, never inside the call, ended early by
// db_pool_cancel; the strings given to a call stay until then. What a callback is given is valid
// during the callback.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/time.h"
#include "db/token.h"
#include "db/token_outcome.h"
#include "token/limits.h"
#include "token/scope.h"

extern const struct db_statement db_token_create_statement;
extern const struct db_statement db_token_rotate_statement;

// ---- a request that is made again ----
// A secret is stored nowhere: when an answer got lost, another token is made instead of the first,
// whose secret reached nobody.

// What marks a request, so that it can be made again within a day.
struct db_request_key {
    struct gw_str key;                           // .at NULL: it cannot be made again
    unsigned char body_digest[DB_DIGEST_LENGTH]; // SHA-256 of what was asked for
    // .at NULL, or the token that GW_CONFLICT named as one that may be replaced.
    struct gw_str instead_of;
};

// The token that stands in the way: what a request with this key made, or a successor.
struct db_earlier_token {
    struct gw_str id; // .at NULL: there is none
    // Nobody has used it, as far as the database knows: the same call with `instead_of` makes
    // another in its place.
    bool may_repeat;
    bool is_revoked;
};

// The token that was revoked for the one that is made instead of it.
struct db_superseded_token {
    bool is_there;
    unsigned char digest[DB_DIGEST_LENGTH];
    uint64_t event_seq;
};

// ---- changes ----
struct db_token_create {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id;
    struct gw_str name;
    struct gw_str prefix;
    unsigned char digest[DB_DIGEST_LENGTH];
    gw_scope_set scopes;
    int64_t expires_ms;
    struct gw_str description; // .at NULL: none
    bool is_imported;
    bool binds_children; // its children are bound to its addresses
    bool rotates_itself;
    struct gw_str bound_san; // .at NULL: to that of the actor, if it has one
    const struct gw_ip_range *allowed_ips;
    uint8_t allowed_ip_count;   // at most GW_ALLOWED_IPS_MAX; 0: anywhere
    struct gw_str created_by;   // token id, or DB_OPERATOR
    struct gw_str created_from; // client's address as text; .at NULL: operator, or unknown
    struct db_request_key request;
    // GW_OK: `made` is the token as it is stored, which may be narrower than asked for, by what
    // binds the actor; GW_NOT_FOUND (no such organisation any more), GW_CONFLICT (a request with
    // this key has made a token, or, without `earlier`, this digest or id exists), GW_DENIED.
    // Except for GW_OK `made` is NULL.
    void (*on_done)(struct db_token_create *create, enum gw_status status,
                    const struct db_token_row *made);
    // Set before on_done with GW_DENIED.
    enum db_refusal refusal;
    int64_t expires_ms_max;                // of DB_REFUSAL_ENDS_TOO_LATE
    struct db_earlier_token earlier;       // before on_done with GW_CONFLICT
    struct db_superseded_token superseded; // before on_done with GW_OK
};
// GW_INVALID: PostgreSQL has no such time.
enum gw_status db_tokens_create(struct db_pool *pool, struct db_token_create *create) GW_MUST_USE;

// A successor of a live token, in its place: of the same name, description, scopes, addresses and
// binding.
// The old one expires after the overlap, if it does not before.
struct db_token_rotation {
    struct db_token_row successor;
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]; // of the successor
    int64_t old_expires_ms;
    unsigned char old_digest[DB_DIGEST_LENGTH];
    uint64_t old_event_seq; // of the event of its new end; 0: its end is as it was
    struct db_superseded_token superseded;
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
    struct db_request_key request;
    struct gw_str rotated_by;   // token id, or DB_OPERATOR
    struct gw_str rotated_from; // client's address as text; .at NULL: operator, or unknown
    // The token asks for itself, with any scope, if it was made so; no successor lives longer.
    bool is_own;
    // GW_OK; GW_CONFLICT: it has a successor; GW_NOT_FOUND: unknown, of another organisation,
    // revoked or expired; GW_DENIED. Except for GW_OK `rotation` is NULL.
    void (*on_done)(struct db_token_rotate *rotate, enum gw_status status,
                    const struct db_token_rotation *rotation);
    // Set before on_done with GW_DENIED.
    enum db_refusal refusal;
    int64_t expires_ms_max;          // of DB_REFUSAL_LIVES_TOO_LONG
    struct db_earlier_token earlier; // before on_done with GW_CONFLICT: the successor
};
// GW_INVALID: PostgreSQL has no such time.
enum gw_status db_tokens_rotate(struct db_pool *pool, struct db_token_rotate *rotate) GW_MUST_USE;
