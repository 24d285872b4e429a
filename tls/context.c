// SPDX-License-Identifier: MIT
#include "tls/context.h"

#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tls/accelerate/ecdsa_nettle.h"
#include "tls/accelerate/ecp_nettle.h"
#include "tls/accelerate/gcm_nettle.h"
#include "tls/accelerate/sha256_nettle.h"
#include "tls/hello.h"
#include "tls/memory.h"
#include "tls/tickets.h"

struct tls_context {
    unsigned references;
    struct tls_pair *pairs; // the first serves every name that no pair has
    int pair_count;
    mbedtls_x509_crt client_ca;  // empty: clients are not asked for a certificate
    struct tls_tickets *tickets; // NULL: off
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

static const char *alpn_protocols[] = {"http/1.1", "http/1.0", NULL}; // ours first

// ---- pairs ----

static enum gw_status load_pairs(struct tls_context *context,
                                 const struct tls_context_options *options, char *error) {
    const struct tls_pair_files first = {options->certificate_file, options->key_file};
    enum gw_status status = GW_OK;
    context->pairs = calloc((size_t)options->other_count + 1, sizeof(*context->pairs));
    if (context->pairs == NULL) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "out of memory");
        return GW_NO_MEMORY;
    }
    for (int i = 0; i <= options->other_count && status == GW_OK; i++) {
        struct tls_pair *pair = &context->pairs[context->pair_count++];
        tls_pair_init(pair);
        status =
            tls_pair_load(pair, i == 0 ? &first : &options->others[i - 1], options->files, error);
    }
    return status;
}

static enum gw_status load_client_ca(struct tls_context *context,
                                     const struct tls_context_options *options, char *error) {
    const char *file = options->client_ca_file;
    if (file == NULL)
        return GW_OK;
    int code = tls_file_parse_certificates(options->files, file, &context->client_ca);
    if (code == MBEDTLS_ERR_PK_FILE_IO_ERROR || code == MBEDTLS_ERR_X509_FILE_IO_ERROR)
        return tls_explain(error, file, "cannot read the certificates of --client-ca", 0);
    if (code > 0)
        return tls_explain(error, file, "holds a certificate that cannot be parsed", 0);
    if (code < 0)
        return tls_explain(error, file, "holds no PEM certificate", code);
    return GW_OK;
}

const struct tls_pair *tls_context_first_to_end(const struct tls_context *context) {
    const struct tls_pair *first = &context->pairs[0];
    for (int i = 1; i < context->pair_count; i++) {
        const struct tls_pair *pair = &context->pairs[i];
        if (tls_pair_not_after_ms(pair) < tls_pair_not_after_ms(first))
            first = pair;
    }
    return first;
}

static bool is_taken(const struct tls_pair *pair, const struct tls_hello *hello) {
    return mbedtls_pk_can_do(&pair->key, MBEDTLS_PK_RSA) ? hello->takes_rsa : hello->takes_ecdsa;
}

// Without this the library takes the first pair, which is also for whom none fits.
int tls_context_show_default(struct tls_context *context, mbedtls_ssl_context *ssl,
                             const struct tls_hello *hello) {
    for (int i = 0; i < context->pair_count; i++) {
        struct tls_pair *pair = &context->pairs[i];
        if (is_taken(pair, hello))
            return i == 0 ? 0 : mbedtls_ssl_set_hs_own_cert(ssl, &pair->chain, &pair->key);
    }
    return 0;
}

// Shows all pairs of the best match, which may differ in the kind of their key, in place of the
// default.
static int show_pairs(struct tls_context *context, mbedtls_ssl_context *ssl, struct gw_str name) {
    enum tls_name_match best = TLS_NAME_FOREIGN;
    int code = 0;
    for (int i = 0; i < context->pair_count; i++) {
        enum tls_name_match match = tls_pair_match(&context->pairs[i], name);
        best = match > best ? match : best;
    }
    if (best != TLS_NAME_FOREIGN)
        code = mbedtls_ssl_set_hs_own_cert(ssl, NULL, NULL);
    for (int i = 0; i < context->pair_count && best != TLS_NAME_FOREIGN && code == 0; i++) {
        struct tls_pair *pair = &context->pairs[i];
        if (tls_pair_match(pair, name) == best)
            code = mbedtls_ssl_set_hs_own_cert(ssl, &pair->chain, &pair->key);
    }
    return code;
}

// The library may call this after it parsed a ticket of the same hello; see set_up in
// tls/session.c.
static int on_server_name(void *argument, mbedtls_ssl_context *ssl, const unsigned char *name,
                          size_t length) {
    int code = tls_ticket_binding_name(mbedtls_ssl_get_user_data_p(ssl), name, length);
    return code != 0 ? code : show_pairs(argument, ssl, gw_str((const char *)name, length));
}

// ---- configuration ----

static int configure(struct tls_context *context, mbedtls_ssl_config *config, const int *suites,
                     bool is_tls13_only) {
    int code = mbedtls_ssl_config_defaults(
        config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (code != 0)
        return code;
    mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_min_tls_version(config, is_tls13_only ? MBEDTLS_SSL_VERSION_TLS1_3
                                                           : MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
    // Pre-shared keys come from tickets alone, and never without a key exchange (psk_dhe_ke,
    // RFC 8446 section 4.2.9): else a ticket secret that leaks would open what was recorded.
    mbedtls_ssl_conf_tls13_key_exchange_modes(
        config, context->tickets != NULL ? MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL
                                         : MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    if (context->tickets != NULL)
        tls_tickets_install(context->tickets, config);
    mbedtls_ssl_conf_sni(config, on_server_name, context);
    mbedtls_ssl_conf_ciphersuites(config, suites);
    mbedtls_ssl_conf_groups(config, groups);
    mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    bool asks_clients = context->client_ca.version != 0;
    mbedtls_ssl_conf_authmode(config,
                              asks_clients ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_NONE);
    if (asks_clients)
        mbedtls_ssl_conf_ca_chain(config, &context->client_ca, NULL);
    code = mbedtls_ssl_conf_alpn_protocols(config, alpn_protocols);
    if (code != 0)
        return code;
    return mbedtls_ssl_conf_own_cert(config, &context->pairs[0].chain, &context->pairs[0].key);
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
    mbedtls_x509_crt_init(&created->client_ca);
    mbedtls_ssl_config_init(&created->any);
    mbedtls_ssl_config_init(&created->aes_128);

    enum gw_status status = GW_SYSTEM;
    if (psa_crypto_init() != PSA_SUCCESS) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "cannot start the random generator");
        goto out;
    }
    (void)tls_ecp_nettle_start();
    (void)tls_ecdsa_nettle_start();
    (void)tls_sha256_nettle_start();
    (void)tls_gcm_nettle_start();
    status = load_pairs(created, options, error);
    if (status == GW_OK)
        status = load_client_ca(created, options, error);
    if (status != GW_OK)
        goto out;
    status = create_tickets(created, options);
    if (status != GW_OK) {
        (void)snprintf(error, TLS_ERROR_TEXT_BYTES, "out of memory");
        goto out;
    }
    if (configure(created, &created->any, suites_any, options->is_tls13_only) != 0 ||
        configure(created, &created->aes_128, suites_aes_128, options->is_tls13_only) != 0) {
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
    mbedtls_x509_crt_free(&context->client_ca);
    while (context->pair_count > 0)
        tls_pair_deinit(&context->pairs[--context->pair_count]);
    free(context->pairs);
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
