// SPDX-License-Identifier: MIT
// Every message here is fed whole, byte by byte and cut at random places, and must be read the same
// way each time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/head_block.h"
#include "gateway/http/parse.h"
#include "tests/support/http_recorder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RECORD_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define RANDOM_CUTS 24

// A request with a Host field, and what its line of the record says.
#define GET(fields) "GET /x HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define POST(fields) "POST /x HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define CHUNKED POST("Transfer-Encoding: chunked\r\n")
#define CHUNKED_HEAD                                                                               \
    "head POST /x 1.1 host=a keep-alive chunked\n| Host: a\n| Transfer-Encoding: chunked\n"
#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define BAD "failed 400 bad_request\n"
#define BAD_ANSWER "failed 502 upstream_invalid\n"

struct text_case {
    struct gw_str input;
    const char *expected;
};
// clang-format off
#define CASE(input, expected) {GW_STR_INIT(input), expected}
// clang-format on

// ---- recording ----

static void assert_record(const struct http_recording *recording, const char *expected) {
    struct gw_buf record;
    gw_buf_init(&record, RECORD_BYTES_MAX);
    http_record(recording, &record);
    struct gw_str text = gw_buf_bytes(&record);
    if (!gw_str_equal(text, gw_str_from(expected)))
        fail_msg("in pieces %u of\n%.*s\nis\n%s\ninstead of\n%s", recording->pieces,
                 (int)(recording->input.length < 300 ? recording->input.length : 300),
                 recording->input.at, text.at, expected);
    gw_buf_deinit(&record);
}

static void assert_recorded(struct http_recording recording, const char *expected) {
    for (uint32_t i = 0; i < 2 + RANDOM_CUTS; i++) {
        recording.pieces = i < 2 ? i : i * 2654435761;
        assert_record(&recording, expected);
    }
}

static void assert_requests(struct gw_str input, const char *expected) {
    assert_recorded((struct http_recording){.side = GW_HTTP_REQUESTS, .input = input}, expected);
}

static void assert_all_requests(const struct text_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_requests(cases[i].input, cases[i].expected);
}

// Each is a whole request, or its beginning.
static void assert_all_refused(const struct gw_str *inputs, size_t count, const char *expected) {
    for (size_t i = 0; i < count; i++)
        assert_requests(inputs[i], expected);
}

static void assert_all_answers(const struct text_case *cases, size_t count, bool to_head) {
    for (size_t i = 0; i < count; i++)
        assert_recorded((struct http_recording){.side = GW_HTTP_RESPONSES,
                                                .input = cases[i].input,
                                                .is_answer_to_head = to_head,
                                                .is_closed = true},
                        cases[i].expected);
}

static void ignore_body(struct gw_http_parser *parser, struct gw_str bytes) {
    (void)parser;
    (void)bytes;
}

// Feeds a whole message to a parser that a test looks into.
static enum gw_http_event feed(struct gw_http_parser *parser, const char *text) {
    size_t consumed;
    return gw_http_parser_feed(parser, gw_str_from(text), &consumed);
}

// ---- lengths ----

static void test_the_one_plain_content_length_frames_the_body(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(POST("Content-Length: 5\r\n") "hello",
             "head POST /x 1.1 host=a keep-alive length=5\n| Host: a\n| Content-Length: 5\n"
             "body hello\nend 53\nbetween\n"),
        CASE(POST("content-length:05\r\n") "hello",
             "head POST /x 1.1 host=a keep-alive length=5\n| Host: a\n| content-length: 05\n"
             "body hello\nend 53\nbetween\n"),
        CASE(POST("Content-Length: 0\r\n"),
             "head POST /x 1.1 host=a keep-alive length=0\n| Host: a\n| Content-Length: 0\n"
             "end 48\nbetween\n"),
        CASE(POST("Content-Length: 5\r\n") "hell",
             "head POST /x 1.1 host=a keep-alive length=5\n| Host: a\n| Content-Length: 5\n"
             "body hell\nopen\n"),
        CASE(POST("Content-Length: 9223372036854775807\r\n"),
             "head POST /x 1.1 host=a keep-alive length=9223372036854775807\n| Host: a\n"
             "| Content-Length: 9223372036854775807\nopen\n"),
    };
    assert_all_requests(cases, COUNT(cases));
}

static void test_a_content_length_that_could_be_read_two_ways_is_refused(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT(POST("Content-Length: 5\r\nContent-Length: 6\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 5\r\nContent-Length: 5\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 5\r\ncontent-LENGTH: 5\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 5, 5\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: +5\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: -1\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 0x5\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 5 \r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 5\t\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 1 0\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 5\x0b\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length:\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: five\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 00000000000000000005\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 99999999999999999999\r\n")),
        GW_STR_INIT(POST("Content-Length: 18446744073709551615\r\n")),
        GW_STR_INIT(POST("Content-Length: 18446744073709551616\r\n")),
        GW_STR_INIT(POST("Content-Length: 18446744073709551621\r\n") "hello"),
        GW_STR_INIT(POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") "0\r\n\r\n"),
    };
    assert_all_refused(inputs, COUNT(inputs), BAD);
}

static void test_a_lone_chunked_in_any_letters_is_taken(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
             CHUNKED_HEAD "body hello world\nend 83\nbetween\n"),
        CASE(POST("TRANSFER-ENCODING: CHUNKED\r\n") "0\r\n\r\n",
             "head POST /x 1.1 host=a keep-alive chunked\n| Host: a\n"
             "| TRANSFER-ENCODING: CHUNKED\nend 62\nbetween\n"),
        CASE(POST("Transfer_Encoding: chunked\r\nContent-Length: 2\r\n") "hi",
             "head POST /x 1.1 host=a keep-alive length=2\n| Host: a\n"
             "| Transfer_Encoding: chunked\n| Content-Length: 2\nbody hi\nend 78\nbetween\n"),
    };
    assert_all_requests(cases, COUNT(cases));
}

