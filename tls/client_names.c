// SPDX-License-Identifier: MIT
#include "tls/client_names.h"

#include <mbedtls/ssl.h>
#include <string.h>

#include "base/san.h"

// Of GeneralName (RFC 5280 section 4.2.1.6), both primitive.
#define TAG_DNS (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_DNS_NAME)
#define TAG_URI (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER)

static struct gw_str text_of(const mbedtls_x509_buf *entry) {
    return gw_str((const char *)entry->p, entry->len);
}

// A name whose form is that of the other kind is nobody's.
static bool is_name(const mbedtls_x509_buf *entry) {
    if (entry->p == NULL || (entry->tag != TAG_DNS && entry->tag != TAG_URI))
        return false;
    return gw_san_kind(text_of(entry)) == (entry->tag == TAG_DNS ? GW_SAN_DNS : GW_SAN_URI);
}

// `list` has room for TLS_CLIENT_NAMES_BYTES_MAX bytes.
static size_t join_names(const mbedtls_x509_crt *certificate, char *list) {
    size_t used = 0;
    const mbedtls_x509_sequence *entry = &certificate->subject_alt_names;
    for (int i = 0; entry != NULL && i < TLS_CLIENT_NAMES_MAX; entry = entry->next, i++) {
        struct gw_str name = text_of(&entry->buf);
        if (!is_name(&entry->buf) || used + name.length + 1 > TLS_CLIENT_NAMES_BYTES_MAX)
            continue;
        memcpy(list + used, name.at, name.length);
        used += name.length;
        list[used++] = '\n';
    }
    return used;
}

int tls_client_names_read(const mbedtls_x509_crt *certificate, char **names) {
    char list[TLS_CLIENT_NAMES_BYTES_MAX];
    size_t length = join_names(certificate, list);
    *names = NULL;
    if (length == 0)
        return 0;
    *names = strndup(list, length);
    return *names != NULL ? 0 : MBEDTLS_ERR_SSL_ALLOC_FAILED;
}
