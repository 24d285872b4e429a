// SPDX-License-Identifier: MIT
#pragma once
// Signatures of ECDSA on P-256 with SHA-256 by nettle, all of them: the library's own leaves half
// of its time in the nonce and the modular inverse when only its multiplication is replaced
// (tls/accelerate/ecp_nettle.h). The linker puts it behind mbedtls_ecdsa_write_signature. Nonces
// are those of RFC 6979, as in the library, so both make the same bytes of the same key and hash,
// which is what is checked at start. Other curves and hashes go to the library.
//
// A build without nettle (GATEWAY_NETTLE=OFF) has only the empty functions below.

#include <stdbool.h>

#if GATEWAY_NETTLE
// Compares signatures with the library's; on from then on if they are the same and as long as
// tls_ecp_nettle is on, else logs a warning. Once for each process, after tls_ecp_nettle_start;
// later calls return what the first found.
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
