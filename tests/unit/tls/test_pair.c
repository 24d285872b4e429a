// SPDX-License-Identifier: MIT
// What is wrong with files is tested by test_context.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/certificate.h"
#include "tls/pair.h"

static void load(struct tls_pair *pair, const struct test_certificate_options *options) {
    struct test_certificate certificate;
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create_with(&certificate, TEST_KEY_EC, options);
    const struct tls_pair_files files = {certificate.certificate_file, certificate.key_file};
    tls_pair_init(pair);
    assert_int_equal(tls_pair_load(pair, &files, NULL, error), GW_OK);
    test_certificate_destroy(&certificate);
}

static void test_names_are_matched_as_rfc_9525_has_it(void **state) {
    (void)state;
    static const char *const names[] = {
        "skills.example", "*.fleet.example", "a.fleet.example", "*.", "*", NULL};
    static const struct {
        const char *name;
        enum tls_name_match match;
    } cases[] = {
        {"skills.example", TLS_NAME_EXACT},
        {"SKILLS.Example", TLS_NAME_EXACT},
        {"a.fleet.example", TLS_NAME_EXACT},
        {"b.fleet.example", TLS_NAME_WILDCARD},
        {"B.FLEET.EXAMPLE", TLS_NAME_WILDCARD},
        {"b.c.fleet.example", TLS_NAME_FOREIGN}, // one label only
        {".fleet.example", TLS_NAME_FOREIGN},
        {"fleet.example", TLS_NAME_FOREIGN},
        {"www.skills.example", TLS_NAME_FOREIGN},
        {"localhost", TLS_NAME_FOREIGN}, // the common name
        {"x", TLS_NAME_FOREIGN},
        {"", TLS_NAME_FOREIGN},
    };
    struct tls_pair pair;
    load(&pair, &(struct test_certificate_options){.names = names});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (tls_pair_match(&pair, gw_str_from(cases[i].name)) != cases[i].match)
            fail_msg("%s", cases[i].name);
    }
    tls_pair_deinit(&pair);
}

static void test_a_certificate_without_names_matches_nothing(void **state) {
    (void)state;
    struct tls_pair pair;
    load(&pair, &(struct test_certificate_options){0});
    assert_int_equal(tls_pair_match(&pair, GW_STR("localhost")), TLS_NAME_FOREIGN);
    tls_pair_deinit(&pair);
}

static void test_the_end_is_told_in_milliseconds(void **state) {
    (void)state;
    struct tls_pair pair;
    load(&pair, &(struct test_certificate_options){.not_after = "20300102030405"});
    assert_int_equal(tls_pair_not_after_ms(&pair), INT64_C(1893553445000));
    tls_pair_deinit(&pair);
}

static void test_names_and_addresses_are_shown(void **state) {
    (void)state;
    static const char *const names[] = {"a.test", "*.b.test", "192.0.2.1", NULL};
    struct tls_pair pair;
    char shown[64];
    load(&pair, &(struct test_certificate_options){.names = names});
    tls_pair_write_names(&pair, shown, sizeof(shown));
    assert_string_equal(shown, "192.0.2.1, *.b.test, a.test");
    tls_pair_write_names(&pair, shown, 4);
    assert_string_equal(shown, "192");
    assert_true(tls_pair_not_before_ms(&pair) < tls_pair_not_after_ms(&pair));
    tls_pair_deinit(&pair);
    load(&pair, &(struct test_certificate_options){.names = NULL});
    tls_pair_write_names(&pair, shown, sizeof(shown));
    assert_string_equal(shown, "");
    tls_pair_deinit(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_matched_as_rfc_9525_has_it),
        cmocka_unit_test(test_a_certificate_without_names_matches_nothing),
        cmocka_unit_test(test_the_end_is_told_in_milliseconds),
        cmocka_unit_test(test_names_and_addresses_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
