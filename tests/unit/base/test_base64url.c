// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64url.h"

// RFC 4648 section 10, without the padding, and the two characters that differ from plain base64.
static const struct {
    struct gw_str bytes;
    struct gw_str text;
} vectors[] = {
    {GW_STR_INIT(""), GW_STR_INIT("")},
    {GW_STR_INIT("f"), GW_STR_INIT("Zg")},
    {GW_STR_INIT("fo"), GW_STR_INIT("Zm8")},
    {GW_STR_INIT("foo"), GW_STR_INIT("Zm9v")},
    {GW_STR_INIT("foob"), GW_STR_INIT("Zm9vYg")},
    {GW_STR_INIT("fooba"), GW_STR_INIT("Zm9vYmE")},
    {GW_STR_INIT("foobar"), GW_STR_INIT("Zm9vYmFy")},
    {GW_STR_INIT("\xFB\xFF\xBF"), GW_STR_INIT("-_-_")},
    {GW_STR_INIT("\x00\x00"), GW_STR_INIT("AAA")},
};

static void test_follows_rfc_4648_both_ways(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct gw_str bytes = vectors[i].bytes;
        struct gw_str text = vectors[i].text;
        char encoded[16];
        unsigned char decoded[16];
        size_t length = 99;
        assert_int_equal(gw_base64url_length(bytes.length), text.length);
        gw_base64url_encode(bytes.at, bytes.length, encoded);
        assert_true(gw_str_equal(gw_str(encoded, text.length), text));
        assert_int_equal(gw_base64url_decode(text, decoded, sizeof(decoded), &length), GW_OK);
        assert_true(gw_str_equal(gw_str((char *)decoded, length), bytes));
    }
}

static void test_refuses_what_encodes_nothing(void **state) {
    (void)state;
    static const char *const malformed[] = {
        "A", "AAAAA", "Zg==", "Zm9+", "Zm9/", "Zm 9", "Zh", "Zm9", "\xC3\xA4\xC3\xA4"};
    unsigned char out[16];
    size_t length = 99;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        struct gw_str text = gw_str_from(malformed[i]);
        assert_int_equal(gw_base64url_decode(text, out, sizeof(out), &length), GW_INVALID);
    }
    assert_int_equal(gw_base64url_decode(GW_STR("Zm9v"), out, 2, &length), GW_TOO_BIG);
    assert_int_equal(length, 99);
    assert_int_equal(gw_base64url_decode(GW_STR("Zm9v"), out, 3, &length), GW_OK);
}

static void test_has_sixty_four_characters(void **state) {
    (void)state;
    int count = 0;
    for (int c = -128; c < 128; c++)
        count += gw_base64url_is_char((char)c);
    assert_int_equal(count, 64);
    assert_true(gw_base64url_is_char('-') && gw_base64url_is_char('_'));
    assert_false(gw_base64url_is_char('+') || gw_base64url_is_char('/') ||
                 gw_base64url_is_char('='));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_rfc_4648_both_ways),
        cmocka_unit_test(test_refuses_what_encodes_nothing),
        cmocka_unit_test(test_has_sixty_four_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
