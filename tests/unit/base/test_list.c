// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    char name;
    struct gw_list node;
};

// Takes all items and compares their names in order.
static void assert_takes(struct gw_list *list, const char *names) {
    for (; *names != '\0'; names++) {
        struct gw_list *node = gw_list_pop_front(list);
        assert_non_null(node);
        assert_int_equal(gw_container_of(node, struct item, node)->name, *names);
    }
    assert_null(gw_list_pop_front(list));
    assert_true(gw_list_is_empty(list));
}

static void test_nodes_come_out_in_the_order_of_their_ends(void **state) {
    (void)state;
    struct gw_list list;
    struct item a = {.name = 'a'};
    struct item b = {.name = 'b'};
    struct item c = {.name = 'c'};
    gw_list_init(&list);
    assert_true(gw_list_is_empty(&list));
    gw_list_push_back(&list, &b.node);
    gw_list_push_back(&list, &c.node);
    gw_list_push_front(&list, &a.node);
    assert_false(gw_list_is_empty(&list));
    assert_takes(&list, "abc");
}

static void test_removing_twice_is_harmless(void **state) {
    (void)state;
    struct gw_list list;
    struct item a = {.name = 'a'};
    struct item b = {.name = 'b'};
    gw_list_init(&list);
    gw_list_push_back(&list, &a.node);
    gw_list_push_back(&list, &b.node);
    gw_list_remove(&a.node);
    gw_list_remove(&a.node);
    assert_takes(&list, "b");
}

static void test_append_all_moves_everything_to_the_end(void **state) {
    (void)state;
    struct gw_list to;
    struct gw_list from;
    struct item a = {.name = 'a'};
    struct item b = {.name = 'b'};
    struct item c = {.name = 'c'};
    gw_list_init(&to);
    gw_list_init(&from);
    gw_list_append_all(&to, &from);
    assert_true(gw_list_is_empty(&to));
    gw_list_push_back(&to, &a.node);
    gw_list_push_back(&from, &b.node);
    gw_list_push_back(&from, &c.node);
    gw_list_append_all(&to, &from);
    assert_true(gw_list_is_empty(&from));
    assert_takes(&to, "abc");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_come_out_in_the_order_of_their_ends),
        cmocka_unit_test(test_removing_twice_is_harmless),
        cmocka_unit_test(test_append_all_moves_everything_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
