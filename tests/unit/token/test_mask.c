// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/mask.h"

#define BODY "abcdefghijABCDEFGHIJ0123456789_-abcdefghijABCDEF"

static const char *mask(struct gw_str text) {
    static char out[4096];
    size_t length = gw_token_mask(text, out, sizeof(out) - 1);
    assert_true(length < sizeof(out));
    out[length] = '\0';
    return out;
}

static void test_a_token_is_masked_wherever_it_stands(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *masked;
    } cases[] = {
        {"sr_live_" BODY, "sr_live_***"},
        {"/a/sr_test_" BODY "/b", "/a/sr_test_***/b"},
        {"/a/sk_abcdefghij0123456789", "/a/sk_***"},
        {"/x-sk_" BODY ",sr_live_" BODY, "/x-sk_***,sr_live_***"},
        {"/\"sr_live_" BODY "\"", "/\"sr_live_***\""},
        {"xsr_live_" BODY, "xsr_live_***"},
        {"sr_live_short", "sr_live_***"},
        {"/a%2Fsk_" BODY "%2f", "/a%2Fsk_***%2f"},
        {"/skills/ssk/issr_live_" BODY, "/skills/ssk/issr_live_***"},
        {"/css/sk_" BODY "s", "/css/sk_***"},
        {"s%72_live_" BODY, "sr_live_***"},
        {"s\\x6b_" BODY, "sk_***"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(mask(gw_str_from(cases[i].text)), cases[i].masked);
}

static void test_what_is_no_token_stays(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "/",
        "/api/v1/orgs/acme/skills",
        "/task_abcdefghij0123456789",
        ("/desk_" BODY),
        "sk_short",
        "sr_live_",
        "/sr_live_/x",
        ("/mosk_" BODY "/assk_" BODY),
        "/srv/skip/ss/s",
        "%",
        "%2",
        "%zz",
        "\\",
        "\\x",
        "\\u12",
        "100%",
        "s",
        "sr_",
        "/a%20b%2525",
        "\xC3\xA4\xFF",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_string_equal(mask(gw_str_from(texts[i])), texts[i]);
}

// Any character of it may be written in any of these ways.
static size_t write_as(int way, char c, char *out) {
    static const char *const fronts[] = {"", "%", "%25", "%2525", "\\x", "\\u00"};
    if (way == 0)
        return (size_t)sprintf(out, "%c", c);
    return (size_t)sprintf(out, way % 2 == 0 ? "%s%02x" : "%s%02X", fronts[way], (unsigned char)c);
}

static void test_every_way_to_write_a_token_is_masked(void **state) {
    (void)state;
    static const char token[] = "sr_live_" BODY;
    for (int way = 0; way < 6; way++) {
        for (size_t step = 1; step < 4; step++) {
            char text[1024];
            size_t length = 0;
            for (size_t i = 0; i < sizeof(token) - 1; i++)
                length += write_as(i % step == 0 ? way : 0, token[i], text + length);
            length += (size_t)sprintf(text + length, "/x");
            assert_string_equal(mask(gw_str(text, length)), "sr_live_***/x");
        }
    }
    assert_string_equal(mask(GW_STR("sr\\_live\\_" BODY)), "sr_live_***");
}

static void test_the_room_is_kept(void **state) {
    (void)state;
    struct gw_str text = GW_STR("/a/sr_live_" BODY "/%73%73/b");
    char out[64];
    for (size_t room = 0; room < 30; room++) {
        memset(out, '#', sizeof(out));
        size_t length = gw_token_mask(text, out, room);
        assert_true(length <= room);
        assert_int_equal(out[room], '#');
        assert_memory_equal(out, "/a/sr_live_***/%73%73/b", length);
    }
}

// If each "sk_" in it were measured up to its end, this would take hours.
static void test_a_long_text_is_read_once(void **state) {
    (void)state;
    size_t length = (size_t)4 << 20;
    char *text = malloc(length);
    char *out = malloc(length);
    assert_non_null(text);
    assert_non_null(out);
    for (size_t i = 0; i < length; i++)
        text[i] = "ask_"[i % 4];
    assert_int_equal(gw_token_mask(gw_str(text, length), out, length), length);
    assert_memory_equal(out, text, length);
    free(out);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_masked_wherever_it_stands),
        cmocka_unit_test(test_what_is_no_token_stays),
        cmocka_unit_test(test_every_way_to_write_a_token_is_masked),
        cmocka_unit_test(test_the_room_is_kept),
        cmocka_unit_test(test_a_long_text_is_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
