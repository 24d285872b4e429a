// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/settings/issuer_setting.h"

#define GITHUB "github=https://token.test,kind=github,audience=https://me.test"

static struct gw_issuer_settings settings;

static int forget(void **state) {
    (void)state;
    settings = (struct gw_issuer_settings){.count = 0};
    return 0;
}

static void assert_refused(const char *text, const char *problem) {
    settings = (struct gw_issuer_settings){.count = 0};
    assert_false(gw_issuer_settings_add(&settings, text));
    assert_string_equal(settings.problem, problem);
    assert_int_equal(settings.count, 0);
}

static const struct gw_issuer_setting *take(const char *text) {
    assert_true(gw_issuer_settings_add(&settings, text));
    return &settings.at[settings.count - 1];
}

static void test_three_keys_are_enough(void **state) {
    (void)state;
    const struct gw_issuer_setting *setting = take(GITHUB);
    assert_string_equal(setting->name, "github");
    assert_string_equal(setting->kind, "github");
    assert_string_equal(setting->issuer, "https://token.test");
    assert_string_equal(setting->audience, "https://me.test");
    assert_int_equal(setting->keys_from, GW_ISSUER_KEYS_DISCOVERED);
    assert_null(setting->keys);
    assert_null(setting->ca);
    assert_null(setting->bearer_file);
    assert_int_equal(setting->replay, GW_ISSUER_REPLAY_ONCE);
    assert_int_equal(setting->max_live, 1);
    assert_int_equal(setting->max_age_ms, 3600000);
}

static void test_all_keys(void **state) {
    (void)state;
    const struct gw_issuer_setting *setting =
        take("k8s-1=https://kubernetes.default.svc,kind=kubernetes,audience=https://me.test,"
             "keys=https://10.0.0.1/openid/v1/jwks,ca=/ca.crt,bearer-file=/token,"
             "replay=until-expiry,max-live=7,max-age=24h");
    assert_string_equal(setting->keys, "https://10.0.0.1/openid/v1/jwks");
    assert_int_equal(setting->keys_from, GW_ISSUER_KEYS_AT_URL);
    assert_string_equal(setting->ca, "/ca.crt");
    assert_string_equal(setting->bearer_file, "/token");
    assert_int_equal(setting->replay, GW_ISSUER_REPLAY_UNTIL_EXPIRY);
    assert_int_equal(setting->max_live, 7);
    assert_int_equal(setting->max_age_ms, 86400000);
}

static void test_a_token_of_a_whole_job_may_be_exchanged_again(void **state) {
    (void)state;
    const struct gw_issuer_setting *setting =
        take("gl=https://gl.test,kind=gitlab,audience=me,keys=/keys.json");
    assert_int_equal(setting->replay, GW_ISSUER_REPLAY_UNTIL_EXPIRY);
    assert_int_equal(setting->max_live, 5);
    assert_int_equal(setting->keys_from, GW_ISSUER_KEYS_IN_FILE);
    assert_string_equal(setting->keys, "/keys.json");
}

static void test_several_stand_in_one_text(void **state) {
    (void)state;
    (void)take(GITHUB "; gl=https://gl.test,kind=gitlab,audience=me");
    assert_int_equal(settings.count, 2);
    assert_string_equal(settings.at[1].name, "gl");
}

static void test_a_trust_domain_is_an_issuer_of_spiffe_alone(void **state) {
    (void)state;
    const struct gw_issuer_setting *setting =
        take("s=spiffe://prod.example.org,kind=spiffe,audience=me,keys=https://spire.test/keys");
    assert_string_equal(setting->issuer, "spiffe://prod.example.org");
    static const char text[] = "issuer: it is spiffe://<trust domain> for the kind spiffe, and "
                               "starts with https:// for all others";
    assert_refused("s=spiffe://a.test,kind=github,audience=me", text);
    assert_refused("s=https://a.test,kind=spiffe,audience=me", text);
    assert_refused("s=spiffe://a.test/x,kind=spiffe,audience=me,keys=/k",
                   "issuer: the trust domain is not valid");
    assert_refused("s=spiffe://,kind=spiffe,audience=me,keys=/k",
                   "issuer: the trust domain is not valid");
    assert_refused("s=spiffe://a.test,kind=spiffe,audience=me",
                   "keys is missing: a trust domain says nowhere where its keys are");
}

static void assert_audience_refused(const char *text) {
    settings = (struct gw_issuer_settings){.count = 0};
    assert_false(gw_issuer_settings_add(&settings, text));
    assert_non_null(strstr(settings.problem, "audience: "));
    assert_non_null(strstr(settings.problem, "choose one of your own"));
}

static void test_the_audience_that_a_provider_gives_anyway_is_refused(void **state) {
    (void)state;
    assert_audience_refused("a=https://token.actions.githubusercontent.com,kind=github,"
                            "audience=https://github.com/acme");
    assert_audience_refused("a=https://gl.test,kind=gitlab,audience=https://gl.test");
    assert_audience_refused("a=https://agent.buildkite.com,kind=buildkite,"
                            "audience=https://buildkite.com/acme");
    assert_audience_refused("a=https://oidc.circleci.com/org/1f2e-3d,kind=circleci,"
                            "audience=1f2e-3d");
    assert_audience_refused("a=https://k.test,kind=kubernetes,"
                            "audience=https://kubernetes.default.svc.cluster.local");
    assert_audience_refused("a=https://k.test,kind=kubernetes,audience=https://k.test");
}

