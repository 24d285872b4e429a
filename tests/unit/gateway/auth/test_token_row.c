// SPDX-License-Identifier: MIT
// A copy of a row, when what it was copied from is gone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/auth/token_row.h"

static char *copy_and_wipe(struct db_token_row *row, char *memory, size_t length,
                           struct db_token_row *copy) {
    size_t bytes = gw_token_row_bytes(row);
    char *block = test_malloc(bytes);
    gw_token_row_copy(row, block, copy);
    memset(memory, 'x', length);
    return block;
}

static void test_a_copy_outlives_its_row(void **state) {
    (void)state;
    char memory[] = "clx7f2k3acisr_live_abcdclorgacmeAcmea.example";
    struct gw_ip_range ranges[2];
    assert_int_equal(gw_ip_range_parse(GW_STR("10.0.0.0/8"), &ranges[0]), GW_OK);
    assert_int_equal(gw_ip_range_parse(GW_STR("2001:db8::/32"), &ranges[1]), GW_OK);
    struct db_token_row row = {.id = gw_str(memory, 9),
                               .name = gw_str(memory + 9, 2),
                               .prefix = gw_str(memory + 11, 12),
                               .scopes = GW_SCOPE_WRITE,
                               .created_ms = 1,
                               .last_used_ms = 2,
                               .expires_ms = 3,
                               .org_id = gw_str(memory + 23, 5),
                               .org_slug = gw_str(memory + 28, 4),
                               .org_name = gw_str(memory + 32, 4),
                               .allowed_ips = ranges,
                               .allowed_ip_count = 2,
                               .bound_san = gw_str(memory + 36, 9)};
    const struct gw_ip_range first = ranges[0];
    struct db_token_row copy;
    char *block = copy_and_wipe(&row, memory, strlen(memory), &copy);
    memset(ranges, 0, sizeof(ranges));
    assert_true(gw_str_equal(copy.id, GW_STR("clx7f2k3a")));
    assert_true(gw_str_equal(copy.name, GW_STR("ci")));
    assert_true(gw_str_equal(copy.prefix, GW_STR("sr_live_abcd")));
    assert_true(gw_str_equal(copy.org_id, GW_STR("clorg")));
    assert_true(gw_str_equal(copy.org_slug, GW_STR("acme")));
    assert_true(gw_str_equal(copy.org_name, GW_STR("Acme")));
    assert_true(gw_str_equal(copy.bound_san, GW_STR("a.example")));
    assert_int_equal(copy.scopes, GW_SCOPE_WRITE);
    assert_int_equal(copy.created_ms, 1);
    assert_int_equal(copy.last_used_ms, 2);
    assert_int_equal(copy.expires_ms, 3);
    assert_int_equal(copy.allowed_ip_count, 2);
    assert_memory_equal(&copy.allowed_ips[0], &first, sizeof(first));
    assert_int_equal(copy.allowed_ips[1].prefix_bits, 32);
    test_free(block);
}

static void test_a_row_of_nothing_has_a_block_all_the_same(void **state) {
    (void)state;
    struct db_token_row row = {.expires_ms = DB_NO_TIME};
    struct db_token_row copy;
    char *block = test_malloc(gw_token_row_bytes(&row));
    gw_token_row_copy(&row, block, &copy);
    assert_int_equal(copy.id.length, 0);
    assert_int_equal(copy.allowed_ip_count, 0);
    assert_int_equal(copy.expires_ms, DB_NO_TIME);
    test_free(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_outlives_its_row),
        cmocka_unit_test(test_a_row_of_nothing_has_a_block_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
