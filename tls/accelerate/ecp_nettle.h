// SPDX-License-Identifier: MIT
#pragma once
// The point multiplication of P-256 and X25519 by nettle instead of Mbed TLS, whose own is most of
// the cost of a handshake. The linker puts it behind mbedtls_ecp_mul and
// mbedtls_ecp_mul_restartable (--wrap, see CMakeLists.txt), so everything above them stays as it
// is: ECDH, ECDSA, PSA. Each call refuses what the library refuses (private keys out of range,
// points that are not on the curve), then multiplies with nettle's constant-time functions and
// wipes its scratch memory. Other curves, and every call before tls_ecp_nettle_start, go to the
// library.
//
// A build without nettle (GATEWAY_NETTLE=OFF) has only the empty functions below.

#include <stdbool.h>

#if GATEWAY_NETTLE
// Compares nettle with the library on random and edge values. Equal: on. Else: off, with a warning
// in the log. Once for each process, after psa_crypto_init; later calls return the result of the
// first.
bool tls_ecp_nettle_start(void);
// For tests and timings: false gives every call to the library, true undoes that.
void tls_ecp_nettle_switch(bool is_on);
bool tls_ecp_nettle_is_on(void);
// How many multiplications nettle has done for this process.
unsigned long tls_ecp_nettle_count(void);
#else
static inline bool tls_ecp_nettle_start(void) {
    return false;
}
static inline void tls_ecp_nettle_switch(bool is_on) {
    (void)is_on;
}
static inline unsigned long tls_ecp_nettle_count(void) {
    return 0;
}
#endif
