// SPDX-License-Identifier: MIT
#pragma once
// A JSON Web Token (RFC 7519) as a compact JWS (RFC 7515 section 7.1), taken apart and not yet
// believed: nothing in it is true before gw_jwk_verify said so. Text in, slices out; what has to be
// decoded lies in the caller's arena.
//
// A token is refused for what could make two readers see two tokens in it, or lead a reader to a
// key that the token brings along (RFC 8725):
// - more than GW_JWT_BYTES_MAX bytes, not exactly three parts, base64url that is not the one form;
// - a header or claims that are not one JSON object each, or name a member twice;
// - an algorithm that is none of gateway/oidc/algorithm.h;
// - members that ask for more than a signature (crit, b64, zip, enc, cty) or name a key (jwk, jku,
//   x5u, x5c). A digest of a certificate (x5t) is not one, and not looked at;
// - a type that is said and is neither JWT nor JOSE: a logout token, an access token, a proof of
//   possession are other things under the same key (RFC 8725 section 3.11).

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "gateway/oidc/algorithm.h"

#define GW_JWT_BYTES_MAX 8192
#define GW_JWT_SIGNATURE_BYTES_MAX 512 // RSA of 4096 bits
#define GW_JWT_KEY_ID_BYTES_MAX 256
// What one token takes of an arena at the most, its claims read once included.
#define GW_JWT_ARENA_BYTES ((size_t)128 * 1024)

struct gw_jwt {
    struct gw_str signing_input; // header and claims with the point between them, as sent
    struct gw_str key_id;        // .at NULL: none
    const unsigned char *signature;
    size_t signature_length;
    struct gw_json claims; // an object
    enum gw_jwk_algorithm algorithm;
};

#define GW_JWT_FAULT_MAP(X)                                                                        \
    X(NONE, "no fault")                                                                            \
    X(SIZE, "the token is empty or too long")                                                      \
    X(PARTS, "the token does not have three parts")                                                \
    X(BASE64URL, "a part is not base64url without padding")                                        \
    X(HEADER, "the header is not a JSON object in which every name is once")                       \
    X(ALGORITHM, "the header's alg is not an algorithm that is accepted")                          \
    X(EXTENSION, "the header has crit, b64, zip, enc or cty")                                      \
    X(KEY, "the header brings or names a key (jwk, jku, x5u, x5c)")                                \
    X(KEY_ID, "the header's kid is not a text of 1 to 256 bytes")                                  \
    X(TYPE, "the header's typ is neither JWT nor JOSE")                                            \
    X(CLAIMS, "the claims are not a JSON object in which every name is once")                      \
    X(SIGNATURE, "the signature is empty or too long")

enum gw_jwt_fault {
#define X(name, text) GW_JWT_FAULT_##name,
    GW_JWT_FAULT_MAP(X)
#undef X
};

// A phrase without a full stop, static. For tests and logs: whoever sends a token learns nothing
// before its signature is good.
const char *gw_jwt_fault_text(enum gw_jwt_fault fault);

// GW_INVALID: refused as above, *fault says why. GW_NO_MEMORY. `text` and `arena` must outlive
// *jwt.
enum gw_status gw_jwt_parse(struct gw_arena *arena, struct gw_str text, struct gw_jwt *jwt,
                            enum gw_jwt_fault *fault) GW_MUST_USE;
