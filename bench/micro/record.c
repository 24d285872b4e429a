// SPDX-License-Identifier: MIT
// One TLS record sealed, as a session writes it to its output: TLS 1.3, AES-128-GCM.
#include "bench/micro/micro.h"

#include <stdlib.h>

#include "bench/micro/tls_server.h"
#include "tests/support/tls_pair.h"
#include "tls/accelerate/ecp_nettle.h"

#define LARGEST (16 * 1024)

struct record_state {
    struct bench_tls_server server;
    struct test_tls_pair pair;
    size_t length;
    char plain[LARGEST];
};

static void destroy(void *opaque) {
    struct record_state *state = opaque;
    if (state->server.context != NULL)
        test_tls_pair_deinit(&state->pair);
    bench_tls_server_deinit(&state->server);
    free(state);
}

static void *create(size_t length, bool with_nettle) {
    const struct test_tls_client_options client = {.version = MBEDTLS_SSL_VERSION_TLS1_3};
    struct record_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return NULL;
    state->length = length;
    if (!bench_tls_server_init(&state->server)) {
        destroy(state);
        return NULL;
    }
    test_tls_pair_init(&state->pair, state->server.context, &client);
    if (test_tls_pair_handshake(&state->pair) != GW_OK) {
        destroy(state);
        return NULL;
    }
    tls_ecp_nettle_switch(with_nettle);
    return state;
}

static void *create_small(void) {
    return create(300, true);
}

static void *create_large(void) {
    return create(LARGEST, true);
}

static void *create_small_plain(void) {
    return create(300, false);
}

static void *create_large_plain(void) {
    return create(LARGEST, false);
}

static void run(void *opaque, long count) {
    struct record_state *state = opaque;
    for (long i = 0; i < count; i++) {
        enum gw_status status =
            tls_session_write(state->pair.server, gw_str(state->plain, state->length));
        bench_keep(&status);
        gw_buf_clear(&state->pair.output);
    }
}

const struct bench_micro bench_record_small = {"record: 300 bytes", create_small, run, destroy,
                                               NULL};
const struct bench_micro bench_record_small_plain = {"record: 300 bytes without nettle",
                                                     create_small_plain, run, destroy, NULL};
const struct bench_micro bench_record_large = {"record: 16 KiB", create_large, run, destroy, NULL};
const struct bench_micro bench_record_large_plain = {"record: 16 KiB without nettle",
                                                     create_large_plain, run, destroy, NULL};
