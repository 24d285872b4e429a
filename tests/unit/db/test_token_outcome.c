// SPDX-License-Identifier: MIT
// Proves of db/token_outcome.c: each word of the schema's functions has its status and refusal, and
// a word that is not known is none of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/token_outcome.h"

// A result of one row with this outcome; without a row for NULL.
static PGresult *make_result(const char *outcome) {
    char name[] = "outcome";
    PGresAttDesc column = {.name = name};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    assert_non_null(result);
    assert_int_equal(PQsetResultAttrs(result, 1, &column), 1);
    if (outcome != NULL) {
        char word[64];
        (void)strncpy(word, outcome, sizeof(word) - 1);
        assert_int_equal(PQsetvalue(result, 0, 0, word, (int)strlen(outcome)), 1);
    }
    return result;
}

static void test_each_word_has_its_meaning(void **state) {
    (void)state;
    static const struct {
        const char *word;
        enum gw_status status;
        enum db_refusal refusal;
    } cases[] = {
        {"made", GW_OK, DB_REFUSAL_NONE},
        {"revoked", GW_OK, DB_REFUSAL_NONE},
        {"not_found", GW_NOT_FOUND, DB_REFUSAL_NONE},
        {"replaced", GW_CONFLICT, DB_REFUSAL_NONE},
        {"not_admin", GW_DENIED, DB_REFUSAL_NOT_ADMIN},
        {"other_body", GW_DENIED, DB_REFUSAL_OTHER_BODY},
        {"last_admin", GW_DENIED, DB_REFUSAL_LAST_ADMIN},
        {"made_before", GW_CONFLICT, DB_REFUSAL_NONE},
        {"lives_too_long", GW_DENIED, DB_REFUSAL_LIVES_TOO_LONG},
        {"removed", GW_OK, DB_REFUSAL_NONE},
        {"maker_minted", GW_DENIED, DB_REFUSAL_MAKER_MINTED},
        {"too_many_rules", GW_DENIED, DB_REFUSAL_TOO_MANY_RULES},
        {"of_a_newer_schema", GW_UNAVAILABLE, DB_REFUSAL_NONE},
        {"", GW_UNAVAILABLE, DB_REFUSAL_NONE},
        {NULL, GW_UNAVAILABLE, DB_REFUSAL_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum db_refusal refusal = DB_REFUSAL_NONE;
        PGresult *result = make_result(cases[i].word);
        assert_int_equal(db_token_outcome_read(result, &refusal), cases[i].status);
        assert_int_equal(refusal, cases[i].refusal);
        PQclear(result);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_word_has_its_meaning),
    };
    return cmocka_run_group_tests_name("token_outcome", tests, NULL, NULL);
}
