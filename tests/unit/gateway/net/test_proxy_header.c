// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/net/proxy_header.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_ADDRESSES "\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x34\x01\xbb"
#define V6_ADDRESSES                                                                               \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"         \
    "\x12\x34\x01\xbb"
// For literals with NUL in them.
// clang-format off
#define BYTES(literal) {(literal), sizeof(literal) - 1}
// clang-format on
#define UNSAID ""
#define ITSELF "itself" // the proxy

static enum gw_status feed_all(struct gw_proxy_header *header, struct gw_str bytes,
                               size_t *consumed) {
    gw_proxy_header_init(header);
    return gw_proxy_header_feed(header, bytes, consumed);
}

static void assert_source(const struct gw_proxy_header *header, const char *expected) {
    char text[GW_IP_TEXT_BYTES_MAX] = UNSAID;
    assert_false(header->has_source && header->is_local);
    if (header->is_local)
        strcpy(text, ITSELF);
    if (header->has_source)
        gw_ip_format(&header->source, text);
    assert_string_equal(text, expected);
}

// Whole with the bytes of the client behind it, and one byte at a time: the same header, and
// nothing of the client is taken.
static void assert_header(struct gw_str bytes, const char *source) {
    char text[1024];
    struct gw_proxy_header header;
    size_t consumed = 0;
    memcpy(text, bytes.at, bytes.length);
    memcpy(text + bytes.length, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(feed_all(&header, gw_str(text, bytes.length + 16), &consumed), GW_OK);
    assert_int_equal(consumed, bytes.length);
    assert_source(&header, source);
    gw_proxy_header_init(&header);
    for (size_t i = 0; i < bytes.length; i++) {
        assert_int_equal(gw_proxy_header_feed(&header, gw_str(text + i, 1), &consumed),
                         i + 1 < bytes.length ? GW_WANT_INPUT : GW_OK);
        assert_int_equal(consumed, 1);
    }
    assert_source(&header, source);
}

static void assert_refused(struct gw_str bytes) {
    struct gw_proxy_header header;
    size_t consumed;
    if (feed_all(&header, bytes, &consumed) != GW_INVALID)
        fail_msg("taken: %.*s", GW_STR_ARG(bytes));
    gw_proxy_header_init(&header);
    enum gw_status status = GW_WANT_INPUT;
    for (size_t i = 0; i < bytes.length && status == GW_WANT_INPUT; i++)
        status = gw_proxy_header_feed(&header, gw_str(bytes.at + i, 1), &consumed);
    assert_int_equal(status, GW_INVALID);
}

static void test_lines_name_the_source(void **state) {
    (void)state;
    static const struct {
        const char *line;
        const char *source;
    } cases[] = {
        {"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n", "192.0.2.1"},
        {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"},
        {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0"},
        {"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", "2001:db8::1"},
        {"PROXY TCP6 ::ffff:192.0.2.1 ::1 4711 443\r\n", "192.0.2.1"},
        {"PROXY UNKNOWN\r\n", UNSAID},
        {"PROXY UNKNOWN \r\n", UNSAID},
        {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
         UNSAID},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_header(gw_str_from(cases[i].line), cases[i].source);
}

static void test_broken_lines_are_refused(void **state) {
    (void)state;
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n",
        "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r \n",
        "PROXY TCP4 192.0.2.1\r192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1\n192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.256 1 2\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 2001:db8::1%1 2001:db8::2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2  2\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY unknown\r\n",
        "PROXY UNKNOWNS\r\n",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_refused(gw_str_from(lines[i]));
}

static void test_a_line_is_bounded(void **state) {
    (void)state;
    char line[GW_PROXY_HEADER_KEPT_MAX + 3];
    snprintf(line, sizeof(line), "PROXY UNKNOWN %*s\r\n", GW_PROXY_HEADER_KEPT_MAX - 16, "x");
    assert_header(gw_str(line, GW_PROXY_HEADER_KEPT_MAX), UNSAID);
    snprintf(line, sizeof(line), "PROXY UNKNOWN %*s\r\n", GW_PROXY_HEADER_KEPT_MAX - 15, "x");
    assert_refused(gw_str(line, GW_PROXY_HEADER_KEPT_MAX + 1));
}

static void test_binary_headers_name_the_source(void **state) {
    (void)state;
    static const struct {
        struct gw_str bytes;
        const char *source;
    } cases[] = {
        {BYTES(SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES), "192.0.2.1"},
        {BYTES(SIGNATURE "\x21\x21\x00\x24" V6_ADDRESSES), "2001:db8::1"},
        {BYTES(SIGNATURE "\x21\x11\x00\x11" V4_ADDRESSES "\x04\x00\x02xy"), "192.0.2.1"},
        {BYTES(SIGNATURE "\x21\x11\x00\x0d" V4_ADDRESSES "\x04"), "192.0.2.1"},
        {BYTES(SIGNATURE "\x20\x00\x00\x00"), ITSELF},
        {BYTES(SIGNATURE "\x20\x11\x00\x0c" V4_ADDRESSES), ITSELF},
        {BYTES(SIGNATURE "\x20\xff\x00\x01x"), ITSELF},
        {BYTES(SIGNATURE "\x21\x00\x00\x00"), UNSAID},
        {BYTES(SIGNATURE "\x21\x00\x00\x03xyz"), UNSAID},
        {BYTES(SIGNATURE "\x21\x10\x00\x0c" V4_ADDRESSES), UNSAID},
        {BYTES(SIGNATURE "\x21\x12\x00\x0c" V4_ADDRESSES), UNSAID},
        {BYTES(SIGNATURE "\x21\x02\x00\x00"), UNSAID},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_header(cases[i].bytes, cases[i].source);
}

static void test_broken_binary_headers_are_refused(void **state) {
    (void)state;
    static const struct gw_str cases[] = {
        BYTES("\r\n\r\n\r"),
        BYTES("\r\n\r\n\0\r\nQUIT\r"),
        BYTES(SIGNATURE "\x11\x11\x00\x0c" V4_ADDRESSES),
        BYTES(SIGNATURE "\x31\x11\x00\x0c" V4_ADDRESSES),
        BYTES(SIGNATURE "\x22\x11\x00\x0c" V4_ADDRESSES),
        BYTES(SIGNATURE "\x21\x41\x00\x0c" V4_ADDRESSES),
        BYTES(SIGNATURE "\x21\x13\x00\x0c" V4_ADDRESSES),
        BYTES(SIGNATURE "\x21\x11\x00\x0b" V4_ADDRESSES),
        BYTES(SIGNATURE "\x21\x21\x00\x0c" V4_ADDRESSES),
        BYTES(SIGNATURE "\x21\x21\x00\x23" V6_ADDRESSES),
        BYTES(SIGNATURE "\x21\x31\x00\xd7"),
        BYTES(SIGNATURE "\x21\x11\xff\xff"),
        BYTES(SIGNATURE "\x20\x00\x02\x09"),
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i]);
}

static void test_the_largest_binary_header_is_skipped_whole(void **state) {
    (void)state;
    char bytes[GW_PROXY_HEADER_BYTES_MAX];
    static const char start[] = SIGNATURE "\x21\x11\x02\x08" V4_ADDRESSES;
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, start, sizeof(start) - 1);
    assert_header(gw_str(bytes, sizeof(bytes)), "192.0.2.1");
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, SIGNATURE "\x21\x31\x00\xd8", 16);
    assert_header(gw_str(bytes, 16 + 216), UNSAID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_name_the_source),
        cmocka_unit_test(test_broken_lines_are_refused),
        cmocka_unit_test(test_a_line_is_bounded),
        cmocka_unit_test(test_binary_headers_name_the_source),
        cmocka_unit_test(test_broken_binary_headers_are_refused),
        cmocka_unit_test(test_the_largest_binary_header_is_skipped_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
