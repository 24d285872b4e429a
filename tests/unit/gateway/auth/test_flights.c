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
    assert_true(gw_list_is_empty(&flights.all));
    gw_flights_deinit(&flights);
}

static void test_all_that_are_on_their_way_are_outdated(void **state) {
    (void)state;
    struct gw_flights flights;
    struct gw_flight *const landed = &flights_of_test[0];
    struct gw_flight *const flying = &flights_of_test[1];
    assert_int_equal(gw_flights_init(&flights), GW_OK);
    memset(flights_of_test, 0, sizeof(flights_of_test));
    digest_of(1, flying->lookup.digest);
    assert_int_equal(gw_flights_add(&flights, landed), GW_OK);
    assert_int_equal(gw_flights_add(&flights, flying), GW_OK);
    gw_flights_remove(&flights, landed);
    gw_flights_outdate_all(&flights);
    assert_true(flying->is_outdated);
    assert_false(landed->is_outdated);
    gw_flights_remove(&flights, flying);
    gw_flights_deinit(&flights);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_digest_has_its_flight_until_it_is_removed),
        cmocka_unit_test(test_all_that_are_on_their_way_are_outdated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
