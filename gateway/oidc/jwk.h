// SPDX-License-Identifier: MIT
#pragma once
// The public keys of an issuer: a JWK set (RFC 7517 section 5) of at most GW_JWK_SET_BYTES_MAX
// bytes and GW_JWK_KEYS_MAX usable keys, checked once as it is read.
//
// A key decides which algorithms it verifies, never a token: its "alg" does where there is one,
// else its type and its curve. An RSA key without "alg" verifies RS256, RS384 and RS512, but not
// PS256: one key, one padding.
//
// Keys that are of no use here are left out and counted: a set may hold some for encryption, or of
// a kind that comes later. Two usable keys with one id make the set ambiguous, and it is refused.
//
// Text in, a block of memory out, which one thread uses.

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "gateway/oidc/algorithm.h"

#define GW_JWK_SET_BYTES_MAX ((size_t)64 * 1024)
#define GW_JWK_KEYS_MAX 32

struct gw_jwk;     // one usable key; lives as long as its set
struct gw_jwk_set; // from malloc

// Why a key was left out.
#define GW_JWK_REASON_MAP(X)                                                                       \
    X(FORM, "a member is missing, of another type, or not base64url")                              \
    X(USE, "it is not for signatures (use, key_ops)")                                              \
    X(KIND, "its type, curve or algorithm is none that is verified here")                          \
    X(MISMATCH, "its alg is not one of its type and curve")                                        \
    X(SECRET, "it holds a private or a symmetric key")                                             \
    X(RSA, "its RSA modulus is not odd and of 2048 to 4096 bits, or its exponent is not 65537")    \
    X(POINT, "its point is not on the curve")

enum gw_jwk_reason {
#define X(name, text) GW_JWK_REASON_##name,
    GW_JWK_REASON_MAP(X)
#undef X
        GW_JWK_REASON_COUNT
};

#define GW_JWK_SET_FAULT_MAP(X)                                                                    \
    X(NONE, "no fault")                                                                            \
    X(SIZE, "it is longer than 64 KiB")                                                            \
    X(JSON, "it is not a JSON object in which every name is once")                                 \
    X(KEYS, "it has no list \"keys\"")                                                             \
    X(TOO_MANY, "it has more than 32 usable keys")                                                 \
    X(TWICE, "two usable keys have the same kid")                                                  \
    X(NONE_USABLE, "it has no usable key")

enum gw_jwk_set_fault {
#define X(name, text) GW_JWK_SET_FAULT_##name,
    GW_JWK_SET_FAULT_MAP(X)
#undef X
};

// What was not taken, for a log line or `check`.
struct gw_jwk_set_report {
    enum gw_jwk_set_fault fault;
    int left_out[GW_JWK_REASON_COUNT];
};

// Phrases without a full stop, static.
const char *gw_jwk_reason_text(enum gw_jwk_reason reason);
const char *gw_jwk_set_fault_text(enum gw_jwk_set_fault fault);

// GW_INVALID: refused, report->fault says why. GW_NO_MEMORY. `report` is filled either way; `text`
// need not outlive the call.
enum gw_status gw_jwk_set_parse(struct gw_str text, struct gw_jwk_set **set,
                                struct gw_jwk_set_report *report) GW_MUST_USE;
// NULL is harmless.
void gw_jwk_set_destroy(struct gw_jwk_set *set);

// The usable keys, at least one.
int gw_jwk_set_count(const struct gw_jwk_set *set);
const struct gw_jwk *gw_jwk_set_at(const struct gw_jwk_set *set, int index);
// The key with this id. Without an id (.at NULL) the only key of the set. NULL: there is none, or
// more than one that could be meant.
const struct gw_jwk *gw_jwk_set_find(const struct gw_jwk_set *set, struct gw_str key_id);

struct gw_str gw_jwk_id(const struct gw_jwk *key); // .at NULL: none
bool gw_jwk_takes(const struct gw_jwk *key, enum gw_jwk_algorithm algorithm);
// "RSA-2048", "P-256", "P-384", "Ed25519": for people. Static, except that of an odd RSA size:
// "RSA".
const char *gw_jwk_kind(const struct gw_jwk *key);
