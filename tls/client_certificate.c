// SPDX-License-Identifier: MIT
#include "tls/client_certificate.h"

#include <stdlib.h>
#include <string.h>

#include "tls/client_names.h"

// A header field ends where its last space begins.
static void escape_last_space(char *subject, size_t length) {
    if (length > 0 && subject[length - 1] == ' ')
        memcpy(subject + length - 1, "20", sizeof("20"));
}

static int read_subject(const mbedtls_x509_crt *certificate, char **subject) {
    char text[TLS_SUBJECT_BYTES_MAX + 1];
    int length = mbedtls_x509_dn_gets(text, sizeof(text) - 1, &certificate->subject);
    if (length < 0)
        return MBEDTLS_ERR_X509_INVALID_NAME;
    escape_last_space(text, (size_t)length);
    *subject = strdup(text);
    return *subject != NULL ? 0 : MBEDTLS_ERR_SSL_ALLOC_FAILED;
}

int tls_client_certificate_read(struct tls_client_certificate *client,
                                const mbedtls_ssl_context *ssl) {
    const mbedtls_x509_crt *certificate = mbedtls_ssl_get_peer_cert(ssl);
    if (certificate == NULL)
        return 0;
    if (mbedtls_ssl_get_verify_result(ssl) != 0)
        return MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
    int code = read_subject(certificate, &client->subject);
    return code == 0 ? tls_client_names_read(certificate, &client->names) : code;
}

void tls_client_certificate_deinit(struct tls_client_certificate *client) {
    free(client->subject);
    free(client->names);
    *client = (struct tls_client_certificate){.subject = NULL};
}
