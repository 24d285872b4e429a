// SPDX-License-Identifier: MIT
// Against a log made here: the two functions of db/events.h that the code under test calls stand
// below, and the linker takes them in place of the library's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/events.h"
#include "gateway/auth/freshness.h"
#include "gateway/auth/table.h"

#define START_MS 100000
#define TTL_MS 60000
#define LEASE_MS 5000
#define STALE_READ_MS 30000
#define STALE_WRITE_MS 20000

struct db_events {
    uint64_t heard_ms;
    uint64_t applied_seq;
};

uint64_t db_events_heard_ms(const struct db_events *events) {
    return events->heard_ms;
}

uint64_t db_events_applied_seq(const struct db_events *events) {
    return events->applied_seq;
}

static struct gw_freshness follow(const struct db_events *events) {
    return (struct gw_freshness){.events = events,
                                 .lease_ms = LEASE_MS,
                                 .stale_read_ms = STALE_READ_MS,
                                 .stale_write_ms = STALE_WRITE_MS};
}

static struct gw_auth_entry entry_of(uint64_t verified_ms) {
    return (struct gw_auth_entry){
        .kind = GW_AUTH_ENTRY_LIVE, .verified_ms = verified_ms, .fresh_ms = TTL_MS};
}

static void test_an_entry_answers_for_its_time_while_the_log_is_read(void **state) {
    (void)state;
    struct db_events events = {.heard_ms = START_MS};
    struct gw_freshness freshness = follow(&events);
    const struct gw_auth_entry entry = entry_of(START_MS + 1);
    assert_false(gw_freshness_may_answer(&freshness, &entry, START_MS + 1)); // not followed yet
    gw_freshness_note_log(&freshness);
    assert_true(gw_freshness_may_answer(&freshness, &entry, START_MS + LEASE_MS - 1));
    assert_false(gw_freshness_may_answer(&freshness, &entry, START_MS + LEASE_MS));
    events.heard_ms = START_MS + TTL_MS;
    assert_true(gw_freshness_may_answer(&freshness, &entry, START_MS + TTL_MS));
    assert_false(gw_freshness_may_answer(&freshness, &entry, START_MS + TTL_MS + 1));
}

static void test_what_is_known_may_decide_for_its_window(void **state) {
    (void)state;
    struct db_events events = {.heard_ms = 0};
    struct gw_freshness freshness = follow(&events);
    assert_false(gw_freshness_may_decide(&freshness, 1)); // the log was never heard
    events.heard_ms = START_MS;
    assert_true(gw_freshness_may_decide(&freshness, START_MS + STALE_READ_MS - 1));
    assert_false(gw_freshness_may_decide(&freshness, START_MS + STALE_READ_MS));
    freshness.stale_read_ms = 0; // the lease is what is left
    assert_true(gw_freshness_may_decide(&freshness, START_MS + LEASE_MS - 1));
    assert_false(gw_freshness_may_decide(&freshness, START_MS + LEASE_MS));
}

static void test_an_entry_from_before_the_log_was_followed_is_not_fresh(void **state) {
    (void)state;
    struct db_events events = {.heard_ms = 0};
    struct gw_freshness freshness = follow(&events);
    gw_freshness_note_log(&freshness); // the log was never read
    events.heard_ms = START_MS;
    gw_freshness_note_log(&freshness);
    events.heard_ms = START_MS + 10;
    gw_freshness_note_log(&freshness); // the first moment counts
    const struct gw_auth_entry before = entry_of(START_MS);
    const struct gw_auth_entry after = entry_of(START_MS + 1);
    assert_false(gw_freshness_may_answer(&freshness, &before, START_MS + 10));
    assert_true(gw_freshness_may_answer(&freshness, &after, START_MS + 10));
}

