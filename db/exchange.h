// SPDX-License-Identifier: MIT
#pragma once
// An identity that was judged is exchanged for a token: the rules that might trust it, and the
// token, which one statement makes with its row in the audit and the note that the identity was
// exchanged, so that of any number of gateways one makes it, or as many as the issuer's setting
// says. db/sql/0024_identity.sql says what it locks.
// Rules of calls as in db/tokens.h: one callback, never inside the call, ended early by
// db_pool_cancel; the strings given to a call stay until then; what a callback is given is valid
// during it.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/tokens.h"
#include "db/trust.h"

extern const struct db_statement db_exchange_rules_statement;
extern const struct db_statement db_exchange_mint_statement;

// ---- the rules ----
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

// ---- the token ----
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
    struct db_query query;
    struct gw_str rule_id;
    struct gw_str id;   // of the token
    struct gw_str name; // by the rules of token/name.h
    struct gw_str prefix;
    unsigned char digest[DB_DIGEST_LENGTH];
    gw_scope_set scopes; // no wider than those of the rule
    uint32_t life_s;     // no longer than that of the rule; counted by the database from now on
    // SHA-256 of issuer and jti, or of what was signed.
    unsigned char replay_key[DB_EXCHANGE_KEY_LENGTH];
    int64_t replay_until_ms; // when nobody believes the identity any more: exp and the leeway
    // 0: the identity is exchanged once; else as often as one likes, as long as no more of its
    // tokens than that are live.
    uint32_t live_max;
    struct gw_str facts; // JSON for the audit: who it was, at most DB_EXCHANGE_FACTS_BYTES_MAX
    struct gw_str from;  // client's address as text; .at NULL: unknown
    struct db_request_key request;
    // GW_OK: made; GW_DENIED: outcome->refusal says why; otherwise, as for every change, GW_BUSY,
    // GW_CONFLICT (the id or the digest exists), GW_UNAVAILABLE (it may or may not have been made)
    // and no `outcome`.
    void (*on_done)(struct db_exchange_mint *mint, enum gw_status status,
                    const struct db_exchange_outcome *outcome);
};
// GW_INVALID: the facts are too long, or a time is none.
enum gw_status db_exchange_mint_submit(struct db_pool *pool,
                                       struct db_exchange_mint *mint) GW_MUST_USE;
