// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/api/known_names.h"

#define KNOWN GW_STR("name, scopes")

static int open_arena(void **state) {
    static struct gw_arena arena;
    gw_arena_init(&arena, 65536);
    *state = &arena;
    return 0;
}

static int close_arena(void **state) {
    gw_arena_deinit(*state);
    return 0;
}

// NULL: all of them are known.
static void assert_members(struct gw_arena *arena, const char *text, const char *message) {
    struct gw_json root;
    struct gw_refusal refusal = {.error = GW_ERROR_NONE, .message = ""};
    assert_int_equal(gw_json_parse(arena, gw_str_from(text), 64, &root, NULL), GW_OK);
    assert_int_equal(gw_known_members_check(arena, root, KNOWN, &refusal), message == NULL);
    if (message == NULL)
        return;
    assert_int_equal(refusal.error, GW_ERROR_VALIDATION_FAILED);
    assert_string_equal(refusal.message, message);
}

static void test_a_member_that_is_not_known_is_named_beside_those_that_are(void **state) {
    assert_members(*state, "{}", NULL);
    assert_members(*state, "{\"scopes\":1,\"name\":2}", NULL);
    assert_members(*state, "{\"n\\u0061me\":2}", NULL);
    assert_members(*state, "{\"name\":1,\"scope\":2}",
                   "scope is no member of this request; known are: name, scopes.");
    assert_members(*state, "{\"Name\":1}",
                   "Name is no member of this request; known are: name, scopes.");
    assert_members(*state, "{\"name, scopes\":1}",
                   "name, scopes is no member of this request; known are: name, scopes.");
    assert_members(*state, "{\"\":1}",
                   "A name is no member of this request; known are: name, scopes.");
}

static void test_a_name_that_is_a_token_or_long_is_not_repeated(void **state) {
    assert_members(*state, "{\"sr_live_abcdefghijklmnopqrst\":1}",
                   "A name is no member of this request; known are: name, scopes.");
    assert_members(*state,
                   "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}",
                   "A name is no member of this request; known are: name, scopes.");
}

static void test_a_parameter_that_is_not_known_is_named_beside_those_that_are(void **state) {
    static const struct {
        struct gw_str query;
        struct gw_str known;
        const char *message;
    } cases[] = {
        {{NULL, 0}, GW_STR_INIT(""), NULL},
        {GW_STR_INIT(""), GW_STR_INIT(""), NULL},
        {GW_STR_INIT("wait=5s&"), GW_STR_INIT("wait, successors"), NULL},
        {GW_STR_INIT("successors"), GW_STR_INIT("wait, successors"), NULL},
        {GW_STR_INIT("wait=5s&dry_run=true"), GW_STR_INIT("wait, successors"),
         "dry_run is no parameter of this request; known are: wait, successors."},
        {GW_STR_INIT("=1"), GW_STR_INIT("wait"),
         "A name is no parameter of this request; known are: wait."},
        {GW_STR_INIT("name=ci"), GW_STR_INIT(""),
         "name is no parameter of this request; known are: none."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_refusal refusal = {.error = GW_ERROR_NONE, .message = ""};
        bool is_right = gw_known_parameters_check(*state, cases[i].query, cases[i].known, &refusal);
        assert_int_equal(is_right, cases[i].message == NULL);
        if (!is_right)
            assert_string_equal(refusal.message, cases[i].message);
    }
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ARENA(test_a_member_that_is_not_known_is_named_beside_those_that_are),
        WITH_ARENA(test_a_name_that_is_a_token_or_long_is_not_repeated),
        WITH_ARENA(test_a_parameter_that_is_not_known_is_named_beside_those_that_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