static void test_mistakes_are_told(void **state) {
    (void)state;
    assert_refused("github", "it is NAME=URL,kind=KIND,audience=TEXT");
    assert_refused("=https://t.test", "the name of an issuer must be 1 to 32 of a-z, 0-9 and -");
    assert_refused("GitHub=https://t.test",
                   "the name of an issuer must be 1 to 32 of a-z, 0-9 and -");
    assert_refused("g=http://t.test", "issuer: it must start with https://");
    assert_refused("g=https://t.test,audience=me", "kind is missing");
    assert_refused("g=https://t.test,kind=github", "audience is missing");
    assert_refused("g=https://t.test,kind=hub",
                   "kind: hub is none of github, gitlab, buildkite, circleci, kubernetes, spiffe, "
                   "generic");
    assert_refused("g=https://t.test,audience=a b",
                   "audience: it must be 1 to 255 visible characters of ASCII");
    assert_refused("g=https://t.test,colour=red", "an issuer has no key colour");
    assert_refused("g=https://t.test,kind", "kind has no value");
    assert_refused(GITHUB ",kind=github", "kind is there twice");
    assert_refused(GITHUB ",issuer=https://b.test", "issuer is there twice");
    assert_refused(GITHUB ",keys=http://t.test/keys", "keys: it must start with https://");
    assert_refused(GITHUB ",keys=", "keys: it is empty");
    assert_refused(GITHUB ",keys=/k,ca=/ca", "ca is for keys that are fetched, and these are in a "
                                             "file");
    assert_refused(GITHUB ",keys=/k,bearer-file=/b",
                   "bearer-file is for keys that are fetched, and these are in a file");
    assert_refused(GITHUB ",replay=never", "replay: it must be once or until-expiry");
    assert_refused(GITHUB ",max-live=3", "max-live is for replay = until-expiry");
    assert_refused(GITHUB ",replay=until-expiry,max-live=0", "max-live: it must be 1 to 1000");
    assert_refused(GITHUB ",max-age=25h", "max-age: it must be 1s to 24h");
    assert_refused(GITHUB ",max-age=soon", "max-age: it must be 1s to 24h");
}

static void test_a_name_and_an_issuer_are_there_once(void **state) {
    (void)state;
    (void)take(GITHUB);
    assert_false(gw_issuer_settings_add(&settings, "github=https://b.test,kind=github,audience=c"));
    assert_string_equal(settings.problem, "the issuer github is there twice");
    assert_false(gw_issuer_settings_add(&settings, "b=https://token.test,kind=github,audience=c"));
    assert_string_equal(settings.problem, "issuer: it is that of github already");
}

static void test_the_number_and_the_length_are_bounded(void **state) {
    (void)state;
    char text[64];
    for (int i = 0; i < GW_ISSUERS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "n%d=https://t%d.test,kind=generic,audience=me", i, i);
        (void)take(text);
    }
    assert_false(gw_issuer_settings_add(&settings, "x=https://x.test,kind=generic,audience=me"));
    assert_string_equal(settings.problem, "there are more than 16 issuers");
    static char long_text[sizeof(settings.memory) + 1];
    memset(long_text, 'x', sizeof(long_text) - 1);
    assert_refused(long_text, "there is more than 4 KiB of it: use a section of a file");
}

static void test_two_are_the_same_or_not(void **state) {
    (void)state;
    static struct gw_issuer_settings other;
    (void)take(GITHUB);
    assert_false(gw_issuer_settings_are_same(&settings, &other));
    assert_true(gw_issuer_settings_add(&other, GITHUB));
    assert_true(gw_issuer_settings_are_same(&settings, &other));
    other.at[0].ca = "/ca";
    assert_false(gw_issuer_settings_are_same(&settings, &other));
}

static void test_the_head_of_a_section_has_the_name(void **state) {
    (void)state;
    assert_string_equal(gw_issuer_section_name("oidc  github"), "github");
    assert_string_equal(gw_issuer_section_name("oidc "), "");
    assert_null(gw_issuer_section_name("oidc"));
    assert_null(gw_issuer_section_name("upstream a"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_three_keys_are_enough, forget),
        cmocka_unit_test_setup(test_all_keys, forget),
        cmocka_unit_test_setup(test_a_token_of_a_whole_job_may_be_exchanged_again, forget),
        cmocka_unit_test_setup(test_several_stand_in_one_text, forget),
        cmocka_unit_test_setup(test_a_trust_domain_is_an_issuer_of_spiffe_alone, forget),
        cmocka_unit_test_setup(test_the_audience_that_a_provider_gives_anyway_is_refused, forget),
        cmocka_unit_test_setup(test_mistakes_are_told, forget),
        cmocka_unit_test_setup(test_a_name_and_an_issuer_are_there_once, forget),
        cmocka_unit_test_setup(test_the_number_and_the_length_are_bounded, forget),
        cmocka_unit_test_setup(test_two_are_the_same_or_not, forget),
        cmocka_unit_test(test_the_head_of_a_section_has_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
