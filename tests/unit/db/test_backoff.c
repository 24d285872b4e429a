// SPDX-License-Identifier: MIT
// Proves of db/backoff.c: pauses grow to their limit, and many gateways do not come back at once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/backoff.h"

#define DRAWS 1000

static void assert_pauses_within(int attempts, uint64_t least_ms, uint64_t most_ms) {
    for (int i = 0; i < DRAWS; i++)
        assert_in_range(db_backoff_pause_ms(attempts), least_ms, most_ms);
}

static void test_pauses_double_up_to_their_limit(void **state) {
    (void)state;
    uint64_t longest_ms = GW_DB_RECONNECT_MIN_MS;
    for (int attempts = 0; attempts < 40; attempts++) {
        assert_pauses_within(attempts, longest_ms / 2, longest_ms);
        longest_ms =
            longest_ms * 2 < GW_DB_RECONNECT_MAX_MS ? longest_ms * 2 : GW_DB_RECONNECT_MAX_MS;
    }
    assert_pauses_within(INT32_MAX, GW_DB_RECONNECT_MAX_MS / 2, GW_DB_RECONNECT_MAX_MS);
}

// A thousand gateways that lost the database together: no tenth of the time in which they come back
// gets twice its share.
static void test_gateways_do_not_come_back_at_once(void **state) {
    (void)state;
    int counts[10] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t after_ms = db_backoff_pause_ms(20) - GW_DB_RECONNECT_MAX_MS / 2;
        counts[after_ms * 10 / (GW_DB_RECONNECT_MAX_MS / 2 + 1)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], DRAWS / 20, DRAWS / 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses_double_up_to_their_limit),
        cmocka_unit_test(test_gateways_do_not_come_back_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
