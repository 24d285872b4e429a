// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/exchange/request_ids.h"

static struct gw_http_head head_with(const char *name, const char *first, const char *second) {
    struct gw_http_head head = {.field_count = 0};
    const char *const values[] = {first, second};
    for (int i = 0; i < 2; i++) {
        if (values[i] != NULL)
            head.fields[head.field_count++] =
                (struct gw_http_field){gw_str_from(name), gw_str_from(values[i]),
                                       gw_http_field_identify(gw_str_from(name))};
    }
    return head;
}

#define A16 "abcdefghijklmnop"

static void test_the_id_of_a_proxy_is_taken_in_one_form(void **state) {
    (void)state;
    static const char *const good[] = {"a", "A-b_c.9", (A16 A16 A16 A16)};
    static const char *const bad[] = {
        "",    (A16 A16 A16 A16 "x"), "a b", "a\"", "a/b", "a\\b", "a%41", "\xC3",
        "a,b", ("sr_live_" A16 A16)};
    char id[GW_REQUEST_ID_LENGTH_MAX + 1];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct gw_http_head head = head_with("X-Request-ID", good[i], NULL);
        assert_true(gw_request_id_of_proxy(&head, id));
        assert_string_equal(id, good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct gw_http_head head = head_with("x-request-id", bad[i], NULL);
        assert_false(gw_request_id_of_proxy(&head, id));
    }
    const struct gw_http_head twice = head_with("x-request-id", "a", "a");
    assert_false(gw_request_id_of_proxy(&twice, id));
    const struct gw_http_head none = head_with("x-request", "a", NULL);
    assert_false(gw_request_id_of_proxy(&none, id));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_id_of_a_proxy_is_taken_in_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
