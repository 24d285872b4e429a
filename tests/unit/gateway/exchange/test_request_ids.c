// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/exchange/request_ids.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static struct gw_http_head head_with(const char *name, const char *first, const char *second) {
    struct gw_http_head head = {.field_count = 0};
    const char *const values[] = {first, second};
    for (int i = 0; i < 2; i++) {
        if (values[i] != NULL)
            head.fields[head.field_count++] =
                (struct gw_http_field){.name = gw_str_from(name), .value = gw_str_from(values[i])};
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

static void test_the_trace_id_is_that_of_a_valid_traceparent(void **state) {
    (void)state;
    static const char *const good[] = {
        "00-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-ff",
        "01-" TRACE "-" PARENT "-01",
        "cc-" TRACE "-" PARENT "-01-what comes later",
    };
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" PARENT,
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-01-",
        "00-" TRACE "-" PARENT "-01x",
        "01-" TRACE "-" PARENT "-01x",
        "ff-" TRACE "-" PARENT "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        "0g-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-0g",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct gw_http_head head = head_with("Traceparent", good[i], NULL);
        assert_true(gw_str_equal(gw_trace_id(&head), GW_STR(TRACE)));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct gw_http_head head = head_with("traceparent", bad[i], NULL);
        assert_int_equal(gw_trace_id(&head).length, 0);
    }
    const struct gw_http_head twice = head_with("traceparent", good[0], good[0]);
    assert_int_equal(gw_trace_id(&twice).length, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_id_of_a_proxy_is_taken_in_one_form),
        cmocka_unit_test(test_the_trace_id_is_that_of_a_valid_traceparent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
