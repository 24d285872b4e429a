// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/api/original_request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define O_METHOD "X-Original-Method"
#define O_URI "X-Original-URI"
#define O_URL "X-Original-URL"
#define F_METHOD "X-Forwarded-Method"
#define F_URI "X-Forwarded-Uri"
#define FIELDS_MAX 8

struct field {
    const char *name;
    const char *value;
};

static enum gw_status read_with(const struct field *fields, const char *const own_pair[2],
                                struct gw_original_request *original) {
    static struct gw_http_head head;
    head.field_count = 0;
    for (int i = 0; i < FIELDS_MAX && fields[i].name != NULL; i++)
        head.fields[head.field_count++] = (struct gw_http_field){
            gw_str_from(fields[i].name), gw_str_from(fields[i].value), GW_FIELD_OTHER};
    return gw_original_request_read(&head, own_pair, original);
}

static enum gw_status read_fields(const struct field *fields,
                                  struct gw_original_request *original) {
    return read_with(fields, (const char *const[2]){NULL, NULL}, original);
}

static void assert_text(struct gw_str text, const char *expected, size_t number) {
    if (!gw_str_equal(text, gw_str_from(expected)))
        fail_msg("case %zu: %.*s instead of %s", number, GW_STR_ARG(text), expected);
}

static void test_what_proxies_send_names_the_request(void **state) {
    (void)state;
    static const struct {
        struct field fields[FIELDS_MAX];
        const char *method;
        const char *target;
    } cases[] = {
        {{{O_METHOD, "GET"}, {O_URI, "/a?b=c"}}, "GET", "/a?b=c"},
        {{{F_URI, "/a"}, {F_METHOD, "PATCH"}}, "PATCH", "/a"},
        {{{"x-ORIGINAL-method", "GET"}, {"x-original-uri", "/a"}}, "GET", "/a"},
        {{{O_METHOD, "GET"}, {O_URL, "https://example.org/a?b"}}, "GET", "/a?b"},
        {{{O_METHOD, "GET"}, {O_URI, "HTTP://[::1]:8080/a//b"}}, "GET", "/a//b"},
        {{{O_METHOD, "GET"}, {O_URI, "/a"}, {O_URL, "http://x/a"}}, "GET", "/a"},
        {{{O_METHOD, "GET"}, {O_URI, "/a"}, {F_METHOD, "GET"}, {F_URI, "http://x/a"}}, "GET", "/a"},
        // The router refuses these, not the reader.
        {{{O_METHOD, "get"}, {O_URI, "//x/../b"}}, "get", "//x/../b"},
        // A name that only folds to one of the fields is another field.
        {{{O_METHOD, "GET"}, {O_URI, "/a"}, {"X_Original_URI", "/b"}}, "GET", "/a"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_original_request original;
        assert_int_equal(read_fields(cases[i].fields, &original), GW_OK);
        assert_text(original.method, cases[i].method, i);
        assert_text(original.target, cases[i].target, i);
    }
}

static void test_without_such_fields_there_is_no_request(void **state) {
    (void)state;
    struct gw_original_request original;
    assert_int_equal(read_fields((struct field[FIELDS_MAX]){{"Host", "x"}}, &original),
                     GW_NOT_FOUND);
}

static void test_half_a_pair_two_opinions_and_no_path_are_invalid(void **state) {
    (void)state;
    static const struct field cases[][FIELDS_MAX] = {
        {{O_METHOD, "GET"}},
        {{O_URI, "/a"}},
        {{O_URL, "/a"}},
        {{F_METHOD, "GET"}},
        {{F_URI, "/a"}},
        {{O_METHOD, "GET"}, {F_URI, "/a"}},
        {{F_METHOD, "GET"}, {O_URI, "/a"}},
        {{O_METHOD, "GET"}, {O_URI, "/a"}, {F_URI, "/a"}},
        {{O_METHOD, "GET"}, {O_URI, "/a"}, {F_METHOD, "GET"}},
        {{O_METHOD, "GET"}, {O_METHOD, "GET"}, {O_URI, "/a"}},
        {{O_METHOD, "GET"}, {O_URI, "/a"}, {O_URI, "/a"}},
        {{O_METHOD, "GET"}, {O_URI, "/a"}, {"x-original-uri", "/b"}},
        {{O_METHOD, "GET"}, {O_URI, "/a"}, {O_URL, "http://x/b"}},
        {{O_METHOD, "GET"}, {O_URI, "/a"}, {F_METHOD, "POST"}, {F_URI, "/a"}},
        {{O_METHOD, "GET"}, {O_URI, "/a"}, {F_METHOD, "GET"}, {F_URI, "/b"}},
        {{O_METHOD, ""}, {O_URI, "/a"}},
        {{O_METHOD, "GET"}, {O_URI, ""}},
        {{O_METHOD, "GET"}, {O_URI, "a"}},
        {{O_METHOD, "GET"}, {O_URI, "*"}},
        {{O_METHOD, "GET"}, {O_URI, "ftp://x/a"}},
        {{O_METHOD, "GET"}, {O_URI, "http://"}},
        {{O_METHOD, "GET"}, {O_URI, "http://x"}},
        {{O_METHOD, "GET"}, {O_URI, "http:///a"}},
        {{O_METHOD, "GET"}, {O_URI, "http://x?y=/a"}},
        {{O_METHOD, "GET"}, {O_URI, "http://x#/a"}},
        {{O_METHOD, "GET"}, {O_URI, "http://x\\y/a"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_original_request original;
        enum gw_status status = read_fields(cases[i], &original);
        if (status != GW_INVALID)
            fail_msg("case %zu: %d", i, status);
    }
}

// NGINX Gateway Fabric. The names are ordinary ones: without the setting they mean nothing.
static void test_a_pair_of_the_operator_has_the_same_rules(void **state) {
    (void)state;
    static const char *const pair[2] = {"Method", "Path"};
    static const struct {
        struct field fields[FIELDS_MAX];
        enum gw_status status;
    } cases[] = {
        {{{"method", "GET"}, {"path", "/a?b"}}, GW_OK},
        {{{"Method", "GET"}, {"Path", "/a?b"}, {O_METHOD, "GET"}, {O_URI, "/a?b"}}, GW_OK},
        {{{O_METHOD, "GET"}, {O_URI, "/a?b"}}, GW_OK},
        {{{"Host", "x"}}, GW_NOT_FOUND},
        {{{"Method", "GET"}}, GW_INVALID},
        {{{"Path", "/a"}}, GW_INVALID},
        {{{"Method", "GET"}, {"Path", "/a"}, {"Path", "/a"}}, GW_INVALID},
        {{{"Method", "GET"}, {"Path", "a"}}, GW_INVALID},
        {{{"Method", "GET"}, {O_URI, "/a"}}, GW_INVALID},
        {{{"Method", "GET"}, {"Path", "/a"}, {O_METHOD, "GET"}, {O_URI, "/b"}}, GW_INVALID},
        {{{"Method", "POST"}, {"Path", "/a"}, {F_METHOD, "GET"}, {F_URI, "/a"}}, GW_INVALID},
        {{{"Method", "POST"}, {"Path", "/a"}, {F_METHOD, "POST"}}, GW_INVALID},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_original_request original;
        enum gw_status status = read_with(cases[i].fields, pair, &original);
        if (status != cases[i].status)
            fail_msg("case %zu: %d", i, status);
        if (status != GW_OK)
            continue;
        assert_text(original.method, "GET", i);
        assert_text(original.target, "/a?b", i);
    }
    struct gw_original_request original;
    assert_int_equal(read_fields(cases[0].fields, &original), GW_NOT_FOUND);
    assert_int_equal(read_fields(cases[4].fields, &original), GW_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_proxies_send_names_the_request),
        cmocka_unit_test(test_without_such_fields_there_is_no_request),
        cmocka_unit_test(test_a_pair_of_the_operator_has_the_same_rules),
        cmocka_unit_test(test_half_a_pair_two_opinions_and_no_path_are_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
