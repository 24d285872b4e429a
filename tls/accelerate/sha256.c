// SPDX-License-Identifier: MIT
#include "tls/accelerate/sha256.h"

#if GATEWAY_NETTLE
#include <nettle/sha2.h>
#else
#include <mbedtls/sha256.h>
#endif

#include "base/status.h"

// nettle alone uses the SHA-256 instructions of x86 processors.
void tls_sha256(struct gw_str text, unsigned char digest[TLS_SHA256_BYTES]) {
    const unsigned char *bytes = (const unsigned char *)text.at;
#if GATEWAY_NETTLE
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, text.length, bytes);
    sha256_digest(&context, TLS_SHA256_BYTES, digest);
    gw_bytes_wipe(&context, sizeof(context));
#else
    int failure = mbedtls_sha256(bytes, text.length, digest, 0);
    gw_assert(failure == 0);
#endif
}
