// SPDX-License-Identifier: MIT
// Any bytes as a client's certificate (DER). What must hold beyond memory safety: the list is
// bounded, each of its names has a kind and is in the list, and each is an entry of the certificate
// of that kind, byte by byte.

#include <mbedtls/x509_crt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/san.h"
#include "tls/client_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool is_entry(const mbedtls_x509_crt *certificate, struct gw_str name) {
    int tag = gw_san_kind(name) == GW_SAN_URI ? 0x86 : 0x82;
    const mbedtls_x509_sequence *entry = &certificate->subject_alt_names;
    for (; entry != NULL; entry = entry->next) {
        if (entry->buf.tag == tag &&
            gw_str_equal(gw_str((const char *)entry->buf.p, entry->buf.len), name))
            return true;
    }
    return false;
}

static void check_names(const mbedtls_x509_crt *certificate, const char *names) {
    struct gw_str rest = gw_str_from(names), name;
    int count = 0;
    gw_assert(rest.length > 0 && rest.length <= TLS_CLIENT_NAMES_BYTES_MAX);
    gw_assert(rest.at[rest.length - 1] == '\n');
    while (gw_str_next(&rest, '\n', &name) && name.length > 0) {
        gw_assert(gw_san_kind(name) != GW_SAN_NONE && is_entry(certificate, name));
        gw_assert(gw_san_list_has(gw_str_from(names), name));
        count++;
    }
    gw_assert(count > 0 && count <= TLS_CLIENT_NAMES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    mbedtls_x509_crt certificate;
    char *names;
    mbedtls_x509_crt_init(&certificate);
    if (mbedtls_x509_crt_parse_der(&certificate, bytes, length) == 0 &&
        tls_client_names_read(&certificate, &names) == 0 && names != NULL) {
        check_names(&certificate, names);
        free(names);
    }
    mbedtls_x509_crt_free(&certificate);
    return 0;
}
