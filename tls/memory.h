// SPDX-License-Identifier: MIT
#pragma once
// Memory that a connection of Mbed TLS holds and does not need.
//
// First its two record buffers, a little over 16 KiB each, which the library makes at setup and
// keeps to the end. They are needed only while a record is under way; between records only the
// 8-byte counter of incoming records is alive in them. So a connection rests between records: its
// buffers go to a pool, with received plaintext wiped, and the next connection that wakes gets
// them, still warm in the cache.
//
// Then the data of the handshake, which the library keeps to the end after TLS 1.3.
//
// Only this file reaches into mbedtls_ssl_context for memory. With a library of another
// configuration or layout, connections simply keep their memory.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct mbedtls_ssl_context;

#define TLS_MEMORY_KEPT_MAX 16 // pairs; more are freed
#define TLS_RECORD_COUNTER_BYTES 8
#define TLS_RECORD_POINTERS 6

struct tls_record_buffers {
    unsigned char *in;
    unsigned char *out;
};

// Shared by the connections of a process; zeros: empty.
struct tls_memory_pool {
    struct tls_record_buffers kept[TLS_MEMORY_KEPT_MAX];
    int count;
    size_t in_bytes; // as large as the library makes them
    size_t out_bytes;
};

// Of one connection: the counter from its buffers, and its pointers into them. Zeros: awake.
struct tls_memory_rest {
    bool is_resting;
    unsigned char counter[TLS_RECORD_COUNTER_BYTES];
    uint16_t in_offsets[TLS_RECORD_POINTERS];
    uint16_t out_offsets[TLS_RECORD_POINTERS];
};

// After the server's side of a handshake: frees its data. Harmless at any other time.
void tls_memory_drop_handshake(struct mbedtls_ssl_context *ssl);

void tls_memory_pool_deinit(struct tls_memory_pool *pool);

// Gives the buffers to the pool; does nothing while they are needed: during the handshake, with a
// partly read record, plaintext that was not taken, or bytes not yet sent. Bytes received since the
// last wake lie before `received_end`. A resting connection must wake before any use except being
// freed.
void tls_memory_rest(struct tls_memory_pool *pool, struct mbedtls_ssl_context *ssl,
                     struct tls_memory_rest *rest, const unsigned char *received_end);
// Harmless when awake. GW_NO_MEMORY: still resting.
enum gw_status tls_memory_wake(struct tls_memory_pool *pool, struct mbedtls_ssl_context *ssl,
                               struct tls_memory_rest *rest) GW_MUST_USE;
