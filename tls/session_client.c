// SPDX-License-Identifier: MIT
#include "tls/session_client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

// ---- the server's name or address ----

static bool has_address(const mbedtls_x509_crt *certificate, const unsigned char *address,
                        size_t length) {
    const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
    for (; name != NULL; name = name->next) {
        if ((name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_IP_ADDRESS &&
            name->buf.len == length && memcmp(name->buf.p, address, length) == 0)
            return true;
    }
    return false;
}

// At depth 0 of the chain is the server's certificate.
static int check_server_address(void *argument, mbedtls_x509_crt *certificate, int depth,
                                uint32_t *faults) {
    const struct tls_session_client *client = argument;
    if (depth == 0 && !has_address(certificate, client->address, client->address_bytes))
        *faults |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return 0;
}

static void read_server_address(struct tls_session_client *client, const char *server_name) {
    if (inet_pton(AF_INET, server_name, client->address) == 1)
        client->address_bytes = sizeof(struct in_addr);
    else if (inet_pton(AF_INET6, server_name, client->address) == 1)
        client->address_bytes = sizeof(struct in6_addr);
}

// The library sends the name that it is given (SNI), and would take an address for a name that a
// wildcard may cover: it gets no name for an address, which is looked for here.
static int set_server_name(struct tls_session_client *client, mbedtls_ssl_context *ssl,
                           const char *server_name) {
    char name[MBEDTLS_SSL_MAX_HOST_NAME_LEN + 1];
    read_server_address(client, server_name);
    if (client->address_bytes > 0) {
        mbedtls_ssl_set_verify(ssl, check_server_address, client);
        return mbedtls_ssl_set_hostname(ssl, NULL);
    }
    int length = snprintf(name, sizeof(name), "%s", server_name);
    if (length > 0 && (size_t)length < sizeof(name) && name[length - 1] == '.')
        name[length - 1] = '\0';
    return mbedtls_ssl_set_hostname(ssl, name);
}

// ---- the handshake ----

enum gw_status tls_session_client_set_up(struct tls_session_client *client,
                                         mbedtls_ssl_context *ssl,
                                         const struct tls_server *server) {
    gw_assert(!client->has_offered && client->address_bytes == 0);
    if (mbedtls_ssl_setup(ssl, tls_client_context_config(server->context)) != 0 ||
        set_server_name(client, ssl, server->name) != 0)
        return GW_NO_MEMORY;
    client->kept = server->kept;
    client->has_offered =
        server->kept != NULL && tls_kept_session_offer(server->kept, ssl, &client->verified_ms);
    return GW_OK;
}

void tls_session_client_keep(struct tls_session_client *client, mbedtls_ssl_context *ssl) {
    if (client->kept != NULL)
        tls_kept_session_take(client->kept, ssl, client->verified_ms);
}

// In TLS 1.2 the session can be resumed from now on; in TLS 1.3 each ticket brings one.
void tls_session_client_end_handshake(struct tls_session_client *client, mbedtls_ssl_context *ssl,
                                      bool has_certified) {
    gw_assert(mbedtls_ssl_is_handshake_over(ssl));
    if (has_certified)
        client->verified_ms = gw_clock_monotonic_ms();
    if (mbedtls_ssl_get_version_number(ssl) == MBEDTLS_SSL_VERSION_TLS1_2)
        tls_session_client_keep(client, ssl);
}

bool tls_session_client_drop_offered(struct tls_session_client *client) {
    if (client->has_offered)
        tls_kept_session_drop(client->kept);
    return client->has_offered;
}

const char *tls_session_client_problem(const struct tls_session_client *client,
                                       const mbedtls_ssl_context *ssl) {
    uint32_t flags = mbedtls_ssl_get_verify_result(ssl);
    if (flags == 0 || flags == UINT32_MAX) // the latter: not reached
        return NULL;
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
        return "its certificate is not from an authority that is known here";
    if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
        return client->address_bytes > 0 ? "its certificate does not have this address"
                                         : "its certificate is for another name";
    if (flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE))
        return "its certificate has expired, or is not valid yet";
    return "its certificate is not acceptable";
}
