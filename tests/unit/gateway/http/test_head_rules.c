// SPDX-License-Identifier: MIT
// The rules over heads made by hand. test_parse.c reads the same rules from bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "gateway/http/head_rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct gw_http_head head_of(int version_minor) {
    return (struct gw_http_head){.version_minor = (uint8_t)version_minor,
                                 .target = GW_STR_INIT("/x")};
}

static void add(struct gw_http_head *head, enum gw_http_field_id id, const char *value) {
    head->fields[head->field_count++] =
        (struct gw_http_field){.value = gw_str_from(value), .id = id};
}

// 0: nothing is wrong.
static int status_of(const struct gw_refusal *refusal) {
    return refusal != NULL ? gw_error_row(refusal->error)->status : 0;
}

static void test_content_length_is_one_plain_number(void **state) {
    (void)state;
    static const struct {
        const char *value;
        int status;
        uint64_t length;
    } cases[] = {
        {"0", 0, 0},     {"5", 0, 5},      {"05", 0, 5},    {"9223372036854775807", 0, INT64_MAX},
        {"", 400, 0},    {"-1", 400, 0},   {"+1", 400, 0},  {"18446744073709551615", 400, 0},
        {"5,5", 400, 0}, {"5, 5", 400, 0}, {"0x5", 400, 0}, {"00000000000000000005", 400, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_http_head head = head_of(1);
        add(&head, GW_FIELD_CONTENT_LENGTH, cases[i].value);
        assert_int_equal(status_of(gw_http_head_check_framing(&head, false)), cases[i].status);
        assert_int_equal(head.has_content_length, cases[i].status == 0);
        if (cases[i].status == 0)
            assert_true(head.content_length == cases[i].length);
    }
}

static void test_a_message_has_one_framing(void **state) {
    (void)state;
    static const struct {
        const char *codings[2];
        const char *length;
        int version_minor;
        bool frames_chunks;
        int status;
    } cases[] = {
        {{NULL, NULL}, NULL, 1, false, 0},
        {{"chunked", NULL}, NULL, 1, true, 0},
        {{"Chunked", NULL}, NULL, 1, true, 0},
        {{"chunked", NULL}, NULL, 1, false, 400}, // llhttp does not agree
        {{"chunked", NULL}, NULL, 0, true, 400},
        {{"chunked", NULL}, "5", 1, true, 400},
        {{"chunked", "chunked"}, NULL, 1, true, 400},
        {{"chunked, chunked", NULL}, NULL, 1, true, 400},
        {{"identity", NULL}, NULL, 1, false, 400},
        {{"", NULL}, NULL, 1, false, 400},
        {{"gzip", NULL}, NULL, 1, false, 501},
        {{"gzip, chunked", NULL}, NULL, 1, true, 501},
        {{"gzip", "chunked"}, NULL, 1, true, 400},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_http_head head = head_of(cases[i].version_minor);
        for (int c = 0; c < 2 && cases[i].codings[c] != NULL; c++)
            add(&head, GW_FIELD_TRANSFER_ENCODING, cases[i].codings[c]);
        if (cases[i].length != NULL)
            add(&head, GW_FIELD_CONTENT_LENGTH, cases[i].length);
        assert_int_equal(status_of(gw_http_head_check_framing(&head, cases[i].frames_chunks)),
                         cases[i].status);
        assert_int_equal(head.is_chunked, cases[i].status == 0 && cases[i].codings[0] != NULL);
    }
}

static int check_host(const char *host) {
    struct gw_http_head head = head_of(1);
    add(&head, GW_FIELD_HOST, host);
    return status_of(gw_http_head_check_request(&head));
}

static void test_what_is_a_host(void **state) {
    (void)state;
    static const char *const hosts[] = {
        "a",         "a.example", "a:80", "a:",    "192.0.2.1", "[2001:db8::1]",
        "[::1]:443", "[v1.a]",    "a_b",  "a%2Fb", "A-Z",       "~",
    };
    static const char *const others[] = {
        "",       ":80", "a b", "a,b", "a/b",  "a@b",  "a:b",   "a:80:80",     "[::1",
        "[::1]x", "[]",  "[a]", "a%2", "a%zz", "a\"b", "[%31]", "[192.0.2.1]",
    };
    for (size_t i = 0; i < COUNT(hosts); i++) {
        if (check_host(hosts[i]) != 0)
            fail_msg("refused: %s", hosts[i]);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        if (check_host(others[i]) != 400)
            fail_msg("accepted: %s", others[i]);
    }
}

static void test_each_byte_that_may_stand_in_a_name(void **state) {
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        char host[] = "a.11"; // after '%' an escape, after ':' a port
        host[1] = (char)byte;
        bool is_legal = (byte < 128 && isalnum(byte)) || strchr("-._~%!$&'()*+;=:", byte) != NULL;
        assert_int_equal(check_host(host), is_legal ? 0 : 400);
    }
}

