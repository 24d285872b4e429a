// SPDX-License-Identifier: MIT
#pragma once
// Rules of an organisation: whose identities it gives tokens to. Made, listed, shown and removed.
// No policy: what a rule's conditions mean is gateway/oidc's; what a token may do about rules the
// schema decides (db/sql/0024_identity.sql), in one transaction, with the audit.
// Rules of calls as in db/tokens.h: one callback, never inside the call, ended early by
// db_pool_cancel; the strings given to a call stay until then; what a callback is given is valid
// during it.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/token.h"
#include "db/token_list.h"
#include "db/token_outcome.h"
#include "db/token_revoke.h"

#define DB_TRUST_KIND_LENGTH_MAX 32
#define DB_TRUST_ISSUER_BYTES_MAX 512
#define DB_TRUST_ANCHOR_BYTES_MAX 1024
#define DB_TRUST_CONDITIONS_BYTES_MAX 8192 // as PostgreSQL writes them
#define DB_TRUST_EXCHANGES_PER_MINUTE_DEFAULT 600
#define DB_TRUST_EXCHANGES_PER_MINUTE_MAX 100000
#define DB_TRUST_RULES_MAX 1000      // live ones, of an organisation
#define DB_TRUST_ANCHOR_RULES_MAX 64 // live ones, of an organisation, for one anchor

extern const struct db_statement db_trust_create_statement;
extern const struct db_statement db_trust_list_statement;
extern const struct db_statement db_trust_show_statement;
extern const struct db_statement db_trust_remove_statement;

// A live rule as it stands in the database.
struct db_trust_rule {
    struct gw_str id;
    struct gw_str org_id;
    struct gw_str org_slug;
    struct gw_str kind;       // of its issuer: "github"
    struct gw_str issuer;     // URL
    struct gw_str anchor;     // what gw_oidc_anchor makes of a token's claims
    struct gw_str conditions; // JSON: {"repository": ["acme/repo"]}
    gw_scope_set scopes;
    uint8_t allowed_ip_count; // 0: anywhere
    const struct gw_ip_range *allowed_ips;
    uint32_t life_s;
    uint32_t exchanges_per_minute;
    int64_t created_ms;
    struct db_token_actor created_by;
    struct gw_str created_from; // address of the client; .at NULL: an operator, or unknown
};

// ---- create ----
struct db_trust_made {
    struct gw_str id; // of the rule that was asked for, or of the one that says the same
    int64_t created_ms;
    bool is_there;
};

struct db_trust_create {
    struct db_query query;
    struct gw_str id;
    struct gw_str org_id;
    struct gw_str kind;
    struct gw_str issuer;
    struct gw_str anchor;
    struct gw_str conditions; // JSON, checked by the caller
    gw_scope_set scopes;
    uint32_t life_s;
    uint32_t exchanges_per_minute;
    const struct gw_ip_range *allowed_ips;
    uint8_t allowed_ip_count;   // at most GW_ALLOWED_IPS_MAX; 0: anywhere
    struct gw_str created_by;   // token id, or DB_OPERATOR
    struct gw_str created_from; // client's address as text; .at NULL: operator, or unknown
    // GW_OK: made, or there already (`is_there`), as after an answer that got lost; GW_NOT_FOUND:
    // no such organisation any more; GW_DENIED: `refusal` says why, of those of every change and
    // DB_REFUSAL_MAKER_MINTED, _MAKER_ENDS, _MAKER_BOUND, _ADMIN_BY_OPERATOR and _TOO_MANY_RULES;
    // GW_CONFLICT: the id exists.
    // `made` is NULL unless GW_OK.
    void (*on_done)(struct db_trust_create *create, enum gw_status status,
                    const struct db_trust_made *made);
    enum db_refusal refusal; // set before on_done with GW_DENIED
};
enum gw_status db_trust_create_submit(struct db_pool *pool,
                                      struct db_trust_create *create) GW_MUST_USE;

// ---- list ----
// The live rules of an organisation, newest first, from behind one of them on, which may have been
// removed meanwhile.
struct db_trust_list {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str after; // id of a rule; .at NULL: from the newest on
    uint32_t limit;      // 1 to GW_LIST_LIMIT_MAX
    // `rules` is NULL unless GW_OK with at least one.
    void (*on_done)(struct db_trust_list *list, enum gw_status status,
                    const struct db_trust_rule *rules, int count, bool has_more);
};
// GW_INVALID: the limit.
enum gw_status db_trust_list_start(struct db_pool *pool, struct db_trust_list *list) GW_MUST_USE;

// ---- one ----
struct db_trust_details {
    struct db_trust_rule rule;
    uint64_t exchanges;       // how many tokens it has given
    int64_t last_exchange_ms; // DB_NO_TIME: none yet
    uint64_t live_tokens;
};

struct db_trust_show {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id;
    // GW_NOT_FOUND: unknown, of another organisation, or removed. `details` is NULL unless GW_OK.
    void (*on_done)(struct db_trust_show *show, enum gw_status status,
                    const struct db_trust_details *details);
};
enum gw_status db_trust_show_start(struct db_pool *pool, struct db_trust_show *show) GW_MUST_USE;

// ---- remove ----
// The rule gives no token from then on, and those that it gave end: up to DB_TRUST_REMOVE_ROWS_MAX
// in one transaction, each with its event. Of a rule with more the same call goes on, until it ends
// fewer than that.
#define DB_TRUST_REMOVE_ROWS_MAX 1000

struct db_trust_removal {
    struct gw_str name; // kind and anchor
    int64_t removed_ms;
    const struct db_revoked_token *tokens; // those that ended in this call
    int count;
    bool has_more; // there may be more of them
};

struct db_trust_remove {
    struct db_query query;
    struct gw_str org_id;
    struct gw_str id;
    struct gw_str removed_by;   // token id, or DB_OPERATOR
    struct gw_str removed_from; // client's address as text; .at NULL: operator, or unknown
    // GW_NOT_FOUND: unknown, of another organisation, or removed before with no live token left;
    // GW_DENIED. `removal` is NULL unless GW_OK.
    void (*on_done)(struct db_trust_remove *remove, enum gw_status status,
                    const struct db_trust_removal *removal);
    enum db_refusal refusal; // set before on_done with GW_DENIED
};
enum gw_status db_trust_remove_submit(struct db_pool *pool,
                                      struct db_trust_remove *remove) GW_MUST_USE;

// ---- reading rows ----
// What select lists of rules `r`, of organisations `o`, begin with, for db_trust_rule_read.
// GW_INVALID: its addresses cannot be read.
#define DB_TRUST_RULE_COLUMNS                                                                      \
    "r.id, r.org_id, o.slug, r.kind, r.issuer, r.anchor, r.conditions::text, r.scopes, r.life_s,"  \
    " r.exchanges_per_minute, r.allowed_ips, r.created_at, r.created_by,"                          \
    " (select b.name from skillreg.api_token b where b.id = r.created_by), host(r.created_from)"
#define DB_TRUST_RULE_COLUMN_COUNT 15
enum gw_status db_trust_rule_read(const PGresult *result, int row, struct db_trust_rule *rule,
                                  struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]) GW_MUST_USE;
