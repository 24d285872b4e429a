// SPDX-License-Identifier: MIT
#include "tests/support/tls_client.h"

#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <string.h>

#define BUFFER_BYTES_MAX ((size_t)16 * 1024 * 1024)

static int bio_send(void *argument, const unsigned char *bytes, size_t length) {
    struct test_tls_client *client = argument;
    gw_assert(gw_buf_append(&client->output, bytes, length) == GW_OK);
    return (int)length;
}

static int bio_receive(void *argument, unsigned char *bytes, size_t room) {
    struct test_tls_client *client = argument;
    struct gw_str input = gw_buf_bytes(&client->input);
    size_t length = room < input.length ? room : input.length;
    if (length == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(bytes, input.at, length);
    gw_buf_take(&client->input, length);
    return (int)length;
}

static void configure(mbedtls_ssl_config *config, const struct test_tls_client_options *options) {
    gw_assert(mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
                                          MBEDTLS_SSL_TRANSPORT_STREAM,
                                          MBEDTLS_SSL_PRESET_DEFAULT) == 0);
    mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
    if (options->version != 0) {
        mbedtls_ssl_conf_min_tls_version(config, options->version);
        mbedtls_ssl_conf_max_tls_version(config, options->version);
    }
    if (options->suites != NULL)
        mbedtls_ssl_conf_ciphersuites(config, options->suites);
    if (options->groups != NULL)
        mbedtls_ssl_conf_groups(config, options->groups);
    if (options->alpn != NULL)
        gw_assert(mbedtls_ssl_conf_alpn_protocols(config, options->alpn) == 0);
    if (options->key_exchange_modes != 0)
        mbedtls_ssl_conf_tls13_key_exchange_modes(config, options->key_exchange_modes);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    if (options->may_renegotiate)
        mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
}

void test_tls_client_init(struct test_tls_client *client,
                          const struct test_tls_client_options *options) {
    gw_assert(psa_crypto_init() == PSA_SUCCESS);
    gw_buf_init(&client->input, BUFFER_BYTES_MAX);
    gw_buf_init(&client->output, BUFFER_BYTES_MAX);
    mbedtls_ssl_config_init(&client->config);
    mbedtls_ssl_init(&client->ssl);
    configure(&client->config, options);
    gw_assert(mbedtls_ssl_setup(&client->ssl, &client->config) == 0);
    const char *server_name = options->server_name != NULL ? options->server_name : "localhost";
    gw_assert(mbedtls_ssl_set_hostname(&client->ssl, server_name) == 0);
    if (options->session != NULL)
        gw_assert(mbedtls_ssl_set_session(&client->ssl, options->session) == 0);
    mbedtls_ssl_set_bio(&client->ssl, client, bio_send, bio_receive, NULL);
}

void test_tls_client_deinit(struct test_tls_client *client) {
    mbedtls_ssl_free(&client->ssl);
    mbedtls_ssl_config_free(&client->config);
    gw_buf_deinit(&client->input);
    gw_buf_deinit(&client->output);
}

int test_tls_client_handshake(struct test_tls_client *client) {
    return mbedtls_ssl_handshake(&client->ssl);
}

bool test_tls_client_take_session(struct test_tls_client *client, mbedtls_ssl_session *session) {
    bool is_tls13 = mbedtls_ssl_get_version_number(&client->ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
    unsigned char byte;
    int code = MBEDTLS_ERR_SSL_WANT_READ;
    if (is_tls13) { // the library may ask for more once before it looks at what it has
        for (int i = 0; i < 2 && code == MBEDTLS_ERR_SSL_WANT_READ; i++)
            code = mbedtls_ssl_read(&client->ssl, &byte, 1);
        if (code != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            return false;
    }
    return mbedtls_ssl_get_session(&client->ssl, session) == 0;
}

int test_tls_client_read(struct test_tls_client *client, char *out, size_t out_max) {
    int code;
    do {
        code = mbedtls_ssl_read(&client->ssl, (unsigned char *)out, out_max);
    } while (code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    return code;
}

void test_tls_client_write(struct test_tls_client *client, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    while (length > 0) {
        int code = mbedtls_ssl_write(&client->ssl, at, length);
        gw_assert(code > 0);
        at += code;
        length -= (size_t)code;
    }
}

int test_tls_client_fatal_alert(const struct test_tls_client *client) {
    struct gw_str input = gw_buf_bytes(&client->input);
    if (input.length < 7)
        return -1;
    const char *record = input.at + input.length - 7; // type, version, length 2, level, description
    bool is_fatal_alert = record[0] == 21 && record[3] == 0 && record[4] == 2 && record[5] == 2;
    return is_fatal_alert ? (unsigned char)record[6] : -1;
}
