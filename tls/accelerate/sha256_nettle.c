// SPDX-License-Identifier: MIT
#include "tls/accelerate/sha256_nettle.h"

#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <nettle/sha2.h>
#include <stdint.h>
#include <string.h>

#include "base/big_endian.h"
#include "base/log.h"
#include "tls/accelerate/ecp_nettle.h"

#define BLOCK_BYTES SHA256_BLOCK_SIZE
#define LENGTH_BYTES 8
#define STATE_WORDS (SHA256_DIGEST_SIZE / 4)
#define CHECK_BYTES (3 * BLOCK_BYTES)

// Names of the linker's --wrap.
int __wrap_mbedtls_sha256_update(mbedtls_sha256_context *context, const unsigned char *input,
                                 size_t length);
int __real_mbedtls_sha256_update(mbedtls_sha256_context *context, const unsigned char *input,
                                 size_t length);
int __wrap_mbedtls_sha256_finish(mbedtls_sha256_context *context, unsigned char *digest);
int __real_mbedtls_sha256_finish(mbedtls_sha256_context *context, unsigned char *digest);

// Of the process; see tls/accelerate/ecp_nettle.c.
static struct {
    bool is_checked;
    bool is_good;
    unsigned long count;
} seam;

static uint64_t total_of(const mbedtls_sha256_context *context) {
    return (uint64_t)context->MBEDTLS_PRIVATE(total)[1] << 32 | context->MBEDTLS_PRIVATE(total)[0];
}

static bool is_truncated(const mbedtls_sha256_context *context) {
#if defined(MBEDTLS_SHA224_C)
    return context->MBEDTLS_PRIVATE(is224) != 0;
#else
    (void)context;
    return false;
#endif
}

// Whole blocks, which nettle reads in place: its context then holds nothing except the state.
static void digest_blocks(mbedtls_sha256_context *context, const unsigned char *blocks,
                          size_t length) {
    struct sha256_ctx nettle;
    sha256_init(&nettle);
    memcpy(nettle.state, context->MBEDTLS_PRIVATE(state), sizeof(nettle.state));
    sha256_update(&nettle, length, blocks);
    memcpy(context->MBEDTLS_PRIVATE(state), nettle.state, sizeof(nettle.state));
    mbedtls_platform_zeroize(nettle.state, sizeof(nettle.state));
    seam.count += length / BLOCK_BYTES;
}

static void update(mbedtls_sha256_context *context, const unsigned char *input, size_t length) {
    unsigned char *buffer = context->MBEDTLS_PRIVATE(buffer);
    uint64_t total = total_of(context);
    size_t kept = total % BLOCK_BYTES;
    total += length;
    context->MBEDTLS_PRIVATE(total)[0] = (uint32_t)total;
    context->MBEDTLS_PRIVATE(total)[1] = (uint32_t)(total >> 32);
    if (kept > 0 && length >= BLOCK_BYTES - kept) {
        memcpy(buffer + kept, input, BLOCK_BYTES - kept);
        digest_blocks(context, buffer, BLOCK_BYTES);
        input += BLOCK_BYTES - kept;
        length -= BLOCK_BYTES - kept;
        kept = 0;
    }
    size_t whole = length - length % BLOCK_BYTES;
    if (whole > 0) {
        digest_blocks(context, input, whole);
        input += whole;
        length -= whole;
    }
    if (length > 0)
        memcpy(buffer + kept, input, length);
}

// FIPS 180-4 section 5.1.1: a one, zeros, and the length in bits at the end of a block.
static void finish(mbedtls_sha256_context *context, unsigned char *digest) {
    unsigned char end[BLOCK_BYTES + LENGTH_BYTES] = {0x80};
    uint64_t total = total_of(context);
    size_t kept = total % BLOCK_BYTES;
    size_t room = (kept < BLOCK_BYTES - LENGTH_BYTES ? 1 : 2) * BLOCK_BYTES - kept;
    gw_put_big_endian(end + room - LENGTH_BYTES, LENGTH_BYTES, total * 8);
    update(context, end, room);
    for (size_t i = 0; i < STATE_WORDS; i++)
        gw_put_big_endian(digest + 4 * i, 4, context->MBEDTLS_PRIVATE(state)[i]);
    mbedtls_sha256_free(context);
}

// ---- instead of the library's functions ----

static bool is_on(void) {
    return seam.is_good && tls_ecp_nettle_is_on();
}

int __wrap_mbedtls_sha256_update(mbedtls_sha256_context *context, const unsigned char *input,
                                 size_t length) {
    if (!is_on())
        return __real_mbedtls_sha256_update(context, input, length);
    update(context, input, length);
    return 0;
}

int __wrap_mbedtls_sha256_finish(mbedtls_sha256_context *context, unsigned char *digest) {
    if (!is_on() || is_truncated(context))
        return __real_mbedtls_sha256_finish(context, digest);
    finish(context, digest);
    return 0;
}

// ---- the check at start ----

// The first `split` bytes by one, the rest by the other.
static bool agree(const unsigned char *input, size_t split, size_t length) {
    unsigned char ours[SHA256_DIGEST_SIZE];
    unsigned char theirs[SHA256_DIGEST_SIZE];
    mbedtls_sha256_context context;
    mbedtls_sha256_context other;
    mbedtls_sha256_init(&context);
    mbedtls_sha256_init(&other);
    bool is_same = mbedtls_sha256_starts(&context, 0) == 0 &&
                   mbedtls_sha256_starts(&other, 0) == 0 &&
                   __real_mbedtls_sha256_update(&other, input, split) == 0;
    update(&context, input, split);
    update(&other, input + split, length - split);
    is_same = is_same &&
              __real_mbedtls_sha256_update(&context, input + split, length - split) == 0 &&
              __real_mbedtls_sha256_finish(&context, theirs) == 0;
    finish(&other, ours);
    mbedtls_sha256_free(&context);
    return is_same && memcmp(ours, theirs, sizeof(ours)) == 0 &&
           mbedtls_sha256(input, length, theirs, 0) == 0 && memcmp(ours, theirs, sizeof(ours)) == 0;
}

bool tls_sha256_nettle_start(void) {
    unsigned char input[CHECK_BYTES];
    if (seam.is_checked)
        return seam.is_good;
    seam.is_checked = true;
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (unsigned char)(i * i + 7);
    seam.is_good = true;
    for (size_t length = 0; length <= sizeof(input); length++)
        seam.is_good =
            seam.is_good && agree(input, length / 2, length) && agree(input, length / 5, length);
    seam.count = 0;
    if (!seam.is_good)
        gw_log(GW_LOG_WARNING, "tls",
               "the SHA-256 of nettle and Mbed TLS differ: using the slower one of Mbed TLS");
    return seam.is_good;
}

unsigned long tls_sha256_nettle_count(void) {
    return seam.count;
}
