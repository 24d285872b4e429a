// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "gateway/http/head_block.h"

#define TARGET offsetof(struct gw_http_head, target)

static struct gw_http_head_block *block;

static int set_up(void **state) {
    (void)state;
    block = NULL;
    assert_int_equal(gw_http_head_block_begin(&block), GW_OK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_http_head_block_destroy(block);
    return 0;
}

static size_t offset_of(int field, size_t member) {
    return offsetof(struct gw_http_head, fields) + (size_t)field * sizeof(struct gw_http_field) +
           member;
}

static void append(size_t slice_offset, const char *text) {
    assert_int_equal(gw_http_head_block_append(&block, slice_offset, gw_str_from(text)), GW_OK);
}

static void add_field(const char *name, const char *value) {
    int field = block->head.field_count;
    assert_int_equal(gw_http_head_block_add_field(block), GW_OK);
    append(offset_of(field, offsetof(struct gw_http_field, name)), name);
    append(offset_of(field, offsetof(struct gw_http_field, value)), value);
    block->head.fields[field].id = gw_http_field_identify(gw_str_from(name));
}

static void assert_text(struct gw_str text, const char *expected) {
    assert_true(gw_str_equal(text, gw_str_from(expected)));
}

static void test_pieces_make_one_slice(void **state) {
    (void)state;
    append(TARGET, "/a");
    append(TARGET, "");
    append(TARGET, "/b");
    add_field("X-Own", "");
    append(offset_of(0, offsetof(struct gw_http_field, value)), "1");
    assert_text(block->head.target, "/a/b");
    assert_text(block->head.fields[0].name, "X-Own");
    assert_text(block->head.fields[0].value, "1");
}

static void test_slices_move_along_when_the_block_grows(void **state) {
    (void)state;
    struct gw_http_head_block *first = block;
    char long_value[1000];
    memset(long_value, 'v', sizeof(long_value));
    long_value[sizeof(long_value) - 1] = '\0';
    append(TARGET, "/target");
    for (int i = 0; i < 20; i++)
        add_field("name", long_value);
    assert_ptr_not_equal(block, first);
    assert_text(block->head.target, "/target");
    for (int i = 0; i < 20; i++) {
        assert_text(block->head.fields[i].name, "name");
        assert_text(block->head.fields[i].value, long_value);
    }
}

static void test_fields_end_at_their_limit(void **state) {
    (void)state;
    for (int i = 0; i < GW_HTTP_FIELDS_MAX; i++)
        add_field("a", "1");
    assert_int_equal(gw_http_head_block_add_field(block), GW_TOO_BIG);
    assert_int_equal(block->head.field_count, GW_HTTP_FIELDS_MAX);
}

static void test_a_new_head_is_empty_in_the_same_memory(void **state) {
    (void)state;
    struct gw_http_head_block *first = block;
    append(TARGET, "/a");
    add_field("Host", "a");
    block->head.keep_alive = true;
    assert_int_equal(gw_http_head_block_begin(&block), GW_OK);
    assert_ptr_equal(block, first);
    assert_null(block->head.target.at);
    assert_int_equal(block->head.field_count, 0);
    assert_false(block->head.keep_alive);
    append(TARGET, "/b");
    assert_text(block->head.target, "/b");
}

static void test_wipe_overwrites_all_that_was_appended(void **state) {
    (void)state;
    static const char zeros[32];
    add_field("Authorization", "Bearer secret");
    const char *bytes = block->bytes;
    size_t length = block->length;
    assert_true(length > 0 && length <= sizeof(zeros));
    gw_http_head_block_wipe(block);
    assert_memory_equal(bytes, zeros, length);
    gw_http_head_block_wipe(NULL);
    gw_http_head_block_destroy(NULL);
}

static void test_fields_are_found_and_counted_by_id(void **state) {
    (void)state;
    const struct gw_http_head *head = &block->head;
    add_field("AUTHORIZATION", "one");
    add_field("authorization", "two");
    add_field("X-Own", "3");
    assert_int_equal(gw_http_head_count(head, GW_FIELD_AUTHORIZATION), 2);
    assert_int_equal(gw_http_head_count(head, GW_FIELD_CONTENT_TYPE), 0);
    assert_text(gw_http_head_field(head, GW_FIELD_AUTHORIZATION)->value, "one");
    assert_null(gw_http_head_field(head, GW_FIELD_CONTENT_TYPE));
}

static void test_every_known_field_is_identified_in_any_letters(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum gw_http_field_id id;
    } known[] = {
#define X(id, name) {name, GW_FIELD_##id},
        GW_HTTP_KNOWN_FIELDS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char name[64];
        for (size_t c = 0; c <= strlen(known[i].name); c++)
            name[c] = (char)toupper(known[i].name[c]);
        assert_int_equal(gw_http_field_identify(gw_str_from(known[i].name)), known[i].id);
        assert_int_equal(gw_http_field_identify(gw_str_from(name)), known[i].id);
        name[0] = '_';
        assert_int_equal(gw_http_field_identify(gw_str_from(name)), GW_FIELD_OTHER);
    }
    assert_int_equal(gw_http_field_identify(GW_STR("hos")), GW_FIELD_OTHER);
    assert_int_equal(gw_http_field_identify(GW_STR("hosts")), GW_FIELD_OTHER);
}

#define block_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        block_test(test_pieces_make_one_slice),
        block_test(test_slices_move_along_when_the_block_grows),
        block_test(test_fields_end_at_their_limit),
        block_test(test_a_new_head_is_empty_in_the_same_memory),
        block_test(test_wipe_overwrites_all_that_was_appended),
        block_test(test_fields_are_found_and_counted_by_id),
        block_test(test_every_known_field_is_identified_in_any_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
