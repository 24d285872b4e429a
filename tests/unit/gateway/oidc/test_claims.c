// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/oidc/claims.h"
#include "tests/support/identity_token.h"

#define NOW_S 1767225600
#define ISSUER "https://issuer.example"
#define AUDIENCE "https://skillreg.example"
#define WHO "\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"jti\":\"a\""
#define TIMES "\"iat\":1767225600,\"exp\":1767226500"

static struct gw_arena arena;
static const struct gw_oidc_policy policy = {.issuer = GW_STR_INIT(ISSUER),
                                             .audience = GW_STR_INIT(AUDIENCE),
                                             .age_s_max = GW_OIDC_AGE_S_DEFAULT};
static const struct gw_oidc_policy lax = {.issuer = GW_STR_INIT(ISSUER),
                                          .audience = GW_STR_INIT(AUDIENCE),
                                          .age_s_max = GW_OIDC_AGE_S_DEFAULT,
                                          .may_lack_iat = true,
                                          .may_lack_jti = true};

static int set_up(void **state) {
    (void)state;
    gw_arena_init(&arena, (size_t)1024 * 1024);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_arena_deinit(&arena);
    return 0;
}

static struct gw_jwt token(const char *members) {
    struct gw_jwt jwt;
    struct gw_str claims = gw_arena_printf(&arena, "{%s}", members);
    assert_non_null(claims.at);
    identity_token_make(&arena, claims, &jwt);
    return jwt;
}

static enum gw_oidc_claim_fault fault_by(const struct gw_oidc_policy *by, const char *members,
                                         int64_t now_s) {
    struct gw_jwt jwt = token(members);
    struct gw_oidc_times times;
    enum gw_oidc_claim_fault fault;
    enum gw_status status = gw_oidc_claims_check(&jwt, &arena, by, now_s, &times, &fault);
    assert_int_equal(status, fault == GW_OIDC_CLAIM_FAULT_NONE ? GW_OK : GW_INVALID);
    return fault;
}

static enum gw_oidc_claim_fault fault_of(const char *members) {
    return fault_by(&policy, members, NOW_S);
}

static void test_times_are_told(void **state) {
    (void)state;
    struct gw_jwt jwt = token(WHO "," TIMES);
    struct gw_oidc_times times;
    enum gw_oidc_claim_fault fault;
    assert_int_equal(gw_oidc_claims_check(&jwt, &arena, &policy, NOW_S, &times, &fault), GW_OK);
    assert_int_equal(times.issued_s, NOW_S);
    assert_int_equal(times.expires_s, NOW_S + 900);
    assert_int_equal(times.replay_until_s, NOW_S + 900 + GW_OIDC_LEEWAY_S);
}

static void test_a_far_end_is_not_waited_for(void **state) {
    (void)state;
    struct gw_jwt jwt = token(WHO ",\"iat\":1800000000,\"exp\":4000000000");
    struct gw_oidc_times times;
    enum gw_oidc_claim_fault fault;
    const int64_t issued_s = 1800000000;
    assert_int_equal(gw_oidc_claims_check(&jwt, &arena, &policy, issued_s, &times, &fault), GW_OK);
    assert_int_equal(times.replay_until_s, issued_s + GW_OIDC_AGE_S_MAX + GW_OIDC_LEEWAY_S + 1);
    // by the policy that takes the oldest ones, none is taken from then on
    struct gw_oidc_policy lenient = policy;
    lenient.age_s_max = GW_OIDC_AGE_S_MAX;
    assert_int_equal(
        gw_oidc_claims_check(&jwt, &arena, &lenient, times.replay_until_s - 1, &times, &fault),
        GW_OK);
    assert_int_equal(
        gw_oidc_claims_check(&jwt, &arena, &lenient, times.replay_until_s, &times, &fault),
        GW_INVALID);
    assert_int_equal(fault, GW_OIDC_CLAIM_FAULT_TOO_OLD);
}

