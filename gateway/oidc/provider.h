// SPDX-License-Identifier: MIT
#pragma once
// The kinds of issuers: what their tokens say, what a rule may ask of them, and their traps. One
// table; a kind more is rows in it.
//
// The ANCHOR is what a rule always names and a token always has: the repository, the project, the
// service account. Rules are looked up by it, and only whoever has it learns which other claim of a
// rule failed. The IDS of a kind survive a rename and are never used again; nobody has to name
// them, but a rule that does refuses whoever took a name that became free.

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "gateway/oidc/jwt.h"

enum gw_oidc_kind {
    GW_OIDC_GITHUB,
    GW_OIDC_GITLAB,
    GW_OIDC_BUILDKITE,
    GW_OIDC_CIRCLECI,
    GW_OIDC_KUBERNETES,
    GW_OIDC_SPIFFE,
    GW_OIDC_GENERIC,
    GW_OIDC_KIND_COUNT
};

#define GW_OIDC_ANCHOR_BYTES_MAX 1024

enum gw_oidc_trait {
    GW_OIDC_ANCHOR = 1,      // every rule names it, with one value
    GW_OIDC_ID = 2,          // survives a rename
    GW_OIDC_NO_CASE = 4,     // ASCII letters fold, because the provider's names do
    GW_OIDC_PREFIX = 8,      // a value may end in '*'; `why` is where the provider says so
    GW_OIDC_REFUSED = 16,    // a rule may not name it; `why` says what to name instead
    GW_OIDC_OF_THE_RUN = 32, // shown in the audit, and never asked of a rule
};

// How the text of a claim is taken from a token.
enum gw_oidc_source {
    GW_OIDC_AS_IT_IS,          // gw_oidc_claim of `path`
    GW_OIDC_WORKFLOW_FILE,     // of OWNER/REPO/.github/workflows/FILE@REF: FILE
    GW_OIDC_WORKFLOW_REF,      // ... REF
    GW_OIDC_ACCOUNT_NAMESPACE, // of system:serviceaccount:NAMESPACE:NAME
    GW_OIDC_ACCOUNT_NAME
};

struct gw_oidc_claim_kind {
    const char *name; // in rules, in the API and in what people read
    const char *path; // in the token, for gw_oidc_claim
    enum gw_oidc_source source;
    unsigned traits;
    const char *why; // NULL, or see the traits
};

// A value that a token must not have unless the rule names the claim.
struct gw_oidc_unless_named {
    const char *claim;
    const char *value;
};

struct gw_oidc_provider {
    const char *name;  // of the kind, in settings and rules: "github"
    const char *title; // for people: "GitHub Actions"
    const struct gw_oidc_claim_kind *claims;
    int claim_count;
    const struct gw_oidc_unless_named *refused;
    int refused_count;
    bool takes_other_claims; // rules may name claims that are not in the table
    bool may_lack_iat;
    bool may_lack_jti;
    bool is_once; // a token is exchanged once unless the operator says otherwise
};

const struct gw_oidc_provider *gw_oidc_provider(enum gw_oidc_kind kind);
// By its exact name.
bool gw_oidc_kind_find(struct gw_str name, enum gw_oidc_kind *kind);
// NULL: not in the table.
const struct gw_oidc_claim_kind *gw_oidc_claim_kind_find(enum gw_oidc_kind kind,
                                                         struct gw_str name);

// Whether `audience` is one that the provider puts into tokens when nobody asks for another, so
// that tokens that were made for others would be ours.
bool gw_oidc_audience_is_default(enum gw_oidc_kind kind, struct gw_str issuer,
                                 struct gw_str audience);

// The text of a claim by the name that rules have for it. GW_NOT_FOUND: the token has none, or it
// does not have the form that the table expects. GW_NO_MEMORY.
enum gw_status gw_oidc_claim_text(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                                  struct gw_arena *arena, struct gw_str name,
                                  struct gw_str *text) GW_MUST_USE;
// The anchor of a token, as gw_oidc_rule_anchor has it: "repository=acme/tools",
// "namespace=ci service_account=publisher". GW_INVALID: a claim of it is missing, or holds blanks
// or controls. GW_NO_MEMORY.
enum gw_status gw_oidc_anchor(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                              struct gw_arena *arena, struct gw_str *anchor) GW_MUST_USE;
