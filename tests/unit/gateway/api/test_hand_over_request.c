// SPDX-License-Identifier: MIT
// Proves of gateway/api/hand_over_request.c: what a registry says of a token that it made, and
// which sentence names what is wrong or not said.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "gateway/api/hand_over_request.h"
#include "gateway/exchange/exchange.h"

#define NOW_MS 1700000000000 // 2023-11-14T22:13:20.000Z
#define PREFIX "\"prefix\":\"sr_live_a1b2\""
#define DIGEST "6f1ed002ab5595859014ebf0951522d9f3d6e1ea1b8d8e2fb0a2b0f6f4a1c3d5"
#define LONG_DIGEST "\"" DIGEST "00\""
#define WRONG_DIGEST "\"6f1ed002ab5595859014ebf0951522d9f3d6e1ea1b8d8e2fb0a2b0f6f4a1c3dg\""
#define SHA256 "\"sha256\":\"" DIGEST "\""
#define NAME "\"name\":\"ada\""
#define SCOPES "\"scopes\":[\"read\"]"
#define END "\"expiresAt\":null"

static struct gw_arena arena;
static struct gw_hand_over_request request;
static struct gw_hand_over_rules rules;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    memset(&request, 0xee, sizeof(request));
    rules = (struct gw_hand_over_rules){.now_ms = NOW_MS};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

// NULL, or the sentence of the refusal.
static const char *parse(const char *body) {
    struct gw_refusal refusal = {.message = ""};
    if (gw_hand_over_request_parse(&arena, gw_str_from(body), &rules, &request, &refusal))
        return NULL;
    assert_true(refusal.error == GW_ERROR_VALIDATION_FAILED ||
                refusal.error == GW_ERROR_INVALID_JSON);
    return refusal.message;
}

static void assert_wrong(const char *body, const char *word) {
    const char *message = parse(body);
    if (message == NULL || strstr(message, word) == NULL)
        fail_msg("%s: %s", body, message == NULL ? "taken" : message);
}

static void test_a_token_is_read(void **state) {
    (void)state;
    char hex[2 * DB_DIGEST_LENGTH];
    assert_null(parse("{" PREFIX "," SHA256 ",\"name\":\"ada's laptop\","
                      "\"scopes\":[\"read\",\"write\"],\"expiresAt\":\"2023-11-14T22:13:21Z\","
                      "\"description\":\"Ada\"}"));
    assert_true(gw_str_equal(request.prefix, GW_STR("sr_live_a1b2")));
    gw_hex_encode(request.digest, sizeof(request.digest), hex);
    assert_memory_equal(hex, DIGEST, sizeof(hex));
    assert_true(gw_str_equal(request.name, GW_STR("ada's laptop")));
    assert_int_equal(request.scopes, GW_SCOPE_READ | GW_SCOPE_WRITE);
    assert_int_equal(request.expires_ms, NOW_MS + 1000);
    assert_true(gw_str_equal(request.description, GW_STR("Ada")));
}

static void test_no_end_is_said_and_a_description_need_not_be(void **state) {
    (void)state;
    assert_null(parse("{" PREFIX "," SHA256 "," NAME "," SCOPES "," END "}"));
    assert_int_equal(request.expires_ms, DB_NO_TIME);
    assert_null(request.description.at);
    assert_null(parse("{" PREFIX "," SHA256 "," NAME "," SCOPES "," END ",\"description\":null}"));
    assert_null(request.description.at);
}

static void test_everything_else_must_be_said(void **state) {
    (void)state;
    assert_wrong("{" SHA256 "," NAME "," SCOPES "," END "}", "prefix");
    assert_wrong("{" PREFIX "," NAME "," SCOPES "," END "}", "sha256");
    assert_wrong("{" PREFIX "," SHA256 "," SCOPES "," END "}", "name");
    assert_wrong("{" PREFIX "," SHA256 "," NAME "," END "}", "scopes");
    assert_wrong("{" PREFIX "," SHA256 "," NAME "," SCOPES "}", "expiresAt");
    assert_wrong("[]", "object");
    assert_wrong("{", "JSON");
}

static void test_the_scope_admin_is_never_taken(void **state) {
    (void)state;
    assert_wrong("{" PREFIX "," SHA256 "," NAME "," END ",\"scopes\":[\"admin\"]}", "admin");
    assert_wrong("{" PREFIX "," SHA256 "," NAME "," END ",\"scopes\":[\"read\",\"admin\"]}",
                 "no token with the scope admin");
}

static void test_the_prefix_is_of_the_environment(void **state) {
    (void)state;
    static const char test[] =
        "{\"prefix\":\"sr_test_a1b2\"," SHA256 "," NAME "," SCOPES "," END "}";
    static const char legacy[] =
        "{\"prefix\":\"sk_a1b2c3d4e\"," SHA256 "," NAME "," SCOPES "," END "}";
    static const char live[] = "{" PREFIX "," SHA256 "," NAME "," SCOPES "," END "}";
    assert_wrong(test, "other environment");
    assert_null(parse(legacy));
    rules.is_test_environment = true;
    assert_wrong(live, "other environment");
    assert_null(parse(test));
    assert_null(parse(legacy));
}

static void test_what_is_no_prefix_or_digest_is_refused(void **state) {
    (void)state;
    static const char *const prefixes[] = {
        "\"\"", "\"sr_live_a1b\"", "\"sr_live_a1b2c\"", "\"sr_live_a1b.\"", "\"ab_live_a1b2\"", "7",
        "null"};
    static const char longer[] = LONG_DIGEST;
    static const char *const digests[] = {"\"\"", "\"00\"", longer, WRONG_DIGEST, "null", "1"};
    char body[512];
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        (void)snprintf(body, sizeof(body), "{\"prefix\":%s,%s,%s,%s,%s}", prefixes[i], SHA256, NAME,
                       SCOPES, END);
        assert_wrong(body, "prefix");
    }
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        (void)snprintf(body, sizeof(body), "{%s,\"sha256\":%s,%s,%s,%s}", PREFIX, digests[i], NAME,
                       SCOPES, END);
        assert_wrong(body, "sha256");
    }
}

static void test_an_end_that_has_come_and_members_of_other_requests_are_refused(void **state) {
    (void)state;
    assert_wrong("{" PREFIX "," SHA256 "," NAME "," SCOPES
                 ",\"expiresAt\":\"2023-11-14T22:13:20Z\"}",
                 "future");
    assert_wrong("{" PREFIX "," SHA256 "," NAME "," SCOPES "," END ",\"expiresIn\":60}",
                 "expiresIn");
    assert_wrong("{" PREFIX "," SHA256 "," NAME "," SCOPES "," END ",\"token\":\"x\"}", "token");
    assert_wrong("{" PREFIX "," SHA256 "," NAME "," SCOPES "," END ",\"org\":\"acme\"}", "org");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_token_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_end_is_said_and_a_description_need_not_be, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_everything_else_must_be_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_scope_admin_is_never_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_prefix_is_of_the_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_prefix_or_digest_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_an_end_that_has_come_and_members_of_other_requests_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
