// SPDX-License-Identifier: MIT
// Proves of gateway/bulk/writer.c, with the readers: what is written is read as the same token, in
// both formats, and without its digest if that is not asked for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/bulk/reader.h"
#include "gateway/bulk/token.h"
#include "gateway/bulk/writer.h"

static struct gw_bulk_reader reader;
static struct gw_bulk_token taken;
static struct gw_arena arena;
static bool is_taken;

static void on_row(struct gw_bulk_sink *sink, const struct gw_bulk_fields *fields) {
    (void)sink;
    const struct gw_bulk_rules rules = {.now_ms = 1780272000000};
    const char *why = "";
    is_taken = gw_bulk_token_read(fields, &rules, &arena, &taken, &why);
    if (!is_taken)
        return;
    assert_true(gw_str_equal(taken.name, GW_STR("a, \"b\"")));
    assert_true(gw_str_equal(taken.org, GW_STR("acme")));
    assert_true(gw_str_equal(taken.id, GW_STR("clx7")));
    assert_true(gw_str_equal(taken.prefix, GW_STR("sr_live_a1b2")));
    assert_true(gw_str_equal(taken.description, GW_STR("d\xC3\xB6")));
    assert_true(gw_str_equal(taken.bound_san, GW_STR("spiffe://example.org/ci,a")));
}

static void on_bad_row(struct gw_bulk_sink *sink, uint64_t line, const char *why) {
    (void)sink;
    fail_msg("line %d: %s", (int)line, why);
}

static struct gw_bulk_sink sink = {on_row, on_bad_row, on_bad_row};

static struct db_token_admin_row row;

static void set_row(void) {
    row = (struct db_token_admin_row){
        .token = {.id = GW_STR("clx7"),
                  .name = GW_STR("a, \"b\""),
                  .prefix = GW_STR("sr_live_a1b2"),
                  .scopes = GW_SCOPE_READ | GW_SCOPE_ADMIN,
                  .description = GW_STR("d\xC3\xB6"),
                  .bound_san = GW_STR("spiffe://example.org/ci,a"),
                  .rotates_itself = true,
                  .binds_children = true,
                  .allowed_ip_count = 2,
                  .created_ms = 1700000000123,
                  .last_used_ms = DB_NO_TIME,
                  .expires_ms = 1900000000000,
                  .org_slug = GW_STR("acme")},
    };
    memset(row.digest, 0xa5, sizeof(row.digest));
    assert_int_equal(gw_ip_range_parse(GW_STR("10.0.0.0/8"), &row.allowed_ips[0]), GW_OK);
    assert_int_equal(gw_ip_range_parse(GW_STR("::1"), &row.allowed_ips[1]), GW_OK);
}

static void write_and_read(const struct gw_bulk_writer *writer) {
    struct gw_buf out;
    gw_buf_init(&out, 65536);
    set_row();
    assert_int_equal(gw_bulk_writer_begin(writer, &out), GW_OK);
    assert_int_equal(gw_bulk_writer_add(writer, &row, &out), GW_OK);
    assert_int_equal(gw_bulk_reader_init(&reader, GW_BULK_BY_CONTENT, &sink), GW_OK);
    is_taken = false;
    assert_int_equal(gw_bulk_reader_feed(&reader, gw_buf_bytes(&out)), GW_OK);
    assert_int_equal(gw_bulk_reader_finish(&reader), GW_OK);
    assert_int_equal(reader.format, writer->format);
    gw_bulk_reader_deinit(&reader);
    gw_buf_deinit(&out);
}

static void assert_as_written(void) {
    assert_true(is_taken);
    assert_memory_equal(taken.digest, row.digest, sizeof(row.digest));
    assert_int_equal(taken.scopes, row.token.scopes);
    assert_int_equal(taken.created_ms, row.token.created_ms);
    assert_int_equal(taken.last_used_ms, DB_NO_TIME);
    assert_int_equal(taken.expires_ms, row.token.expires_ms);
    assert_int_equal(taken.allowed_ip_count, 2);
    assert_memory_equal(taken.allowed_ips, row.allowed_ips, 2 * sizeof(row.allowed_ips[0]));
    assert_true(taken.binds_children && taken.rotates_itself);
}

static void test_what_is_written_is_read_as_the_same(void **state) {
    (void)state;
    write_and_read(&(struct gw_bulk_writer){GW_BULK_CSV, true});
    assert_as_written();
    write_and_read(&(struct gw_bulk_writer){GW_BULK_JSON_LINES, true});
    assert_as_written();
}

static void test_without_digests_nothing_of_a_secret_is_written(void **state) {
    (void)state;
    write_and_read(&(struct gw_bulk_writer){GW_BULK_CSV, false});
    assert_false(is_taken);
    write_and_read(&(struct gw_bulk_writer){GW_BULK_JSON_LINES, false});
    assert_false(is_taken);
}

int main(void) {
    gw_arena_init(&arena, 65536);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_as_the_same),
        cmocka_unit_test(test_without_digests_nothing_of_a_secret_is_written),
    };
    int failed = cmocka_run_group_tests_name("writer", tests, NULL, NULL);
    gw_arena_deinit(&arena);
    return failed;
}