static void test_the_issuer_is_equal(void **state) {
    (void)state;
    static const char *const issuers[] = {"\"iss\":\"https://issuer.example/\"",
                                          "\"iss\":\"https://Issuer.example\"",
                                          "\"iss\":\"https://issuer.exampl\"",
                                          "\"iss\":\"https://issuer.example\\u0000\"",
                                          ("\"iss\":[\"" ISSUER "\"]"),
                                          "\"iss\":null",
                                          "\"sub\":\"x\""};
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        struct gw_str members =
            gw_arena_printf(&arena, "%s,\"aud\":\"" AUDIENCE "\",\"jti\":\"a\"," TIMES, issuers[i]);
        assert_int_equal(fault_of(members.at), GW_OIDC_CLAIM_FAULT_ISSUER);
    }
}

// CVE-2024-5798; and Kubernetes, which sends a list of one.
static void test_there_is_exactly_one_audience_and_it_is_ours(void **state) {
    (void)state;
    static const char *const wrong[] = {"\"other\"",
                                        "\"\"",
                                        "\"https://skillreg.example/\"",
                                        "[]",
                                        "[\"other\"]",
                                        ("[\"" AUDIENCE "\",\"other\"]"),
                                        ("[\"other\",\"" AUDIENCE "\"]"),
                                        ("[\"" AUDIENCE "\",\"" AUDIENCE "\"]"),
                                        ("[[\"" AUDIENCE "\"]]"),
                                        ("{\"a\":\"" AUDIENCE "\"}"),
                                        "null",
                                        "7"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct gw_str members = gw_arena_printf(
            &arena, "\"iss\":\"" ISSUER "\",\"jti\":\"a\"," TIMES ",\"aud\":%s", wrong[i]);
        assert_int_equal(fault_of(members.at), GW_OIDC_CLAIM_FAULT_AUDIENCE);
    }
    assert_int_equal(fault_of("\"iss\":\"" ISSUER "\",\"jti\":\"a\"," TIMES),
                     GW_OIDC_CLAIM_FAULT_AUDIENCE);
    assert_int_equal(
        fault_of("\"iss\":\"" ISSUER "\",\"jti\":\"a\"," TIMES ",\"aud\":[\"" AUDIENCE "\"]"),
        GW_OIDC_CLAIM_FAULT_NONE);
}

static void test_a_token_ends_with_its_leeway(void **state) {
    (void)state;
    int64_t end_s = NOW_S + 900 + GW_OIDC_LEEWAY_S;
    assert_int_equal(fault_by(&policy, WHO "," TIMES, end_s - 1), GW_OIDC_CLAIM_FAULT_NONE);
    assert_int_equal(fault_by(&policy, WHO "," TIMES, end_s), GW_OIDC_CLAIM_FAULT_EXPIRED);
}

static void test_an_end_is_a_whole_number(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "\"1767226500\"",      "1767226500.5", "1767226500.0",        "1.7672265e9", "-1",
        "253402300800",        "null",         "9223372036854775807", "true",        "[]",
        "99999999999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct gw_str members =
            gw_arena_printf(&arena, WHO ",\"iat\":1767225600,\"exp\":%s", wrong[i]);
        assert_int_equal(fault_of(members.at), GW_OIDC_CLAIM_FAULT_EXPIRES);
    }
    assert_int_equal(fault_of(WHO ",\"iat\":1767225600"), GW_OIDC_CLAIM_FAULT_EXPIRES);
    assert_int_equal(fault_of(WHO ",\"iat\":1767225600,\"exp\":253402300799"),
                     GW_OIDC_CLAIM_FAULT_NONE);
}