static void test_any_other_transfer_encoding_is_refused(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT(POST("Transfer-Encoding: xchunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunkedx\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked, identity\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: identity\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked, gzip\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked, chunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked,\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: ,chunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked\t\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chun\tked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: \x0b"
                         "chunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked\x0b\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: \"chunked\"\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: chunked;q=1\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding:\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding:\r\n chunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding : chunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(
            POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT(POST("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n"),
        GW_STR_INIT("POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    };
    assert_all_refused(inputs, COUNT(inputs), BAD);
}

static void test_a_known_transfer_coding_is_not_implemented(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT(POST("Transfer-Encoding: gzip\r\n")),
        GW_STR_INIT(POST("Transfer-Encoding: GZIP, chunked\r\n")),
        GW_STR_INIT(POST("Transfer-Encoding: deflate, chunked\r\n")),
    };
    assert_all_refused(inputs, COUNT(inputs), "failed 501 not_implemented\n");
}

// ---- lines ----

static void test_malformed_lines_are_refused(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT("GET /x HTTP/1.1\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/1.1\r\nHost: a\r\n\n"),
        GW_STR_INIT("GET /x HTTP/1.1\r\nHost: a\r\n\rX"),
        GW_STR_INIT("GET /x HTTP/1.1\rHost: a\r\n\r\n"),
        GW_STR_INIT("GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /\nx HTTP/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/1.1\r\n Host: a\r\n\r\n"),
        GW_STR_INIT(GET("X: 1\rY: 2\r\n")),
        GW_STR_INIT(GET("X: 1\r\r\n")),
        GW_STR_INIT(GET("X: a\0b\r\n")),
        GW_STR_INIT(GET("X\0: b\r\n")),
        GW_STR_INIT(GET("X: a\x01"
                        "b\r\n")),
        GW_STR_INIT(GET("X: a\x0b"
                        "b\r\n")),
        GW_STR_INIT(GET("X: a\x7f"
                        "b\r\n")),
        GW_STR_INIT(GET("X: a\r\n b\r\n")),
        GW_STR_INIT(GET("X: a\r\n\tb\r\n")),
        GW_STR_INIT(GET("X : a\r\n")),
        GW_STR_INIT(GET("X\t: a\r\n")),
        GW_STR_INIT(GET("X Y: a\r\n")),
        GW_STR_INIT(GET("X\r\n")),
        GW_STR_INIT(GET(": a\r\n")),
        GW_STR_INIT(GET("X\xc3\xa4: a\r\n")),
        GW_STR_INIT(GET("(X): a\r\n")),
        GW_STR_INIT(GET("X: \xe4\r\n")),
        GW_STR_INIT(GET("X: \xed\xa0\x80\r\n")),
    };
    assert_all_refused(inputs, COUNT(inputs), BAD);
}

static void test_legal_field_lines_are_kept_as_sent(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(GET("X:\r\n"),
             "head GET /x 1.1 host=a keep-alive\n| Host: a\n| X: \nend 32\nbetween\n"),
        CASE(GET("X: \t a b \t \r\n"),
             "head GET /x 1.1 host=a keep-alive\n| Host: a\n| X: a b\nend 41\nbetween\n"),
        CASE(GET("X: \xc3\xa4\r\n"),
             "head GET /x 1.1 host=a keep-alive\n| Host: a\n| X: \xc3\xa4\nend 35\nbetween\n"),
        CASE(GET("X_a.b!#$%&'*+-^`|~: 1\r\n"),
             "head GET /x 1.1 host=a keep-alive\n| Host: a\n| X_a.b!#$%&'*+-^`|~: 1\n"
             "end 51\nbetween\n"),
    };
    assert_all_requests(cases, COUNT(cases));
}

static void test_empty_lines_may_stand_before_a_message_but_no_bare_cr_or_lf(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE("\r\n", "between\n"),
        CASE("\r\n\r\n" GET(""), "head GET /x 1.1 host=a keep-alive\n| Host: a\nend 32\nbetween\n"),
        CASE(GET("") "\r\n" GET("") "\r\n",
             "head GET /x 1.1 host=a keep-alive\n| Host: a\nend 28\n"
             "head GET /x 1.1 host=a keep-alive\n| Host: a\nend 58\nbetween\n"),
        CASE("\n" GET(""), BAD),
        CASE("\r" GET(""), BAD),
        CASE("\r\r\n" GET(""), BAD),
        CASE("\n\r\n" GET(""), BAD),
        CASE("\r\n\n" GET(""), BAD),
        CASE(GET("") "\n" GET(""), "head GET /x 1.1 host=a keep-alive\n| Host: a\nend 28\n" BAD),
    };
    assert_all_requests(cases, COUNT(cases));
}

