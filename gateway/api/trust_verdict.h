// SPDX-License-Identifier: MIT
#pragma once
// Which of the rules of trust a token of an issuer meets. The database found the rules by the
// anchor of the token (gateway/oidc/provider.h), so all of them are about its repository, project
// or account. Pure.

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "db/exchange.h"
#include "gateway/http/client.h"
#include "gateway/oidc/provider.h"
#include "gateway/oidc/rule.h"
#include "token/scope.h"

#define GW_TRUST_CLAIM_BYTES 128
#define GW_TRUST_VALUE_BYTES 256

// What one rule says. Terminated; `claim` is empty unless the verdict is GW_OIDC_DIFFERS.
struct gw_trust_match {
    enum gw_oidc_match_verdict verdict;
    bool has_value; // the token has the claim
    char claim[GW_TRUST_CLAIM_BYTES + 1];
    char value[GW_TRUST_VALUE_BYTES + 1]; // the token's own; cut
};

// GW_INVALID: the conditions of the rule cannot be read, as a newer gateway may have written them:
// it is met by nothing. GW_NO_MEMORY.
enum gw_status gw_trust_match_rule(const struct db_trust_rule *rule, enum gw_oidc_kind kind,
                                   const struct gw_jwt *jwt, const struct gw_client *client,
                                   struct gw_trust_match *match) GW_MUST_USE;

enum gw_trust_outcome {
    GW_TRUST_NONE,     // no rule is about the token: nothing may be said
    GW_TRUST_DIFFERS,  // a rule is, but one of its claims differs: `match`
    GW_TRUST_NARROWER, // a rule is met, but none that is gives the scopes
    GW_TRUST_SEVERAL,  // one is met, but not all are of one organisation: anybody can write one
    GW_TRUST_CHOSEN
};

struct gw_trust_verdict {
    enum gw_trust_outcome outcome;
    int rule;                    // index of the one that was chosen
    struct gw_trust_match match; // of the first that differs
};

// Of at most DB_EXCHANGE_RULES_MAX rules. GW_NO_MEMORY. It takes some 50 KiB of `arena`.
enum gw_status gw_trust_judge(struct gw_arena *arena, const struct db_trust_rule *rules, int count,
                              enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                              const struct gw_client *client, gw_scope_set asked,
                              struct gw_trust_verdict *verdict) GW_MUST_USE;
