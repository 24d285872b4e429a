// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/issuers/discovery.h"

#define ISSUER "https://a.test/org/1"

static struct gw_arena arena;
static struct gw_issuer_url keys;

static int open_arena(void **state) {
    (void)state;
    gw_arena_init(&arena, 65536);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

static void assert_keys(const char *document, const char *path) {
    const char *problem = "";
    enum gw_status status =
        gw_discovery_read(&arena, gw_str_from(document), GW_STR(ISSUER), &keys, &problem);
    if (status != GW_OK)
        fail_msg("%s: %s", document, problem);
    assert_true(gw_str_equal(keys.path, gw_str_from(path)));
}

static void assert_refused(const char *document, const char *part) {
    const char *problem = "";
    assert_int_equal(
        gw_discovery_read(&arena, gw_str_from(document), GW_STR(ISSUER), &keys, &problem),
        GW_INVALID);
    if (strstr(problem, part) == NULL)
        fail_msg("%s: %s", document, problem);
}

static void test_it_says_where_the_keys_are(void **state) {
    (void)state;
    assert_keys("{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://a.test/keys?x=1\",\"more\":[1]}",
                "/keys?x=1");
    assert_keys("{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https:\\/\\/A.test:443\\/keys\"}",
                "/keys");
}

static void test_another_issuer_is_refused(void **state) {
    (void)state;
    assert_refused("{\"issuer\":\"" ISSUER "/\",\"jwks_uri\":\"https://a.test/keys\"}", "another");
    assert_refused("{\"issuer\":1,\"jwks_uri\":\"https://a.test/keys\"}", "another");
    assert_refused("{\"jwks_uri\":\"https://a.test/keys\"}", "another");
}

static void test_another_host_is_refused(void **state) {
    (void)state;
    static const char *const places[] = {"https://b.test/keys", "https://a.test:444/keys",
                                         "https://a.test.evil/keys", "https://[::1]/keys"};
    char document[256];
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(document, sizeof(document),
                       "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"%s\"}", places[i]);
        assert_refused(document, "on another host");
    }
    static const char *const others[] = {"http://a.test/keys", "file:///etc/passwd", "/keys",
                                         "https://a.test@b.test/keys"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void)snprintf(document, sizeof(document),
                       "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"%s\"}", others[i]);
        assert_refused(document, "no https URL");
    }
}

static void test_what_is_no_document_is_refused(void **state) {
    (void)state;
    assert_refused("", "no JSON object");
    assert_refused("[]", "no JSON object");
    assert_refused("{\"issuer\":\"" ISSUER "\",\"issuer\":\"" ISSUER "\"}", "no JSON object");
    assert_refused("{\"issuer\":\"" ISSUER "\"}", "no jwks_uri");
    assert_refused("{\"issuer\":\"" ISSUER "\",\"jwks_uri\":null}", "no jwks_uri");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)
        TEST(test_it_says_where_the_keys_are),
        TEST(test_another_issuer_is_refused),
        TEST(test_another_host_is_refused),
        TEST(test_what_is_no_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
