// SPDX-License-Identifier: MIT
// What is alive in the buffers, from ssl_msg.c of Mbed TLS 3.6. In: in_ctr, at the start of in_buf,
// is the only copy of the counter of incoming records. A record is read to in_hdr (in_left bytes of
// it so far), decrypted in place, and taken from in_offt (in_msglen bytes left); handshake messages
// gather there (in_hslen, in_hsfraglen). Out: a record is composed, encrypted and sent (out_left)
// within one call; its counter is copied there from cur_out_ctr each time.
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "tls/memory.h"

#include <malloc.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <stdlib.h>
#include <string.h>

// The library's buffers must be those of malloc, and of one size.
#if defined(MBEDTLS_PLATFORM_MEMORY) || defined(MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH)
#define CAN_REST false
#else
#define CAN_REST true
#endif

// The library calls it after a handshake of TLS 1.2, but no public header declares it. NULL: the
// library lacks it.
void mbedtls_ssl_handshake_wrapup_free_hs_transform(mbedtls_ssl_context *ssl) __attribute__((weak));

// A client may need the data for a ticket (ssl_tls13_client.c); a server has sent everything.
void tls_memory_drop_handshake(mbedtls_ssl_context *ssl) {
    if (mbedtls_ssl_handshake_wrapup_free_hs_transform != NULL && ssl->handshake != NULL &&
        ssl->conf->endpoint == MBEDTLS_SSL_IS_SERVER &&
        ssl->conf->transport == MBEDTLS_SSL_TRANSPORT_STREAM && mbedtls_ssl_is_handshake_over(ssl))
        mbedtls_ssl_handshake_wrapup_free_hs_transform(ssl);
}

// A buffer and the pointers into it.
struct side {
    unsigned char **buffer;
    unsigned char **pointers[TLS_RECORD_POINTERS];
};

static struct side in_side(mbedtls_ssl_context *ssl) {
    return (struct side){.buffer = &ssl->in_buf,
                         .pointers = {&ssl->in_ctr, &ssl->in_hdr, &ssl->in_len, &ssl->in_iv,
                                      &ssl->in_msg,
#if defined(MBEDTLS_SSL_DTLS_CONNECTION_ID)
                                      &ssl->in_cid
#endif
                         }};
}

static struct side out_side(mbedtls_ssl_context *ssl) {
    return (struct side){.buffer = &ssl->out_buf,
                         .pointers = {&ssl->out_ctr, &ssl->out_hdr, &ssl->out_len, &ssl->out_iv,
                                      &ssl->out_msg,
#if defined(MBEDTLS_SSL_DTLS_CONNECTION_ID)
                                      &ssl->out_cid
#endif
                         }};
}

// Clears the pointers too.
static unsigned char *detach(struct side side, uint16_t offsets[TLS_RECORD_POINTERS]) {
    unsigned char *buffer = *side.buffer;
    *side.buffer = NULL;
    for (int i = 0; i < TLS_RECORD_POINTERS && side.pointers[i] != NULL; i++) {
        offsets[i] = (uint16_t)(*side.pointers[i] - buffer);
        *side.pointers[i] = NULL;
    }
    return buffer;
}

static void attach(struct side side, unsigned char *buffer,
                   const uint16_t offsets[TLS_RECORD_POINTERS]) {
    *side.buffer = buffer;
    for (int i = 0; i < TLS_RECORD_POINTERS && side.pointers[i] != NULL; i++)
        *side.pointers[i] = buffer + offsets[i];
}

static bool is_laid_out_as_known(const mbedtls_ssl_context *ssl) {
    return CAN_REST && ssl->in_ctr == ssl->in_buf &&
           ssl->in_hdr == ssl->in_buf + TLS_RECORD_COUNTER_BYTES && ssl->out_ctr == ssl->out_buf &&
           ssl->out_hdr == ssl->out_buf + TLS_RECORD_COUNTER_BYTES;
}

static bool has_record_under_way(const mbedtls_ssl_context *ssl) {
    return ssl->in_left > 0 || ssl->in_offt != NULL || ssl->in_msglen > 0 || ssl->in_hslen > 0 ||
           ssl->badmac_seen_or_in_hsfraglen > 0 || ssl->keep_current_message != 0 ||
           ssl->out_left > 0;
}

static void free_buffers(struct tls_record_buffers buffers) {
    free(buffers.in);
    free(buffers.out);
}

void tls_memory_pool_deinit(struct tls_memory_pool *pool) {
    while (pool->count > 0)
        free_buffers(pool->kept[--pool->count]);
}

static void keep(struct tls_memory_pool *pool, struct tls_record_buffers buffers) {
    if (pool->in_bytes == 0) {
        pool->in_bytes = malloc_usable_size(buffers.in);
        pool->out_bytes = malloc_usable_size(buffers.out);
    }
    if (pool->count < TLS_MEMORY_KEPT_MAX)
        pool->kept[pool->count++] = buffers;
    else
        free_buffers(buffers);
}

void tls_memory_rest(struct tls_memory_pool *pool, mbedtls_ssl_context *ssl,
                     struct tls_memory_rest *rest, const unsigned char *received_end) {
    if (rest->is_resting || !mbedtls_ssl_is_handshake_over(ssl) || has_record_under_way(ssl) ||
        !is_laid_out_as_known(ssl))
        return;
    memcpy(rest->counter, ssl->in_ctr, sizeof(rest->counter));
    if (received_end != NULL)
        mbedtls_platform_zeroize(ssl->in_buf, (size_t)(received_end - ssl->in_buf));
    struct tls_record_buffers buffers;
    buffers.in = detach(in_side(ssl), rest->in_offsets);
    buffers.out = detach(out_side(ssl), rest->out_offsets);
    keep(pool, buffers);
    rest->is_resting = true;
}

static enum gw_status take(struct tls_memory_pool *pool, struct tls_record_buffers *buffers) {
    if (pool->count > 0) {
        *buffers = pool->kept[--pool->count];
        return GW_OK;
    }
    buffers->in = malloc(pool->in_bytes);
    buffers->out = malloc(pool->out_bytes);
    if (buffers->in != NULL && buffers->out != NULL)
        return GW_OK;
    free_buffers(*buffers);
    return GW_NO_MEMORY;
}

enum gw_status tls_memory_wake(struct tls_memory_pool *pool, mbedtls_ssl_context *ssl,
                               struct tls_memory_rest *rest) {
    if (!rest->is_resting)
        return GW_OK;
    struct tls_record_buffers buffers;
    enum gw_status status = take(pool, &buffers);
    if (status != GW_OK)
        return status;
    attach(in_side(ssl), buffers.in, rest->in_offsets);
    attach(out_side(ssl), buffers.out, rest->out_offsets);
    memcpy(ssl->in_ctr, rest->counter, sizeof(rest->counter));
    rest->is_resting = false;
    return GW_OK;
}
