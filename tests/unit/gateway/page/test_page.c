// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/page/files.h"
#include "gateway/page/page.h"
#include "tests/support/noted_exchange.h"

static int set_up(void **state) {
    int failure = noted_exchange_set_up(state);
    struct noted_exchange *noted = *state;
    noted->exchange.site = GW_SITE_PAGE;
    return failure;
}

// `known`: value of If-None-Match, or NULL.
static void ask(struct noted_exchange *noted, llhttp_method_t method, const char *path,
                const char *known) {
    struct gw_exchange *exchange = noted_exchange_start(noted, method);
    exchange->match.path = gw_str_from(path);
    if (known != NULL) {
        noted->request.fields[0] =
            (struct gw_http_field){.name = GW_STR("IF-None-Match"), .value = gw_str_from(known)};
        noted->request.field_count = 1;
    }
    gw_page_start(exchange);
    assert_int_equal(noted->end_count, 1);
}

static void test_the_way_leads_to_the_page(void **state) {
    struct noted_exchange *noted = *state;
    ask(noted, HTTP_GET, "/", NULL);
    assert_int_equal(noted->exchange.status, 307);
    assert_true(noted_exchange_has(noted, "\r\nLocation: /tokens\r\n"));
    noted_exchange_end(noted);
}

static void find_path(const char *name, char *path, size_t path_max) {
    if (strcmp(name, "tokens.html") == 0)
        (void)snprintf(path, path_max, "/tokens");
    else if (strcmp(name, "device.html") == 0)
        (void)snprintf(path, path_max, "/auth/cli");
    else
        (void)snprintf(path, path_max, "/tokens/%s", name);
}

static void test_each_file_is_there_with_its_type_and_tag(void **state) {
    struct noted_exchange *noted = *state;
    assert_true(gw_page_file_count > 1);
    for (int i = 0; i < gw_page_file_count; i++) {
        const struct gw_page_file *file = &gw_page_files[i];
        char path[128];
        char field[128];
        find_path(file->name, path, sizeof(path));
        ask(noted, HTTP_GET, path, NULL);
        assert_int_equal(noted->exchange.status, 200);
        struct gw_str body = noted_exchange_body(noted);
        assert_int_equal(body.length, file->length);
        assert_memory_equal(body.at, file->bytes, file->length);
        (void)snprintf(field, sizeof(field), "\r\nContent-Type: %s\r\n", file->type);
        assert_true(noted_exchange_has(noted, field));
        (void)snprintf(field, sizeof(field), "\r\nETag: %s\r\n", file->etag);
        assert_true(noted_exchange_has(noted, field));
        assert_true(noted_exchange_has(noted, "\r\nCache-Control: no-cache\r\n"));
        assert_true(noted_exchange_has(noted, "\r\nX-Content-Type-Options: nosniff\r\n"));
        noted_exchange_end(noted);
    }
}

static void test_what_a_browser_has_is_not_sent_again(void **state) {
    struct noted_exchange *noted = *state;
    ask(noted, HTTP_GET, "/tokens", NULL);
    char tag[64] = "";
    for (int i = 0; i < gw_page_file_count; i++) {
        if (strcmp(gw_page_files[i].name, "tokens.html") == 0)
            (void)snprintf(tag, sizeof(tag), "%s", gw_page_files[i].etag);
    }
    noted_exchange_end(noted);
    char others[160];
    char weak[80];
    (void)snprintf(others, sizeof(others), "\"other\" ,%s,\"x\"", tag);
    (void)snprintf(weak, sizeof(weak), "W/%s", tag);
    const struct {
        const char *known;
        int status;
    } cases[] = {{tag, 304},     {others, 304}, {weak, 304}, {"*", 304},
                 {"\"x\"", 200}, {"", 200},     {"W/", 200}, {",", 200}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask(noted, HTTP_GET, "/tokens", cases[i].known);
        assert_int_equal(noted->exchange.status, cases[i].status);
        assert_int_equal(noted_exchange_body(noted).length > 0, cases[i].status == 200);
        noted_exchange_end(noted);
    }
}

static void test_what_is_no_file_is_not_found(void **state) {
    static const char *const paths[] = {"/tokens/none.js", "/tokens/tokens.html",
                                        "/tokens/device.html", "/tokens/tokens.htmlx",
                                        "/tokens/page.c"};
    struct noted_exchange *noted = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ask(noted, HTTP_GET, paths[i], NULL);
        assert_int_equal(noted->exchange.status, 404);
        assert_true(noted_exchange_has(noted, "\r\nContent-Security-Policy: default-src 'none'; "));
        noted_exchange_end(noted);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, noted_exchange_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_way_leads_to_the_page),
        TEST(test_each_file_is_there_with_its_type_and_tag),
        TEST(test_what_a_browser_has_is_not_sent_again),
        TEST(test_what_is_no_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
