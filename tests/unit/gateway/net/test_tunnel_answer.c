// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/net/tunnel_answer.h"

// In pieces of `piece` bytes; *left is what was not taken.
static enum gw_status feed(struct gw_tunnel_answer *answer, struct gw_str text, size_t piece,
                           size_t *left) {
    enum gw_status status = GW_WANT_INPUT;
    size_t at = 0;
    gw_tunnel_answer_init(answer);
    while (status == GW_WANT_INPUT && at < text.length) {
        size_t consumed = 0;
        struct gw_str next = gw_str_slice(text, at, at + piece);
        status = gw_tunnel_answer_feed(answer, next, &consumed);
        assert_true(status != GW_WANT_INPUT || consumed == next.length);
        at += consumed;
    }
    *left = text.length - at;
    return status;
}

static void expect(const char *text, enum gw_status expected, int code, size_t expected_left) {
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        struct gw_tunnel_answer answer;
        size_t left = 0;
        assert_int_equal(feed(&answer, gw_str_from(text), piece, &left), expected);
        if (expected != GW_OK)
            continue;
        assert_int_equal(answer.status, code);
        assert_int_equal(left, expected_left);
    }
}

static void test_an_answer_is_its_status(void **state) {
    (void)state;
    expect("HTTP/1.1 200 Connection established\r\n\r\n", GW_OK, 200, 0);
    expect("HTTP/1.0 200\r\n\r\n", GW_OK, 200, 0);
    expect("HTTP/1.1 200 \n\n", GW_OK, 200, 0);
    expect("HTTP/1.1 299 x\r\nVia: a\r\nContent-Length: 5\r\n\r\n", GW_OK, 299, 0);
    expect("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"\xc3\xa4\"\r\n\r\n", GW_OK, 407,
           0);
    expect("HTTP/1.1 999 x\r\n\r\n", GW_OK, 999, 0);
}

static void test_what_follows_is_not_taken(void **state) {
    (void)state;
    expect("HTTP/1.1 200 OK\r\n\r\n\r\nx", GW_OK, 200, 3);
    expect("HTTP/1.1 502 No\r\nContent-Length: 2\r\n\r\nno", GW_OK, 502, 2);
}

static void test_interim_responses_are_passed_over(void **state) {
    (void)state;
    expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx",
           GW_OK, 200, 1);
    expect("HTTP/1.1 101 Switching\r\n\r\n", GW_OK, 101, 0);
}

static void test_an_answer_that_goes_on_is_waited_for(void **state) {
    (void)state;
    expect("HTTP/1.1 20", GW_WANT_INPUT, 0, 0);
    expect("HTTP/1.1 200 OK\r\nA: b\r\n", GW_WANT_INPUT, 0, 0);
    expect("HTTP/1.1 200 OK\r\n\r", GW_WANT_INPUT, 0, 0);
    expect("HTTP/1.1 100 Continue\r\n\r\n", GW_WANT_INPUT, 0, 0);
}

static void test_other_bytes_are_refused(void **state) {
    static const char *const wrong[] = {"\r\nHTTP/1.1 200 OK\r\n\r\n",
                                        "HTTP/2 200\r\n\r\n",
                                        "HTTP/2.0 200 OK\r\n\r\n",
                                        "http/1.1 200 OK\r\n\r\n",
                                        "HTTP/1.1  200 OK\r\n\r\n",
                                        "HTTP/1.1 20 OK\r\n\r\n",
                                        "HTTP/1.1 2000 OK\r\n\r\n",
                                        "HTTP/1.1 020 OK\r\n\r\n",
                                        "HTTP/1.1 200OK\r\n\r\n",
                                        "HTTP/1.1 -20 OK\r\n\r\n",
                                        "HTTP/1.1\n200 OK\r\n\r\n",
                                        "HTTP/1.1 200 O\rK\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n",
                                        "\x16\x03\x01\x02\x01",
                                        "\x05\x00",
                                        "SSH-2.0-x\r\n",
                                        "HTTP/1.1 200 \x7f\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect(wrong[i], GW_INVALID, 0, 0);
    struct gw_tunnel_answer answer;
    size_t left = 0;
    const struct gw_str zero = GW_STR("HTTP/1.1 200 O\0K\r\n\r\n");
    assert_int_equal(feed(&answer, zero, 7, &left), GW_INVALID);
}

// `filler` bytes of a field between the status line and the end.
static enum gw_status feed_long(size_t filler, size_t *taken) {
    static char text[2 * GW_TUNNEL_ANSWER_BYTES_MAX];
    struct gw_tunnel_answer answer;
    size_t left = 0;
    size_t length = strlen(strcpy(text, "HTTP/1.1 200 OK\r\n"));
    memset(text + length, 'a', filler);
    length += filler;
    memcpy(text + length, "\r\n\r\n", 4);
    length += 4;
    enum gw_status status = feed(&answer, gw_str(text, length), 1000, &left);
    *taken = length - left;
    return status;
}

static void test_the_head_is_bounded(void **state) {
    const size_t most = GW_TUNNEL_ANSWER_BYTES_MAX - strlen("HTTP/1.1 200 OK\r\n\r\n\r\n");
    size_t taken = 0;
    (void)state;
    assert_int_equal(feed_long(most, &taken), GW_OK);
    assert_int_equal(taken, GW_TUNNEL_ANSWER_BYTES_MAX);
    assert_int_equal(feed_long(most + 1, &taken), GW_TOO_BIG);
    assert_int_equal(taken, GW_TUNNEL_ANSWER_BYTES_MAX);
}

static void test_interim_responses_are_bounded_too(void **state) {
    const struct gw_str interim = GW_STR("HTTP/1.1 100 Continue\r\n\r\n");
    struct gw_tunnel_answer answer;
    enum gw_status status = GW_WANT_INPUT;
    size_t consumed = 0;
    (void)state;
    gw_tunnel_answer_init(&answer);
    for (int i = 0; i < 10000 && status == GW_WANT_INPUT; i++)
        status = gw_tunnel_answer_feed(&answer, interim, &consumed);
    assert_int_equal(status, GW_TOO_BIG);
}

static void test_only_2xx_opens(void **state) {
    (void)state;
    for (int status = 100; status < 1000; status++)
        assert_int_equal(gw_tunnel_refusal(status) == NULL, status >= 200 && status < 300);
    assert_non_null(strstr(gw_tunnel_refusal(407), "407"));
    assert_non_null(strstr(gw_tunnel_refusal(403), "403"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_its_status),
        cmocka_unit_test(test_what_follows_is_not_taken),
        cmocka_unit_test(test_interim_responses_are_passed_over),
        cmocka_unit_test(test_an_answer_that_goes_on_is_waited_for),
        cmocka_unit_test(test_other_bytes_are_refused),
        cmocka_unit_test(test_the_head_is_bounded),
        cmocka_unit_test(test_interim_responses_are_bounded_too),
        cmocka_unit_test(test_only_2xx_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
