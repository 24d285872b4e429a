// SPDX-License-Identifier: MIT
// Any bytes as a JWK set. What must hold beyond memory safety: a refusal has a reason; every usable
// key is within its bounds, verifies something of its own kind only, has an id that finds it, and
// refuses a signature that nobody made.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/oidc/jwk.h"
#include "gateway/oidc/jwk_key.h"
#include "gateway/oidc/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static unsigned algorithms_of(enum gw_jwk_family family) {
    return family == GW_JWK_RSA
               ? 1U << GW_JWK_RS256 | 1U << GW_JWK_RS384 | 1U << GW_JWK_RS512 | 1U << GW_JWK_PS256
           : family == GW_JWK_P256 ? 1U << GW_JWK_ES256
           : family == GW_JWK_P384 ? 1U << GW_JWK_ES384
                                   : 1U << GW_JWK_EDDSA;
}

static bool is_length(const struct gw_jwk *key) {
    switch (key->family) {
    case GW_JWK_RSA:
        return key->length >= GW_JWK_RSA_BITS_MIN / 8 && key->length <= GW_JWK_RSA_BITS_MAX / 8 &&
               key->bytes[0] != 0 && key->bytes[key->length - 1] % 2 == 1;
    case GW_JWK_P256:
        return key->length == 64;
    case GW_JWK_P384:
        return key->length == 96;
    case GW_JWK_ED25519:
    default:
        return key->length == 32;
    }
}

static void check_refuses(const struct gw_jwk *key) {
    unsigned char signature[GW_JWK_RSA_BYTES_MAX];
    memset(signature, 0x5a, sizeof(signature));
    struct gw_jwt jwt = {.signing_input = GW_STR("a.b"),
                         .signature = signature,
                         .signature_length = key->family == GW_JWK_ED25519 ? 64 : key->length};
    for (int i = GW_JWK_RS256; i <= GW_JWK_EDDSA; i++) {
        jwt.algorithm = (enum gw_jwk_algorithm)i;
        gw_assert(gw_jwk_verify(key, &jwt) == GW_DENIED);
    }
}

static void check_key(const struct gw_jwk_set *set, const struct gw_jwk *key) {
    gw_assert(key->algorithms != 0 && (key->algorithms & ~algorithms_of(key->family)) == 0);
    gw_assert(is_length(key));
    struct gw_str id = gw_jwk_id(key);
    gw_assert(id.at == NULL ? gw_jwk_set_find(set, id) == key || gw_jwk_set_count(set) > 1
                            : gw_jwk_set_find(set, id) == key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_jwk_set *set;
    struct gw_jwk_set_report report;
    enum gw_status status = gw_jwk_set_parse(gw_str((const char *)bytes, length), &set, &report);
    gw_assert(status == GW_OK || status == GW_INVALID);
    gw_assert((status == GW_OK) == (report.fault == GW_JWK_SET_FAULT_NONE));
    if (status != GW_OK)
        return 0;
    gw_assert(gw_jwk_set_count(set) > 0 && gw_jwk_set_count(set) <= GW_JWK_KEYS_MAX);
    for (int i = 0; i < gw_jwk_set_count(set); i++)
        check_key(set, gw_jwk_set_at(set, i));
    check_refuses(gw_jwk_set_at(set, 0));
    gw_jwk_set_destroy(set);
    return 0;
}