static void test_a_refusal_says_why(void **state) {
    (void)state;
    static const struct {
        const char *input;
        const char *message; // part of it
    } cases[] = {
        {POST("Content-Length: 5 \r\n"), "Content-Length"},
        {POST("Transfer-Encoding: x\r\n"), "Transfer-Encoding"},
        {GET("X: \xe4\r\n"), "UTF-8"},
        {"GET /x HTTP/1.1\r\n\r\n", "Host"},
        {"GET  /x HTTP/1.1\r\n", "request line"},
        {"GET /x HTTP/1.1\n", "request line"},
        {"\n", "before the message"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_http_parser parser;
        gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
        assert_int_equal(feed(&parser, cases[i].input), GW_HTTP_FAILED);
        if (strstr(gw_http_parser_failure(&parser)->message, cases[i].message) == NULL)
            fail_msg("%s: %s", cases[i].input, gw_http_parser_failure(&parser)->message);
        gw_http_parser_deinit(&parser);
    }
}

// ---- request lines ----

static void test_spaces_and_protocols_of_the_request_line(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT("GET  /x HTTP/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x  HTTP/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x   HTTP/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/1.1 \r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/1.1\t\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x RTSP/1.0\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x RTSP/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("DESCRIBE /x RTSP/1.0\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("OPTIONS * RTSP/1.0\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("SOURCE /x ICE/1.0\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x http/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTQ/1.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP\r\n"),
        GW_STR_INIT("GET /x \r\n"),
        GW_STR_INIT("GET \r\n"),
    };
    assert_all_refused(inputs, COUNT(inputs), BAD);
}

static void test_other_versions_are_refused(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT("GET /x HTTP/0.9\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/1.2\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/2.0\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/3\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/01.1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("GET /x HTTP/1\r\nHost: a\r\n\r\n"),
        GW_STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    };
    assert_all_refused(inputs, COUNT(inputs), "failed 505 http_version\n");
    assert_requests(GW_STR("GET /x HTTP/1.10\r\nHost: a\r\n\r\n"), BAD);
}

static void test_unknown_methods_are_not_implemented(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT("get /x HTTP/1.1\r\n"),
        GW_STR_INIT("Get /x HTTP/1.1\r\n"),
        GW_STR_INIT("GETX /x HTTP/1.1\r\n"),
        GW_STR_INIT("GE /x HTTP/1.1\r\n"),
        GW_STR_INIT("GET\r\n"),
        GW_STR_INIT("GET\t/x HTTP/1.1\r\n"),
        GW_STR_INIT(" GET /x HTTP/1.1\r\n"),
        GW_STR_INIT("\0\0\0\0"),
        GW_STR_INIT("\x16\x03\x01\x02\x00\x01\x00"),
        GW_STR_INIT("XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
                    "XXXXXXXXXXXXXXXXXXXXXXX /x HTTP/1.1\r\n"),
    };
    assert_all_refused(inputs, COUNT(inputs), "failed 501 not_implemented\n");
}

// Method, target and Host as sent; target and host as read, or NULL where the request is refused.
static void test_the_forms_of_a_target(void **state) {
    (void)state;
    static const struct {
        const char *line;
        const char *head; // of its line in the record
    } cases[] = {
        {"GET /x?y=z", "GET /x?y=z 1.1 host=a"},
        {"GET http://b/x?y", "GET /x?y 1.1 host=b"},
        {"GET HTTP://B:80/x", "GET /x 1.1 host=B:80"},
        {"GET https://b", "GET / 1.1 host=b"},
        {"GET http://[::1]:80/", "GET / 1.1 host=[::1]:80"},
        {"GET http://b//x", "GET //x 1.1 host=b"},
        {"GET ftp://b/x", "GET ftp://b/x 1.1 host=a"}, // no route has such a target
        {"OPTIONS *", "OPTIONS * 1.1 host=a"},
        {"CONNECT b:443", "CONNECT b:443 1.1 host=a"},
        {"TRACE /x", "TRACE /x 1.1 host=a"},
        {"GET http://u@b/", NULL},
        {"GET http:///x", NULL},
        {"GET http://", NULL},
        {"GET http://b?x", NULL},
        {"GET http://b,c/", NULL},
        {"GET http://b:x/", NULL},
        {"GET http:/x", NULL},
        {"GET b:80", NULL},
        {"GET x", NULL},
        {"GET ?x", NULL},
        {"GET /\xc3\xa4", NULL},
        {"GET /\x7f", NULL},
        {"GET /\x0c", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char input[128];
        char expected[128];
        int length =
            snprintf(input, sizeof(input), "%s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].line);
        if (cases[i].head != NULL)
            snprintf(expected, sizeof(expected), "head %s keep-alive\n| Host: a\nend %d\nbetween\n",
                     cases[i].head, length);
        else
            snprintf(expected, sizeof(expected), "%s", BAD);
        assert_requests(gw_str_from(input), expected);
    }
}

static void test_hosts(void **state) {
    (void)state;
    static const char *const good[] = {"a",          "a:80",      "a:",    "A.b-c_d~",
                                       "10.0.0.1:1", "a;b",       "a%2Fb", "[::1]",
                                       "[::1]:80",   "[v1.x:y]:", "a:007"};
    static const char *const bad[] = {
        "",         " ",    "a b", "a,b",  "a/b",  "u@a",       "a:80x",       ":80",     "::1",
        "a:80:90",  "[::1", "[]",  "[",    "]",    "x]",        "a]:80",       "a[b",     "[::1]x",
        "[a]b",     "[[a]", "a?",  "a#",   "a\\b", "\"a\"",     "a\tb",        "[a/b]",   "a:8 0",
        "\xc3\xa4", "a%",   "a%2", "a%zz", "[zz]", "[1.2.3.4]", "[::1%25en0]", "[v1.%41]"};
    char input[128];
    char expected[128];
    for (size_t i = 0; i < COUNT(good); i++) {
        int length = snprintf(input, sizeof(input), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", good[i]);
        snprintf(expected, sizeof(expected),
                 "head GET / 1.1 host=%s keep-alive\n| Host: %s\nend %d\nbetween\n", good[i],
                 good[i], length);
        assert_requests(gw_str_from(input), expected);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(input, sizeof(input), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", bad[i]);
        assert_requests(gw_str_from(input), BAD);
    }
}

static void test_there_is_one_host_field_and_none_only_on_1_0(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE("GET / HTTP/1.1\r\n\r\n", BAD),
        CASE("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", BAD),
        CASE("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", BAD),
        CASE("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", BAD),
        CASE("GET http://b/ HTTP/1.1\r\n\r\n", BAD),
        CASE("GET / HTTP/1.0\r\n\r\n", "head GET / 1.0 host= close\nend 18\nbetween\n"),
    };
    assert_all_requests(cases, COUNT(cases));
}

static void test_only_100_continue_can_be_expected(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(POST("Expect: 100-Continue\r\nContent-Length: 2\r\n") "hi",
             "head POST /x 1.1 host=a continue keep-alive length=2\n| Host: a\n"
             "| Expect: 100-Continue\n| Content-Length: 2\nbody hi\nend 72\nbetween\n"),
        CASE("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n",
             "head GET / 1.0 host= close\n| Expect: 100-continue\nend 40\nbetween\n"),
        CASE(POST("Expect: x\r\n"), "failed 417 expectation_failed\n"),
        CASE(POST("Expect:\r\n"), "failed 417 expectation_failed\n"),
        CASE(POST("Expect: 100-continue, x\r\n"), "failed 417 expectation_failed\n"),
        CASE(POST("Expect: 100-continue\r\nExpect: 100-continue\r\n"),
             "failed 417 expectation_failed\n"),
    };
    assert_all_requests(cases, COUNT(cases));
}

static void test_keep_alive(void **state) {
    (void)state;
    static const struct {
        const char *version;
        const char *fields;
        bool keep_alive;
    } cases[] = {
        {"1.1", "", true},
        {"1.1", "Connection: close\r\n", false},
        {"1.1", "Connection: foo, CLOSE\r\n", false},
        {"1.1", "Connection: keep-alive\r\n", true},
        {"1.1", "Connection: closed\r\n", true},
        {"1.1", "Connection: close, keep-alive\r\n", false},
        {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
        {"1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n", true},
        {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true},
        {"1.0", "", false},
        {"1.0", "Connection: close\r\n", false},
        {"1.0", "Connection: Keep-Alive\r\n", true},
        {"1.0", "Connection: keep-alive, close\r\n", false},
        {"1.0", "Connection: close\r\nConnection: keep-alive\r\n", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char input[256];
        struct gw_http_parser parser;
        snprintf(input, sizeof(input), "GET / HTTP/%s\r\nHost: a\r\n%s\r\n", cases[i].version,
                 cases[i].fields);
        gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
        assert_int_equal(feed(&parser, input), GW_HTTP_HEAD);
        if (parser.head->keep_alive != cases[i].keep_alive)
            fail_msg("%s", input);
        // An upgrade is ignored: the next message is HTTP as well.
        assert_int_equal(feed(&parser, ""), GW_HTTP_END);
        assert_int_equal(feed(&parser, GET("")),
                         cases[i].keep_alive ? GW_HTTP_HEAD : GW_HTTP_FAILED);
        gw_http_parser_deinit(&parser);
    }
}

// ---- chunks ----

static void test_legal_chunks(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(CHUNKED "00a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
             CHUNKED_HEAD "body 01234567890123456789\nend 94\nbetween\n"),
        CASE(CHUNKED "0000000000000005\r\nhello\r\n0\r\n\r\n",
             CHUNKED_HEAD "body hello\nend 87\nbetween\n"),
        CASE(CHUNKED "5;a=b;c=\"q\\\"r\";d\r\nhello\r\n0;e\r\n\r\n",
             CHUNKED_HEAD "body hello\nend 89\nbetween\n"),
        CASE(CHUNKED "0\r\n\r\n" GET(""), CHUNKED_HEAD
             "end 62\nhead GET /x 1.1 host=a keep-alive\n| Host: a\nend 90\nbetween\n"),
        CASE(CHUNKED "5\r\nhel", CHUNKED_HEAD "body hel\nopen\n"),
        CASE(CHUNKED "5\r\nhello\r\n0\r\n", CHUNKED_HEAD "body hello\nopen\n"),
    };
    assert_all_requests(cases, COUNT(cases));
}

static void test_malformed_chunk_lines_are_refused_before_their_data(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT(CHUNKED "+5\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "-5\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "1_0\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED " 5\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5 \r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\t\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5 ;a\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5g\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "10000000000000005\r\nhello\r\n"),
        GW_STR_INIT(CHUNKED "fffffffffffffffff\r\nhello\r\n"),
        GW_STR_INIT(CHUNKED "ffffffffffffffff\r\nhello\r\n"),
        GW_STR_INIT(CHUNKED "8000000000000000\r\nhello\r\n"),
        GW_STR_INIT(CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "00000000000000005;a\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "00000000000000000\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0000000000000000000"), // and never ended
        GW_STR_INIT(CHUNKED "5\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\rhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5;\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5;;\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5; a\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5;a=\"q\r\nx\"\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5;a=\"\\\n\"\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5;a\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5;a\0\r\nhello\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5;a=b=c\r\nhello\r\n0\r\n\r\n"),
    };
    assert_all_refused(inputs, COUNT(inputs), CHUNKED_HEAD BAD);
}

static void test_malformed_ends_of_chunks_are_refused(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT(CHUNKED "5\r\nhello0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\r\nhelloXX0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\r\nhello!\r\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\r\nhello\n0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\r\nhello\r0\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\r\nhello\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\r\nhello\r\n0\n\r\n"),
        GW_STR_INIT(CHUNKED "5\r\nhello\r\n0\r\n\n"),
        GW_STR_INIT(CHUNKED "5\r\nhello\r\n0\r\n\rX"),
        GW_STR_INIT(CHUNKED "5\r\nhello\r\n0\r\nGET /y HTTP/1.1\r\nHost: b\r\n\r\n"),
        GW_STR_INIT(CHUNKED "5\r\nhello\r\n00000000000000000\r\n\r\n"),
    };
    assert_all_refused(inputs, COUNT(inputs), CHUNKED_HEAD "body hello\n" BAD);
    assert_requests(GW_STR(CHUNKED "5\r\nhell\r\n0\r\n\r\n"), CHUNKED_HEAD "body hell\r\n" BAD);
}

// A chunked request of many chunks "1<extension>"; the caller frees it.
static char *make_extended(int chunks, int extension_bytes) {
    size_t size = strlen(CHUNKED) + (size_t)chunks * ((size_t)extension_bytes + 16) + 16;
    char *text = malloc(size);
    assert_non_null(text);
    char *at = text + sprintf(text, "%s", CHUNKED);
    for (int i = 0; i < chunks; i++) {
        *at++ = '1';
        for (int e = 0; e + 1 < extension_bytes; e += 2)
            at += sprintf(at, ";a");
        at += sprintf(at, "\r\nh\r\n");
    }
    sprintf(at, "0\r\n\r\n");
    return text;
}

static void test_chunk_extensions_are_bounded_over_a_message(void **state) {
    (void)state;
    char expected[512];
    char *text = make_extended(1, 1024);
    snprintf(expected, sizeof(expected), CHUNKED_HEAD "body h\nend %zu\nbetween\n", strlen(text));
    assert_requests(gw_str_from(text), expected);
    free(text);
    text = make_extended(1, 1026);
    assert_requests(gw_str_from(text), CHUNKED_HEAD BAD);
    free(text);
    text = make_extended(16, 64);
    snprintf(expected, sizeof(expected), CHUNKED_HEAD "body hhhhhhhhhhhhhhhh\nend %zu\nbetween\n",
             strlen(text));
    assert_requests(gw_str_from(text), expected);
    free(text);
    text = make_extended(17, 64);
    assert_requests(gw_str_from(text), CHUNKED_HEAD "body hhhhhhhhhhhhhhhh\n" BAD);
    free(text);
}

static void test_trailers_are_dropped(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(CHUNKED "0\r\nX-SkillReg-Org: b\r\nAuthorization: x\r\nHost: b\r\n\r\n" GET(""),
             CHUNKED_HEAD "end 108\nhead GET /x 1.1 host=a keep-alive\n| Host: a\n"
                          "end 136\nbetween\n"),
        // They have no say in what becomes of the connection.
        CASE(CHUNKED "0\r\nConnection: close\r\n\r\n" GET(""),
             CHUNKED_HEAD "end 81\nhead GET /x 1.1 host=a keep-alive\n| Host: a\n"
                          "end 109\nbetween\n"),
        CASE(CHUNKED "0\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" GET(""),
             CHUNKED_HEAD "end 97\nhead GET /x 1.1 host=a keep-alive\n| Host: a\n"
                          "end 125\nbetween\n"),
        CASE(CHUNKED "0\r\nExpect: x\r\nX: \xe4\r\n\r\n", CHUNKED_HEAD "end 79\nbetween\n"),
    };
    assert_all_requests(cases, COUNT(cases));
}

static void test_trailers_that_frame_or_are_malformed_are_refused(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT(CHUNKED "0\r\nContent-Length: 5\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0\r\nTransfer-Encoding: gzip\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0\r\nX\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0\r\nX : a\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0\r\nX: a\r\n b\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0\r\nX: a\nY: b\r\n\r\n"),
        GW_STR_INIT(CHUNKED "0\r\nX: a\0\r\n\r\n"),
    };
    assert_all_refused(inputs, COUNT(inputs), CHUNKED_HEAD BAD);
}

// ---- limits ----

// `count` times `unit` behind `before`, and `after`; the caller frees it.
static char *make_long(const char *before, const char *unit, size_t count, const char *after) {
    size_t unit_length = strlen(unit);
    char *text = malloc(strlen(before) + unit_length * count + strlen(after) + 1);
    assert_non_null(text);
    char *at = text + sprintf(text, "%s", before);
    for (size_t i = 0; i < count; i++, at += unit_length)
        memcpy(at, unit, unit_length);
    sprintf(at, "%s", after);
    return text;
}

// 0: it refused nothing.
static int refused_status(const struct gw_http_parser *parser) {
    enum gw_error error = gw_http_parser_failure(parser)->error;
    return error != GW_ERROR_NONE ? gw_error_row(error)->status : 0;
}

// Feeds byte by byte; how many it took until the refusal, or all.
static size_t bytes_until_refusal(const char *text, int status) {
    struct gw_http_parser parser;
    gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
    size_t i = 0;
    size_t consumed;
    enum gw_http_event event = GW_HTTP_WANT_INPUT;
    while (event != GW_HTTP_FAILED && text[i] != '\0')
        event = gw_http_parser_feed(&parser, gw_str(text + i++, 1), &consumed);
    assert_int_equal(refused_status(&parser), status);
    gw_http_parser_deinit(&parser);
    return i;
}

struct limit_case {
    const char *before;
    const char *unit;
    size_t fits; // so many units
    const char *after;
    int status;           // of one unit more
    const char *expected; // of one unit more
    size_t refused_within;
};

static void assert_limit(const struct limit_case *limit) {
    char *fits = make_long(limit->before, limit->unit, limit->fits, limit->after);
    assert_int_equal(bytes_until_refusal(fits, 0), strlen(fits));
    free(fits);
    char *over = make_long(limit->before, limit->unit, limit->fits + 1, limit->after);
    assert_requests(gw_str_from(over), limit->expected);
    // Refused when the limit is passed, not when all has been read.
    assert_in_range(bytes_until_refusal(over, limit->status), 1, limit->refused_within);
    free(over);
}

static void test_heads_are_bounded(void **state) {
    (void)state;
    static const char too_large[] = "failed 431 headers_too_large\n";
    static const struct limit_case cases[] = {
        {"GET /", "x", GW_HTTP_TARGET_BYTES_MAX - 1, " HTTP/1.1\r\nHost: a\r\n\r\n", 414,
         "failed 414 target_too_long\n", GW_HTTP_TARGET_BYTES_MAX + 8},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: ", "x", GW_HTTP_FIELD_BYTES_MAX - 1, "\r\n\r\n", 431,
         too_large, GW_HTTP_FIELD_BYTES_MAX + 32},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "x", GW_HTTP_FIELD_BYTES_MAX - 1, ": y\r\n\r\n", 431,
         too_large, GW_HTTP_FIELD_BYTES_MAX + 32},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "x: y\r\n", GW_HTTP_FIELDS_MAX - 1, "\r\n", 431,
         too_large, 6 * GW_HTTP_FIELDS_MAX + 32},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_limit(&cases[i]);
}

