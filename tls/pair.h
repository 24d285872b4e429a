// SPDX-License-Identifier: MIT
#pragma once
// A certificate chain and its private key: read, checked, asked for its names and its end. Names
// are those of the leaf's subjectAltName (RFC 9525: the common name does not count); the "*" of
// "*.example.com" stands for one label.

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "tls/explain.h"
#include "tls/file.h"

struct tls_pair_files {
    const char *certificate_file; // PEM, leaf first
    const char *key_file;         // PEM, not encrypted
};

struct tls_pair {
    struct tls_pair_files files; // names are the caller's
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
};

enum tls_name_match { TLS_NAME_FOREIGN, TLS_NAME_WILDCARD, TLS_NAME_EXACT };

void tls_pair_init(struct tls_pair *pair);
void tls_pair_deinit(struct tls_pair *pair);
// GW_INVALID: `error` (TLS_ERROR_TEXT_BYTES) says what, which file, and what to do: unreadable, no
// certificate, encrypted key, or key and certificate do not belong together.
// `read` has both files, or is NULL: then they are read now.
enum gw_status tls_pair_load(struct tls_pair *pair, const struct tls_pair_files *files,
                             const struct tls_files *read, char *error) GW_MUST_USE;
// `name` as a client sends it, in any letter case.
enum tls_name_match tls_pair_match(const struct tls_pair *pair, struct gw_str name);
// When the first certificate of the chain ends, milliseconds since 1970.
int64_t tls_pair_not_after_ms(const struct tls_pair *pair);
// When the last certificate of the chain begins.
int64_t tls_pair_not_before_ms(const struct tls_pair *pair);
// The names and addresses of the leaf's subjectAltName as "example.com, 192.0.2.1", for a reader;
// cut to `size`, terminated, empty: there are none.
void tls_pair_write_names(const struct tls_pair *pair, char *out, size_t size);
