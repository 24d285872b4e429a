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

#include "base/str.h"

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

#define GW_OIDC_ANCHOR_BYTES_MAX 640 // of two values and their names

enum gw_oidc_trait {
    GW_OIDC_ANCHOR = 1,   // every rule names it, with one value
    GW_OIDC_ID = 2,       // survives a rename
    GW_OIDC_NO_CASE = 4,  // ASCII letters fold, because the provider's names do
    GW_OIDC_PREFIX = 8,   // a value may end in '*'; `why` is where the provider shows it
    GW_OIDC_REFUSED = 16, // a rule may not name it; `why` says what to name instead
    GW_OIDC_IN_NAME = 32  // in the name of the token that a run gets
};

// How the text of a claim is taken from a token.
enum gw_oidc_source {
    GW_OIDC_AS_IT_IS,          // gw_oidc_claim of `path`
    GW_OIDC_WORKFLOW_FILE,     // of OWNER/REPO/.github/workflows/FILE@REF: FILE
    GW_OIDC_WORKFLOW_REF,      // ... REF
    GW_OIDC_ACCOUNT_NAMESPACE, // of system:serviceaccount:NAMESPACE:NAME: NAMESPACE
    GW_OIDC_ACCOUNT_NAME       // ... NAME
};

struct gw_oidc_claim_kind {
    struct gw_str name; // in rules, in the API and in what people read
    struct gw_str path; // in the token, for gw_oidc_claim
    unsigned traits;
    enum gw_oidc_source source;
    const char *why;     // see the traits
    struct gw_str needs; // the claim that a rule has to name as well; empty: none
};

// A value that a token must not have unless the rule names the claim.
struct gw_oidc_unless_named {
    struct gw_str claim;
    struct gw_str value;
};

struct gw_oidc_provider {
    struct gw_str name; // of the kind, in settings and rules: "github"
    const char *title;  // for people: "GitHub Actions"
    const struct gw_oidc_claim_kind *claims;
    const struct gw_oidc_unless_named *refused;
    int claim_count;
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
