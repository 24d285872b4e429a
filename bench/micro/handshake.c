// SPDX-License-Identifier: MIT
// A full handshake as the server sees it: TLS 1.3, an ECDSA key on P-256, X25519 and then P-256 for
// the exchange. The client is in the same process; only the server's processor time counts.
#include "bench/micro/micro.h"

#include <stdlib.h>

#include "bench/micro/tls_server.h"
#include "tests/support/tls_pair.h"
#include "tls/accelerate/ecp_nettle.h"

struct handshake_state {
    struct bench_tls_server server;
    const uint16_t *groups;
    double took_ns;
};

static const uint16_t x25519[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                  MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
static const uint16_t p256[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

static void destroy(void *opaque) {
    struct handshake_state *state = opaque;
    bench_tls_server_deinit(&state->server);
    free(state);
}

static void *create(const uint16_t *groups, bool with_nettle) {
    struct handshake_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return NULL;
    state->groups = groups;
    if (!bench_tls_server_init(&state->server)) {
        destroy(state);
        return NULL;
    }
    tls_ecp_nettle_switch(with_nettle);
    return state;
}

static void *create_x25519(void) {
    return create(x25519, true);
}

static void *create_p256(void) {
    return create(p256, true);
}

static void *create_x25519_plain(void) {
    return create(x25519, false);
}

static void *create_p256_plain(void) {
    return create(p256, false);
}

static void run(void *opaque, long count) {
    struct handshake_state *state = opaque;
    const struct test_tls_client_options options = {.version = MBEDTLS_SSL_VERSION_TLS1_3,
                                                    .groups = state->groups};
    state->took_ns = 0;
    for (long i = 0; i < count; i++) {
        struct test_tls_pair pair;
        test_tls_pair_init(&pair, state->server.context, &options);
        enum gw_status status = test_tls_pair_handshake(&pair);
        bench_keep(&status);
        state->took_ns += pair.server_ns;
        test_tls_pair_deinit(&pair);
    }
}

static double took_ns(const void *opaque) {
    const struct handshake_state *state = opaque;
    return state->took_ns;
}

const struct bench_micro bench_handshake_x25519 = {"handshake: X25519", create_x25519, run, destroy,
                                                   took_ns};
const struct bench_micro bench_handshake_p256 = {"handshake: P-256", create_p256, run, destroy,
                                                 took_ns};
const struct bench_micro bench_handshake_x25519_plain = {
    "handshake: X25519 without nettle", create_x25519_plain, run, destroy, took_ns};
const struct bench_micro bench_handshake_p256_plain = {"handshake: P-256 without nettle",
                                                       create_p256_plain, run, destroy, took_ns};