static void test_all_fields_together_are_bounded(void **state) {
    (void)state;
    char unit[1024 + 1];
    memset(unit, 'v', sizeof(unit) - 1);
    unit[sizeof(unit) - 1] = '\0';
    memcpy(unit, "x: ", 3);
    memcpy(unit + sizeof(unit) - 3, "\r\n", 2);
    // Of each line 1020 bytes count; of the rest 6.
    struct limit_case limit = {"GET / HTTP/1.1\r\nHost: a\r\n",
                               unit,
                               (GW_HTTP_HEAD_BYTES_MAX - 6) / 1020,
                               "\r\n",
                               431,
                               "failed 431 headers_too_large\n",
                               GW_HTTP_HEAD_BYTES_MAX + 256};
    assert_limit(&limit);
}

static void test_trailers_are_bounded(void **state) {
    (void)state;
    struct limit_case limit = {CHUNKED "0\r\n",
                               "abcd: efgh\r\n",
                               GW_HTTP_HEAD_BYTES_MAX / 8,
                               "\r\n",
                               431,
                               CHUNKED_HEAD "failed 431 headers_too_large\n",
                               GW_HTTP_HEAD_BYTES_MAX / 8 * 12 + 128};
    assert_limit(&limit);
}

static void test_a_reason_phrase_is_bounded(void **state) {
    (void)state;
    char *text = make_long("HTTP/1.1 200 ", "x", GW_HTTP_FIELD_BYTES_MAX + 1,
                           "\r\nContent-Length: 0\r\n\r\n");
    assert_recorded((struct http_recording){.side = GW_HTTP_RESPONSES, .input = gw_str_from(text)},
                    BAD_ANSWER);
    free(text);
}

