// SPDX-License-Identifier: MIT
#include "tls/file.h"

#include <mbedtls/psa_util.h>
#include <string.h>

#include "base/status.h"

static const struct tls_file *find(const struct tls_files *files, const char *name) {
    for (int i = 0; i < files->count; i++) {
        if (strcmp(files->at[i].name, name) == 0)
            return &files->at[i];
    }
    return NULL;
}

// For the library the NUL belongs to PEM, and is none of DER.
static size_t length_for_library(const struct tls_file *file) {
    return strstr(file->bytes, "-----BEGIN ") != NULL ? file->length + 1 : file->length;
}

int tls_file_parse_certificates(const struct tls_files *files, const char *name,
                                mbedtls_x509_crt *chain) {
    if (files == NULL)
        return mbedtls_x509_crt_parse_file(chain, name);
    const struct tls_file *file = find(files, name);
    gw_assert(file != NULL);
    if (file->bytes == NULL)
        return MBEDTLS_ERR_PK_FILE_IO_ERROR; // as for a file that is not there
    return mbedtls_x509_crt_parse(chain, (const unsigned char *)file->bytes,
                                  length_for_library(file));
}

int tls_file_parse_key(const struct tls_files *files, const char *name, mbedtls_pk_context *key) {
    if (files == NULL)
        return mbedtls_pk_parse_keyfile(key, name, NULL, mbedtls_psa_get_random,
                                        MBEDTLS_PSA_RANDOM_STATE);
    const struct tls_file *file = find(files, name);
    gw_assert(file != NULL);
    if (file->bytes == NULL)
        return MBEDTLS_ERR_PK_FILE_IO_ERROR;
    return mbedtls_pk_parse_key(key, (const unsigned char *)file->bytes, length_for_library(file),
                                NULL, 0, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
}
