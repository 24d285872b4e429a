// SPDX-License-Identifier: MIT
#pragma once
// Memory for GMP, on which nettle's elliptic curves stand (tls/accelerate/ecp_nettle.h): a stack of
// fixed size that is part of the process. GMP ends the process when it gets no memory, so a
// handshake on a machine that has none left must not ask for any. What is given back is wiped: it
// was scratch for private keys. One thread.
//
// Past the end of the stack it is malloc's, with GMP's way of failing. Nothing here comes near the
// end: see the test.

#include <stddef.h>

#if GATEWAY_NETTLE
// Harmless when done before. What GMP had allocated by then is still malloc's.
void tls_gmp_memory_start(void);
// For tests: bytes of the stack in use now, and at the most so far.
size_t tls_gmp_memory_used(void);
size_t tls_gmp_memory_peak(void);
#define TLS_GMP_MEMORY_BYTES ((size_t)64 * 1024)
#endif
