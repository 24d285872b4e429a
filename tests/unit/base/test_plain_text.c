// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/plain_text.h"

#define TEXT_BYTES_MAX 24
#define UNTOUCHED '#'

static bool is_plain(char c) {
    return c >= 0x20 && c < 0x7F && strchr("\"&<>\\", c) == NULL;
}

// Several bytes are looked at together: each one counts alone, wherever it stands.
static void test_text_is_copied_up_to_the_first_byte_that_is_not_plain(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t length = 1; length <= TEXT_BYTES_MAX; length++) {
            for (size_t at = 0; at < length; at++) {
                char text[TEXT_BYTES_MAX];
                char out[TEXT_BYTES_MAX + 1];
                memset(text, '~', sizeof(text));
                memset(out, UNTOUCHED, sizeof(out));
                text[at] = (char)byte;
                size_t expected = is_plain((char)byte) ? length : at;
                assert_int_equal(gw_plain_copy(out, gw_str(text, length)), expected);
                assert_memory_equal(out, text, expected);
                assert_int_equal(out[length], UNTOUCHED);
            }
        }
    }
}

static void test_nothing_is_plain(void **state) {
    (void)state;
    char out[] = {UNTOUCHED};
    assert_int_equal(gw_plain_copy(out, gw_str(NULL, 0)), 0);
    assert_int_equal(out[0], UNTOUCHED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_copied_up_to_the_first_byte_that_is_not_plain),
        cmocka_unit_test(test_nothing_is_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
