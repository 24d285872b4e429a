// SPDX-License-Identifier: MIT
// Proves of gateway/bulk/batch.c: the rows are an array of objects as skillreg.token_import_row has
// them, and the batch can be filled again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/bulk/batch.h"

static void test_rows_are_an_array_of_objects(void **state) {
    (void)state;
    struct gw_bulk_batch batch;
    struct gw_str rows;
    struct gw_bulk_token token = {.id = GW_STR("a1"),
                                  .org = GW_STR("acme"),
                                  .name = GW_STR("c\"i"),
                                  .prefix = GW_STR("sr_live_a1b2"),
                                  .scopes = 3,
                                  .created_ms = 0,
                                  .last_used_ms = DB_NO_TIME,
                                  .expires_ms = DB_NO_TIME,
                                  .allowed_ip_count = 1};
    memset(token.digest, 0x5a, sizeof(token.digest));
    assert_int_equal(gw_ip_range_parse(GW_STR("10.0.0.0/8"), &token.allowed_ips[0]), GW_OK);
    gw_bulk_batch_init(&batch);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(gw_bulk_batch_add(&batch, 7, &token), GW_OK);
        assert_int_equal(gw_bulk_batch_finish(&batch, &rows), GW_OK);
        char text[1024];
        (void)snprintf(text, sizeof(text), "%.*s", GW_STR_ARG(rows));
        assert_string_equal(
            text,
            "[{\"line\":7,\"id\":\"a1\",\"has_own_id\":true,\"org\":\"acme\",\"name\":\"c\\\"i\","
            "\"prefix\":\"sr_live_a1b2\",\"digest\":"
            "\"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\",\"scopes\":3,"
            "\"created_at\":\"1970-01-01T00:00:00.000Z\",\"last_used_at\":null,"
            "\"expires_at\":null,\"allowed_ips\":[\"10.0.0.0/8\"],\"description\":null,"
            "\"binds_children\":false,\"rotates_itself\":false,\"bound_san\":null}]");
        gw_bulk_batch_reset(&batch);
    }
    gw_bulk_batch_deinit(&batch);
}

static void test_a_row_without_an_id_gets_one(void **state) {
    (void)state;
    struct gw_bulk_batch batch;
    struct gw_str rows;
    struct gw_bulk_token token = {.org = GW_STR("acme"),
                                  .created_ms = DB_NO_TIME,
                                  .last_used_ms = DB_NO_TIME,
                                  .expires_ms = DB_NO_TIME};
    gw_bulk_batch_init(&batch);
    assert_int_equal(gw_bulk_batch_add(&batch, 1, &token), GW_OK);
    assert_int_equal(gw_bulk_batch_finish(&batch, &rows), GW_OK);
    assert_memory_equal(rows.at, "[{\"line\":1,\"id\":\"cl", 19);
    char text[1024];
    (void)snprintf(text, sizeof(text), "%.*s", GW_STR_ARG(rows));
    assert_non_null(strstr(text, "\"has_own_id\":false"));
    assert_non_null(strstr(text, "\"allowed_ips\":null"));
    gw_bulk_batch_deinit(&batch);
}

static void test_a_thousand_rows_are_full(void **state) {
    (void)state;
    struct gw_bulk_batch batch;
    struct gw_bulk_token token = {
        .created_ms = DB_NO_TIME, .last_used_ms = DB_NO_TIME, .expires_ms = DB_NO_TIME};
    gw_bulk_batch_init(&batch);
    for (int i = 0; i < GW_BULK_BATCH_ROWS_MAX; i++) {
        assert_false(gw_bulk_batch_is_full(&batch));
        assert_int_equal(gw_bulk_batch_add(&batch, 1, &token), GW_OK);
    }
    assert_true(gw_bulk_batch_is_full(&batch));
    gw_bulk_batch_deinit(&batch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_an_array_of_objects),
        cmocka_unit_test(test_a_row_without_an_id_gets_one),
        cmocka_unit_test(test_a_thousand_rows_are_full),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
