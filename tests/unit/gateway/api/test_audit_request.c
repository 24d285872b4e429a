// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/audit_request.h"
#include "token/limits.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct gw_audit_request parse(const char *query) {
    struct gw_audit_request request;
    struct gw_refusal refusal = {0};
    if (!gw_audit_request_parse(gw_str_from(query), &request, &refusal))
        fail_msg("%s: %s", query, refusal.message);
    return request;
}

static void test_pages_of_the_audit(void **state) {
    (void)state;
    static const struct {
        const char *query;
        int64_t position;
        enum db_audit_order order;
        uint32_t limit;
    } cases[] = {
        {NULL, INT64_MAX, DB_AUDIT_NEWEST_FIRST, GW_LIST_LIMIT_DEFAULT},
        {"", INT64_MAX, DB_AUDIT_NEWEST_FIRST, GW_LIST_LIMIT_DEFAULT},
        {"before=17", 17, DB_AUDIT_NEWEST_FIRST, GW_LIST_LIMIT_DEFAULT},
        {"limit=200&before=9223372036854775807", INT64_MAX, DB_AUDIT_NEWEST_FIRST, 200},
        {"x=1&x=2&limit=1", INT64_MAX, DB_AUDIT_NEWEST_FIRST, 1},
        {"after=0", 0, DB_AUDIT_OLDEST_FIRST, GW_LIST_LIMIT_DEFAULT},
        {"after=17&limit=2", 17, DB_AUDIT_OLDEST_FIRST, 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_audit_request request = parse(cases[i].query);
        assert_int_equal(request.filter.order, cases[i].order);
        assert_true(request.filter.position == cases[i].position);
        assert_int_equal(request.limit, cases[i].limit);
        assert_null(request.filter.token_id.at);
        assert_null(request.filter.actor.at);
        assert_null(request.filter.action.at);
        assert_true(request.filter.since_ms == DB_NO_TIME);
        assert_true(request.filter.until_ms == DB_NO_TIME);
    }
}

static void test_filters_of_the_audit(void **state) {
    (void)state;
    struct gw_audit_request request =
        parse("token=cltoken1&actor=operator&action=expire&since=2023-11-14T22:13:20Z"
              "&until=2023-11-14T23%3A13%3A20.001%2B01%3a00");
    assert_true(gw_str_equal(request.filter.token_id, GW_STR("cltoken1")));
    assert_true(gw_str_equal(request.filter.actor, GW_STR("operator")));
    assert_true(gw_str_equal(request.filter.action, GW_STR("expire")));
    assert_true(request.filter.since_ms == 1700000000000);
    assert_true(request.filter.until_ms == 1700000000001);
}

static void test_what_is_no_page_of_the_audit_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *word;
    } cases[] = {
        {"before=", "before"},
        {"before=0", "before"},
        {"before=-1", "before"},
        {"before=a", "before"},
        {"before=9223372036854775808", "before"},
        {"after=", "after"},
        {"after=-1", "after"},
        {"after=9223372036854775808", "after"},
        {"limit=0", "limit"},
        {"limit=201", "limit"},
        {"before=1&limit=x", "limit"},
        {"token=", "token"},
        {"token=A", "token"},
        {"token=%63", "token"},
        {"token", "token"},
        {"actor=", "actor"},
        {"actor=some-one", "actor"},
        {"action=", "action"},
        {"action=Create", "action"},
        {"action=revoked", "action"},
        {"since=7d", "since"},
        {"since=2023-11-14", "since"},
        {"since=0000-12-31T00:00:00Z", "since"},
        {"since=2023-11-14T22:13:20%2", "since"},
        {"until=", "until"},
        {"until=2023-11-14T22:13:20+01:00", "until"}, // a plus sign is a space
        {"since=2023-11-14T22:13:20Z&since=2023-11-14T22:13:20Z", "once"},
        {"token=a&token=b", "once"},
        {"before=2&after=1", "exclude"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_audit_request request;
        struct gw_refusal refusal = {0};
        if (gw_audit_request_parse(gw_str_from(cases[i].query), &request, &refusal))
            fail_msg("%s is accepted", cases[i].query);
        assert_int_equal(gw_error_row(refusal.error)->status, 422);
        if (strstr(refusal.message, cases[i].word) == NULL)
            fail_msg("%s: %s", cases[i].query, refusal.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_of_the_audit),
        cmocka_unit_test(test_filters_of_the_audit),
        cmocka_unit_test(test_what_is_no_page_of_the_audit_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
