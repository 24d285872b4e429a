// SPDX-License-Identifier: MIT
#include "tls/early_data.h"

#include <mbedtls/chachapoly.h>
#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <stdlib.h>
#include <string.h>

#include "base/big_endian.h"

#define RECORD_HEAD_BYTES 5 // type, version, length
#define RECORD_BYTES_MAX (RECORD_HEAD_BYTES + UINT16_MAX)
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define KEY_BYTES_MAX 32
#define LABEL_PREFIX "tls13 "
#define LABEL_BYTES_MAX 16

// ---- the key of the second flight ----

// HKDF-Expand-Label of RFC 8446 section 7.1, without a context.
static int expand(const struct tls_early_data *early, const char *label, unsigned char *out,
                  size_t out_bytes) {
    const mbedtls_md_info_t *hash = mbedtls_md_info_from_type(
        early->secret_bytes == 32 ? MBEDTLS_MD_SHA256 : MBEDTLS_MD_SHA384);
    unsigned char info[2 + 1 + LABEL_BYTES_MAX + 1];
    size_t prefix_bytes = sizeof(LABEL_PREFIX) - 1;
    size_t label_bytes = prefix_bytes + strlen(label);
    gw_assert(label_bytes <= LABEL_BYTES_MAX);
    gw_put_big_endian(info, 2, out_bytes);
    info[2] = (unsigned char)label_bytes;
    memcpy(info + 3, LABEL_PREFIX, prefix_bytes);
    memcpy(info + 3 + prefix_bytes, label, label_bytes - prefix_bytes);
    info[3 + label_bytes] = 0;
    return mbedtls_hkdf_expand(hash, early->secret, early->secret_bytes, info, label_bytes + 4, out,
                               out_bytes);
}

static int decrypt_gcm(const unsigned char *key, unsigned key_bits, const unsigned char *nonce,
                       const unsigned char *record, size_t sealed_bytes, unsigned char *out) {
    mbedtls_gcm_context gcm;
    const unsigned char *sealed = record + RECORD_HEAD_BYTES;
    mbedtls_gcm_init(&gcm);
    int code = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, key_bits);
    if (code == 0)
        code = mbedtls_gcm_auth_decrypt(&gcm, sealed_bytes, nonce, NONCE_BYTES, record,
                                        RECORD_HEAD_BYTES, sealed + sealed_bytes, TAG_BYTES, sealed,
                                        out);
    mbedtls_gcm_free(&gcm);
    return code;
}

static int decrypt_chachapoly(const unsigned char *key, const unsigned char *nonce,
                              const unsigned char *record, size_t sealed_bytes,
                              unsigned char *out) {
    mbedtls_chachapoly_context chachapoly;
    const unsigned char *sealed = record + RECORD_HEAD_BYTES;
    mbedtls_chachapoly_init(&chachapoly);
    int code = mbedtls_chachapoly_setkey(&chachapoly, key);
    if (code == 0)
        code =
            mbedtls_chachapoly_auth_decrypt(&chachapoly, sealed_bytes, nonce, record,
                                            RECORD_HEAD_BYTES, sealed + sealed_bytes, sealed, out);
    mbedtls_chachapoly_free(&chachapoly);
    return code;
}

// The first record of the second flight has number 0, so that its nonce is the IV.
static bool fits(const struct tls_early_data *early, struct gw_str record) {
    unsigned char key[KEY_BYTES_MAX];
    unsigned char nonce[NONCE_BYTES];
    const unsigned char *bytes = (const unsigned char *)record.at;
    bool is_aes_128 = early->suite == MBEDTLS_TLS1_3_AES_128_GCM_SHA256;
    size_t key_bytes = is_aes_128 ? 16 : 32;
    if (record.length <= RECORD_HEAD_BYTES + TAG_BYTES)
        return false;
    size_t sealed_bytes = record.length - RECORD_HEAD_BYTES - TAG_BYTES;
    unsigned char *out = malloc(sealed_bytes);
    int code = out == NULL ? -1 : expand(early, "key", key, key_bytes);
    if (code == 0)
        code = expand(early, "iv", nonce, sizeof(nonce));
    if (code == 0 && early->suite == MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256)
        code = decrypt_chachapoly(key, nonce, bytes, sealed_bytes, out);
    else if (code == 0)
        code = decrypt_gcm(key, (unsigned)key_bytes * 8, nonce, bytes, sealed_bytes, out);
    gw_bytes_wipe(key, sizeof(key));
    free(out);
    return code == 0;
}

// ---- records ----

void tls_early_data_init(struct tls_early_data *early) {
    *early = (struct tls_early_data){.left = TLS_EARLY_DATA_BYTES_MAX};
    gw_buf_init(&early->record, RECORD_BYTES_MAX);
}

void tls_early_data_deinit(struct tls_early_data *early) {
    gw_bytes_wipe(early->secret, sizeof(early->secret));
    gw_buf_deinit(&early->record);
}

void tls_early_data_note_secret(struct tls_early_data *early, int suite,
                                const unsigned char *secret, size_t length) {
    gw_assert(length == 32 || length == TLS_TRAFFIC_SECRET_BYTES_MAX);
    early->suite = suite;
    early->secret_bytes = length;
    memcpy(early->secret, secret, length);
}

// GW_OK: the record is whole.
static enum gw_status collect(struct tls_early_data *early, struct gw_str *input) {
    for (;;) {
        struct gw_str have = gw_buf_bytes(&early->record);
        const unsigned char *head = (const unsigned char *)have.at;
        size_t wanted = have.length < RECORD_HEAD_BYTES
                            ? RECORD_HEAD_BYTES
                            : RECORD_HEAD_BYTES + (size_t)gw_get_big_endian(head + 3, 2);
        if (have.length >= RECORD_HEAD_BYTES && have.length == wanted)
            return GW_OK;
        if (input->length == 0)
            return GW_WANT_INPUT;
        struct gw_str piece = gw_str_slice(*input, 0, wanted - have.length);
        enum gw_status status = gw_buf_append_str(&early->record, piece);
        if (status != GW_OK)
            return status;
        *input = gw_str_slice(*input, piece.length, input->length);
    }
}

static bool is_to_skip(struct tls_early_data *early, struct gw_str record) {
    if (early->is_over || (unsigned char)record.at[0] != MBEDTLS_SSL_MSG_APPLICATION_DATA)
        return false;
    early->is_over =
        record.length > early->left || (early->secret_bytes > 0 && fits(early, record));
    if (!early->is_over)
        early->left -= record.length;
    return !early->is_over;
}

enum gw_status tls_early_data_next(struct tls_early_data *early, struct gw_str *input,
                                   struct gw_str *record) {
    if (early->is_passed_on)
        gw_buf_clear(&early->record);
    early->is_passed_on = false;
    for (;;) {
        enum gw_status status = collect(early, input);
        if (status != GW_OK)
            return status;
        early->is_passed_on = !is_to_skip(early, gw_buf_bytes(&early->record));
        if (early->is_passed_on) {
            *record = gw_buf_bytes(&early->record);
            return GW_OK;
        }
        gw_buf_clear(&early->record);
    }
}
