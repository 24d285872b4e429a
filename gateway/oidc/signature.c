// SPDX-License-Identifier: MIT
#include "gateway/oidc/signature.h"

#include <mbedtls/rsa.h>
#include <mbedtls/sha512.h>

#include "gateway/oidc/jwk_key.h"
#include "tls/accelerate/sha256.h"
#include "tls/accelerate/verify.h"

#define SHA384_BYTES 48
#define SHA512_BYTES 64

// ---- digests ----

struct digest {
    mbedtls_md_type_t type;
    unsigned length;
    unsigned char bytes[SHA512_BYTES];
};

static void sha512(struct gw_str text, bool is_384, struct digest *digest) {
    int failure =
        mbedtls_sha512((const unsigned char *)text.at, text.length, digest->bytes, is_384);
    gw_assert(failure == 0);
    digest->type = is_384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA512;
    digest->length = is_384 ? SHA384_BYTES : SHA512_BYTES;
}

static void make_digest(enum gw_jwk_algorithm algorithm, struct gw_str text,
                        struct digest *digest) {
    if (algorithm == GW_JWK_RS384 || algorithm == GW_JWK_ES384 || algorithm == GW_JWK_RS512) {
        sha512(text, algorithm != GW_JWK_RS512, digest);
        return;
    }
    tls_sha256(text, digest->bytes);
    digest->type = MBEDTLS_MD_SHA256;
    digest->length = TLS_SHA256_BYTES;
}

// ---- RSA ----

static int verify_rsa(mbedtls_rsa_context *rsa, const struct gw_jwk *key,
                      const struct gw_jwt *jwt) {
    static const unsigned char exponent[] = {0x01, 0x00, 0x01};
    _Static_assert(GW_JWK_RSA_EXPONENT == 0x010001, "the same");
    struct digest digest;
    int code = mbedtls_rsa_import_raw(rsa, key->bytes, key->length, NULL, 0, NULL, 0, NULL, 0,
                                      exponent, sizeof(exponent));
    if (code == 0)
        code = mbedtls_rsa_complete(rsa);
    if (code != 0)
        return code;
    make_digest(jwt->algorithm, jwt->signing_input, &digest);
    if (jwt->algorithm != GW_JWK_PS256)
        return mbedtls_rsa_pkcs1_verify(rsa, digest.type, digest.length, digest.bytes,
                                        jwt->signature);
    code = mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, digest.type);
    if (code != 0)
        return code;
    return mbedtls_rsa_rsassa_pss_verify_ext(rsa, digest.type, digest.length, digest.bytes,
                                             digest.type, (int)digest.length, jwt->signature);
}

static enum gw_status verify_by_rsa(const struct gw_jwk *key, const struct gw_jwt *jwt) {
    if (jwt->signature_length != key->length) // RFC 8017 sections 8.1.2 and 8.2.2, step 1
        return GW_DENIED;
    mbedtls_rsa_context rsa;
    mbedtls_rsa_init(&rsa);
    int code = verify_rsa(&rsa, key, jwt);
    mbedtls_rsa_free(&rsa);
    if (code == MBEDTLS_ERR_MPI_ALLOC_FAILED ||
        code == MBEDTLS_ERR_RSA_PUBLIC_FAILED + MBEDTLS_ERR_MPI_ALLOC_FAILED)
        return GW_NO_MEMORY;
    return code == 0 ? GW_OK : GW_DENIED;
}

// ---- curves ----

static enum gw_status verify_by_curve(const struct gw_jwk *key, const struct gw_jwt *jwt) {
    struct digest digest;
    if (jwt->signature_length != key->length) // two numbers as well (RFC 7518 section 3.4)
        return GW_DENIED;
    make_digest(jwt->algorithm, jwt->signing_input, &digest);
    return tls_ecdsa_verify(key->family == GW_JWK_P256 ? TLS_VERIFY_P256 : TLS_VERIFY_P384,
                            key->bytes, digest.bytes, jwt->signature);
}

#if TLS_HAS_ED25519
static enum gw_status verify_by_ed25519(const struct gw_jwk *key, const struct gw_jwt *jwt) {
    if (jwt->signature_length != TLS_ED25519_SIGNATURE_BYTES)
        return GW_DENIED;
    return tls_ed25519_verify(key->bytes, jwt->signing_input, jwt->signature);
}
#endif

enum gw_status gw_jwk_verify(const struct gw_jwk *key, const struct gw_jwt *jwt) {
    if (!gw_jwk_takes(key, jwt->algorithm))
        return GW_DENIED;
#if TLS_HAS_ED25519
    if (key->family == GW_JWK_ED25519)
        return verify_by_ed25519(key, jwt);
#endif
    return key->family == GW_JWK_RSA ? verify_by_rsa(key, jwt) : verify_by_curve(key, jwt);
}
