// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/time.h"
#include "gateway/exchange/response.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static struct gw_response_head head_of(int status) {
    return (struct gw_response_head){.status = status,
                                     .content_length = 5,
                                     .http_date = GW_STR(DATE),
                                     .request_id = GW_STR("id"),
                                     .token_expires_ms = DB_NO_TIME};
}

static void assert_written(const struct gw_response_head *head, const char *expected) {
    struct gw_buf out;
    gw_buf_init(&out, 4096);
    assert_int_equal(gw_response_head_write(&out, head), GW_OK);
    struct gw_str text = gw_buf_bytes(&out);
    if (!gw_str_equal(text, gw_str_from(expected)))
        fail_msg("\n%.*s\ninstead of\n%s", GW_STR_ARG(text), expected);
    gw_buf_deinit(&out);
}

static void test_a_head_in_its_order(void **state) {
    (void)state;
    const struct gw_response_field fields[] = {{GW_STR("A"), GW_STR("b")},
                                               {GW_STR("Empty"), GW_STR("")}};
    struct gw_response_head head = head_of(200);
    head.fields = fields;
    head.field_count = 2;
    head.token_expires_ms = 1769860800000;
    head.limit_fields = GW_STR("RateLimit: x\r\n");
    head.site_fields = GW_STR("Site: y\r\n");
    head.connection = GW_CONNECTION_CLOSE;
    assert_written(&head, "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nX-Request-Id: id\r\n"
                          "SkillReg-Token-Expires: 2026-01-31T12:00:00.000Z\r\nA: b\r\n"
                          "Empty: \r\nRateLimit: x\r\nSite: y\r\nContent-Length: 5\r\n"
                          "Connection: close\r\n\r\n");
}

static void test_a_status_without_a_phrase(void **state) {
    (void)state;
    struct gw_response_head head = head_of(299);
    assert_written(&head, "HTTP/1.1 299 \r\nDate: " DATE "\r\nX-Request-Id: id\r\n"
                          "Content-Length: 5\r\n\r\n");
}

static void test_framing_and_connection(void **state) {
    (void)state;
    static const struct {
        int status;
        uint64_t length;
        bool is_chunked;
        enum gw_response_connection connection;
        const char *expected; // behind X-Request-Id
    } cases[] = {
        {200, 0, false, GW_CONNECTION_UNSAID, "Content-Length: 0\r\n"},
        {200, UINT64_MAX - 1, false, GW_CONNECTION_UNSAID,
         "Content-Length: 18446744073709551614\r\n"},
        {200, GW_LENGTH_UNKNOWN, true, GW_CONNECTION_UNSAID, "Transfer-Encoding: chunked\r\n"},
        {200, GW_LENGTH_UNKNOWN, false, GW_CONNECTION_CLOSE, "Connection: close\r\n"},
        {200, 7, false, GW_CONNECTION_KEEP_ALIVE,
         "Content-Length: 7\r\nConnection: keep-alive\r\n"},
        {204, 7, false, GW_CONNECTION_UNSAID, ""},
        {304, 7, false, GW_CONNECTION_UNSAID, "Content-Length: 7\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_response_head head = head_of(cases[i].status);
        struct gw_buf out;
        char expected[128] = "\r\nX-Request-Id: id\r\n";
        head.content_length = cases[i].length;
        head.is_chunked = cases[i].is_chunked;
        head.connection = cases[i].connection;
        gw_buf_init(&out, 4096);
        assert_int_equal(gw_response_head_write(&out, &head), GW_OK);
        struct gw_str text = gw_buf_bytes(&out);
        strcat(strcat(expected, cases[i].expected), "\r\n");
        size_t length = strlen(expected);
        if (text.length < length || memcmp(text.at + text.length - length, expected, length) != 0)
            fail_msg("case %zu: %.*s", i, GW_STR_ARG(text));
        gw_buf_deinit(&out);
    }
}

static void test_a_date_among_the_fields_is_the_only_one(void **state) {
    (void)state;
    const struct gw_response_field field = {GW_STR("dAtE"), GW_STR("then")};
    struct gw_response_head head = head_of(404);
    head.fields = &field;
    head.field_count = 1;
    assert_written(&head, "HTTP/1.1 404 Not Found\r\nX-Request-Id: id\r\ndAtE: then\r\n"
                          "Content-Length: 5\r\n\r\n");
}

static void test_without_room_nothing_is_appended(void **state) {
    (void)state;
    struct gw_response_head head = head_of(200);
    struct gw_buf out;
    gw_buf_init(&out, 100);
    assert_int_equal(gw_buf_append_str(&out, GW_STR("before")), GW_OK);
    assert_int_not_equal(gw_response_head_write(&out, &head), GW_OK);
    assert_true(gw_str_equal(gw_buf_bytes(&out), GW_STR("before")));
    gw_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_in_its_order),
        cmocka_unit_test(test_a_status_without_a_phrase),
        cmocka_unit_test(test_framing_and_connection),
        cmocka_unit_test(test_a_date_among_the_fields_is_the_only_one),
        cmocka_unit_test(test_without_room_nothing_is_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
