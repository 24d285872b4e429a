// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/http/errors.h"

static bool is_code(const char *text) {
    return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

static void test_each_error_has_a_code_and_a_status_of_an_error(void **state) {
    (void)state;
    for (int error = GW_ERROR_NONE + 1; error < GW_ERROR_COUNT; error++) {
        const struct gw_error_row *row = gw_error_row((enum gw_error)error);
        assert_true(is_code(row->code));
        assert_in_range(row->status, 400, 599);
    }
}

// A code may have two statuses, but one row for each.
static void test_no_two_errors_are_the_same_on_the_wire(void **state) {
    (void)state;
    for (int error = GW_ERROR_NONE + 1; error < GW_ERROR_COUNT; error++) {
        const struct gw_error_row *row = gw_error_row((enum gw_error)error);
        for (int other = error + 1; other < GW_ERROR_COUNT; other++) {
            const struct gw_error_row *other_row = gw_error_row((enum gw_error)other);
            if (row->status == other_row->status && strcmp(row->code, other_row->code) == 0)
                fail_msg("%d %s", row->status, row->code);
        }
    }
}

// RFC 9110 section 11.6.1: a 401 must have a challenge.
static void test_each_401_has_a_challenge(void **state) {
    (void)state;
    for (int error = GW_ERROR_NONE + 1; error < GW_ERROR_COUNT; error++) {
        const struct gw_error_row *row = gw_error_row((enum gw_error)error);
        if (row->status == 401)
            assert_non_null(row->challenge);
        if (row->challenge != NULL)
            assert_memory_equal(row->challenge, "Bearer", 6);
    }
}

// A response has room for one of them.
static void test_no_error_has_a_challenge_and_a_time(void **state) {
    (void)state;
    for (int error = GW_ERROR_NONE + 1; error < GW_ERROR_COUNT; error++) {
        const struct gw_error_row *row = gw_error_row((enum gw_error)error);
        assert_true(row->challenge == NULL || row->retry_after == NULL);
    }
}

static void test_each_429_and_503_has_a_retry_after(void **state) {
    (void)state;
    for (int error = GW_ERROR_NONE + 1; error < GW_ERROR_COUNT; error++) {
        const struct gw_error_row *row = gw_error_row((enum gw_error)error);
        if (row->status == 429 || row->status == 503)
            assert_non_null(row->retry_after);
    }
}

static void test_only_an_ambiguous_request_closes(void **state) {
    (void)state;
    for (int error = GW_ERROR_NONE + 1; error < GW_ERROR_COUNT; error++)
        assert_int_equal(gw_error_row((enum gw_error)error)->closes, error == GW_ERROR_BAD_REQUEST);
}

static void test_without_memory_the_gateway_is_unavailable(void **state) {
    (void)state;
    assert_int_equal(gw_refusal_no_memory.error, GW_ERROR_UNAVAILABLE);
    assert_string_equal(gw_refusal_no_memory.message, "The gateway is out of memory.");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_error_has_a_code_and_a_status_of_an_error),
        cmocka_unit_test(test_no_two_errors_are_the_same_on_the_wire),
        cmocka_unit_test(test_each_401_has_a_challenge),
        cmocka_unit_test(test_no_error_has_a_challenge_and_a_time),
        cmocka_unit_test(test_each_429_and_503_has_a_retry_after),
        cmocka_unit_test(test_only_an_ambiguous_request_closes),
        cmocka_unit_test(test_without_memory_the_gateway_is_unavailable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
