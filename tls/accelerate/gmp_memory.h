// SPDX-License-Identifier: MIT
#pragma once
// Memory for GMP, which nettle's elliptic curves use (tls/accelerate/ecp_nettle.h): a stack of
// fixed size that is part of the process. GMP aborts the process when it gets no memory, so a
// handshake must not ask the machine for any. Freed memory is wiped, because it was scratch for
// private keys. One thread.
//
// Beyond the stack, memory is malloc's, and without it GMP aborts. Handshakes stay far below: see
// the test.

#include <stddef.h>

#if GATEWAY_NETTLE
// Idempotent. Memory that GMP allocated before remains malloc's.
void tls_gmp_memory_start(void);
// For tests: bytes of the stack in use now, and the most so far.
size_t tls_gmp_memory_used(void);
size_t tls_gmp_memory_peak(void);
#define TLS_GMP_MEMORY_BYTES ((size_t)64 * 1024)
#endif
