// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/setting_place.h"

static void assert_named(enum cli_setting_place place, const char *url, const char *org) {
    char text[CLI_SETTING_PLACE_BYTES_MAX];
    const char *file = "/etc/skillreg.json";
    assert_string_equal(cli_setting_place_name(&cli_setting_url, place, file, text), url);
    assert_string_equal(cli_setting_place_name(&cli_setting_org, place, file, text), org);
}

static void test_a_place_is_called_as_it_is_typed(void **state) {
    (void)state;
    assert_named(CLI_SETTING_IN_FLAG, "--url", "--org");
    assert_named(CLI_SETTING_IN_ENVIRONMENT, "SKILLREG_URL", "SKILLREG_ORG");
    assert_named(CLI_SETTING_IN_FILE, "\"apiUrl\" in /etc/skillreg.json",
                 "\"org\" in /etc/skillreg.json");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_place_is_called_as_it_is_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
