// SPDX-License-Identifier: MIT
#pragma once
// What a connection of Mbed TLS holds and does not need.
//
// Its two record buffers, 16 KiB each and a little, which the library makes at setup and keeps to
// the end, hold something only while a record is under way: between two records, all that lives in
// them is the 8-byte counter of incoming records. So a connection that has none under way rests:
// its buffers go to a pool, and the next connection with something to do wakes up with them, still
// warm in the cache. Received plaintext is wiped before.
//
// And all that the handshake worked with, which the library keeps to the end after one of TLS 1.3.
//
// Reaches into mbedtls_ssl_context, and does so nowhere else. Where the library is configured or
// laid out in another way than this file knows, connections simply keep what they have.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct mbedtls_ssl_context;

#define TLS_MEMORY_KEPT_MAX 16 // pairs; what comes beyond is freed
#define TLS_RECORD_COUNTER_BYTES 8
#define TLS_RECORD_POINTERS 6

struct tls_record_buffers {
    unsigned char *in;
    unsigned char *out;
};

// Shared by the connections of a process; zeros are an empty one.
struct tls_memory_pool {
    struct tls_record_buffers kept[TLS_MEMORY_KEPT_MAX];
    int count;
    size_t in_bytes; // as large as the library makes them
    size_t out_bytes;
};

// Of one connection: what its buffers held, and where its pointers into them stood. Zeros: awake.
struct tls_memory_rest {
    bool is_resting;
    unsigned char counter[TLS_RECORD_COUNTER_BYTES];
    uint16_t in_offsets[TLS_RECORD_POINTERS];
    uint16_t out_offsets[TLS_RECORD_POINTERS];
};

// After a handshake of the server's side is over: frees what it left. Harmless at any other time.
void tls_memory_drop_handshake(struct mbedtls_ssl_context *ssl);

void tls_memory_pool_deinit(struct tls_memory_pool *pool);

// Gives the buffers to the pool; does nothing while they are needed: before the handshake is over,
// with part of a record read, with plaintext that was not taken, with bytes not yet sent. What was
// received since the last wake lies before `received_end`. A resting connection may be freed, and
// otherwise not be used before it has woken.
void tls_memory_rest(struct tls_memory_pool *pool, struct mbedtls_ssl_context *ssl,
                     struct tls_memory_rest *rest, const unsigned char *received_end);
// Harmless when awake. GW_NO_MEMORY: still resting.
enum gw_status tls_memory_wake(struct tls_memory_pool *pool, struct mbedtls_ssl_context *ssl,
                               struct tls_memory_rest *rest) GW_MUST_USE;
