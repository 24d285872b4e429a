// SPDX-License-Identifier: MIT
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "tls/accelerate/gcm_nettle.h"

#include <mbedtls/aes.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/gcm.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/psa_util.h>
#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <nettle/nettle-meta.h>
#include <stdint.h>
#include <string.h>

#include "base/log.h"
#include "tls/accelerate/ecp_nettle.h"

// Names of the linker's --wrap.
int __wrap_mbedtls_gcm_crypt_and_tag(mbedtls_gcm_context *gcm, int mode, size_t length,
                                     const unsigned char *nonce, size_t nonce_length,
                                     const unsigned char *data, size_t data_length,
                                     const unsigned char *input, unsigned char *output,
                                     size_t tag_length, unsigned char *tag);
int __real_mbedtls_gcm_crypt_and_tag(mbedtls_gcm_context *gcm, int mode, size_t length,
                                     const unsigned char *nonce, size_t nonce_length,
                                     const unsigned char *data, size_t data_length,
                                     const unsigned char *input, unsigned char *output,
                                     size_t tag_length, unsigned char *tag);
int __wrap_mbedtls_gcm_auth_decrypt(mbedtls_gcm_context *gcm, size_t length,
                                    const unsigned char *nonce, size_t nonce_length,
                                    const unsigned char *data, size_t data_length,
                                    const unsigned char *tag, size_t tag_length,
                                    const unsigned char *input, unsigned char *output);
int __real_mbedtls_gcm_auth_decrypt(mbedtls_gcm_context *gcm, size_t length,
                                    const unsigned char *nonce, size_t nonce_length,
                                    const unsigned char *data, size_t data_length,
                                    const unsigned char *tag, size_t tag_length,
                                    const unsigned char *input, unsigned char *output);

// Of the process; see tls/accelerate/ecp_nettle.c.
static struct {
    bool is_checked;
    bool is_good;
    unsigned long count;
} seam;

// ---- one message ----

// With the instructions, nettle writes only the first few entries of the table, and only these are
// wiped; has_instructions() checks the number.
#define TABLE_ENTRIES_MAX 16

struct state {
    struct gcm_key table;
    struct gcm_ctx message;
    union {
        struct aes128_ctx aes_128;
        struct aes256_ctx aes_256;
    } cipher;
};

struct message {
    const unsigned char *nonce; // GCM_IV_SIZE bytes
    const unsigned char *data;  // authenticated, not encrypted
    size_t data_length;
    const unsigned char *input;
    unsigned char *output; // `input` itself, or apart from it
    size_t length;
};

// NULL: for the library.
static nettle_cipher_func *cipher_of(const mbedtls_gcm_context *gcm) {
    switch (mbedtls_cipher_get_type(&gcm->cipher_ctx)) {
    case MBEDTLS_CIPHER_AES_128_ECB:
        return nettle_aes128.encrypt;
    case MBEDTLS_CIPHER_AES_256_ECB:
        return nettle_aes256.encrypt;
    default:
        return NULL;
    }
}

// Both hold the round keys of FIPS 197 section 5.2 in order, byte for byte; to expand the key again
// would cost as much as to encrypt a small record.
static void copy_round_keys(struct state *state, const mbedtls_gcm_context *gcm) {
    const mbedtls_aes_context *aes = gcm->cipher_ctx.cipher_ctx;
    if (mbedtls_cipher_get_type(&gcm->cipher_ctx) == MBEDTLS_CIPHER_AES_128_ECB)
        memcpy(state->cipher.aes_128.keys, aes->buf + aes->rk_offset,
               sizeof(state->cipher.aes_128.keys));
    else
        memcpy(state->cipher.aes_256.keys, aes->buf + aes->rk_offset,
               sizeof(state->cipher.aes_256.keys));
}

static void start_message(struct state *state, const mbedtls_gcm_context *gcm,
                          const struct message *message) {
    copy_round_keys(state, gcm);
    gcm_set_key(&state->table, &state->cipher, cipher_of(gcm));
    gcm_set_iv(&state->message, &state->table, GCM_IV_SIZE, message->nonce);
    gcm_update(&state->message, &state->table, message->data_length, message->data);
}

