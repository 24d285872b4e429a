// SPDX-License-Identifier: MIT
#include "tests/support/tls_pair.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void test_tls_pair_init(struct test_tls_pair *pair, struct tls_context *context,
                        const struct test_tls_client_options *options) {
    test_tls_client_init(&pair->client, options);
    gw_buf_init(&pair->output, TEST_TLS_PAIR_OUTPUT_BYTES_MAX);
    pair->server_ns = 0;
    enum gw_status status = tls_session_create(context, &pair->output, &pair->server);
    gw_assert(status == GW_OK);
}

void test_tls_pair_deinit(struct test_tls_pair *pair) {
    tls_session_destroy(pair->server);
    gw_buf_deinit(&pair->output);
    test_tls_client_deinit(&pair->client);
}

void test_tls_pair_carry(struct test_tls_pair *pair) {
    enum gw_status status = gw_buf_append_str(&pair->client.input, gw_buf_bytes(&pair->output));
    gw_assert(status == GW_OK);
    gw_buf_clear(&pair->output);
}

struct gw_str test_tls_pair_take(struct test_tls_pair *pair, char **memory) {
    struct gw_str bytes = gw_buf_bytes(&pair->client.output);
    *memory = malloc(bytes.length + 1);
    gw_assert(*memory != NULL);
    if (bytes.length > 0)
        memcpy(*memory, bytes.at, bytes.length);
    gw_buf_clear(&pair->client.output);
    return gw_str(*memory, bytes.length);
}

static double processor_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

enum gw_status test_tls_pair_serve(struct test_tls_pair *pair) {
    char *memory;
    struct gw_str bytes = test_tls_pair_take(pair, &memory);
    double began_ns = processor_ns();
    tls_session_feed(pair->server, bytes);
    enum gw_status status = tls_session_handshake(pair->server);
    pair->server_ns += processor_ns() - began_ns;
    free(memory);
    test_tls_pair_carry(pair);
    return status;
}

enum gw_status test_tls_pair_handshake(struct test_tls_pair *pair) {
    enum gw_status status = GW_WANT_INPUT;
    int code = MBEDTLS_ERR_SSL_WANT_READ;
    while (status == GW_WANT_INPUT && code == MBEDTLS_ERR_SSL_WANT_READ) {
        code = test_tls_client_handshake(&pair->client);
        status = test_tls_pair_serve(pair);
    }
    if (status == GW_OK) {
        code = test_tls_client_handshake(&pair->client);
        gw_assert(code == 0);
    }
    return status;
}
