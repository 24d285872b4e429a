// SPDX-License-Identifier: MIT
#pragma once
// SHA-256 by nettle, which uses what x86 processors have for it. Mbed TLS 3.6 has that for Arm
// alone, and the transcript and the key schedule of TLS 1.3 are a hundred blocks for each
// handshake. The linker puts it behind mbedtls_sha256_update and mbedtls_sha256_finish. A context
// is the library's, with its layout, and only whole blocks go to nettle: either may go on with what
// the other began.
//
// A build without nettle (GATEWAY_NETTLE=OFF) has only the empty functions below.

#include <stdbool.h>

#if GATEWAY_NETTLE
// Compares digests with the library's; on from then on if they are the same and as long as
// tls_ecp_nettle is on, else logs a warning. Once for each process, after tls_ecp_nettle_start;
// later calls return what the first found.
bool tls_sha256_nettle_start(void);
// How many blocks nettle has digested for this process.
unsigned long tls_sha256_nettle_count(void);
#else
static inline bool tls_sha256_nettle_start(void) {
    return false;
}
static inline unsigned long tls_sha256_nettle_count(void) {
    return 0;
}
#endif