static void test_a_beginning_is_kept_to_where_there_is_one(void **state) {
    (void)state;
    assert_int_equal(fault_of(WHO "," TIMES ",\"nbf\":1767225630"), GW_OIDC_CLAIM_FAULT_NONE);
    assert_int_equal(fault_of(WHO "," TIMES ",\"nbf\":1767225631"), GW_OIDC_CLAIM_FAULT_NOT_BEFORE);
    assert_int_equal(fault_of(WHO "," TIMES ",\"nbf\":\"1767225600\""),
                     GW_OIDC_CLAIM_FAULT_NOT_BEFORE);
    assert_int_equal(fault_of(WHO "," TIMES ",\"nbf\":null"), GW_OIDC_CLAIM_FAULT_NOT_BEFORE);
}

static void test_a_token_is_young(void **state) {
    (void)state;
    static const char *const members = WHO ",\"iat\":1767225600,\"exp\":1767300000";
    int64_t oldest_s = NOW_S + GW_OIDC_AGE_S_DEFAULT + GW_OIDC_LEEWAY_S;
    assert_int_equal(fault_by(&policy, members, oldest_s), GW_OIDC_CLAIM_FAULT_NONE);
    assert_int_equal(fault_by(&policy, members, oldest_s + 1), GW_OIDC_CLAIM_FAULT_TOO_OLD);
    assert_int_equal(fault_by(&policy, members, NOW_S - GW_OIDC_LEEWAY_S),
                     GW_OIDC_CLAIM_FAULT_NONE);
    assert_int_equal(fault_by(&policy, members, NOW_S - GW_OIDC_LEEWAY_S - 1),
                     GW_OIDC_CLAIM_FAULT_ISSUED);
    assert_int_equal(fault_of(WHO ",\"exp\":1767226500"), GW_OIDC_CLAIM_FAULT_ISSUED);
    assert_int_equal(fault_of(WHO ",\"exp\":1767226500,\"iat\":1.5"), GW_OIDC_CLAIM_FAULT_ISSUED);
    assert_int_equal(fault_by(&lax, WHO ",\"exp\":1767226500,\"iat\":\"1\"", NOW_S),
                     GW_OIDC_CLAIM_FAULT_ISSUED);
}

// What cannot be older than its age, because it ends by then.
static void test_a_token_without_a_birth_ends_soon(void **state) {
    (void)state;
    struct gw_jwt jwt = token(WHO ",\"exp\":1767229230");
    struct gw_oidc_times times;
    enum gw_oidc_claim_fault fault;
    assert_int_equal(gw_oidc_claims_check(&jwt, &arena, &lax, NOW_S, &times, &fault), GW_OK);
    assert_int_equal(times.issued_s, GW_OIDC_NO_TIME);
    assert_int_equal(fault_by(&lax, WHO ",\"exp\":1767229231", NOW_S), GW_OIDC_CLAIM_FAULT_TOO_OLD);
}

static void test_an_id_is_there_unless_the_issuer_gives_none(void **state) {
    (void)state;
    char members[GW_OIDC_JWT_ID_BYTES_MAX + 256];
    const char *const nobody = "\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\"," TIMES;
    assert_int_equal(fault_of(nobody), GW_OIDC_CLAIM_FAULT_JWT_ID);
    assert_int_equal(fault_by(&lax, nobody, NOW_S), GW_OIDC_CLAIM_FAULT_NONE);
    for (size_t length = GW_OIDC_JWT_ID_BYTES_MAX; length <= GW_OIDC_JWT_ID_BYTES_MAX + 1;
         length++) {
        char id[GW_OIDC_JWT_ID_BYTES_MAX + 2];
        memset(id, 'j', length);
        id[length] = '\0';
        (void)snprintf(members, sizeof(members), "%s,\"jti\":\"%s\"", nobody, id);
        assert_int_equal(fault_of(members), length == GW_OIDC_JWT_ID_BYTES_MAX
                                                ? GW_OIDC_CLAIM_FAULT_NONE
                                                : GW_OIDC_CLAIM_FAULT_JWT_ID);
    }
    (void)snprintf(members, sizeof(members), "%s,\"jti\":\"\"", nobody);
    assert_int_equal(fault_by(&lax, members, NOW_S), GW_OIDC_CLAIM_FAULT_JWT_ID);
    (void)snprintf(members, sizeof(members), "%s,\"jti\":7", nobody);
    assert_int_equal(fault_by(&lax, members, NOW_S), GW_OIDC_CLAIM_FAULT_JWT_ID);
}