static void end_message(struct state *state, const mbedtls_gcm_context *gcm,
                        unsigned char tag[GCM_DIGEST_SIZE]) {
    gcm_digest(&state->message, &state->table, &state->cipher, cipher_of(gcm), GCM_DIGEST_SIZE,
               tag);
    mbedtls_platform_zeroize(state->table.h, TABLE_ENTRIES_MAX * sizeof(state->table.h[0]));
    mbedtls_platform_zeroize(&state->message, sizeof(state->message));
    mbedtls_platform_zeroize(&state->cipher, sizeof(state->cipher));
}

static void encrypt(const mbedtls_gcm_context *gcm, const struct message *message,
                    unsigned char tag[GCM_DIGEST_SIZE]) {
    struct state state;
    start_message(&state, gcm, message);
    gcm_encrypt(&state.message, &state.table, &state.cipher, cipher_of(gcm), message->length,
                message->output, message->input);
    end_message(&state, gcm, tag);
}

// Plaintext whose tag is wrong is wiped.
static int decrypt(const mbedtls_gcm_context *gcm, const struct message *message,
                   const unsigned char tag[GCM_DIGEST_SIZE]) {
    struct state state;
    unsigned char right[GCM_DIGEST_SIZE];
    start_message(&state, gcm, message);
    gcm_decrypt(&state.message, &state.table, &state.cipher, cipher_of(gcm), message->length,
                message->output, message->input);
    end_message(&state, gcm, right);
    bool is_right = mbedtls_ct_memcmp(right, tag, sizeof(right)) == 0;
    mbedtls_platform_zeroize(right, sizeof(right));
    if (is_right)
        return 0;
    mbedtls_platform_zeroize(message->output, message->length);
    return MBEDTLS_ERR_GCM_AUTH_FAILED;
}

// ---- instead of the library's functions ----

static bool overlap(const struct message *message) {
    uintptr_t input = (uintptr_t)message->input;
    uintptr_t output = (uintptr_t)message->output;
    return input != output && input < output + message->length && output < input + message->length;
}

static bool is_ours(const mbedtls_gcm_context *gcm, const struct message *message,
                    size_t nonce_length, size_t tag_length) {
    return seam.is_good && tls_ecp_nettle_is_on() && nonce_length == GCM_IV_SIZE &&
           tag_length == GCM_DIGEST_SIZE && cipher_of(gcm) != NULL && !overlap(message);
}

int __wrap_mbedtls_gcm_crypt_and_tag(mbedtls_gcm_context *gcm, int mode, size_t length,
                                     const unsigned char *nonce, size_t nonce_length,
                                     const unsigned char *data, size_t data_length,
                                     const unsigned char *input, unsigned char *output,
                                     size_t tag_length, unsigned char *tag) {
    const struct message message = {nonce, data, data_length, input, output, length};
    if (mode != MBEDTLS_GCM_ENCRYPT || !is_ours(gcm, &message, nonce_length, tag_length))
        return __real_mbedtls_gcm_crypt_and_tag(gcm, mode, length, nonce, nonce_length, data,
                                                data_length, input, output, tag_length, tag);
    seam.count++;
    encrypt(gcm, &message, tag);
    return 0;
}

int __wrap_mbedtls_gcm_auth_decrypt(mbedtls_gcm_context *gcm, size_t length,
                                    const unsigned char *nonce, size_t nonce_length,
                                    const unsigned char *data, size_t data_length,
                                    const unsigned char *tag, size_t tag_length,
                                    const unsigned char *input, unsigned char *output) {
    const struct message message = {nonce, data, data_length, input, output, length};
    if (!is_ours(gcm, &message, nonce_length, tag_length))
        return __real_mbedtls_gcm_auth_decrypt(gcm, length, nonce, nonce_length, data, data_length,
                                               tag, tag_length, input, output);
    seam.count++;
    return decrypt(gcm, &message, tag);
}

// ---- the check at start ----

#define CHECK_BYTES_MAX 1024 // the generator gives as many at once; nettle takes 512 in a turn
#define CHECK_DATA_BYTES 13  // of TLS 1.2; in TLS 1.3 it is 5

