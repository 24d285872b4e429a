// SPDX-License-Identifier: MIT
#pragma once
// The claims of a token that every issuer has (RFC 7519 section 4.1), against what the operator
// set for this issuer; and how any other claim is found. Only for tokens whose signature is good,
// except gw_oidc_issuer, by which the issuer is chosen whose keys are asked.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "gateway/oidc/jwt.h"

#define GW_OIDC_LEEWAY_S 30 // between the clocks of the issuer and ours
#define GW_OIDC_AGE_S_DEFAULT 3600
#define GW_OIDC_JWT_ID_BYTES_MAX 256
#define GW_OIDC_REPLAY_KEY_BYTES 32
#define GW_OIDC_NO_TIME INT64_MIN

// No policy takes an older token. So what a token of a far "exp" was exchanged for need be known no
// longer, whatever the policies of other gateways are.
#define GW_OIDC_AGE_S_MAX (24 * 60 * 60)

struct gw_oidc_policy {
    struct gw_str issuer;
    struct gw_str audience;
    int64_t age_s_max; // since "iat"; at most GW_OIDC_AGE_S_MAX
    bool may_lack_iat; // then "exp" may be at most age_s_max ahead
    bool may_lack_jti;
};

// Seconds since 1970, wall clock.
struct gw_oidc_times {
    int64_t issued_s; // GW_OIDC_NO_TIME: not said
    int64_t expires_s;
    int64_t replay_until_s; // no copy of the token is taken from then on
};

#define GW_OIDC_CLAIM_FAULT_MAP(X)                                                                 \
    X(NONE, "no fault")                                                                            \
    X(ISSUER, "iss is not the issuer")                                                             \
    X(AUDIENCE, "aud is not exactly our audience")                                                 \
    X(EXPIRES, "exp is missing or not a whole number of seconds before the year 10000")            \
    X(EXPIRED, "it has expired")                                                                   \
    X(NOT_BEFORE, "nbf is not a whole number of seconds, or in the future")                        \
    X(ISSUED, "iat is missing, not a whole number of seconds, or in the future")                   \
    X(TOO_OLD, "it was issued too long ago, or lasts too long")                                    \
    X(JWT_ID, "jti is missing or not a text of 1 to 256 bytes")

enum gw_oidc_claim_fault {
#define X(name, text) GW_OIDC_CLAIM_FAULT_##name,
    GW_OIDC_CLAIM_FAULT_MAP(X)
#undef X
};

// A phrase without a full stop, static.
const char *gw_oidc_claim_fault_text(enum gw_oidc_claim_fault fault);

// Who says to have issued the token: "iss", or, where there is none, the trust domain of a SPIFFE
// ID in "sub", as "spiffe://example.org" (SPIFFE JWT-SVID section 3 asks for no "iss"). GW_INVALID:
// neither. Before the signature is good this serves to choose a configured issuer, nothing else.
enum gw_status gw_oidc_issuer(const struct gw_jwt *jwt, struct gw_arena *arena,
                              struct gw_str *issuer) GW_MUST_USE;

// GW_INVALID: *fault says which claim is wrong. GW_NO_MEMORY. "iss" is compared as bytes; "aud" is
// a string, or a list of exactly one; "exp" has to be there.
enum gw_status gw_oidc_claims_check(const struct gw_jwt *jwt, struct gw_arena *arena,
                                    const struct gw_oidc_policy *policy, int64_t now_s,
                                    struct gw_oidc_times *times,
                                    enum gw_oidc_claim_fault *fault) GW_MUST_USE;

// Under what a token is remembered so that it is not exchanged again: SHA-256 of its issuer and its
// "jti", and of its header and claims where it has none (a signature can be changed and stay good).
// GW_NO_MEMORY.
enum gw_status gw_oidc_replay_key(const struct gw_jwt *jwt, struct gw_arena *arena,
                                  unsigned char key[GW_OIDC_REPLAY_KEY_BYTES]) GW_MUST_USE;

// A claim as text: a string as it is, "true" or "false", a whole number in decimal. `name` is the
// name of a claim; if it begins with '/', it is a JSON pointer (RFC 6901) to one inside another:
// "/kubernetes.io/namespace". Names of claims have dots and slashes, so nothing else could part
// them. GW_NOT_FOUND: not there, or of another type. GW_NO_MEMORY.
enum gw_status gw_oidc_claim(const struct gw_jwt *jwt, struct gw_arena *arena, struct gw_str name,
                             struct gw_str *text) GW_MUST_USE;