// ---- the issuer of SPIFFE ----

static void expect_issuer(const char *members, const char *expected) {
    struct gw_jwt jwt = token(members);
    struct gw_str issuer;
    enum gw_status status = gw_oidc_issuer(&jwt, &arena, &issuer);
    assert_int_equal(status, expected != NULL ? GW_OK : GW_INVALID);
    if (expected != NULL)
        assert_true(gw_str_equal(issuer, gw_str_from(expected)));
}

static void test_a_trust_domain_is_an_issuer_where_none_is_named(void **state) {
    (void)state;
    expect_issuer("\"sub\":\"spiffe://example.org/ci/publisher\"", "spiffe://example.org");
    expect_issuer("\"iss\":\"https://a\",\"sub\":\"spiffe://example.org/ci\"", "https://a");
    expect_issuer("\"iss\":7,\"sub\":\"spiffe://example.org/ci\"", NULL);
    expect_issuer("\"sub\":\"spiffe:///ci\"", NULL);
    expect_issuer("\"sub\":\"spiffe://example.org\"", NULL);
    expect_issuer("\"sub\":\"https://example.org/ci\"", NULL);
    expect_issuer("\"sub\":7", NULL);
    expect_issuer("", NULL);
}

// ---- replays ----

static void make_key(struct gw_str claims, unsigned char key[GW_OIDC_REPLAY_KEY_BYTES]) {
    struct gw_jwt jwt;
    identity_token_make(&arena, claims, &jwt);
    assert_int_equal(gw_oidc_replay_key(&jwt, &arena, key), GW_OK);
}

static bool is_same_key(const char *one, const char *other) {
    unsigned char first[GW_OIDC_REPLAY_KEY_BYTES];
    unsigned char second[GW_OIDC_REPLAY_KEY_BYTES];
    make_key(gw_str_from(one), first);
    make_key(gw_str_from(other), second);
    return memcmp(first, second, sizeof(first)) == 0;
}

static void test_a_token_is_known_again_by_issuer_and_id(void **state) {
    (void)state;
    assert_true(is_same_key("{\"iss\":\"a\",\"jti\":\"b\",\"exp\":1}",
                            "{\"iss\":\"a\",\"jti\":\"b\",\"exp\":2}"));
    assert_true(
        is_same_key("{\"iss\":\"a\",\"jti\":\"b\"}", "{\"iss\":\"a\",\"jti\":\"\\u0062\"}"));
    assert_false(is_same_key("{\"iss\":\"a\",\"jti\":\"b\"}", "{\"iss\":\"a\",\"jti\":\"c\"}"));
    assert_false(is_same_key("{\"iss\":\"a\",\"jti\":\"b\"}", "{\"iss\":\"c\",\"jti\":\"b\"}"));
    assert_false(is_same_key("{\"iss\":\"a\",\"jti\":\"bc\"}", "{\"iss\":\"ab\",\"jti\":\"c\"}"));
    // A NUL is a character as any other.
    assert_false(is_same_key("{\"iss\":\"a\",\"jti\":\"b\\u0000c\"}",
                             "{\"iss\":\"a\",\"jti\":\"b\\u0000d\"}"));
}

static void test_a_token_without_an_id_is_known_by_all_that_was_signed(void **state) {
    (void)state;
    unsigned char first[GW_OIDC_REPLAY_KEY_BYTES];
    unsigned char second[GW_OIDC_REPLAY_KEY_BYTES];
    static const unsigned char other_signature[] = "other";
    struct gw_jwt jwt = token("\"iss\":\"a\"");
    assert_int_equal(gw_oidc_replay_key(&jwt, &arena, first), GW_OK);
    jwt.signature = other_signature;
    jwt.signature_length = sizeof(other_signature);
    assert_int_equal(gw_oidc_replay_key(&jwt, &arena, second), GW_OK);
    assert_memory_equal(first, second, sizeof(first));
    assert_false(is_same_key("{\"iss\":\"a\",\"exp\":1}", "{\"iss\":\"a\",\"exp\":2}"));
}

