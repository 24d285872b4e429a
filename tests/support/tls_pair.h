// SPDX-License-Identifier: MIT
#pragma once
// A client and a server session with the bytes between them in two buffers. Whatever is no outcome
// of TLS (memory) aborts.

#include "tests/support/tls_client.h"
#include "tls/session.h"

#define TEST_TLS_PAIR_OUTPUT_BYTES_MAX ((size_t)256 * 1024)

struct test_tls_pair {
    struct test_tls_client client;
    struct gw_buf output; // of the server
    struct tls_session *server;
    double server_ns; // processor time of the server's end in test_tls_pair_serve
};

void test_tls_pair_init(struct test_tls_pair *pair, struct tls_context *context,
                        const struct test_tls_client_options *options);
void test_tls_pair_deinit(struct test_tls_pair *pair);
// What the server put out becomes the client's input.
void test_tls_pair_carry(struct test_tls_pair *pair);
// What the client put out, in *memory, which the caller frees.
struct gw_str test_tls_pair_take(struct test_tls_pair *pair, char **memory);
// One step of the server's handshake: takes, steps, carries.
enum gw_status test_tls_pair_serve(struct test_tls_pair *pair) GW_MUST_USE;
// All of it. GW_OK: both ends are done; else what the server says when one of them has failed.
enum gw_status test_tls_pair_handshake(struct test_tls_pair *pair) GW_MUST_USE;
