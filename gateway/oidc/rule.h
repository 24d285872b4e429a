// SPDX-License-Identifier: MIT
#pragma once
// A rule of trust: which tokens of an issuer stand for an organisation. Its conditions are claims
// with the values that each may have; a token has to meet all of them.
//
// A rule names the anchor of its kind (gateway/oidc/provider.h), so none lets everybody of an
// issuer in. Values are compared whole, as bytes; letters fold, and a trailing '*' stands for any
// rest, only where the table of the kind says so.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ip.h"
#include "base/json.h"
#include "gateway/oidc/jwt.h"
#include "gateway/oidc/provider.h"
#include "token/scope.h"

#define GW_OIDC_CONDITIONS_MAX 16
#define GW_OIDC_VALUES_MAX 16
#define GW_OIDC_CLAIM_NAME_BYTES_MAX 128
#define GW_OIDC_VALUE_BYTES_MAX 256
#define GW_OIDC_LIFE_S_DEFAULT 900
#define GW_OIDC_LIFE_S_MIN 60
#define GW_OIDC_LIFE_S_MAX 43200

struct gw_oidc_condition {
    struct gw_str claim;         // terminated
    const struct gw_str *values; // one of them
    int value_count;
    unsigned traits; // enum gw_oidc_trait
};

// The slices lie where the row or the arena has them. gw_oidc_rule_read fills kind and conditions,
// whoever reads the row the rest.
struct gw_oidc_rule {
    struct gw_str id;
    struct gw_str org_id;
    struct gw_str issuer; // its URL
    struct gw_oidc_condition conditions[GW_OIDC_CONDITIONS_MAX];
    int condition_count;
    enum gw_oidc_kind kind;
    const struct gw_ip_range *allowed_ips;
    int allowed_ip_count; // 0: anywhere
    gw_scope_set scopes;
    int64_t life_s;
    int64_t created_ms;
};

// Conditions as the API takes them and as the database keeps them: an object from names of claims
// to lists of values; one value may stand without a list. GW_INVALID: *wrong is a sentence that
// says what and what to do, static or in `arena`; it quotes nothing but names of claims that the
// table has. GW_NO_MEMORY. The source of `conditions` must outlive the rule.
enum gw_status gw_oidc_rule_read(struct gw_arena *arena, enum gw_oidc_kind kind,
                                 struct gw_json conditions, struct gw_oidc_rule *rule,
                                 const char **wrong) GW_MUST_USE;
// The conditions as an object of lists, in the order in which they were read.
void gw_oidc_rule_write_conditions(const struct gw_oidc_rule *rule, struct gw_json_writer *writer);
// Under what the rule is found. GW_NO_MEMORY.
enum gw_status gw_oidc_rule_anchor(const struct gw_oidc_rule *rule, struct gw_arena *arena,
                                   struct gw_str *anchor) GW_MUST_USE;

enum gw_oidc_match_verdict {
    GW_OIDC_OTHER,   // another anchor or another id: whoever has the token learns nothing
    GW_OIDC_DIFFERS, // it is the one that the rule is for, but `claim` differs
    GW_OIDC_MATCHES
};

struct gw_oidc_match {
    enum gw_oidc_match_verdict verdict;
    struct gw_str claim; // the first that differs, "address" for the client's; not if it matches
    struct gw_str value; // the token's own, never the rule's; .at NULL: it has none
};

// `address` is the client's, NULL when it is not known. The issuer is the caller's to compare.
// GW_NO_MEMORY.
enum gw_status gw_oidc_rule_match(const struct gw_oidc_rule *rule, const struct gw_jwt *jwt,
                                  struct gw_arena *arena, const struct gw_ip *address,
                                  struct gw_oidc_match *match) GW_MUST_USE;

// Of rules that match, the one to use for `asked` (not empty): those whose scopes allow all of
// `asked`, of them the one of the least scopes, then of the shortest life, then the oldest, then
// that of the least id. NULL: none does.
const struct gw_oidc_rule *gw_oidc_rule_choose(const struct gw_oidc_rule *const *rules, int count,
                                               gw_scope_set asked);
