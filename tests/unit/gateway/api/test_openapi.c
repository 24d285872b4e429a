// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/openapi.h"
#include "tests/support/noted_exchange.h"

static void test_the_document_is_there_for_everyone(void **state) {
    struct noted_exchange *noted = *state;
    struct gw_exchange *exchange = noted_exchange_start(noted, HTTP_GET);
    gw_openapi_start(exchange);
    assert_int_equal(exchange->status, 200);
    assert_true(noted_exchange_has(noted, "Content-Type: application/json\r\n"));
    assert_true(noted_exchange_has(noted, "Cache-Control: no-cache\r\n"));
    struct gw_str body = noted_exchange_body(noted);
    assert_true(body.length > 1024 && body.at[0] == '{' && body.at[body.length - 1] == '}');
    assert_non_null(memmem(body.at, body.length, "\"openapi\": \"3.1.0\"", 18));
    assert_non_null(
        memmem(body.at, body.length, "\"" GATEWAY_VERSION "\"", strlen(GATEWAY_VERSION) + 2));
}

static void test_head_has_no_body(void **state) {
    struct noted_exchange *noted = *state;
    gw_openapi_start(noted_exchange_start(noted, HTTP_HEAD));
    assert_int_equal(noted_exchange_body(noted).length, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_document_is_there_for_everyone,
                                        noted_exchange_set_up, noted_exchange_tear_down),
        cmocka_unit_test_setup_teardown(test_head_has_no_body, noted_exchange_set_up,
                                        noted_exchange_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
