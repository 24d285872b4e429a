// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/auth/flights.h"

#define MANY 1000

static struct gw_flight flights_of_test[MANY];

static void digest_of(int token, unsigned char digest[DB_DIGEST_LENGTH]) {
    memset(digest, 0x5a, DB_DIGEST_LENGTH);
    memcpy(digest, &token, sizeof(token));
}

static struct gw_flight *find(const struct gw_flights *flights, int token) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(token, digest);
    return gw_flights_find(flights, digest);
}

static void test_each_digest_has_its_flight_until_it_is_removed(void **state) {
    (void)state;
    struct gw_flights flights;
    assert_int_equal(gw_flights_init(&flights), GW_OK);
    for (int i = 0; i < MANY; i++) {
        assert_null(find(&flights, i));
        digest_of(i, flights_of_test[i].lookup.digest);
        assert_int_equal(gw_flights_add(&flights, &flights_of_test[i]), GW_OK);
    }
    for (int i = 0; i < MANY; i += 2)
        gw_flights_remove(&flights, &flights_of_test[i]);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(&flights, i), i % 2 == 0 ? NULL : &flights_of_test[i]);
    for (int i = 1; i < MANY; i += 2)
        gw_flights_remove(&flights, &flights_of_test[i]);
    assert_int_equal(gw_table_count(&flights.by_digest), 0);
    gw_flights_deinit(&flights);
}

static void test_all_that_are_on_their_way_are_outdated(void **state) {
    (void)state;
    struct gw_flights flights;
    struct gw_flight *const flying = &flights_of_test[0];
    struct gw_flight *const later = &flights_of_test[1];
    assert_int_equal(gw_flights_init(&flights), GW_OK);
    gw_flights_note_sent(&flights, flying);
    assert_false(gw_flights_is_outdated(&flights, flying));
    gw_flights_outdate_all(&flights);
    gw_flights_note_sent(&flights, later);
    assert_true(gw_flights_is_outdated(&flights, flying));
    assert_false(gw_flights_is_outdated(&flights, later));
    later->is_outdated = true;
    assert_true(gw_flights_is_outdated(&flights, later));
    gw_flights_note_sent(&flights, flying);
    assert_false(gw_flights_is_outdated(&flights, flying));
    gw_flights_note_sent(&flights, later);
    assert_false(gw_flights_is_outdated(&flights, later));
    gw_flights_deinit(&flights);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_digest_has_its_flight_until_it_is_removed),
        cmocka_unit_test(test_all_that_are_on_their_way_are_outdated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
