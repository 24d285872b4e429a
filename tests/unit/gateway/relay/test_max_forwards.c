// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "gateway/http/parse.h"
#include "gateway/relay/max_forwards.h"

static void ignore_body(struct gw_http_parser *parser, struct gw_str bytes) {
    (void)parser;
    (void)bytes;
}

static enum gw_status read(const char *method, const char *fields, uint64_t *count) {
    struct gw_http_parser parser;
    char text[200];
    size_t consumed;
    (void)snprintf(text, sizeof(text), "%s /a HTTP/1.1\r\nHost: h\r\n%s\r\n", method, fields);
    gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
    assert_int_equal(gw_http_parser_feed(&parser, gw_str_from(text), &consumed), GW_HTTP_HEAD);
    enum gw_status status = gw_max_forwards_read(parser.head, count);
    gw_http_parser_deinit(&parser);
    return status;
}

static void test_a_plain_number_is_the_limit(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        uint64_t count;
    } cases[] = {{"Max-Forwards: 0\r\n", 0},
                 {"max-forwards: 007\r\n", 7},
                 {"Max-Forwards: 18446744073709551615\r\n", UINT64_MAX},
                 {"Max-Forwards: 99999999999999999999999\r\n", UINT64_MAX}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t count = 1234;
        assert_int_equal(read("OPTIONS", cases[i].fields, &count), GW_OK);
        assert_int_equal(count, cases[i].count);
    }
}

static void test_what_is_no_plain_number_is_invalid(void **state) {
    (void)state;
    static const char *const fields[] = {"Max-Forwards:\r\n", "Max-Forwards: -1\r\n",
                                         "Max-Forwards: 1, 1\r\n",
                                         "Max-Forwards: 1\r\nMax-Forwards: 1\r\n"};
    uint64_t count;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_int_equal(read("OPTIONS", fields[i], &count), GW_INVALID);
}

static void test_other_requests_have_no_limit(void **state) {
    (void)state;
    uint64_t count;
    assert_int_equal(read("OPTIONS", "", &count), GW_NOT_FOUND);
    assert_int_equal(read("GET", "Max-Forwards: 0\r\n", &count), GW_NOT_FOUND);
    assert_int_equal(read("GET", "Max-Forwards: x\r\n", &count), GW_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_number_is_the_limit),
        cmocka_unit_test(test_what_is_no_plain_number_is_invalid),
        cmocka_unit_test(test_other_requests_have_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
