// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "db/token.h"
#include "gateway/api/requests.h"
#include "gateway/exchange/exchange.h"
#include "token/limits.h"
#include "token/name.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_MS 1700000000000 // 2023-11-14T22:13:20.000Z
#define READ GW_SCOPE_READ
#define WRITE GW_SCOPE_WRITE
#define ADMIN GW_SCOPE_ADMIN

static int set_up(void **state) {
    struct gw_arena *arena = test_malloc(sizeof(*arena));
    gw_arena_init(arena, GW_REQUEST_ARENA_BYTES_MAX);
    *state = arena;
    return 0;
}

static int tear_down(void **state) {
    gw_arena_deinit(*state);
    test_free(*state);
    return 0;
}

static void assert_accepted(struct gw_arena *arena, const char *body,
                            const struct gw_token_request *expected) {
    struct gw_token_request request;
    struct gw_refusal refusal = {0};
    if (!gw_token_request_parse(arena, gw_str_from(body), NOW_MS, &request, &refusal))
        fail_msg("%s: %d %s", body, gw_error_row(refusal.error)->status, refusal.message);
    if (!gw_str_equal(request.name, expected->name) || request.scopes != expected->scopes ||
        request.expires_ms != expected->expires_ms ||
        request.binds_children != expected->binds_children ||
        request.rotates_itself != expected->rotates_itself ||
        !gw_str_equal(request.bound_san, expected->bound_san) ||
        !gw_str_equal(request.description, expected->description) ||
        (request.description.at == NULL) != (expected->description.at == NULL))
        fail_msg("%s: name %.*s scopes %d expires %lld", body, GW_STR_ARG(request.name),
                 request.scopes, (long long)request.expires_ms);
}

static void assert_refused(struct gw_arena *arena, struct gw_str body, int status, const char *code,
                           const char *message) {
    struct gw_token_request request;
    struct gw_refusal refusal = {0};
    if (gw_token_request_parse(arena, body, NOW_MS, &request, &refusal))
        fail_msg("%.*s is accepted", GW_STR_ARG(body));
    if (gw_error_row(refusal.error)->status != status ||
        strcmp(gw_error_row(refusal.error)->code, code) != 0 ||
        strstr(refusal.message, message) == NULL)
        fail_msg("%.*s: %d %s %s", GW_STR_ARG(body), gw_error_row(refusal.error)->status,
                 gw_error_row(refusal.error)->code, refusal.message);
}

// ---- create ----

