// SPDX-License-Identifier: MIT
// Proves of gateway/auth/known_tokens.c: what was added is there until it is removed or newer ones
// of its set have pushed it out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/auth/known_tokens.h"

static int set_up(void **state) {
    struct gw_known_tokens *known = test_calloc(1, sizeof(*known));
    *state = known;
    return gw_known_tokens_init(known) == GW_OK ? 0 : -1;
}

static int tear_down(void **state) {
    gw_known_tokens_deinit(*state);
    test_free(*state);
    return 0;
}

static void digest_of(uint64_t token, unsigned char digest[DB_DIGEST_LENGTH]) {
    memset(digest, 0xd1, DB_DIGEST_LENGTH);
    memcpy(digest, &token, sizeof(token));
}

static void add(struct gw_known_tokens *known, uint64_t token) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(token, digest);
    gw_known_tokens_add(known, digest);
}

static bool has(const struct gw_known_tokens *known, uint64_t token) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(token, digest);
    return gw_known_tokens_has(known, digest);
}

static void test_only_what_was_added_is_known(void **state) {
    struct gw_known_tokens *known = *state;
    unsigned char digest[DB_DIGEST_LENGTH];
    for (uint64_t token = 0; token < 100; token++) {
        assert_false(has(known, token));
        add(known, token);
        assert_true(has(known, token));
    }
    digest_of(7, digest);
    gw_known_tokens_remove(known, digest);
    assert_false(has(known, 7));
    gw_known_tokens_remove(known, digest);
    assert_true(has(known, 8));
}

static void test_an_outcome_that_says_nothing_changes_nothing(void **state) {
    struct gw_known_tokens *known = *state;
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(7, digest);
    gw_known_tokens_note(known, digest, GW_UNAVAILABLE);
    assert_false(has(known, 7));
    gw_known_tokens_note(known, digest, GW_OK);
    gw_known_tokens_note(known, digest, GW_UNAVAILABLE);
    assert_true(has(known, 7));
    gw_known_tokens_note(known, digest, GW_NOT_FOUND);
    assert_false(has(known, 7));
}

static void test_the_oldest_makes_room(void **state) {
    struct gw_known_tokens *known = *state;
    add(known, 1);
    add(known, 2);
    for (uint64_t token = 100; token < 100 + (uint64_t)20 * GW_KNOWN_TOKENS_MAX; token++) {
        add(known, token);
        add(known, 1); // used again and again
        assert_true(has(known, token));
    }
    assert_true(has(known, 1));
    assert_false(has(known, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_what_was_added_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_outcome_that_says_nothing_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_oldest_makes_room, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("known_tokens", tests, NULL, NULL);
}