// ---- the head's memory ----

// Heads of all sizes: the block moves while it is read, and the slices must have moved along.
static void test_slices_stay_right_while_the_head_grows(void **state) {
    (void)state;
    for (size_t value_bytes = 0; value_bytes < 5000; value_bytes = value_bytes * 3 + 7) {
        struct gw_buf input;
        struct gw_buf expected;
        gw_buf_init(&input, RECORD_BYTES_MAX);
        gw_buf_init(&expected, RECORD_BYTES_MAX);
        assert_int_equal(gw_buf_printf(&input, "GET http://b/path HTTP/1.1\r\nHost: a\r\n"), GW_OK);
        assert_int_equal(
            gw_buf_printf(&expected, "head GET /path 1.1 host=b keep-alive\n| Host: a\n"), GW_OK);
        for (int i = 0; i < 6; i++) {
            char *value = make_long("", i % 2 == 0 ? "e" : "o", value_bytes, "");
            assert_int_equal(gw_buf_printf(&input, "field-%d: %s\r\n", i, value), GW_OK);
            assert_int_equal(gw_buf_printf(&expected, "| field-%d: %s\n", i, value), GW_OK);
            free(value);
        }
        assert_int_equal(gw_buf_printf(&input, "\r\n"), GW_OK);
        size_t length = gw_buf_length(&input);
        assert_int_equal(gw_buf_printf(&expected, "end %zu\nbetween\n", length), GW_OK);
        assert_int_equal(gw_buf_append(&expected, "", 1), GW_OK);
        assert_requests(gw_buf_bytes(&input), gw_buf_bytes(&expected).at);
        gw_buf_deinit(&input);
        gw_buf_deinit(&expected);
    }
}

static void test_forget_overwrites_what_the_head_held(void **state) {
    (void)state;
    static const char zeros[32];
    struct gw_http_parser parser;
    gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
    gw_http_parser_forget(&parser); // harmless before anything was read
    assert_int_equal(feed(&parser, GET("Authorization: Bearer sr_live_secret\r\n")), GW_HTTP_HEAD);
    assert_int_equal(feed(&parser, ""), GW_HTTP_END);
    struct gw_str secret = gw_http_head_field(parser.head, GW_FIELD_AUTHORIZATION)->value;
    assert_true(gw_str_equal(secret, GW_STR("Bearer sr_live_secret")));
    gw_http_parser_forget(&parser);
    assert_memory_equal(secret.at, zeros, secret.length);
    assert_int_equal(feed(&parser, GET("")), GW_HTTP_HEAD);
    assert_true(gw_str_equal(parser.head->target, GW_STR("/x")));
    gw_http_parser_deinit(&parser);
}