static void test_the_stale_time_is_by_scope_and_from_the_last_read_of_the_log(void **state) {
    (void)state;
    struct db_events events = {.heard_ms = START_MS};
    struct gw_freshness freshness = follow(&events);
    const struct gw_auth_entry entry = entry_of(START_MS + 1);
    struct gw_auth_entry absent = entry_of(START_MS + 1);
    absent.kind = GW_AUTH_ENTRY_ABSENT;
    gw_freshness_note_log(&freshness);
    uint64_t read_ends_ms = START_MS + STALE_READ_MS;
    uint64_t write_ends_ms = START_MS + STALE_WRITE_MS;
    assert_true(gw_freshness_may_answer_stale(&freshness, &entry, GW_SCOPE_READ, read_ends_ms - 1));
    assert_false(gw_freshness_may_answer_stale(&freshness, &entry, GW_SCOPE_READ, read_ends_ms));
    assert_true(
        gw_freshness_may_answer_stale(&freshness, &entry, GW_SCOPE_WRITE, write_ends_ms - 1));
    assert_false(gw_freshness_may_answer_stale(&freshness, &entry, GW_SCOPE_WRITE, write_ends_ms));
    assert_false(gw_freshness_may_answer_stale(&freshness, &entry, GW_SCOPE_ADMIN, START_MS));
    assert_false(gw_freshness_may_answer_stale(&freshness, &absent, GW_SCOPE_READ, START_MS));
}

// A lookup that came later prolongs nothing, and one from before the log was followed counts alone.
static void test_the_stale_time_begins_no_later_than_the_lookup_or_the_log(void **state) {
    (void)state;
    struct db_events events = {.heard_ms = START_MS};
    struct gw_freshness freshness = follow(&events);
    const struct gw_auth_entry before = entry_of(START_MS - 1000);
    const struct gw_auth_entry after = entry_of(START_MS + 1000);
    gw_freshness_note_log(&freshness);
    uint64_t ends_ms = START_MS + STALE_READ_MS;
    assert_false(gw_freshness_may_answer_stale(&freshness, &after, GW_SCOPE_READ, ends_ms));
    assert_false(gw_freshness_may_answer_stale(&freshness, &before, GW_SCOPE_READ, ends_ms - 1000));
    assert_true(gw_freshness_may_answer_stale(&freshness, &before, GW_SCOPE_READ, ends_ms - 1001));
    events.heard_ms = 0; // never read: nothing is known to be true
    assert_false(gw_freshness_may_answer_stale(&freshness, &after, GW_SCOPE_READ, START_MS + 1000));
}

static void test_the_newest_event_is_of_the_log_or_of_this_process(void **state) {
    (void)state;
    const struct db_events events = {.heard_ms = START_MS, .applied_seq = 7};
    struct gw_freshness freshness = follow(&events);
    assert_int_equal(gw_freshness_newest_seq(&freshness), 7);
    gw_freshness_note_own(&freshness, 9);
    gw_freshness_note_own(&freshness, 8);
    assert_int_equal(gw_freshness_newest_seq(&freshness), 9);
    gw_freshness_forget_own(&freshness);
    assert_int_equal(gw_freshness_newest_seq(&freshness), 7);
}

static void test_without_a_log_nothing_answers(void **state) {
    (void)state;
    struct gw_freshness freshness = follow(NULL);
    const struct gw_auth_entry entry = entry_of(START_MS);
    gw_freshness_note_log(&freshness);
    assert_int_equal(gw_freshness_heard_ms(&freshness), 0);
    assert_int_equal(gw_freshness_newest_seq(&freshness), 0);
    assert_false(gw_freshness_may_answer(&freshness, &entry, START_MS));
    assert_false(gw_freshness_may_answer_stale(&freshness, &entry, GW_SCOPE_READ, START_MS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_answers_for_its_time_while_the_log_is_read),
        cmocka_unit_test(test_what_is_known_may_decide_for_its_window),
        cmocka_unit_test(test_an_entry_from_before_the_log_was_followed_is_not_fresh),
        cmocka_unit_test(test_the_stale_time_is_by_scope_and_from_the_last_read_of_the_log),
        cmocka_unit_test(test_the_stale_time_begins_no_later_than_the_lookup_or_the_log),
        cmocka_unit_test(test_the_newest_event_is_of_the_log_or_of_this_process),
        cmocka_unit_test(test_without_a_log_nothing_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
