// SPDX-License-Identifier: MIT
#pragma once
// AES-GCM by nettle, which takes several blocks at a time; Mbed TLS makes some calls for each
// block, which is most of the cost of a record. The linker puts it behind mbedtls_gcm_crypt_and_tag
// and mbedtls_gcm_auth_decrypt (--wrap, see CMakeLists.txt), where the record layer gets through
// the library's cipher layer: record numbers, nonces, padding and alerts stay the library's.
//
// Only on x86-64 processors with instructions for both halves of it, and with a nettle that uses
// them: otherwise nettle looks secrets up in tables, and the time of that can be measured. Keys of
// 192 bits, other ciphers, nonces that are not 12 bytes long, truncated tags and buffers that
// overlap go to the library.
//
// nettle's context has a table of 4 KiB, and a connection would need two. So it is made anew for
// each record, on the stack, from the round keys in the library's context: some 30 nanoseconds.
//
// A build without nettle (GATEWAY_NETTLE=OFF) has only the empty functions below.

#include <stdbool.h>

#if GATEWAY_NETTLE
// Compares nettle with the library, both ways and on many lengths. Equal: on, as long as
// tls_ecp_nettle is on. Else: off, with a warning in the log, but silently without the
// instructions. Once for each process, after psa_crypto_init; later calls return the result of the
// first.
bool tls_gcm_nettle_start(void);
// How often nettle has encrypted or decrypted for this process.
unsigned long tls_gcm_nettle_count(void);
#else
static inline bool tls_gcm_nettle_start(void) {
    return false;
}
static inline unsigned long tls_gcm_nettle_count(void) {
    return 0;
}
#endif
