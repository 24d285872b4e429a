// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/client/idle.h"

#define MEMBERS 2000
#define NEWCOMER 1000 // an address
#define SEED 1        // the addresses below have classes of their own with it

struct fixture {
    struct gw_idle idle;
    struct gw_idle_member members[MEMBERS];
    int count;
    struct gw_idle_member newcomer;
};

static struct fixture *the;

static int set_up(void **state) {
    *state = the = test_calloc(1, sizeof(*the));
    assert_int_equal(gw_idle_init(&the->idle, SEED), GW_OK);
    gw_idle_join(&the->idle, &the->newcomer, NEWCOMER);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (int i = 0; i < the->count; i++)
        gw_idle_leave(&the->idle, &the->members[i]);
    assert_null(gw_idle_pick(&the->idle, &the->newcomer));
    gw_idle_leave(&the->idle, &the->newcomer);
    for (int i = 0; i < GW_IDLE_CLASSES; i++)
        assert_int_equal(the->idle.classes[i].member_count, 0);
    gw_idle_deinit(&the->idle);
    test_free(the);
    return 0;
}

// `count` connections of an address; the number of the first.
static int join(uint64_t address, int count) {
    int first = the->count;
    for (int i = 0; i < count; i++)
        gw_idle_join(&the->idle, &the->members[the->count++], address);
    return first;
}

// The same, all waiting.
static int enter(uint64_t address, int count) {
    int first = join(address, count);
    for (int i = first; i < the->count; i++)
        gw_idle_enter(&the->idle, &the->members[i]);
    return first;
}

static int take_first(void) {
    struct gw_idle_member *member = gw_idle_pick(&the->idle, &the->newcomer);
    assert_non_null(member);
    gw_idle_leave(&the->idle, member);
    return (int)(member - the->members);
}

static void test_the_address_with_most_gives_its_oldest(void **state) {
    (void)state;
    int one = enter(1, 1), many = enter(2, 5), few = enter(3, 3);
    assert_int_equal(take_first(), many);
    assert_int_equal(take_first(), many + 1);
    // Three and three: who came to that number first.
    assert_int_equal(take_first(), few);
    assert_int_equal(take_first(), many + 2);
    assert_int_equal(take_first(), few + 1);
    assert_int_equal(take_first(), many + 3);
    assert_int_equal(take_first(), one);
    assert_int_equal(take_first(), few + 2);
    assert_int_equal(take_first(), many + 4);
    assert_null(gw_idle_pick(&the->idle, &the->newcomer));
}

static void test_of_many_addresses_with_one_each_it_is_the_oldest(void **state) {
    (void)state;
    for (uint64_t address = 0; address < 20; address++)
        enter(address, 1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(take_first(), i);
}

static void test_a_request_in_between_makes_a_connection_the_youngest(void **state) {
    (void)state;
    enter(1, 3);
    gw_idle_exit(&the->idle, &the->members[0]);
    gw_idle_exit(&the->idle, &the->members[0]); // is harmless
    gw_idle_enter(&the->idle, &the->members[0]);
    gw_idle_enter(&the->idle, &the->members[1]); // waits already
    assert_int_equal(take_first(), 1);
    assert_int_equal(take_first(), 2);
    assert_int_equal(take_first(), 0);
}

static void test_an_address_with_a_thousand_comes_before_one_with_hundreds(void **state) {
    (void)state;
    enter(1, 900);
    int many = enter(2, 1000);
    for (int i = 0; i < 60; i++)
        assert_int_equal(take_first(), many + i);
    int taken[2] = {0, 0};
    for (int i = 0; i < 1000; i++)
        taken[take_first() >= many]++;
    assert_in_range(taken[0], 900 - 435 - 20, 900 - 435 + 20); // evenly from then on
}

static void test_a_busy_crowd_takes_no_place_of_those_with_fewer(void **state) {
    (void)state;
    int good = enter(1, 2);
    join(NEWCOMER, GW_IDLE_FEW - 1);
    assert_int_equal(take_first(), good); // it has few itself, with the newcomer
    int crowd = join(NEWCOMER, 2);
    assert_null(gw_idle_pick(&the->idle, &the->newcomer));
    gw_idle_enter(&the->idle, &the->members[crowd]);
    assert_int_equal(take_first(), crowd); // its own
    int more = enter(2, GW_IDLE_FEW + 2);
    assert_int_equal(take_first(), more);
}

static void test_a_client_that_turns_out_to_be_another_counts_there(void **state) {
    (void)state;
    enter(1, 2);
    int moved = enter(2, 3);
    gw_idle_join(&the->idle, &the->members[moved], 1);
    gw_idle_enter(&the->idle, &the->members[moved]);
    assert_int_equal(take_first(), 0);
}

static void test_what_is_not_initialised_keeps_nothing(void **state) {
    (void)state;
    struct gw_idle none = {.classes = NULL};
    struct gw_idle_member member = {.of = NULL};
    gw_idle_join(&none, &member, 1);
    gw_idle_enter(&none, &member);
    assert_null(gw_idle_pick(&none, &member));
    gw_idle_exit(&none, &member);
    gw_idle_leave(&none, &member);
    gw_idle_deinit(&none);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_address_with_most_gives_its_oldest),
        TEST(test_of_many_addresses_with_one_each_it_is_the_oldest),
        TEST(test_a_request_in_between_makes_a_connection_the_youngest),
        TEST(test_an_address_with_a_thousand_comes_before_one_with_hundreds),
        TEST(test_a_busy_crowd_takes_no_place_of_those_with_fewer),
        TEST(test_a_client_that_turns_out_to_be_another_counts_there),
        cmocka_unit_test(test_what_is_not_initialised_keeps_nothing),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
