// SPDX-License-Identifier: MIT
// Proves of gateway/api/leak_report.c: which tokens a report names and where they were found, what
// is counted and left out, and which element a refusal names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/api/body.h"
#include "gateway/api/leak_report.h"
#include "gateway/auth/secret.h"
#include "gateway/exchange/exchange.h"

#define TYPE "\"type\":\"" GW_LEAK_TYPE_GITLAB "\""
#define TOKEN "sk_0123456789abcdefghijklmnopqrstuvwxyzABCD"
#define OTHER "sk_0123456789abcdefghijklmnopqrstuvwxyzABCE"
#define FOUND(token, place)                                                                        \
    "{" TYPE ",\"token\":\"" token "\",\"location\":\"" place "\",\"more\":[1]}"

static struct gw_arena arena;
static struct gw_leak_report report;

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, GW_REQUEST_ARENA_BYTES_MAX);
    memset(&report, 0xee, sizeof(report));
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
    if (gw_leak_report_parse(&arena, gw_str_from(body), &report, &refusal))
        return NULL;
    assert_int_equal(refusal.error, GW_ERROR_INVALID_JSON);
    return refusal.message;
}

static void assert_wrong(const char *body, const char *word) {
    const char *message = parse(body);
    if (message == NULL || strstr(message, word) == NULL)
        fail_msg("%s: %s", body, message == NULL ? "taken" : message);
}

static void assert_place(const char *body, const char *place) {
    assert_null(parse(body));
    assert_int_equal(report.leak_count, 1);
    if (!gw_str_equal(report.leaks[0].place, gw_str_from(place)))
        fail_msg("%s: %.*s", body, GW_STR_ARG(report.leaks[0].place));
}

static void test_tokens_and_their_places_are_read(void **state) {
    (void)state;
    unsigned char digest[DB_DIGEST_LENGTH];
    assert_null(parse("[" FOUND(TOKEN, "https://gitlab.example/a") "]"));
    gw_token_digest(GW_STR(TOKEN), digest);
    assert_int_equal(report.leak_count, 1);
    assert_int_equal(report.reported, 1);
    assert_memory_equal(report.leaks[0].digest, digest, sizeof(digest));
    assert_true(gw_str_equal(report.leaks[0].place, GW_STR("https://gitlab.example/a")));
}

static void test_a_token_of_many_places_is_one(void **state) {
    (void)state;
    assert_null(parse("[" FOUND(TOKEN, "a") "," FOUND(OTHER, "b") "," FOUND(TOKEN, "c") "]"));
    assert_int_equal(report.reported, 3);
    assert_int_equal(report.leak_count, 2);
    assert_memory_not_equal(report.leaks[0].digest, report.leaks[1].digest, DB_DIGEST_LENGTH);
}

static void test_what_cannot_be_a_token_is_counted_and_left_out(void **state) {
    (void)state;
    assert_null(parse("[" FOUND("ghp_0123", "a") "," FOUND("", "b") "," FOUND(TOKEN, "c") "]"));
    assert_int_equal(report.reported, 3);
    assert_int_equal(report.leak_count, 1);
    assert_true(gw_str_equal(report.leaks[0].place, GW_STR("c")));
    assert_null(parse("[" FOUND("ghp_0123", "a") "]"));
    assert_int_equal(report.leak_count, 0);
}

static void test_a_place_is_plain_text_and_bounded(void **state) {
    (void)state;
    assert_place("[{" TYPE ",\"token\":\"" TOKEN "\"}]", "");
    assert_place("[{" TYPE ",\"token\":\"" TOKEN "\",\"location\":7}]", "");
    assert_place("[" FOUND(TOKEN, "a\\nb") "]", "");
    assert_place("[" FOUND(TOKEN, "a\\u001bb") "]", "");
    // two bytes a character, behind one of one byte: the last one is cut as a whole
    char body[2048] = "[{" TYPE ",\"token\":\"" TOKEN "\",\"location\":\"x";
    for (int i = 0; i < 300; i++)
        strcat(body, "\xc3\xa9");
    strcat(body, "\"}]");
    assert_null(parse(body));
    assert_int_equal(report.leaks[0].place.length, DB_LEAK_PLACE_BYTES_MAX - 1);
}

static void test_a_token_in_a_place_is_masked(void **state) {
    (void)state;
    assert_place("[" FOUND(TOKEN, "https://gitlab.example/search?q=sr_live_a1b2c3d4&x=1") "]",
                 "https://gitlab.example/search?q=sr_live_***&x=1");
    assert_place("[" FOUND(TOKEN, "https://gitlab.example/?q=" OTHER) "]",
                 "https://gitlab.example/?q=sk_***");
}

static void test_what_is_no_report_is_refused(void **state) {
    (void)state;
    assert_wrong("", "JSON");
    assert_wrong("[", "JSON");
    assert_wrong("{}", "1 to 1000");
    assert_wrong("[]", "1 to 1000");
    assert_wrong("[7]", "[0]");
    assert_wrong("[" FOUND(TOKEN, "a") ",{" TYPE "}]", "[1] must be an object");
    assert_wrong("[{" TYPE ",\"token\":7}]", "[0]");
    assert_wrong("[{\"token\":\"" TOKEN "\"}]", GW_LEAK_TYPE_GITLAB);
    assert_wrong("[{\"type\":\"x\",\"token\":\"" TOKEN "\"}]", GW_LEAK_TYPE_GITLAB);
}

// `count` tokens, each different, in a body as long as it may be.
static struct gw_str longest(int count) {
    static char body[GW_BODY_LEAKS_BYTES_MAX];
    size_t used = (size_t)snprintf(body, sizeof(body), "[");
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(
            body + used, sizeof(body) - used,
            "{" TYPE ",\"token\":\"sk_0123456789abcdefghijklmnopqrstuvwxyz%04d\","
            "\"location\":\"https://gitlab.example.org/acme/tools/-/blob/1a2b3c/%04d/%0*d\"}%s",
            i, i, i == count - 1 ? 1 : 40, 0, i == count - 1 ? "]" : ",");
    assert_in_range(used, 1, sizeof(body) - 1);
    return gw_str(body, used);
}

static void test_the_longest_report_has_room(void **state) {
    (void)state;
    struct gw_refusal refusal = {.message = ""};
    assert_true(gw_leak_report_parse(&arena, longest(DB_LEAKS_MAX), &report, &refusal));
    assert_int_equal(report.leak_count, DB_LEAKS_MAX);
    assert_false(gw_leak_report_parse(&arena, longest(DB_LEAKS_MAX + 1), &report, &refusal));
    assert_int_equal(refusal.error, GW_ERROR_INVALID_JSON);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_tokens_and_their_places_are_read),
        TEST(test_a_token_of_many_places_is_one),
        TEST(test_what_cannot_be_a_token_is_counted_and_left_out),
        TEST(test_a_place_is_plain_text_and_bounded),
        TEST(test_a_token_in_a_place_is_masked),
        TEST(test_what_is_no_report_is_refused),
        TEST(test_the_longest_report_has_room),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
