// SPDX-License-Identifier: MIT
#pragma once
// ECDSA signatures on P-256 with SHA-256 by nettle. Replacing the multiplication alone
// (tls/accelerate/ecp_nettle.h) is not enough: half of the library's time is in the nonce and the
// modular inverse. The linker puts it behind mbedtls_ecdsa_write_signature. Nonces are those of
// RFC 6979, as in the library, so both make the same signature, which is checked at start. Other
// curves and hashes go to the library.
//
// A build without nettle (GATEWAY_NETTLE=OFF) has only the empty functions below.

#include <stdbool.h>

#if GATEWAY_NETTLE
// Compares signatures with the library's. Equal: on, as long as tls_ecp_nettle is on. Else: off,
// with a warning in the log. Once for each process, after tls_ecp_nettle_start; later calls return
// the result of the first.
bool tls_ecdsa_nettle_start(void);
// How many signatures nettle has made for this process.
unsigned long tls_ecdsa_nettle_count(void);
#else
static inline bool tls_ecdsa_nettle_start(void) {
    return false;
}
static inline unsigned long tls_ecdsa_nettle_count(void) {
    return 0;
}
#endif
