// SPDX-License-Identifier: MIT
// Blocks follow each other, each after its head. A block freed below others is reused only when
// those are freed.
#include "tls/accelerate/gmp_memory.h"

#include <gmp.h>
#include <mbedtls/platform_util.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define ALIGNMENT 16

struct head {
    _Alignas(ALIGNMENT) size_t below; // where the block below begins
    bool is_free;
};

static struct {
    _Alignas(ALIGNMENT) unsigned char bytes[TLS_GMP_MEMORY_BYTES];
    size_t used;
    size_t top; // where the last block begins, when any is used
    size_t peak;
} stack;

static bool is_on_stack(const void *at) {
    uintptr_t address = (uintptr_t)at;
    return address >= (uintptr_t)stack.bytes &&
           address < (uintptr_t)stack.bytes + sizeof(stack.bytes);
}

static struct head *head_at(size_t offset) {
    return (struct head *)(void *)(stack.bytes + offset);
}

// NULL: no room.
static void *push(size_t length) {
    size_t left = sizeof(stack.bytes) - stack.used;
    if (length > left)
        return NULL;
    size_t size = sizeof(struct head) + (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > left)
        return NULL;
    *head_at(stack.used) = (struct head){.below = stack.top};
    stack.top = stack.used;
    stack.used += size;
    if (stack.used > stack.peak)
        stack.peak = stack.used;
    return stack.bytes + stack.top + sizeof(struct head);
}

static void pop_free_ones(void) {
    size_t used = stack.used;
    while (stack.used > 0 && head_at(stack.top)->is_free) {
        stack.used = stack.top;
        stack.top = head_at(stack.top)->below;
    }
    mbedtls_platform_zeroize(stack.bytes + stack.used, used - stack.used);
}

static void *allocate(size_t length) {
    void *at = push(length);
    if (at == NULL)
        at = malloc(length);
    gw_assert(at != NULL); // GMP cannot handle a failure
    return at;
}

static void release(void *at, size_t length) {
    (void)length;
    if (!is_on_stack(at)) {
        free(at);
        return;
    }
    head_at((size_t)((unsigned char *)at - stack.bytes) - sizeof(struct head))->is_free = true;
    pop_free_ones();
}

static void *reallocate(void *old, size_t old_length, size_t length) {
    void *at = allocate(length);
    memcpy(at, old, old_length < length ? old_length : length);
    release(old, old_length);
    return at;
}

void tls_gmp_memory_start(void) {
    mp_set_memory_functions(allocate, reallocate, release);
}

size_t tls_gmp_memory_used(void) {
    return stack.used;
}

size_t tls_gmp_memory_peak(void) {
    return stack.peak;
}
