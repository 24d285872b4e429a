// SPDX-License-Identifier: MIT
// One TLS record sealed, as a session writes it to its output: TLS 1.3, AES-128-GCM.
#include "bench/micro/micro.h"

#include <stdlib.h>

#include "tests/support/certificate.h"
#include "tests/support/tls_pair.h"
#include "tls/ecp_nettle.h"

#define LARGEST (16 * 1024)

struct record_state {
    struct test_certificate certificate;
    struct tls_context *context;
    struct test_tls_pair pair;
    size_t length;
    char plain[LARGEST];
};

static void destroy(void *opaque) {
    struct record_state *state = opaque;
    if (state->context != NULL)
        test_tls_pair_deinit(&state->pair);
    tls_context_release(state->context);
    test_certificate_destroy(&state->certificate);
    tls_ecp_nettle_switch(true);
    free(state);
}

static void *create(size_t length, bool with_nettle) {
    char error[TLS_ERROR_TEXT_BYTES];
    const struct test_tls_client_options client = {.version = MBEDTLS_SSL_VERSION_TLS1_3};
    struct record_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return NULL;
    state->length = length;
    test_certificate_create(&state->certificate, TEST_KEY_EC);
    const struct tls_context_options options = {.certificate_file =
                                                    state->certificate.certificate_file,
                                                .key_file = state->certificate.key_file};
    if (tls_context_create_server(&options, &state->context, error) != GW_OK) {
        destroy(state);
        return NULL;
    }
    test_tls_pair_init(&state->pair, state->context, &client);
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
