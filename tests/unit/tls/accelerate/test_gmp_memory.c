// SPDX-License-Identifier: MIT
// Proves of tls/accelerate/gmp_memory.c: blocks keep what is in them in whatever order they come
// and go, what is given back is wiped, and past the end of the stack it goes on with malloc's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tls/accelerate/gmp_memory.h"

#if GATEWAY_NETTLE
#include <gmp.h>

struct functions {
    void *(*allocate)(size_t);
    void *(*reallocate)(void *, size_t, size_t);
    void (*release)(void *, size_t);
};

static struct functions start(void) {
    struct functions memory;
    tls_gmp_memory_start();
    mp_get_memory_functions(&memory.allocate, &memory.reallocate, &memory.release);
    assert_int_equal(tls_gmp_memory_used(), 0);
    return memory;
}

static void test_a_block_given_back_is_wiped(void **state) {
    (void)state;
    struct functions memory = start();
    unsigned char *block = memory.allocate(100);
    assert_int_equal((uintptr_t)block % 16, 0);
    memset(block, 0xaa, 100);
    memory.release(block, 100);
    unsigned char *again = memory.allocate(100);
    assert_ptr_equal(again, block);
    for (int i = 0; i < 100; i++)
        assert_int_equal(again[i], 0);
    memory.release(again, 100);
    assert_int_equal(tls_gmp_memory_used(), 0);
}

static void test_blocks_come_and_go_in_any_order(void **state) {
    (void)state;
    struct functions memory = start();
    unsigned char *blocks[4];
    for (int i = 0; i < 4; i++) {
        blocks[i] = memory.allocate(48);
        memset(blocks[i], i + 1, 48);
    }
    memory.release(blocks[1], 48);
    memory.release(blocks[3], 48);
    blocks[0] = memory.reallocate(blocks[0], 48, 200);
    for (int i = 0; i < 48; i++) {
        assert_int_equal(blocks[0][i], 1);
        assert_int_equal(blocks[2][i], 3);
    }
    memory.release(blocks[0], 200);
    memory.release(blocks[2], 48);
    assert_int_equal(tls_gmp_memory_used(), 0);
}

static void test_past_the_end_it_is_malloc(void **state) {
    (void)state;
    struct functions memory = start();
    unsigned char *all = memory.allocate(TLS_GMP_MEMORY_BYTES - 64);
    unsigned char *more = memory.allocate(1000);
    unsigned char *huge = memory.allocate(2 * TLS_GMP_MEMORY_BYTES);
    memset(more, 7, 1000);
    size_t used = tls_gmp_memory_used();
    memory.release(all, TLS_GMP_MEMORY_BYTES - 64);
    assert_true(tls_gmp_memory_used() < used);
    more = memory.reallocate(more, 1000, 500); // now there is room
    for (int i = 0; i < 500; i++)
        assert_int_equal(more[i], 7);
    assert_true(tls_gmp_memory_used() >= 500);
    memory.release(more, 500);
    memory.release(huge, 2 * TLS_GMP_MEMORY_BYTES);
    assert_int_equal(tls_gmp_memory_used(), 0);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
#if GATEWAY_NETTLE
        cmocka_unit_test(test_a_block_given_back_is_wiped),
        cmocka_unit_test(test_blocks_come_and_go_in_any_order),
        cmocka_unit_test(test_past_the_end_it_is_malloc),
#else
        {0},
#endif
    };
    return cmocka_run_group_tests_name("gmp_memory", tests, NULL, NULL);
}
