// SPDX-License-Identifier: MIT
#pragma once
// SHA-256 by nettle, which uses the instructions of x86 processors; Mbed TLS 3.6 does so on Arm
// alone, and the transcript and key schedule of TLS 1.3 are a hundred blocks for each handshake.
// The linker puts it behind mbedtls_sha256_update and mbedtls_sha256_finish. A context keeps the
// library's layout, and only whole blocks go to nettle, so either can continue what the other
// began.
//
// A build without nettle (GATEWAY_NETTLE=OFF) has only the empty functions below.

#include <stdbool.h>

#if GATEWAY_NETTLE
// Compares digests with the library's. Equal: on, as long as tls_ecp_nettle is on. Else: off, with
// a warning in the log. Once for each process, after tls_ecp_nettle_start; later calls return the
// result of the first.
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
