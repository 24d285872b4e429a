// SPDX-License-Identifier: MIT
#include "tls/accelerate/ecdsa_nettle.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/psa_util.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <nettle/ecdsa.h>
#include <nettle/hmac.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "tls/accelerate/ecp_nettle.h"
#include "tls/accelerate/p256_limbs.h"

#define SCRATCH_LIMBS 512 // nettle 3.8 needs 60
#define CHECK_ROUNDS 8

typedef int random_function(void *, unsigned char *, size_t);

// Names of the linker's --wrap.
int __wrap_mbedtls_ecdsa_write_signature(mbedtls_ecdsa_context *key, mbedtls_md_type_t hash_type,
                                         const unsigned char *hash, size_t hash_length,
                                         unsigned char *signature, size_t signature_max,
                                         size_t *length, random_function *random,
                                         void *random_state);
int __real_mbedtls_ecdsa_write_signature(mbedtls_ecdsa_context *key, mbedtls_md_type_t hash_type,
                                         const unsigned char *hash, size_t hash_length,
                                         unsigned char *signature, size_t signature_max,
                                         size_t *length, random_function *random,
                                         void *random_state);

// Of the process; see tls/accelerate/ecp_nettle.c.
static struct {
    bool is_checked;
    bool is_good;
    unsigned long count;
} seam;

// ---- the nonce (RFC 6979 section 3.2) ----

struct nonces {
    uint8_t key[SHA256_DIGEST_SIZE];
    uint8_t value[SHA256_DIGEST_SIZE];
    struct hmac_sha256_ctx hmac;
};

// V = HMAC_K(V)
static void next_value(struct nonces *nonces) {
    hmac_sha256_set_key(&nonces->hmac, sizeof(nonces->key), nonces->key);
    hmac_sha256_update(&nonces->hmac, sizeof(nonces->value), nonces->value);
    hmac_sha256_digest(&nonces->hmac, sizeof(nonces->value), nonces->value);
}

// K = HMAC_K(V || separator || data), V = HMAC_K(V)
static void next_key(struct nonces *nonces, uint8_t separator, const uint8_t *data,
                     size_t data_length) {
    hmac_sha256_set_key(&nonces->hmac, sizeof(nonces->key), nonces->key);
    hmac_sha256_update(&nonces->hmac, sizeof(nonces->value), nonces->value);
    hmac_sha256_update(&nonces->hmac, 1, &separator);
    hmac_sha256_update(&nonces->hmac, data_length, data);
    hmac_sha256_digest(&nonces->hmac, sizeof(nonces->key), nonces->key);
    next_value(nonces);
}

// bits2octets: the hash modulo the order of the curve. A hash is no secret.
static void reduce_hash(uint8_t reduced[P256_BYTES], const unsigned char *hash) {
    static const mp_limb_t order[P256_LIMBS] = {0xf3b9cac2fc632551, 0xbce6faada7179e84,
                                                0xffffffffffffffff, 0xffffffff00000000};
    mp_limb_t limbs[P256_LIMBS];
    p256_limbs_from_bytes(limbs, hash);
    if (mpn_cmp(limbs, order, P256_LIMBS) >= 0)
        (void)mpn_sub_n(limbs, limbs, order, P256_LIMBS);
    p256_limbs_to_bytes(limbs, reduced);
}

static void start_nonces(struct nonces *nonces, const uint8_t key[P256_BYTES],
                         const unsigned char *hash) {
    uint8_t seed[2 * P256_BYTES];
    memcpy(seed, key, P256_BYTES);
    reduce_hash(seed + P256_BYTES, hash);
    memset(nonces->key, 0, sizeof(nonces->key));
    memset(nonces->value, 1, sizeof(nonces->value));
    next_key(nonces, 0, seed, sizeof(seed));
    next_key(nonces, 1, seed, sizeof(seed));
    next_value(nonces);
    mbedtls_platform_zeroize(seed, sizeof(seed));
}

// ---- the signature ----

// All secrets of one signature, wiped together.
struct secrets {
    uint8_t key_bytes[P256_BYTES];
    mp_limb_t key_limbs[P256_LIMBS];
    mp_limb_t nonce_limbs[P256_LIMBS];
    mp_limb_t scratch[SCRATCH_LIMBS];
    struct nonces nonces;
};