static void test_trim_frees_the_memory_between_messages(void **state) {
    (void)state;
    struct gw_http_parser parser;
    gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
    gw_http_parser_trim(&parser);
    assert_int_equal(feed(&parser, GET("")), GW_HTTP_HEAD);
    assert_int_equal(feed(&parser, ""), GW_HTTP_END);
    gw_http_parser_trim(&parser);
    assert_null(parser.block);
    assert_int_equal(feed(&parser, GET("X: y\r\n")), GW_HTTP_HEAD);
    assert_int_equal(parser.head->field_count, 2);
    gw_http_parser_deinit(&parser);
    assert_null(parser.block);
}

// ---- many messages ----

static void test_a_pipeline_is_cut_where_its_messages_end(void **state) {
    (void)state;
    assert_requests(GW_STR("HEAD /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
                           "DELETE /2 HTTP/1.1\r\nHost: b\r\n\r\n"
                           "GET /3 HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "1\r\nx\r\n0\r\n\r\n"
                           "GET /4 HTTP/1.1\r\nHost d\r\n\r\n"),
                    "head HEAD /1 1.1 host=a keep-alive length=2\n| Host: a\n| Content-Length: 2\n"
                    "body hi\nend 50\n"
                    "head DELETE /2 1.1 host=b keep-alive\n| Host: b\nend 81\n"
                    "head GET /3 1.1 host=c keep-alive chunked\n| Host: c\n"
                    "| Transfer-Encoding: chunked\nbody x\nend 148\n" BAD);
}

static void test_ten_thousand_requests_in_one_piece(void **state) {
    (void)state;
    char *text = make_long("", GET(""), 10000, "");
    struct gw_http_parser parser;
    gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
    struct gw_str left = gw_str_from(text);
    size_t consumed;
    int ends = 0;
    while (left.length > 0) {
        assert_int_equal(gw_http_parser_feed(&parser, left, &consumed), GW_HTTP_HEAD);
        assert_int_equal(consumed, strlen(GET("")));
        left = gw_str_slice(left, consumed, left.length);
        assert_int_equal(gw_http_parser_feed(&parser, left, &consumed), GW_HTTP_END);
        assert_int_equal(consumed, 0);
        ends++;
    }
    assert_int_equal(ends, 10000);
    gw_http_parser_deinit(&parser);
    free(text);
}

static void test_an_empty_feed_after_the_head_ends_a_message_without_body(void **state) {
    (void)state;
    struct gw_http_parser parser;
    gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
    size_t consumed = 99;
    assert_int_equal(gw_http_parser_feed(&parser, (struct gw_str){NULL, 0}, &consumed),
                     GW_HTTP_WANT_INPUT);
    assert_false(gw_http_parser_in_message(&parser));
    assert_int_equal(feed(&parser, GET("")), GW_HTTP_HEAD);
    assert_true(gw_http_parser_in_message(&parser));
    assert_int_equal(gw_http_parser_feed(&parser, (struct gw_str){NULL, 0}, &consumed),
                     GW_HTTP_END);
    assert_int_equal(consumed, 0);
    assert_false(gw_http_parser_in_message(&parser));
    assert_int_equal(feed(&parser, "G"), GW_HTTP_WANT_INPUT);
    assert_true(gw_http_parser_in_message(&parser));
    gw_http_parser_deinit(&parser);
}

static void test_nothing_is_read_after_a_failure(void **state) {
    (void)state;
    struct gw_http_parser parser;
    size_t consumed = 99;
    gw_http_parser_init(&parser, GW_HTTP_REQUESTS, ignore_body);
    assert_int_equal(feed(&parser, "GARBAGE"), GW_HTTP_FAILED);
    assert_int_equal(refused_status(&parser), 501);
    assert_int_equal(gw_http_parser_feed(&parser, GW_STR(GET("")), &consumed), GW_HTTP_FAILED);
    assert_int_equal(consumed, 0);
    assert_int_equal(feed(&parser, "\n"), GW_HTTP_FAILED);
    assert_int_equal(refused_status(&parser), 501);
    assert_false(gw_http_parser_finish(&parser));
    gw_http_parser_deinit(&parser);
}

// ---- answers ----

static void test_answers_are_framed(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(OK_HEAD "Content-Length: 2\r\n\r\nhi",
             "head 200 1.1 keep-alive length=2\n| Content-Length: 2\nbody hi\nend 40\nbetween\n"
             "closed whole\n"),
        CASE(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n",
             "head 200 1.1 keep-alive chunked\n| Transfer-Encoding: chunked\nbody hi\nend 65\n"
             "between\nclosed whole\n"),
        CASE(OK_HEAD "\r\nto the end", "head 200 1.1 close\nbody to the end\nopen\nclosed whole\n"),
        CASE(OK_HEAD "\r\n", "head 200 1.1 close\nopen\nclosed whole\n"),
        CASE("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
             "head 200 1.0 close length=0\n| Content-Length: 0\nend 38\nbetween\nclosed whole\n"),
        CASE("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
             "head 200 1.1 keep-alive length=0\n| Content-Length: 0\nend 35\nbetween\n"
             "closed whole\n"),
        CASE("HTTP/1.1 204 N\r\n\r\nHTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n" OK_HEAD
             "Content-Length: 0\r\n\r\n",
             "head 204 1.1 keep-alive\nend 18\n"
             "head 304 1.1 keep-alive length=5\n| Content-Length: 5\nend 55\n"
             "head 200 1.1 keep-alive length=0\n| Content-Length: 0\nend 93\nbetween\n"
             "closed whole\n"),
        CASE("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\n\r\n" OK_HEAD
             "Content-Length: 2\r\n\r\nhi",
             "head 100 1.1 keep-alive\nend 18\nhead 103 1.1 keep-alive\n| Link: a\nend 45\n"
             "head 200 1.1 keep-alive length=2\n| Content-Length: 2\nbody hi\nend 85\nbetween\n"
             "closed whole\n"),
        CASE("HTTP/1.1 103 E\r\nContent-Length: 5\r\n\r\n"
             "HTTP/1.1 199 X\r\nTransfer-Encoding: chunked\r\n\r\n" OK_HEAD
             "Content-Length: 2\r\n\r\nhi",
             "head 103 1.1 keep-alive length=5\n| Content-Length: 5\nend 37\n"
             "head 199 1.1 keep-alive chunked\n| Transfer-Encoding: chunked\nend 83\n"
             "head 200 1.1 keep-alive length=2\n| Content-Length: 2\nbody hi\nend 123\nbetween\n"
             "closed whole\n"),
        // Bytes beyond ASCII in a field are the registry's affair.
        CASE(OK_HEAD "X: \xe4\r\nContent-Length: 0\r\n\r\n",
             "head 200 1.1 keep-alive length=0\n| X: \xe4\n| Content-Length: 0\nend 44\nbetween\n"
             "closed whole\n"),
    };
    assert_all_answers(cases, COUNT(cases), false);
}