// ---- any claim ----

static void test_a_claim_is_found_by_name_or_pointer(void **state) {
    (void)state;
    static const char *const members =
        "\"text\":\"\\u0041\\\"\",\"yes\":true,\"no\":false,\"number\":42,\"negative\":-7,"
        "\"zero\":-0,\"part\":1.5,\"none\":null,\"list\":[\"a\"],"
        "\"kubernetes.io\":{\"namespace\":\"ci\",\"a/b\":{\"~\":\"tilde\"},\"\":\"empty\"},"
        "\"oidc.circleci.com/project-id\":\"p\",\"/odd\":\"odd\"";
    static const struct {
        const char *name;
        const char *expected;
    } cases[] = {{"text", "A\""},
                 {"yes", "true"},
                 {"no", "false"},
                 {"number", "42"},
                 {"negative", "-7"},
                 {"zero", "0"},
                 {"part", NULL},
                 {"none", NULL},
                 {"list", NULL},
                 {"kubernetes.io", NULL},
                 {"absent", NULL},
                 {"", NULL},
                 {"oidc.circleci.com/project-id", "p"},
                 {"/kubernetes.io/namespace", "ci"},
                 {"/kubernetes.io/a~1b/~0", "tilde"},
                 {"/kubernetes.io/a/b", NULL},
                 {"/kubernetes.io/", "empty"},
                 {"/kubernetes.io/namespace/x", NULL},
                 {"/kubernetes.io/namespace~2", NULL},
                 {"/kubernetes.io/namespace~", NULL},
                 {"/list/0", NULL},
                 {"/text", "A\""},
                 {"/~1odd", "odd"},
                 {"/odd", NULL},
                 {"/", NULL}};
    struct gw_jwt jwt = token(members);
    struct gw_str text;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum gw_status status = gw_oidc_claim(&jwt, &arena, gw_str_from(cases[i].name), &text);
        if (status != (cases[i].expected != NULL ? GW_OK : GW_NOT_FOUND))
            fail_msg("%s: %d", cases[i].name, (int)status);
        if (cases[i].expected != NULL)
            assert_true(gw_str_equal(text, gw_str_from(cases[i].expected)));
    }
}

static void test_faults_have_texts(void **state) {
    (void)state;
    assert_string_equal(gw_oidc_claim_fault_text(GW_OIDC_CLAIM_FAULT_ISSUER),
                        "iss is not the issuer");
    assert_string_equal(gw_oidc_claim_fault_text(GW_OIDC_CLAIM_FAULT_JWT_ID),
                        "jti is missing or not a text of 1 to 256 bytes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_told),
        cmocka_unit_test(test_a_far_end_is_not_waited_for),
        cmocka_unit_test(test_the_issuer_is_equal),
        cmocka_unit_test(test_there_is_exactly_one_audience_and_it_is_ours),
        cmocka_unit_test(test_a_token_ends_with_its_leeway),
        cmocka_unit_test(test_an_end_is_a_whole_number),
        cmocka_unit_test(test_a_beginning_is_kept_to_where_there_is_one),
        cmocka_unit_test(test_a_token_is_young),
        cmocka_unit_test(test_a_token_without_a_birth_ends_soon),
        cmocka_unit_test(test_an_id_is_there_unless_the_issuer_gives_none),
        cmocka_unit_test(test_a_trust_domain_is_an_issuer_where_none_is_named),
        cmocka_unit_test(test_a_token_is_known_again_by_issuer_and_id),
        cmocka_unit_test(test_a_token_without_an_id_is_known_by_all_that_was_signed),
        cmocka_unit_test(test_a_claim_is_found_by_name_or_pointer),
        cmocka_unit_test(test_faults_have_texts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