// Without the instructions nettle fills the whole table.
static bool fills_table(void) {
    static struct gcm_key table; // zero
    static const uint8_t key[AES128_KEY_SIZE] = {1};
    struct aes128_ctx cipher;
    uint64_t seen = 0;
    aes128_set_encrypt_key(&cipher, key);
    gcm_set_key(&table, &cipher, nettle_aes128.encrypt);
    for (int i = TABLE_ENTRIES_MAX; i < 1 << GCM_TABLE_BITS; i++)
        seen |= table.h[i].u64[0] | table.h[i].u64[1];
    return seen != 0;
}

static bool has_instructions(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && !fills_table();
#else
    return false;
#endif
}

struct check {
    mbedtls_gcm_context gcm;
    unsigned char nonce[GCM_IV_SIZE];
    unsigned char data[CHECK_DATA_BYTES];
    unsigned char plain[CHECK_BYTES_MAX];
    unsigned char ours[CHECK_BYTES_MAX];
    unsigned char theirs[CHECK_BYTES_MAX];
};

// The library reads what nettle wrote and the other way round, and a tag that is wrong by one bit
// is refused.
static bool agree(struct check *check, size_t length, size_t data_length) {
    unsigned char our_tag[GCM_DIGEST_SIZE];
    unsigned char their_tag[GCM_DIGEST_SIZE];
    struct message message = {check->nonce, check->data, data_length,
                              check->plain, check->ours, length};
    encrypt(&check->gcm, &message, our_tag);
    if (__real_mbedtls_gcm_crypt_and_tag(&check->gcm, MBEDTLS_GCM_ENCRYPT, length, check->nonce,
                                         GCM_IV_SIZE, check->data, data_length, check->plain,
                                         check->theirs, GCM_DIGEST_SIZE, their_tag) != 0 ||
        memcmp(check->ours, check->theirs, length) != 0 ||
        memcmp(our_tag, their_tag, GCM_DIGEST_SIZE) != 0)
        return false;
    message.input = message.output = check->theirs;
    if (decrypt(&check->gcm, &message, their_tag) != 0 ||
        memcmp(check->theirs, check->plain, length) != 0)
        return false;
    our_tag[length % GCM_DIGEST_SIZE] ^= 1;
    message.input = message.output = check->ours;
    return decrypt(&check->gcm, &message, our_tag) == MBEDTLS_ERR_GCM_AUTH_FAILED;
}

static bool agree_with_key(struct check *check, unsigned key_bits) {
    static const size_t lengths[] = {0,   1,   15,  16,  17,  32,  63,  64,   65,
                                     127, 128, 129, 300, 511, 512, 513, 1007, CHECK_BYTES_MAX};
    unsigned char key[AES256_KEY_SIZE];
    mbedtls_gcm_init(&check->gcm);
    bool is_same =
        mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, key, sizeof(key)) == 0 &&
        mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, check->nonce, sizeof(check->nonce)) == 0 &&
        mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, check->data, sizeof(check->data)) == 0 &&
        mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, check->plain, sizeof(check->plain)) == 0 &&
        mbedtls_gcm_setkey(&check->gcm, MBEDTLS_CIPHER_ID_AES, key, key_bits) == 0 &&
        cipher_of(&check->gcm) != NULL;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]) && is_same; i++)
        is_same = agree(check, lengths[i], i % 2 == 0 ? CHECK_DATA_BYTES : 5);
    mbedtls_gcm_free(&check->gcm);
    mbedtls_platform_zeroize(key, sizeof(key));
    return is_same;
}

bool tls_gcm_nettle_start(void) {
    static struct check check;
    if (seam.is_checked)
        return seam.is_good;
    seam.is_checked = true;
    if (!has_instructions())
        return false;
    seam.is_good = agree_with_key(&check, 128) && agree_with_key(&check, 256);
    if (!seam.is_good)
        gw_log(GW_LOG_WARNING, "tls",
               "the AES-GCM of nettle and Mbed TLS differ: using the slower one of Mbed TLS");
    return seam.is_good;
}

unsigned long tls_gcm_nettle_count(void) {
    return seam.count;
}
