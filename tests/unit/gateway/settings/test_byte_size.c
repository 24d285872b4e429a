// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/settings/byte_size.h"

static void test_sizes_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"off", 0},        {"1048576", 1048576}, {"1024K", 1048576},
        {"16M", 16777216}, {"2G", 2147483648},   {"4294967296G", UINT64_C(1) << 62},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bytes;
        assert_int_equal(gw_byte_size_parse(gw_str_from(cases[i].text), &bytes), GW_OK);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void test_other_texts_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",    "0",    "512",  "M",   "-1M",         "1.5G",
                                        "1MB", "16 M", "off ", "16m", "4294967297G", "0x10M"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t bytes;
        assert_int_equal(gw_byte_size_parse(gw_str_from(texts[i]), &bytes), GW_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_read),
        cmocka_unit_test(test_other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
