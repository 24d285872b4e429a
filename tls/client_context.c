// SPDX-License-Identifier: MIT
#include "tls/client_context.h"

#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tls/accelerate/ecp_nettle.h"
#include "tls/accelerate/gcm_nettle.h"
#include "tls/accelerate/sha256_nettle.h"
#include "tls/memory.h"

struct tls_client_context {
    mbedtls_x509_crt authorities;
    mbedtls_ssl_config config;
    struct tls_memory_pool memory_pool;
};

static const int suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                             MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                             0};

static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

static const char *alpn_protocols[] = {"http/1.1", NULL};

// The library may not read every authority of a large bundle; one is enough.
static enum gw_status load_authorities(struct tls_client_context *context, const char *file,
                                       char *error) {
    int code = mbedtls_x509_crt_parse_file(&context->authorities, file);
    if (context->authorities.version != 0)
        return GW_OK;
    bool is_unreadable =
        code == MBEDTLS_ERR_PK_FILE_IO_ERROR || code == MBEDTLS_ERR_X509_FILE_IO_ERROR;
    (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "%.200s: %s", file,
                   is_unreadable ? "cannot read the authorities" : "holds no PEM certificate");
    return GW_INVALID;
}

static int configure(struct tls_client_context *context) {
    mbedtls_ssl_config *config = &context->config;
    int code = mbedtls_ssl_config_defaults(
        config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (code != 0)
        return code;
    mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_tls13_key_exchange_modes(config,
                                              MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
    mbedtls_ssl_conf_ciphersuites(config, suites);
    mbedtls_ssl_conf_groups(config, groups);
    mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(config, &context->authorities, NULL);
    mbedtls_ssl_conf_session_tickets(config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    return mbedtls_ssl_conf_alpn_protocols(config, alpn_protocols);
}

enum gw_status tls_client_context_create(const char *authorities_file,
                                         struct tls_client_context **context, char *error) {
    struct tls_client_context *created = calloc(1, sizeof(*created));
    if (created == NULL) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "out of memory");
        return GW_NO_MEMORY;
    }
    mbedtls_x509_crt_init(&created->authorities);
    mbedtls_ssl_config_init(&created->config);
    enum gw_status status = GW_SYSTEM;
    if (psa_crypto_init() != PSA_SUCCESS) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "cannot start the random generator");
        goto out;
    }
    (void)tls_ecp_nettle_start();
    (void)tls_sha256_nettle_start();
    (void)tls_gcm_nettle_start();
    status = load_authorities(created, authorities_file, error);
    if (status != GW_OK)
        goto out;
    if (configure(created) != 0) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "out of memory");
        status = GW_NO_MEMORY;
        goto out;
    }
    *context = created;
    return GW_OK;
out:
    tls_client_context_destroy(created);
    return status;
}

void tls_client_context_destroy(struct tls_client_context *context) {
    if (context == NULL)
        return;
    tls_memory_pool_deinit(&context->memory_pool);
    mbedtls_ssl_config_free(&context->config);
    mbedtls_x509_crt_free(&context->authorities);
    free(context);
}

const struct mbedtls_ssl_config *
tls_client_context_config(const struct tls_client_context *context) {
    return &context->config;
}

struct tls_memory_pool *tls_client_context_memory_pool(struct tls_client_context *context) {
    return &context->memory_pool;
}
