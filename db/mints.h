// SPDX-License-Identifier: MIT
#pragma once
// An identity that was judged is exchanged for a token, which one statement makes with its row in
// the audit and the note that the identity was exchanged; so of any number of gateways one makes
// it, or as many as the issuer's setting says. db/sql/0024_identity.sql says what it locks.
//
// Each such statement holds the lock of the log until its commit is on the disk, so they could only
// follow one another. While one is under way the others gather, and leave together with the next,
// up to DB_MINTS_PER_STATEMENT: many jobs that start at once share a commit, and whoever else waits
// for the lock, such as a revocation, waits for one statement of each gateway. When the server
// refuses a statement of several, each is sent by itself: one must not spoil the others.

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/tokens.h"

#define DB_MINTS_PER_STATEMENT 64
#define DB_MINTS_WAITING_MAX 8192

extern const struct db_statement db_mints_statement;

struct db_mints;

// GW_NO_MEMORY.
enum gw_status db_mints_create(struct db_pool *pool, struct db_mints **mints) GW_MUST_USE;
// Before the pool closes. What waits or is under way ends as GW_UNAVAILABLE, inside the call.
void db_mints_close(struct db_mints *mints);
// After that. NULL is harmless.
void db_mints_destroy(struct db_mints *mints);

#define DB_EXCHANGE_KEY_LENGTH 32
#define DB_EXCHANGE_FACTS_BYTES_MAX (8 * 1024)

enum db_exchange_refusal {
    DB_EXCHANGE_MADE,
    DB_EXCHANGE_RULE_GONE,   // removed, its organisation deleted, or never as wide as that
    DB_EXCHANGE_REPLAYED,    // exchanged before, or with as many live tokens as it may have
    DB_EXCHANGE_TOO_MANY,    // of the rule, within a minute
    DB_EXCHANGE_IN_PROGRESS, // the same request was answered within the last two seconds
    DB_EXCHANGE_OTHER_BODY,  // a request with the same key had another body
    DB_EXCHANGE_MADE_BEFORE, // the same request made a token, which was used
    DB_EXCHANGE_MAY_REPEAT   // ... which nobody has used, as far as the database knows
};

struct db_exchange_outcome {
    enum db_exchange_refusal refusal; // DB_EXCHANGE_MADE with GW_OK
    int64_t created_ms;               // with GW_OK
    int64_t expires_ms;               // with GW_OK
    uint32_t retry_after_s;           // of DB_EXCHANGE_TOO_MANY
    struct gw_str earlier_id;         // of the last four: the token of that request
    bool is_earlier_revoked;
    struct db_superseded_token superseded; // with GW_OK: the token that this one is instead of
};

struct db_exchange_mint {
    struct gw_list link; // the queue's; gw_list_remove ends it early, without a callback
    int place;           // in its statement, from 1
    struct gw_str rule_id;
    struct gw_str id;   // of the token
    struct gw_str name; // by the rules of token/name.h
    struct gw_str prefix;
    unsigned char digest[DB_DIGEST_LENGTH];
    gw_scope_set scopes; // no wider than those of the rule
    uint32_t life_s;     // no longer than that of the rule; counted by the database from now on
    // SHA-256 of issuer and jti, or of what was signed.
    unsigned char replay_key[DB_EXCHANGE_KEY_LENGTH];
    int64_t replay_until_ms; // when nobody believes the identity any more
    // 0: the identity is exchanged once; else as often as one likes, as long as no more of its
    // tokens than that are live.
    uint32_t live_max;
    struct gw_str facts; // JSON for the audit: who it was, at most DB_EXCHANGE_FACTS_BYTES_MAX
    struct gw_str from;  // client's address as text; .at NULL: unknown
    struct db_request_key request;
    // From the loop, once. GW_OK: made; GW_DENIED: outcome->refusal says why; otherwise, as for
    // every change, GW_BUSY, GW_CONFLICT (the id or the digest exists), GW_INVALID, GW_UNAVAILABLE
    // (it may or may not have been made) and no `outcome`. It may add another.
    void (*on_done)(struct db_exchange_mint *mint, enum gw_status status,
                    const struct db_exchange_outcome *outcome);
};
// The strings are used up during the call or while it waits: they stay until on_done. GW_INVALID:
// the facts are too long; GW_BUSY: too many wait. Then on_done does not come; otherwise it does,
// never inside the call.
enum gw_status db_mints_add(struct db_mints *mints, struct db_exchange_mint *mint) GW_MUST_USE;