// Both halves of the signature, big-endian. False: the key is invalid.
static bool sign_raw(struct secrets *secrets, const unsigned char *hash,
                     unsigned char raw[2 * P256_BYTES]) {
    const struct ecc_curve *curve = nettle_get_secp_256r1();
    struct ecc_scalar key = {.ecc = curve, .p = secrets->key_limbs};
    struct ecc_scalar nonce = {.ecc = curve, .p = secrets->nonce_limbs};
    mp_limb_t r[P256_LIMBS];
    mp_limb_t s[P256_LIMBS];
    if (!p256_scalar_from_bytes(&key, secrets->key_bytes))
        return false;
    start_nonces(&secrets->nonces, secrets->key_bytes, hash);
    while (!p256_scalar_from_bytes(&nonce, secrets->nonces.value)) {
        next_key(&secrets->nonces, 0, NULL, 0);
        next_value(&secrets->nonces);
    }
    ecc_ecdsa_sign(curve, key.p, nonce.p, P256_BYTES, hash, r, s, secrets->scratch);
    p256_limbs_to_bytes(r, raw);
    p256_limbs_to_bytes(s, raw + P256_BYTES);
    return true;
}

static int sign(mbedtls_ecdsa_context *key, const unsigned char *hash, unsigned char *signature,
                size_t signature_max, size_t *length) {
    struct secrets secrets;
    unsigned char raw[2 * P256_BYTES];
    size_t key_length;
    int code =
        mbedtls_ecp_write_key_ext(key, &key_length, secrets.key_bytes, sizeof(secrets.key_bytes));
    if (code == 0 && (key_length != P256_BYTES || !sign_raw(&secrets, hash, raw)))
        code = MBEDTLS_ERR_ECP_INVALID_KEY;
    mbedtls_platform_zeroize(&secrets, sizeof(secrets));
    if (code != 0)
        return code;
    return mbedtls_ecdsa_raw_to_der(8 * P256_BYTES, raw, sizeof(raw), signature, signature_max,
                                    length);
}

int __wrap_mbedtls_ecdsa_write_signature(mbedtls_ecdsa_context *key, mbedtls_md_type_t hash_type,
                                         const unsigned char *hash, size_t hash_length,
                                         unsigned char *signature, size_t signature_max,
                                         size_t *length, random_function *random,
                                         void *random_state) {
    bool is_ours = hash_type == MBEDTLS_MD_SHA256 && hash_length == P256_BYTES &&
                   mbedtls_ecp_keypair_get_group_id(key) == MBEDTLS_ECP_DP_SECP256R1;
    if (seam.is_good && is_ours && tls_ecp_nettle_is_on()) {
        seam.count++;
        return sign(key, hash, signature, signature_max, length);
    }
    return __real_mbedtls_ecdsa_write_signature(key, hash_type, hash, hash_length, signature,
                                                signature_max, length, random, random_state);
}

// ---- the check at start ----

static bool agree(mbedtls_ecdsa_context *key, const unsigned char *hash) {
    unsigned char ours[MBEDTLS_ECDSA_MAX_LEN];
    unsigned char theirs[MBEDTLS_ECDSA_MAX_LEN];
    size_t our_length;
    size_t their_length;
    return sign(key, hash, ours, sizeof(ours), &our_length) == 0 &&
           __real_mbedtls_ecdsa_write_signature(
               key, MBEDTLS_MD_SHA256, hash, P256_BYTES, theirs, sizeof(theirs), &their_length,
               mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE) == 0 &&
           our_length == their_length && memcmp(ours, theirs, our_length) == 0;
}

// A new key each round; hashes at random and at both ends of their range.
static bool agree_on_all(void) {
    unsigned char hash[P256_BYTES];
    bool is_same = ecc_ecdsa_sign_itch(nettle_get_secp_256r1()) <= SCRATCH_LIMBS;
    for (int i = 0; i < CHECK_ROUNDS && is_same; i++) {
        mbedtls_ecdsa_context key;
        mbedtls_ecdsa_init(&key);
        is_same = mbedtls_ecdsa_genkey(&key, MBEDTLS_ECP_DP_SECP256R1, mbedtls_psa_get_random,
                                       MBEDTLS_PSA_RANDOM_STATE) == 0 &&
                  mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, hash, sizeof(hash)) == 0 &&
                  agree(&key, hash);
        memset(hash, i % 2 == 0 ? 0 : 0xff, sizeof(hash));
        is_same = is_same && agree(&key, hash);
        mbedtls_ecdsa_free(&key);
    }
    return is_same;
}

bool tls_ecdsa_nettle_start(void) {
    if (seam.is_checked)
        return seam.is_good;
    seam.is_checked = true;
    seam.is_good = agree_on_all();
    if (!seam.is_good)
        gw_log(GW_LOG_WARNING, "tls",
               "the signatures of nettle and Mbed TLS differ: using the slower ones of Mbed TLS");
    return seam.is_good;
}

unsigned long tls_ecdsa_nettle_count(void) {
    return seam.count;
}