static void test_there_is_one_host_unless_on_1_0(void **state) {
    (void)state;
    struct gw_http_head none = head_of(1);
    assert_int_equal(status_of(gw_http_head_check_request(&none)), 400);
    struct gw_http_head old = head_of(0);
    assert_int_equal(status_of(gw_http_head_check_request(&old)), 0);
    assert_int_equal(old.host.length, 0);
    struct gw_http_head two = head_of(0);
    add(&two, GW_FIELD_HOST, "a");
    add(&two, GW_FIELD_HOST, "a");
    assert_int_equal(status_of(gw_http_head_check_request(&two)), 400);
}

static void test_an_absolute_target_replaces_the_host(void **state) {
    (void)state;
    static const struct {
        const char *target;
        int status;
        const char *host;
        const char *path;
    } cases[] = {
        {"/x", 0, "h", "/x"},           {"http://b/x?q", 0, "b", "/x?q"},
        {"HTTPS://b:1", 0, "b:1", "/"}, {"ftp://b/x", 0, "h", "ftp://b/x"},
        {"http:///x", 400, "", ""},     {"http://u@b/x", 400, "", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_http_head head = head_of(1);
        head.target = gw_str_from(cases[i].target);
        add(&head, GW_FIELD_HOST, "h");
        assert_int_equal(status_of(gw_http_head_check_request(&head)), cases[i].status);
        if (cases[i].status != 0)
            continue;
        assert_true(gw_str_equal(head.host, gw_str_from(cases[i].host)));
        assert_true(gw_str_equal(head.target, gw_str_from(cases[i].path)));
    }
}

static void test_only_100_continue_is_expected(void **state) {
    (void)state;
    static const struct {
        int version_minor;
        const char *value;
        int status;
        bool expects;
    } cases[] = {
        {1, "100-continue", 0, true}, {1, "100-Continue", 0, true},  {1, "", 417, false},
        {1, "tea", 417, false},       {0, "100-continue", 0, false}, // RFC 9110 section 10.1.1
        {0, "tea", 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_http_head head = head_of(cases[i].version_minor);
        add(&head, GW_FIELD_HOST, "h");
        add(&head, GW_FIELD_EXPECT, cases[i].value);
        assert_int_equal(status_of(gw_http_head_check_request(&head)), cases[i].status);
        assert_int_equal(head.expects_continue, cases[i].expects);
    }
}

static void test_a_response_has_a_status_of_http_and_no_upgrade(void **state) {
    (void)state;
    static const int known[] = {100, 103, 200, 204, 308, 404, 599};
    static const int others[] = {0, 99, 101, 600, 999};
    struct gw_http_head head = head_of(1);
    for (size_t i = 0; i < COUNT(known); i++) {
        head.status = known[i];
        assert_null(gw_http_head_check_response(&head));
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        head.status = others[i];
        assert_non_null(gw_http_head_check_response(&head));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_length_is_one_plain_number),
        cmocka_unit_test(test_a_message_has_one_framing),
        cmocka_unit_test(test_what_is_a_host),
        cmocka_unit_test(test_each_byte_that_may_stand_in_a_name),
        cmocka_unit_test(test_there_is_one_host_unless_on_1_0),
        cmocka_unit_test(test_an_absolute_target_replaces_the_host),
        cmocka_unit_test(test_only_100_continue_is_expected),
        cmocka_unit_test(test_a_response_has_a_status_of_http_and_no_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
