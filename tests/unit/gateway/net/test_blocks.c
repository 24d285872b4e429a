// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/net/blocks.h"

static struct gw_blocks blocks;
static struct gw_buf buf;

static int set_up(void **state) {
    (void)state;
    blocks = (struct gw_blocks){.count = 0};
    gw_buf_init(&buf, 16 * GW_BLOCK_BYTES);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_buf_deinit(&buf);
    gw_blocks_deinit(&blocks);
    return 0;
}

static void append(size_t length) {
    static char bytes[2 * GW_BLOCK_BYTES];
    assert_int_equal(gw_buf_append(&buf, bytes, length), GW_OK);
}

static void test_a_returned_block_is_lent_again(void **state) {
    (void)state;
    gw_blocks_lend(&blocks, &buf);
    const char *memory = buf.memory;
    assert_non_null(memory);
    append(GW_BLOCK_BYTES - 1); // a byte is left for a terminator
    assert_ptr_equal(buf.memory, memory);
    gw_blocks_drop(&blocks, &buf);
    assert_null(buf.memory);
    assert_int_equal(gw_buf_length(&buf), 0);
    assert_int_equal(blocks.count, 1);
    gw_blocks_lend(&blocks, &buf);
    assert_ptr_equal(buf.memory, memory);
    assert_int_equal(blocks.count, 0);
}

static void test_a_buffer_with_memory_gets_no_block(void **state) {
    (void)state;
    append(10);
    const char *memory = buf.memory;
    gw_blocks_lend(&blocks, &buf);
    assert_ptr_equal(buf.memory, memory);
    assert_int_equal(gw_buf_length(&buf), 10);
}

static void test_only_an_empty_buffer_returns_its_block(void **state) {
    (void)state;
    gw_blocks_lend(&blocks, &buf);
    append(10);
    gw_blocks_return_if_empty(&blocks, &buf);
    assert_int_equal(gw_buf_length(&buf), 10);
    gw_buf_take(&buf, 10);
    gw_blocks_return_if_empty(&blocks, &buf);
    assert_null(buf.memory);
    assert_int_equal(blocks.count, 1);
}

static void test_memory_of_another_size_is_not_kept(void **state) {
    (void)state;
    gw_blocks_lend(&blocks, &buf);
    append(GW_BLOCK_BYTES); // grew
    gw_blocks_drop(&blocks, &buf);
    assert_int_equal(blocks.count, 0);
    gw_blocks_drop(&blocks, &buf); // harmless without memory
    assert_int_equal(blocks.count, 0);
}

static void test_no_more_are_kept_than_may_be(void **state) {
    (void)state;
    static struct gw_buf bufs[GW_BLOCKS_KEPT_MAX + 2];
    size_t count = sizeof(bufs) / sizeof(bufs[0]);
    for (size_t i = 0; i < count; i++) {
        gw_buf_init(&bufs[i], GW_BLOCK_BYTES);
        gw_blocks_lend(&blocks, &bufs[i]);
    }
    for (size_t i = 0; i < count; i++)
        gw_blocks_drop(&blocks, &bufs[i]);
    assert_int_equal(blocks.count, GW_BLOCKS_KEPT_MAX);
}

#define blocks_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        blocks_test(test_a_returned_block_is_lent_again),
        blocks_test(test_a_buffer_with_memory_gets_no_block),
        blocks_test(test_only_an_empty_buffer_returns_its_block),
        blocks_test(test_memory_of_another_size_is_not_kept),
        blocks_test(test_no_more_are_kept_than_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
