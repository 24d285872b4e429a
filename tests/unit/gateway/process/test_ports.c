// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/process/ports.h"

static void test_each_port_has_its_name_and_its_setting(void **state) {
    (void)state;
    const struct gw_config config = {.listen_https = "https",
                                     .listen_http = "http",
                                     .tokens_page = "page",
                                     .listen_admin = "admin"};
    for (int port = 0; port < GW_PORT_COUNT; port++)
        assert_string_equal(gw_port_address(&config, (enum gw_port)port),
                            gw_port_name((enum gw_port)port));
}

static void test_an_address_takes_the_place_of_another(void **state) {
    (void)state;
    struct gw_config config = {.tokens_page = "127.0.0.1:0"};
    gw_port_set_address(&config, GW_PORT_PAGE, "127.0.0.1:4711");
    assert_string_equal(config.tokens_page, "127.0.0.1:4711");
    assert_null(config.listen_https);
    assert_null(config.listen_http);
    assert_null(config.listen_admin);
    gw_port_set_address(&config, GW_PORT_PAGE, NULL);
    assert_null(gw_port_address(&config, GW_PORT_PAGE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_port_has_its_name_and_its_setting),
        cmocka_unit_test(test_an_address_takes_the_place_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