static void test_answers_to_head_have_no_body(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(OK_HEAD "Content-Length: 5\r\n\r\n" OK_HEAD
                     "Transfer-Encoding: chunked\r\n\r\n" OK_HEAD "\r\n",
             "head 200 1.1 keep-alive length=5\n| Content-Length: 5\nend 38\n"
             "head 200 1.1 keep-alive chunked\n| Transfer-Encoding: chunked\nend 85\n"
             "head 200 1.1 keep-alive\nend 104\nbetween\nclosed whole\n"),
        CASE("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\n\r\n" OK_HEAD "Content-Length: 5\r\n\r\n",
             "head 100 1.1 keep-alive\nend 18\nhead 103 1.1 keep-alive\nend 36\n"
             "head 200 1.1 keep-alive length=5\n| Content-Length: 5\nend 74\nbetween\n"
             "closed whole\n"),
    };
    assert_all_answers(cases, COUNT(cases), true);
}

static void test_an_answer_after_that_to_head_has_a_body_again(void **state) {
    (void)state;
    struct gw_http_parser parser;
    gw_http_parser_init(&parser, GW_HTTP_RESPONSES, ignore_body);
    gw_http_parser_expect_no_body(&parser);
    assert_int_equal(feed(&parser, OK_HEAD "Content-Length: 5\r\n\r\n"), GW_HTTP_HEAD);
    assert_int_equal(feed(&parser, ""), GW_HTTP_END);
    assert_int_equal(feed(&parser, OK_HEAD "Content-Length: 5\r\n\r\n"), GW_HTTP_HEAD);
    assert_int_equal(feed(&parser, "hell"), GW_HTTP_WANT_INPUT);
    assert_int_equal(feed(&parser, "o"), GW_HTTP_END);
    gw_http_parser_deinit(&parser);
}

