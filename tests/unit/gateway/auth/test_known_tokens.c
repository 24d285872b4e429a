// SPDX-License-Identifier: MIT
// Proves of gateway/auth/known_tokens.c: what was added is there until it is removed or newer ones
// of its set have pushed it out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/auth/known_tokens.h"

// All of one set, that of `set`.
static void digest_of(uint32_t set, uint64_t token, unsigned char digest[DB_DIGEST_LENGTH]) {
    memset(digest, 0xd1, DB_DIGEST_LENGTH);
    memcpy(digest, &token, sizeof(token));
    memcpy(digest + sizeof(token), &set, sizeof(set));
}

static struct gw_known_tokens *create(void) {
    struct gw_known_tokens *known = calloc(1, sizeof(*known));
    assert_non_null(known);
    return known;
}

static void test_only_what_was_added_is_known(void **state) {
    (void)state;
    struct gw_known_tokens *known = create();
    unsigned char digest[DB_DIGEST_LENGTH];
    for (uint32_t token = 0; token < 100; token++) {
        digest_of(token, token, digest);
        assert_false(gw_known_tokens_has(known, digest));
        if (token == 0)
            continue; // nobody's digest begins with 64 zeros: that is an empty place
        gw_known_tokens_add(known, digest);
        assert_true(gw_known_tokens_has(known, digest));
    }
    digest_of(7, 7, digest);
    gw_known_tokens_remove(known, digest);
    assert_false(gw_known_tokens_has(known, digest));
    digest_of(8, 8, digest);
    assert_true(gw_known_tokens_has(known, digest));
    free(known);
}

static void test_the_oldest_of_a_set_makes_room(void **state) {
    (void)state;
    struct gw_known_tokens *known = create();
    unsigned char digest[DB_DIGEST_LENGTH];
    for (uint64_t token = 1; token <= GW_KNOWN_TOKENS_WAYS; token++) {
        digest_of(3, token, digest);
        gw_known_tokens_add(known, digest);
    }
    digest_of(3, 1, digest);
    gw_known_tokens_add(known, digest); // used again
    digest_of(3, 100, digest);
    gw_known_tokens_add(known, digest);
    digest_of(3, 2, digest);
    assert_false(gw_known_tokens_has(known, digest));
    digest_of(3, 1, digest);
    assert_true(gw_known_tokens_has(known, digest));
    digest_of(3, 100, digest);
    assert_true(gw_known_tokens_has(known, digest));
    free(known);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_added_is_known),
        cmocka_unit_test(test_the_oldest_of_a_set_makes_room),
    };
    return cmocka_run_group_tests_name("known_tokens", tests, NULL, NULL);
}