static void test_bodies_that_are_accepted(void **state) {
    static const struct {
        const char *body;
        struct gw_token_request expected;
    } cases[] = {
        {"{\"name\":\"ci\"}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = DB_NO_TIME}},
        {" {\"scopes\" : [ \"read\" ] , \"name\" : \"ci\"} ",
         {.name = GW_STR_INIT("ci"), .scopes = READ, .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"ci\",\"scopes\":[\"admin\"]}",
         {.name = GW_STR_INIT("ci"), .scopes = ADMIN, .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"ci\",\"scopes\":[\"write\",\"read\",\"admin\",\"read\"]}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE | ADMIN, .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"\\u00e4 \\\"x\\\"\"}",
         {.name = GW_STR_INIT("\xc3\xa4 \"x\""), .scopes = READ | WRITE, .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"ci\",\"expiresAt\":null}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"ci\",\"expiresAt\":\"2023-11-14T22:13:20.001Z\"}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = NOW_MS + 1}},
        {"{\"name\":\"ci\",\"expiresIn\":1}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = NOW_MS + 1000}},
        {"{\"name\":\"ci\",\"expiresIn\":251702300799}", // to the end of 9999
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = 253402300799000}},
        {"{\"name\":\"ci\",\"expiresIn\":null,\"expiresAt\":null}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"ci\",\"expiresAt\":\"2023-11-15T00:13:21+02:00\"}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = NOW_MS + 1000}},
        {"{\"name\":\"ci\",\"bindChildren\":true}",
         {.name = GW_STR_INIT("ci"),
          .scopes = READ | WRITE,
          .expires_ms = DB_NO_TIME,
          .binds_children = true}},
        {"{\"name\":\"ci\",\"selfRotate\":true,\"description\":\"for the bot\"}",
         {.name = GW_STR_INIT("ci"),
          .description = GW_STR_INIT("for the bot"),
          .scopes = READ | WRITE,
          .expires_ms = DB_NO_TIME,
          .rotates_itself = true}},
        {"{\"name\":\"ci\",\"boundSan\":\"spiffe:\\/\\/example.org\\/ci\"}",
         {.name = GW_STR_INIT("ci"),
          .bound_san = GW_STR_INIT("spiffe://example.org/ci"),
          .scopes = READ | WRITE,
          .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"ci\",\"boundSan\":null}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"ci\",\"selfRotate\":null,\"description\":null}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = DB_NO_TIME}},
        {"{\"name\":\"ci\",\"bindChildren\":null}",
         {.name = GW_STR_INIT("ci"), .scopes = READ | WRITE, .expires_ms = DB_NO_TIME}},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_accepted(*state, cases[i].body, &cases[i].expected);
}

static void test_what_is_not_json_is_a_bad_request(void **state) {
    static const struct gw_str bodies[] = {
        GW_STR_INIT(""),
        GW_STR_INIT("   "),
        GW_STR_INIT("{"),
        GW_STR_INIT("{\"name\":\"ci\""),
        GW_STR_INIT("{\"name\":\"ci\"}x"),
        GW_STR_INIT("{\"name\":\"ci\"}{}"),
        GW_STR_INIT("{\"name\":\"ci\",}"),
        GW_STR_INIT("{'name':'ci'}"),
        GW_STR_INIT("{name:\"ci\"}"),
        GW_STR_INIT("{\"name\":\"ci\"} // x"),
        GW_STR_INIT("\xef\xbb\xbf{\"name\":\"ci\"}"),
        GW_STR_INIT("{\"name\":\"\xe4\"}"),
        GW_STR_INIT("{\"name\":\"\\ud800\"}"),
        GW_STR_INIT("{\"name\":\"a\tb\"}"),
        GW_STR_INIT("{\"name\":\"a\0b\"}"),
        GW_STR_INIT("{\"name\":\"a\",\"name\":\"b\"}"),
        GW_STR_INIT("{\"name\":\"a\",\"n\\u0061me\":\"b\"}"),
        GW_STR_INIT("{\"name\":\"ci\",\"x\":01}"),
        GW_STR_INIT("name=ci"),
    };
    for (size_t i = 0; i < COUNT(bodies); i++)
        assert_refused(*state, bodies[i], 400, "invalid_json", "JSON");
    assert_refused(*state, GW_STR("{\"name\":x}"), 400, "invalid_json", "at byte 9.");
    assert_refused(*state, GW_STR("{\"a\":1,\"a\":2}"), 400, "invalid_json", "twice, at byte 8.");
}

static void test_json_that_is_too_deep_or_too_much_is_refused(void **state) {
    static char body[16384];
    memset(body, '[', 10000);
    assert_refused(*state, gw_str(body, 10000), 400, "invalid_json", "too deep");
    char *at = body + sprintf(body, "{\"name\":\"ci\",\"x\":[0");
    for (int i = 0; i < GW_JSON_TOKENS_MAX; i++)
        at += sprintf(at, ",0");
    at += sprintf(at, "]}");
    assert_refused(*state, gw_str(body, (size_t)(at - body)), 400, "invalid_json", "too many");
}

static void test_wrong_fields_are_refused_by_name(void **state) {
    static const struct {
        const char *body;
        const char *message; // part of it: the field
    } cases[] = {
        {"[]", "object"},
        {"\"name\"", "object"},
        {"null", "object"},
        {"7", "object"},
        {"{}", "name is required"},
        {"{\"Name\":\"ci\"}", "Name is no member"},
        {"{\"name\":null}", "name must be a string"},
        {"{\"name\":7}", "name must be a string"},
        {"{\"name\":[\"ci\"]}", "name must be a string"},
        {"{\"name\":{}}", "name must be a string"},
        {"{\"name\":true}", "name must be a string"},
        {"{\"name\":\"ci\",\"scope\":[\"read\"]}",
         "scope is no member of this request; known are: name, scopes, expiresAt"},
        {"{\"name\":\"ci\",\"expires_at\":\"2027-01-01\"}", "expires_at is no member"},
        {"{\"name\":\"ci\",\"Scopes\":\"admin\"}", "Scopes is no member"},
        {"{\"name\":\"\"}", "name must be 1 to 100"},
        {"{\"name\":\"  \"}", "name must not begin with a blank (U+0020 at character 1)."},
        {"{\"name\":\"ci sr_live_abcdefghijklmnopqrst\"}", "name must not hold a token"},
        {"{\"name\":\"ci\",\"scopes\":[]}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":null}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":\"read\"}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":{\"read\":true}}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":[\"read\",\"root\"]}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":[\"Read\"]}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":[\"read,write\"]}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":[\"\"]}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":[1]}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":[null]}", "scopes"},
        {"{\"name\":\"ci\",\"scopes\":[[\"read\"]]}", "scopes"},
        {"{\"name\":\"ci\",\"expiresAt\":1700000001}", "expiresAt must be a time"},
        {"{\"name\":\"ci\",\"expiresAt\":\"\"}", "expiresAt must be a time"},
        {"{\"name\":\"ci\",\"expiresAt\":\"soon\"}", "expiresAt must be a time"},
        {"{\"name\":\"ci\",\"expiresAt\":\"2030-02-30T00:00:00Z\"}", "expiresAt must be a time"},
        {"{\"name\":\"ci\",\"expiresAt\":\"2030-01-01\"}", "expiresAt must be a time"},
        {"{\"name\":\"ci\",\"expiresAt\":\"2023-11-14T22:13:20.000Z\"}", "expiresAt must be in"},
        {"{\"name\":\"ci\",\"expiresAt\":\"1999-01-01T00:00:00Z\"}", "expiresAt must be in"},
        {"{\"name\":\"ci\",\"selfRotate\":\"true\"}", "selfRotate must be true or false"},
        {"{\"name\":\"ci\",\"selfRotate\":1}", "selfRotate must be true or false"},
        {"{\"name\":\"ci\",\"boundSan\":5}", "boundSan must be a string"},
        {"{\"name\":\"ci\",\"boundSan\":\"\"}", "boundSan must be a URI"},
        {"{\"name\":\"ci\",\"boundSan\":\"*.example.org\"}", "boundSan must be a URI"},
        {"{\"name\":\"ci\",\"boundSan\":\"a.b\\u0000\"}", "boundSan must be a URI"},
        {"{\"name\":\"ci\",\"description\":5}", "description must be a string"},
        {"{\"name\":\"ci\",\"description\":\"\"}", "description must"},
        {"{\"name\":\"ci\",\"description\":\"a\\u202eb\"}", "description must"},
        {"{\"name\":\"ci\",\"expiresIn\":0}", "expiresIn must be a whole number"},
        {"{\"name\":\"ci\",\"expiresIn\":-1}", "expiresIn must be a whole number"},
        {"{\"name\":\"ci\",\"expiresIn\":1.5}", "expiresIn must be a whole number"},
        {"{\"name\":\"ci\",\"expiresIn\":\"90d\"}", "expiresIn must be a whole number"},
        {"{\"name\":\"ci\",\"expiresIn\":251702300800}", "before the year 10000"},
        {"{\"name\":\"ci\",\"expiresIn\":9223372036854775807}", "before the year 10000"},
        {"{\"name\":\"ci\",\"expiresIn\":60,\"expiresAt\":\"2099-01-01T00:00:00Z\"}",
         "expiresAt and expiresIn"},
        {"{\"name\":\"ci\",\"allowedIps\":\"10.0.0.0/8\"}", "allowedIps must be a list"},
        {"{\"name\":\"ci\",\"allowedIps\":{\"a\":1}}", "allowedIps must be a list"},
        {"{\"name\":\"ci\",\"allowedIps\":[\"10.0.0.1/8\"]}", "allowedIps[0] must be"},
        {"{\"name\":\"ci\",\"allowedIps\":[\"::1\",\"10.0.0\"]}", "allowedIps[1] must be"},
        {"{\"name\":\"ci\",\"allowedIps\":[\"::1\",null]}", "allowedIps[1] must be"},
        {"{\"name\":\"ci\",\"allowedIps\":[\"\"]}", "allowedIps[0] must be"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(*state, gw_str_from(cases[i].body), 422, "validation_failed",
                       cases[i].message);
}

static void test_names_of_100_characters_and_one_more(void **state) {
    char body[512];
    char name[2 * (GW_TOKEN_NAME_CHARACTERS_MAX + 1) + 1] = "";
    for (int i = 0; i < GW_TOKEN_NAME_CHARACTERS_MAX; i++)
        memcpy(name + 2 * i, "\xc3\xa4", 3);
    struct gw_token_request expected = {
        .name = gw_str_from(name), .scopes = READ | WRITE, .expires_ms = DB_NO_TIME};
    snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
    assert_accepted(*state, body, &expected);
    snprintf(body, sizeof(body), "{\"name\":\"%sx\"}", name);
    assert_refused(*state, gw_str_from(body), 422, "validation_failed", "name must be 1 to 100");
}

// The canonical text of the parsed ranges, joined by spaces.
static void format_allowed_ips(const struct gw_token_request *request, char out[2048]) {
    out[0] = '\0';
    for (int i = 0; i < request->allowed_ip_count; i++) {
        char text[GW_IP_RANGE_TEXT_BYTES_MAX];
        (void)gw_ip_range_format(&request->allowed_ips[i], text);
        size_t used = strlen(out);
        (void)snprintf(out + used, 2048 - used, "%s%s", i == 0 ? "" : " ", text);
    }
}

static void test_addresses_that_a_token_may_be_used_from(void **state) {
    static const struct {
        const char *member;
        const char *parsed;
    } cases[] = {
        {"", ""},
        {",\"allowedIps\":null", ""},
        {",\"allowedIps\":[]", ""},
        {",\"allowedIps\":[\"10.0.0.0/8\",\"192.0.2.7/32\",\"2001:DB8:0::/32\"]",
         "10.0.0.0/8 192.0.2.7 2001:db8::/32"},
        {",\"allowedIps\":[\"::ffff:192.0.2.7\",\"0.0.0.0/0\",\"::/0\"]",
         "192.0.2.7 0.0.0.0/0 ::/0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char body[512];
        char text[2048];
        struct gw_token_request request;
        struct gw_refusal refusal;
        (void)snprintf(body, sizeof(body), "{\"name\":\"ci\"%s}", cases[i].member);
        assert_true(gw_token_request_parse(*state, gw_str_from(body), NOW_MS, &request, &refusal));
        format_allowed_ips(&request, text);
        assert_string_equal(text, cases[i].parsed);
    }
}

static void test_addresses_are_32_at_the_most(void **state) {
    for (int count = GW_ALLOWED_IPS_MAX; count <= GW_ALLOWED_IPS_MAX + 1; count++) {
        char body[1024];
        char *at = body + sprintf(body, "{\"name\":\"ci\",\"allowedIps\":[\"10.0.0.0\"");
        for (int i = 1; i < count; i++)
            at += sprintf(at, ",\"10.0.0.%d\"", i);
        (void)sprintf(at, "]}");
        struct gw_token_request request;
        struct gw_refusal refusal;
        bool is_right =
            gw_token_request_parse(*state, gw_str_from(body), NOW_MS, &request, &refusal);
        assert_int_equal(is_right, count == GW_ALLOWED_IPS_MAX);
        if (is_right)
            assert_int_equal(request.allowed_ip_count, count);
    }
}

static void test_without_memory_nothing_is_known(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 16);
    assert_refused(&arena, GW_STR("{\"name\":\"ci\"}"), 503, "unavailable", "memory");
    gw_arena_deinit(&arena);
}

// ---- rotate ----

static void test_rotations_that_are_accepted(void **state) {
    static const struct {
        const char *body;
        int64_t overlap_s;
        int64_t expires_ms;
    } cases[] = {
        {"", GW_ROTATE_OVERLAP_S_DEFAULT, DB_NO_TIME},
        {"{}", GW_ROTATE_OVERLAP_S_DEFAULT, DB_NO_TIME},
        {"{\"overlapSeconds\":null,\"expiresAt\":null}", GW_ROTATE_OVERLAP_S_DEFAULT, DB_NO_TIME},
        {"{\"overlapSeconds\":0}", 0, DB_NO_TIME},
        {"{\"overlapSeconds\":2592000}", GW_ROTATE_OVERLAP_S_MAX, DB_NO_TIME},
        {"{\"expiresAt\":\"2023-11-14T22:13:20.001Z\"}", GW_ROTATE_OVERLAP_S_DEFAULT, NOW_MS + 1},
        {"{\"expiresIn\":60}", GW_ROTATE_OVERLAP_S_DEFAULT, NOW_MS + 60000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_rotate_request request;
        struct gw_refusal refusal;
        if (!gw_rotate_request_parse(*state, gw_str_from(cases[i].body), NOW_MS, &request,
                                     &refusal))
            fail_msg("%s: %s", cases[i].body, refusal.message);
        assert_true(request.overlap_s == cases[i].overlap_s);
        assert_true(request.expires_ms == cases[i].expires_ms);
    }
}

static void test_rotations_that_are_refused(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *word;
    } cases[] = {
        {" ", 400, "JSON"},
        {"{", 400, "JSON"},
        {"[]", 422, "object"},
        {"{\"overlap\":0}", 422, "overlap is no member"},
        {"{\"overlapSeconds\":-1}", 422, "overlapSeconds"},
        {"{\"overlapSeconds\":2592001}", 422, "overlapSeconds"},
        {"{\"overlapSeconds\":1.5}", 422, "overlapSeconds"},
        {"{\"overlapSeconds\":99999999999999999999}", 422, "overlapSeconds"},
        {"{\"overlapSeconds\":\"24h\"}", 422, "overlapSeconds"},
        {"{\"expiresAt\":\"2023-11-14T22:13:20.000Z\"}", 422, "expiresAt"},
        {"{\"expiresAt\":1}", 422, "expiresAt"},
        {"{\"expiresIn\":0}", 422, "expiresIn"},
        {"{\"expiresIn\":60,\"expiresAt\":\"2099-01-01T00:00:00Z\"}", 422, "expiresIn"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_rotate_request request;
        struct gw_refusal refusal = {0};
        if (gw_rotate_request_parse(*state, gw_str_from(cases[i].body), NOW_MS, &request, &refusal))
            fail_msg("%s is accepted", cases[i].body);
        assert_int_equal(gw_error_row(refusal.error)->status, cases[i].status);
        assert_non_null(strstr(refusal.message, cases[i].word));
    }
}

static void test_idempotency_keys(void **state) {
    (void)state;
    char long_key[GW_IDEMPOTENCY_KEY_LENGTH_MAX + 2];
    memset(long_key, 'k', sizeof(long_key));
    const struct {
        struct gw_str values[2]; // .at NULL: not there
        bool is_right;
    } cases[] = {
        {{{NULL, 0}, {NULL, 0}}, true},
        {{GW_STR("!"), {NULL, 0}}, true},
        {{gw_str(long_key, GW_IDEMPOTENCY_KEY_LENGTH_MAX), {NULL, 0}}, true},
        {{gw_str(long_key, GW_IDEMPOTENCY_KEY_LENGTH_MAX + 1), {NULL, 0}}, false},
        {{GW_STR(""), {NULL, 0}}, false},
        {{GW_STR("a b"), {NULL, 0}}, false},
        {{GW_STR("a\x7f"), {NULL, 0}}, false},
        {{GW_STR("\xc3\xa4"), {NULL, 0}}, false},
        {{GW_STR("a"), GW_STR("a")}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_http_head head = {0};
        for (int v = 0; v < 2 && cases[i].values[v].at != NULL; v++)
            head.fields[head.field_count++] = (struct gw_http_field){
                .name = GW_STR("idempotency-KEY"), .value = cases[i].values[v]};
        struct gw_str key = GW_STR("untouched");
        struct gw_refusal refusal = {0};
        assert_int_equal(gw_idempotency_key_read(&head, &key, &refusal), cases[i].is_right);
        if (cases[i].is_right)
            assert_ptr_equal(key.at, cases[i].values[0].at);
        else
            assert_int_equal(gw_error_row(refusal.error)->status, 400);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_bodies_that_are_accepted),
        TEST(test_what_is_not_json_is_a_bad_request),
        TEST(test_json_that_is_too_deep_or_too_much_is_refused),
        TEST(test_wrong_fields_are_refused_by_name),
        TEST(test_names_of_100_characters_and_one_more),
        TEST(test_addresses_that_a_token_may_be_used_from),
        TEST(test_addresses_are_32_at_the_most),
        TEST(test_without_memory_nothing_is_known),
        TEST(test_rotations_that_are_accepted),
        TEST(test_rotations_that_are_refused),
        TEST(test_idempotency_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
