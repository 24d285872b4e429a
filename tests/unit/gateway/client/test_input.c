// SPDX-License-Identifier: MIT
// Unread bytes from turn to turn, without a connection.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/client/input.h"
#include "gateway/net/transport.h"

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

struct fixture {
    struct gw_input input;
    struct gw_http_parser parser;
};

static void on_body(struct gw_http_parser *parser, struct gw_str bytes) {
    (void)parser, (void)bytes;
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    gw_input_init(&fixture->input);
    gw_http_parser_init(&fixture->parser, GW_HTTP_REQUESTS, on_body);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_input_deinit(&fixture->input);
    gw_http_parser_deinit(&fixture->parser);
    test_free(fixture);
    return 0;
}

static void begin(struct fixture *fixture, const char *bytes) {
    assert_int_equal(gw_input_begin(&fixture->input, gw_str_from(bytes)), GW_OK);
}

static void end(struct fixture *fixture) {
    assert_int_equal(gw_input_end(&fixture->input), GW_OK);
}

static void feed_request(struct fixture *fixture) {
    assert_int_equal(gw_input_feed(&fixture->input, &fixture->parser), GW_HTTP_HEAD);
    assert_int_equal(gw_input_feed(&fixture->input, &fixture->parser), GW_HTTP_END);
}

static void test_what_is_read_in_its_turn_is_not_kept(void **state) {
    struct fixture *fixture = *state;
    begin(fixture, GET);
    feed_request(fixture);
    assert_true(gw_input_is_empty(&fixture->input));
    end(fixture);
    assert_int_equal(gw_input_kept_bytes(&fixture->input), 0);
    assert_null(fixture->input.kept.memory);
}

static void test_what_is_left_is_read_in_later_turns(void **state) {
    struct fixture *fixture = *state;
    char bytes[] = GET GET;
    begin(fixture, bytes);
    feed_request(fixture);
    end(fixture);
    memset(bytes, 'x', sizeof(bytes)); // they were lent
    assert_int_equal(gw_input_kept_bytes(&fixture->input), strlen(GET));
    begin(fixture, GET);
    feed_request(fixture);
    end(fixture);
    begin(fixture, ""); // a turn without bytes
    feed_request(fixture);
    end(fixture);
    assert_null(fixture->input.kept.memory);
}

static void test_what_is_dropped_is_not_kept(void **state) {
    struct fixture *fixture = *state;
    begin(fixture, GET);
    end(fixture);
    begin(fixture, GET);
    gw_input_drop(&fixture->input);
    assert_true(gw_input_is_empty(&fixture->input));
    end(fixture);
    assert_int_equal(gw_input_kept_bytes(&fixture->input), 0);
}

static void test_it_is_full_at_one_read_and_fails_at_its_bound(void **state) {
    struct fixture *fixture = *state;
    static char piece[GW_CONN_READ_BYTES / 2 + 1];
    memset(piece, 'x', sizeof(piece) - 1);
    enum gw_status status = GW_OK;
    int count = 0;
    while (count < 100 && status == GW_OK) {
        assert_int_equal(gw_input_is_full(&fixture->input), count >= 2);
        status = gw_input_begin(&fixture->input, gw_str_from(piece));
        if (status == GW_OK)
            status = gw_input_end(&fixture->input);
        count++;
    }
    assert_int_equal(status, GW_TOO_BIG);
    assert_true(count > 3);
    assert_true(gw_input_is_empty(&fixture->input));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_read_in_its_turn_is_not_kept),
        TEST(test_what_is_left_is_read_in_later_turns),
        TEST(test_what_is_dropped_is_not_kept),
        TEST(test_it_is_full_at_one_read_and_fails_at_its_bound),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
