// SPDX-License-Identifier: MIT
#pragma once
// Files that somebody else has read, so that nothing in here waits for a disk.

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <stddef.h>

struct tls_file {
    const char *name;  // for messages, and to be found by
    const char *bytes; // with a NUL behind them; NULL: it cannot be read
    size_t length;
};

// Those of one context.
struct tls_files {
    const struct tls_file *at;
    int count;
};

// As mbedtls_x509_crt_parse_file and mbedtls_pk_parse_keyfile, from the file of this name among
// `files`, or, with NULL for them, from the disk, which waits.
int tls_file_parse_certificates(const struct tls_files *files, const char *name,
                                mbedtls_x509_crt *chain);
int tls_file_parse_key(const struct tls_files *files, const char *name, mbedtls_pk_context *key);
