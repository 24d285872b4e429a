// SPDX-License-Identifier: MIT
#include "tls/context.h"

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tls/ecp_nettle.h"
#include "tls/memory.h"
#include "tls/tickets.h"

struct tls_context {
    unsigned references;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    struct tls_tickets *tickets; // NULL: none
    mbedtls_ssl_config any;      // for clients without TLS_AES_128_GCM_SHA256
    mbedtls_ssl_config aes_128;  // for all others
    struct tls_memory_pool memory_pool;
};

// SHA-256 and AES have processor support, so they come first; RFC 8446 section 9.1 makes 0x1301
// mandatory.
#define SUITES_TLS12                                                                               \
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,                                               \
        MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,                                             \
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,                                     \
        MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,                                       \
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,                                           \
        MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0

static const int suites_aes_128[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, SUITES_TLS12};
static const int suites_any[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                 MBEDTLS_TLS1_3_AES_256_GCM_SHA384, SUITES_TLS12};

static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

static const char *alpn_protocols[] = {"http/1.1", NULL};

// "<file>: <what>" or "<file>: <what> (<the library's words>)".
static enum gw_status explain(char *error, const char *file, const char *what, int code) {
    char reason[TLS_ERROR_TEXT_BYTES / 2] = "";
    if (code < 0)
        mbedtls_strerror(code, reason, sizeof(reason));
    (void)snprintf(error, TLS_ERROR_TEXT_BYTES, code < 0 ? "%.100s: %s (%s)" : "%.100s: %s", file,
                   what, reason);
    return GW_INVALID;
}

static enum gw_status load_chain(struct tls_context *context, const char *file, char *error) {
    int code = mbedtls_x509_crt_parse_file(&context->chain, file);
    if (code == MBEDTLS_ERR_PK_FILE_IO_ERROR || code == MBEDTLS_ERR_X509_FILE_IO_ERROR)
        return explain(error, file, "cannot read the certificate file", 0);
    if (code > 0)
        return explain(error, file, "holds a certificate that cannot be parsed", 0);
    if (code < 0)
        return explain(error, file, "holds no PEM certificate", code);
    return GW_OK;
}

static enum gw_status load_key(struct tls_context *context, const char *file, char *error) {
    int code = mbedtls_pk_parse_keyfile(&context->key, file, NULL, mbedtls_psa_get_random,
                                        MBEDTLS_PSA_RANDOM_STATE);
    if (code == MBEDTLS_ERR_PK_FILE_IO_ERROR)
        return explain(error, file, "cannot read the private key file", 0);
    if (code == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || code == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
        return explain(error, file,
                       "the private key is encrypted; store it without a passphrase and protect "
                       "the file with permissions",
                       0);
    if (code != 0)
        return explain(error, file, "holds no PEM private key", code);
    return GW_OK;
}

static enum gw_status load_pair(struct tls_context *context,
                                const struct tls_context_options *options, char *error) {
    enum gw_status status = load_chain(context, options->certificate_file, error);
    if (status == GW_OK)
        status = load_key(context, options->key_file, error);
    if (status != GW_OK)
        return status;
    if (mbedtls_pk_check_pair(&context->chain.pk, &context->key, mbedtls_psa_get_random,
                              MBEDTLS_PSA_RANDOM_STATE) != 0)
        return explain(error, options->key_file,
                       "the private key does not belong to the first certificate of the "
                       "certificate file",
                       0);
    return GW_OK;
}

static int configure(struct tls_context *context, mbedtls_ssl_config *config, const int *suites) {
    int code = mbedtls_ssl_config_defaults(
        config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (code != 0)
        return code;
    mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
    // Pre-shared keys come from tickets alone.
    mbedtls_ssl_conf_tls13_key_exchange_modes(
        config, context->tickets != NULL ? MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_ALL
                                         : MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    if (context->tickets != NULL)
        tls_tickets_install(context->tickets, config);
    mbedtls_ssl_conf_ciphersuites(config, suites);
    mbedtls_ssl_conf_groups(config, groups);
    mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
    code = mbedtls_ssl_conf_alpn_protocols(config, alpn_protocols);
    if (code != 0)
        return code;
    return mbedtls_ssl_conf_own_cert(config, &context->chain, &context->key);
}

static enum gw_status create_tickets(struct tls_context *context,
                                     const struct tls_context_options *options) {
    if (options->ticket_secret == NULL)
        return GW_OK;
    return tls_tickets_create(options->ticket_secret,
                              options->wall_ms != NULL ? options->wall_ms : gw_clock_wall_ms,
                              &context->tickets);
}

enum gw_status tls_context_create_server(const struct tls_context_options *options,
                                         struct tls_context **context, char *error) {
    struct tls_context *created = calloc(1, sizeof(*created));
    if (created == NULL) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "out of memory");
        return GW_NO_MEMORY;
    }
    created->references = 1;
    mbedtls_x509_crt_init(&created->chain);
    mbedtls_pk_init(&created->key);
    mbedtls_ssl_config_init(&created->any);
    mbedtls_ssl_config_init(&created->aes_128);

    enum gw_status status = GW_SYSTEM;
    if (psa_crypto_init() != PSA_SUCCESS) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "cannot start the random generator");
        goto out;
    }
    (void)tls_ecp_nettle_start();
    status = load_pair(created, options, error);
    if (status != GW_OK)
        goto out;
    status = create_tickets(created, options);
    if (status != GW_OK) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "out of memory");
        goto out;
    }
    if (configure(created, &created->any, suites_any) != 0 ||
        configure(created, &created->aes_128, suites_aes_128) != 0) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "out of memory");
        status = GW_NO_MEMORY;
        goto out;
    }
    *context = created;
    return GW_OK;
out:
    tls_context_release(created);
    return status;
}

struct tls_context *tls_context_acquire(struct tls_context *context) {
    context->references++;
    return context;
}

void tls_context_release(struct tls_context *context) {
    if (context == NULL)
        return;
    gw_assert(context->references > 0);
    if (--context->references > 0)
        return;
    mbedtls_ssl_config_free(&context->aes_128);
    mbedtls_ssl_config_free(&context->any);
    tls_tickets_destroy(context->tickets);
    tls_memory_pool_deinit(&context->memory_pool);
    mbedtls_pk_free(&context->key);
    mbedtls_x509_crt_free(&context->chain);
    free(context);
}

const struct mbedtls_ssl_config *tls_context_config(const struct tls_context *context,
                                                    bool offers_aes_128) {
    return offers_aes_128 ? &context->aes_128 : &context->any;
}

void tls_context_bind(struct tls_context *context, const struct tls_ticket_binding *binding) {
    if (context->tickets != NULL)
        tls_tickets_bind(context->tickets, binding);
}

struct tls_memory_pool *tls_context_memory_pool(struct tls_context *context) {
    return &context->memory_pool;
}
