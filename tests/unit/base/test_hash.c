// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/hash.h"

#define PLACES 1024
#define KEYS (8 * PLACES)

static void test_the_same_key_and_seed_have_the_same_hash(void **state) {
    (void)state;
    const char apart[] = "xxcltoken1"; // another alignment
    assert_int_equal(gw_hash_bytes(7, "cltoken1", 8), gw_hash_bytes(7, apart + 2, 8));
    assert_int_equal(gw_hash_number(7, 1), gw_hash_number(7, 1));
}

static void test_the_seed_and_the_length_count(void **state) {
    (void)state;
    static const unsigned char zeros[20];
    assert_int_not_equal(gw_hash_bytes(7, "a", 1), gw_hash_bytes(8, "a", 1));
    assert_int_not_equal(gw_hash_number(7, 1), gw_hash_number(8, 1));
    for (size_t a = 0; a < sizeof(zeros); a++)
        for (size_t b = 0; b < a; b++)
            assert_int_not_equal(gw_hash_bytes(7, zeros, a), gw_hash_bytes(7, zeros, b));
}

static void test_every_byte_counts(void **state) {
    (void)state;
    unsigned char key[25] = {0};
    uint64_t plain = gw_hash_bytes(7, key, sizeof(key));
    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = 1;
        assert_int_not_equal(gw_hash_bytes(7, key, sizeof(key)), plain);
        key[i] = 0;
    }
}

static void test_seeds_differ(void **state) {
    (void)state;
    uint64_t a = 0;
    uint64_t b = 0;
    assert_int_equal(gw_hash_seed_make(&a), GW_OK);
    assert_int_equal(gw_hash_seed_make(&b), GW_OK);
    assert_int_not_equal(a, b);
}

// Eight keys a place on average: more than four times as many mean that keys gather.
static void assert_spread(const unsigned counts[PLACES]) {
    for (int i = 0; i < PLACES; i++)
        assert_in_range(counts[i], 0, 32);
}

// As addresses of one network are, and as ids that count up. Tables take the upper bits.
static void test_evenly_spaced_keys_are_spread(void **state) {
    (void)state;
    for (int shift = 0; shift < 64 - 13; shift++) {
        unsigned number_counts[PLACES] = {0};
        unsigned byte_counts[PLACES] = {0};
        for (uint64_t i = 0; i < KEYS; i++) {
            uint64_t key = i << shift;
            unsigned char bytes[20] = "cltoken";
            memcpy(bytes + 12, &key, sizeof(key));
            number_counts[gw_hash_number(7, key) >> 54]++;
            byte_counts[gw_hash_bytes(7, bytes, sizeof(bytes)) >> 54]++;
        }
        assert_spread(number_counts);
        assert_spread(byte_counts);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_key_and_seed_have_the_same_hash),
        cmocka_unit_test(test_the_seed_and_the_length_count),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_evenly_spaced_keys_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