static void test_hostile_answers_are_refused(void **state) {
    (void)state;
    static const struct text_case cases[] = {
#define BAD_CASE(input) CASE(input, BAD_ANSWER "closed short\n")
        BAD_CASE(OK_HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        BAD_CASE(OK_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"),
        BAD_CASE(OK_HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"),
        BAD_CASE(OK_HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi"),
        BAD_CASE(OK_HEAD "Content-Length: +2\r\n\r\nhi"),
        BAD_CASE(OK_HEAD "Transfer-Encoding: gzip\r\n\r\nx"),
        BAD_CASE(OK_HEAD "Transfer-Encoding: identity\r\n\r\nx"),
        BAD_CASE("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        BAD_CASE("HTTP/1.1 99 X\r\n\r\n"),
        BAD_CASE("HTTP/1.1 000 X\r\n\r\n"),
        BAD_CASE("HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n"),
        BAD_CASE("HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"),
        BAD_CASE("HTTP/1.1 2000 X\r\n\r\n"),
        BAD_CASE("HTTP/1.1 2x0 X\r\n\r\n"),
        BAD_CASE("HTTP/1.1  200 X\r\n\r\n"),
        BAD_CASE("HTTP/1.1 101 X\r\n\r\nraw"),
        BAD_CASE("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw"),
        BAD_CASE("HTTP/2.0 200 X\r\n\r\n"),
        BAD_CASE("HTTP/0.9 200 X\r\n\r\n"),
        BAD_CASE("http/1.1 200 X\r\n\r\n"),
        BAD_CASE("RTSP/1.0 200 X\r\n\r\n"),
        BAD_CASE("ICY 200 X\r\n\r\n"),
        BAD_CASE("garbage"),
        BAD_CASE(GET("")),
        BAD_CASE("HTTP/1.1 200 a\nContent-Length: 0\r\n\r\n"),
        BAD_CASE("HTTP/1.1 200 a\rb\r\nContent-Length: 0\r\n\r\n"),
        BAD_CASE(OK_HEAD "X: a\0b\r\n\r\n"),
        BAD_CASE(OK_HEAD "X: a\r\n b\r\n\r\n"),
        BAD_CASE("\n" OK_HEAD "\r\n"),
        CASE(OK_HEAD "Content-Length: 2\r\n\r\nhiX",
             "head 200 1.1 keep-alive length=2\n| Content-Length: 2\nbody hi\nend 40\n" BAD_ANSWER
             "closed short\n"),
    };
    assert_all_answers(cases, COUNT(cases), false);
}

#define CHUNKED_ANSWER "head 200 1.1 keep-alive chunked\n| Transfer-Encoding: chunked\n"

static void test_blanks_in_chunk_lines_of_answers_are_taken(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT(OK_HEAD
                    "Transfer-Encoding: chunked\r\n\r\n2 \r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(
            OK_HEAD
            "Transfer-Encoding: chunked\r\n\r\n2 \t \r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(
            OK_HEAD
            "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(
            OK_HEAD
            "Transfer-Encoding: chunked\r\n\r\n2 ;a\r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(
            OK_HEAD
            "Transfer-Encoding: chunked\r\n\r\n2; a\r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(
            OK_HEAD
            "Transfer-Encoding: chunked\r\n\r\n2;a =b\r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(
            OK_HEAD
            "Transfer-Encoding: chunked\r\n\r\n2;a= b\r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(
            OK_HEAD
            "Transfer-Encoding: chunked\r\n\r\n2;a=b \r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(
            OK_HEAD
            "Transfer-Encoding: chunked\r\n\r\n2;a \r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\t;\ta\t=\tb\t;\tc\r\nhi\r\n0 ; z "
                            "= \"\" \r\nX: y\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ; a = \"x; \\\"\\\\ y\" ; "
                            "b\r\nhi\r\n0 ; z = \"\" \r\nX: y\r\n\r\n"),
    };
    for (size_t i = 0; i < COUNT(inputs); i++) {
        char expected[200];
        (void)snprintf(expected, sizeof(expected),
                       CHUNKED_ANSWER "body hi\nend %zu\nbetween\nclosed whole\n",
                       inputs[i].length);
        const struct text_case answer = {inputs[i], expected};
        assert_all_answers(&answer, 1, false);
    }
}

static void test_malformed_chunk_lines_of_answers_are_refused(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 2\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n 2\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ; ;a\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a b\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a=\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a=b c\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a=\"b\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a=\"b\"c\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 \nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 \rhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a\0\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a=\"\r\n\"\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 =a\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2;a = = b\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n ;a\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n;a\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\ng ;a\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD
                    "Transfer-Encoding: chunked\r\n\r\n00000000000000002 ;a\r\nhi\r\n0\r\n\r\n"),
        GW_STR_INIT(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2 ;a(b)\r\nhi\r\n0\r\n\r\n"),
    };
    for (size_t i = 0; i < COUNT(inputs); i++) {
        const struct text_case answer = {inputs[i], CHUNKED_ANSWER BAD_ANSWER "closed short\n"};
        assert_all_answers(&answer, 1, false);
    }
}

static void test_chunk_extensions_of_an_answer_are_bounded(void **state) {
    (void)state;
    static const char head[] = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n";
    for (int extra = 0; extra < 2; extra++) {
        struct gw_http_parser parser;
        char line[700];
        size_t blanks = GW_HTTP_CHUNK_EXTENSION_BYTES_MAX / 2 + (size_t)extra;
        gw_http_parser_init(&parser, GW_HTTP_RESPONSES, ignore_body);
        assert_int_equal(feed(&parser, head), GW_HTTP_HEAD);
        (void)snprintf(line, sizeof(line), "2%*s\r\nhi\r\n", (int)blanks, "");
        assert_int_equal(feed(&parser, line), GW_HTTP_WANT_INPUT);
        assert_int_equal(feed(&parser, line), extra == 0 ? GW_HTTP_WANT_INPUT : GW_HTTP_FAILED);
        gw_http_parser_deinit(&parser);
    }
}

static void test_blanks_around_a_length_of_an_answer_are_taken(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE(OK_HEAD "Content-Length: 2 \r\n\r\nhi",
             "head 200 1.1 keep-alive length=2\n| Content-Length: 2\nbody hi\nend 41\nbetween\n"
             "closed whole\n"),
        CASE(OK_HEAD "Content-Length:   2   \r\n\r\nhi",
             "head 200 1.1 keep-alive length=2\n| Content-Length: 2\nbody hi\nend 45\nbetween\n"
             "closed whole\n"),
        CASE(OK_HEAD "Content-Length: 2 2\r\n\r\nhi", BAD_ANSWER "closed short\n"),
    };
    assert_all_answers(cases, COUNT(cases), false);
}

static void test_an_answer_cut_short_is_not_whole(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        CASE("H", "open\nclosed short\n"),
        CASE(OK_HEAD "X: a", "open\nclosed short\n"),
        CASE(OK_HEAD "Content-Length: 5\r\n\r\nhi",
             "head 200 1.1 keep-alive length=5\n| Content-Length: 5\nbody hi\nopen\n"
             "closed short\n"),
        CASE(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
             "head 200 1.1 keep-alive chunked\n| Transfer-Encoding: chunked\nbody hi\nopen\n"
             "closed short\n"),
        CASE(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
             "head 200 1.1 keep-alive chunked\n| Transfer-Encoding: chunked\nbody hi\nopen\n"
             "closed short\n"),
    };
    assert_all_answers(cases, COUNT(cases), false);
}

// The close may come before anybody has fed on after the head.
static void test_a_close_right_behind_the_head(void **state) {
    (void)state;
    static const struct {
        const char *head;
        bool is_whole;
    } cases[] = {
        {OK_HEAD "\r\n", true},
        {OK_HEAD "Content-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 204 N\r\n\r\n", true},
        {OK_HEAD "Content-Length: 1\r\n\r\n", false},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_http_parser parser;
        gw_http_parser_init(&parser, GW_HTTP_RESPONSES, ignore_body);
        assert_true(gw_http_parser_finish(&parser));
        assert_int_equal(feed(&parser, cases[i].head), GW_HTTP_HEAD);
        assert_int_equal(gw_http_parser_finish(&parser), cases[i].is_whole);
        gw_http_parser_deinit(&parser);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_one_plain_content_length_frames_the_body),
        cmocka_unit_test(test_a_content_length_that_could_be_read_two_ways_is_refused),
        cmocka_unit_test(test_a_lone_chunked_in_any_letters_is_taken),
        cmocka_unit_test(test_any_other_transfer_encoding_is_refused),
        cmocka_unit_test(test_a_known_transfer_coding_is_not_implemented),
        cmocka_unit_test(test_malformed_lines_are_refused),
        cmocka_unit_test(test_legal_field_lines_are_kept_as_sent),
        cmocka_unit_test(test_empty_lines_may_stand_before_a_message_but_no_bare_cr_or_lf),
        cmocka_unit_test(test_a_refusal_says_why),
        cmocka_unit_test(test_spaces_and_protocols_of_the_request_line),
        cmocka_unit_test(test_other_versions_are_refused),
        cmocka_unit_test(test_unknown_methods_are_not_implemented),
        cmocka_unit_test(test_the_forms_of_a_target),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_there_is_one_host_field_and_none_only_on_1_0),
        cmocka_unit_test(test_only_100_continue_can_be_expected),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_legal_chunks),
        cmocka_unit_test(test_malformed_chunk_lines_are_refused_before_their_data),
        cmocka_unit_test(test_malformed_ends_of_chunks_are_refused),
        cmocka_unit_test(test_chunk_extensions_are_bounded_over_a_message),
        cmocka_unit_test(test_trailers_are_dropped),
        cmocka_unit_test(test_trailers_that_frame_or_are_malformed_are_refused),
        cmocka_unit_test(test_heads_are_bounded),
        cmocka_unit_test(test_all_fields_together_are_bounded),
        cmocka_unit_test(test_trailers_are_bounded),
        cmocka_unit_test(test_a_reason_phrase_is_bounded),
        cmocka_unit_test(test_slices_stay_right_while_the_head_grows),
        cmocka_unit_test(test_forget_overwrites_what_the_head_held),
        cmocka_unit_test(test_trim_frees_the_memory_between_messages),
        cmocka_unit_test(test_a_pipeline_is_cut_where_its_messages_end),
        cmocka_unit_test(test_ten_thousand_requests_in_one_piece),
        cmocka_unit_test(test_an_empty_feed_after_the_head_ends_a_message_without_body),
        cmocka_unit_test(test_nothing_is_read_after_a_failure),
        cmocka_unit_test(test_answers_are_framed),
        cmocka_unit_test(test_answers_to_head_have_no_body),
        cmocka_unit_test(test_an_answer_after_that_to_head_has_a_body_again),
        cmocka_unit_test(test_hostile_answers_are_refused),
        cmocka_unit_test(test_blanks_in_chunk_lines_of_answers_are_taken),
        cmocka_unit_test(test_malformed_chunk_lines_of_answers_are_refused),
        cmocka_unit_test(test_chunk_extensions_of_an_answer_are_bounded),
        cmocka_unit_test(test_blanks_around_a_length_of_an_answer_are_taken),
        cmocka_unit_test(test_an_answer_cut_short_is_not_whole),
        cmocka_unit_test(test_a_close_right_behind_the_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
