// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/settings/org_metrics.h"

#define TEXT_BYTES_MAX (1024 * 1024)

static struct gw_org_metrics *open_orgs(int orgs_max, int worker_count) {
    struct gw_org_metrics *orgs = NULL;
    assert_int_equal(gw_org_metrics_open(orgs_max, worker_count, &orgs), GW_OK);
    return orgs;
}

// Terminated; lives until the next call.
static const char *text_of(const struct gw_org_metrics *orgs) {
    static char text[TEXT_BYTES_MAX];
    struct gw_buf out;
    gw_buf_init(&out, sizeof(text) - 1);
    assert_int_equal(gw_org_metrics_write(orgs, &out), GW_OK);
    struct gw_str bytes = gw_buf_bytes(&out);
    memcpy(text, bytes.at, bytes.length);
    text[bytes.length] = '\0';
    gw_buf_deinit(&out);
    return text;
}

static int64_t shown(const struct gw_org_metrics *orgs, const char *slug, const char *decision) {
    char series[256];
    long long value = -1;
    (void)snprintf(series, sizeof(series),
                   "\nskillreg_gateway_org_decisions_total{org=\"%s\",decision=\"%s\"} ", slug,
                   decision);
    const char *text = text_of(orgs);
    const char *at = strstr(text, series);
    if (at == NULL)
        return value;
    assert_null(strstr(at + 1, series)); // once
    value = strtoll(at + strlen(series), NULL, 10);
    return value;
}

static int count_lines(const char *text) {
    int count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void test_each_organisation_has_its_own_numbers(void **state) {
    (void)state;
    struct gw_org_metrics *orgs = open_orgs(10, 2);
    gw_org_metrics_count(orgs, 0, GW_STR("acme"), GW_DECISION_ALLOWED);
    gw_org_metrics_count(orgs, 1, GW_STR("acme"), GW_DECISION_ALLOWED);
    gw_org_metrics_count(orgs, 1, GW_STR("acme"), GW_DECISION_FORBIDDEN);
    gw_org_metrics_count(orgs, 1, GW_STR("globex"), GW_DECISION_LIMITED);
    assert_int_equal(shown(orgs, "acme", "allowed"), 2);
    assert_int_equal(shown(orgs, "acme", "forbidden"), 1);
    assert_int_equal(shown(orgs, "acme", "limited"), 0);
    assert_int_equal(shown(orgs, "globex", "limited"), 1);
    assert_int_equal(shown(orgs, "_other", "allowed"), 0);
    assert_int_equal(shown(orgs, "initech", "allowed"), -1);
    gw_org_metrics_close(orgs);
}

static void test_those_beyond_the_bound_are_one(void **state) {
    (void)state;
    static const int bounds[] = {1, 2, 3, GW_ORG_METRICS_MAX};
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        struct gw_org_metrics *orgs = open_orgs(bounds[i], 3);
        for (int round = 0; round < 2; round++) {
            for (int org = 0; org < bounds[i] + 100; org++) {
                char slug[32];
                (void)snprintf(slug, sizeof(slug), "org-%d", org);
                gw_org_metrics_count(orgs, org % 3, gw_str_from(slug), GW_DECISION_ALLOWED);
            }
        }
        assert_int_equal(shown(orgs, "org-0", "allowed"), 2);
        assert_int_equal(shown(orgs, "_other", "allowed"), 200);
        assert_int_equal(count_lines(text_of(orgs)), 2 + (bounds[i] + 1) * GW_DECISION_COUNT);
        gw_org_metrics_close(orgs);
    }
}

// The table's own answer for a slug that the schema forbids.
static void test_a_slug_that_is_too_long_is_one_of_the_others(void **state) {
    (void)state;
    struct gw_org_metrics *orgs = open_orgs(2, 1);
    static const char slug[] = "a-slug-of-forty-nine-characters-is-one-too-long-a";
    assert_int_equal(strlen(slug), 49);
    gw_org_metrics_count(orgs, 0, gw_str_from(slug), GW_DECISION_ALLOWED);
    gw_org_metrics_count(orgs, 0, gw_str(slug, 48), GW_DECISION_ALLOWED);
    assert_int_equal(shown(orgs, "_other", "allowed"), 1);
    assert_int_equal(shown(orgs, "a-slug-of-forty-nine-characters-is-one-too-long-", "allowed"), 1);
    gw_org_metrics_close(orgs);
}

// Whoever names an organisation first: nothing is lost, shown twice, or over the bound.
static void test_workers_share_the_names(void **state) {
    (void)state;
    enum { WORKERS = 4, ORGS = 50, ROUNDS = 200 };
    struct gw_org_metrics *orgs = open_orgs(ORGS, WORKERS);
    for (int worker = 0; worker < WORKERS; worker++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid != 0)
            continue;
        for (int i = 0; i < ORGS * ROUNDS; i++) {
            char slug[32];
            (void)snprintf(slug, sizeof(slug), "org-%d", i % ORGS);
            gw_org_metrics_count(orgs, worker, gw_str_from(slug), GW_DECISION_ALLOWED);
        }
        _exit(0);
    }
    for (int worker = 0; worker < WORKERS; worker++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    int64_t all = shown(orgs, "_other", "allowed");
    for (int org = 0; org < ORGS; org++) {
        char slug[32];
        (void)snprintf(slug, sizeof(slug), "org-%d", org);
        int64_t own = shown(orgs, slug, "allowed");
        all += own > 0 ? own : 0;
    }
    assert_int_equal(all, WORKERS * ORGS * ROUNDS);
    gw_org_metrics_close(orgs);
}

static void test_what_does_not_fit_is_an_error(void **state) {
    (void)state;
    struct gw_org_metrics *orgs = open_orgs(2, 1);
    gw_org_metrics_count(orgs, 0, GW_STR("acme"), GW_DECISION_ALLOWED);
    size_t length = strlen(text_of(orgs));
    for (size_t room = 1; room < length; room += 37) {
        struct gw_buf out;
        gw_buf_init(&out, room);
        assert_int_equal(gw_org_metrics_write(orgs, &out), GW_TOO_BIG);
        gw_buf_deinit(&out);
    }
    gw_org_metrics_close(orgs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_organisation_has_its_own_numbers),
        cmocka_unit_test(test_those_beyond_the_bound_are_one),
        cmocka_unit_test(test_a_slug_that_is_too_long_is_one_of_the_others),
        cmocka_unit_test(test_workers_share_the_names),
        cmocka_unit_test(test_what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
