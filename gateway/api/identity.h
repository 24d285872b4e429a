// SPDX-License-Identifier: MIT
#pragma once
// An identity token that a request brings: taken apart, its issuer found, its signature verified in
// its turn, its claims checked, and the rules found that are about it. What they say is judged by
// the caller (gateway/api/trust_verdict.h).
//
// Embedded, of zeros, in the call of a handler, and cancelled when the exchange is over. The client
// is charged for the token as for one of the gateway's own that it tries
// (gateway/auth/failed_tokens.h), before the signature is looked at, and gets that back when the
// token is a good one.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "db/exchange.h"
#include "gateway/issuers/issuers.h"
#include "gateway/oidc/claims.h"
#include "gateway/oidc/jwt.h"
#include "gateway/oidc/provider.h"

struct gw_exchange;

enum gw_identity_outcome {
    GW_IDENTITY_KNOWN,      // the signature is good; the claims are, unless claim_fault says not
    GW_IDENTITY_MALFORMED,  // no token that is accepted: jwt_fault
    GW_IDENTITY_NO_ISSUER,  // of none of the operator's issuers
    GW_IDENTITY_NO_KEY,     // the issuer has no such key
    GW_IDENTITY_FORGED,     // the signature is not good
    GW_IDENTITY_NO_ANCHOR,  // a claim is missing by which rules are found
    GW_IDENTITY_BUSY,       // too many signatures wait
    GW_IDENTITY_NO_KEYS,    // of the issuer, for now
    GW_IDENTITY_NO_DATABASE // for now
};

struct gw_identity {
    struct gw_exchange *exchange;
    struct gw_str org; // slug of the rules; .at NULL: those of all organisations
    // From the loop or inside gw_identity_start, once. `rules` are those that are about the
    // identity, oldest first, NULL without any and unless it is known; they are valid during the
    // call.
    void (*on_done)(struct gw_identity *identity, enum gw_identity_outcome outcome,
                    const struct db_trust_rule *rules, int count);
    struct gw_jwt jwt;
    enum gw_jwt_fault jwt_fault;
    enum gw_oidc_claim_fault claim_fault;
    struct gw_oidc_times times; // without a claim_fault
    const struct gw_issuer_setting *setting;
    enum gw_oidc_kind kind;
    struct gw_str anchor;
    bool has_more_rules; // than were read, so they are of several organisations
    bool is_charged;
    struct gw_issuer_verification verification;
    struct db_exchange_rules rules;
};

// False: the operator has no issuer, and the exchange is answered with 404.
bool gw_identity_is_taken(struct gw_exchange *exchange) GW_MUST_USE;
// With `exchange`, `org` and `on_done` set; `text` stays as long as the exchange. The exchange is
// answered, and on_done does not come, for a client over its budget (429) and without memory (503).
void gw_identity_start(struct gw_identity *identity, struct gw_str text);
// No on_done follows. Harmless when it is over, or was never started.
void gw_identity_cancel(struct gw_identity *identity);
// An outcome that says nothing about the token: 503. False: it is none of these.
bool gw_identity_reply_unknown(struct gw_exchange *exchange,
                               enum gw_identity_outcome outcome) GW_MUST_USE;
