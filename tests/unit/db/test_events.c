// SPDX-License-Identifier: MIT
// Proves of db/events.c and db/event_log.c, on a real PostgreSQL: every committed change is told
// once and in the order of the commits, whatever becomes of notifications and connections; what can
// not be told any more is told as a gap.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "db/events.h"
#include "db/migrate.h"
#include "tests/support/postgres.h"

#define SEEN_MAX 2048
#define INTERVAL_MS 20 // so short that notifications do not matter

struct seen {
    uint64_t seq;
    enum db_event_kind kind;
    int64_t written_us;
    unsigned char digest[32];
    char org_id[64];
};

static struct test_database database;
static uv_loop_t loop;

static struct listener {
    struct db_events_consumer consumer;
    struct db_events *events;
    struct seen seen[SEEN_MAX];
    int count;
    int gaps;
    int wanted; // of count and gaps together
    bool is_done;
    bool closes_at_once;
} listener;

static void note(struct listener *self) {
    self->is_done = self->count + self->gaps >= self->wanted;
    if (self->closes_at_once && self->events != NULL) {
        db_events_close(self->events);
        self->events = NULL;
    }
}

static void on_event(struct db_events_consumer *consumer, const struct db_event *event) {
    struct listener *self = gw_container_of(consumer, struct listener, consumer);
    assert_true(self->count < SEEN_MAX);
    struct seen *seen = &self->seen[self->count++];
    seen->seq = event->seq;
    seen->kind = event->kind;
    seen->written_us = event->written_us;
    memcpy(seen->digest, event->digest, sizeof(seen->digest));
    (void)snprintf(seen->org_id, sizeof(seen->org_id), "%.*s", GW_STR_ARG(event->org_id));
    assert_int_equal(db_events_applied_seq(self->events), event->seq);
    note(self);
}

static void on_gap(struct db_events_consumer *consumer) {
    struct listener *self = gw_container_of(consumer, struct listener, consumer);
    self->gaps++;
    note(self);
}

// ---- running ----

static void execute(const char *sql) {
    test_execute(database.url, sql);
}

static void run_until_heard_after(uint64_t since_ms) {
    uv_update_time(&loop);
    uint64_t give_up_ms = uv_now(&loop) + 60000;
    while (db_events_heard_ms(listener.events) <= since_ms) {
        (void)uv_run(&loop, UV_RUN_ONCE);
        if (uv_now(&loop) > give_up_ms)
            fail_msg("nothing was heard");
    }
}

// Every change so far is applied then.
static void run_until_current(void) {
    uv_update_time(&loop);
    run_until_heard_after(uv_now(&loop));
}

static void start_listening(uint64_t poll_interval_ms) {
    const struct db_events_options options = {
        .url = database.url,
        .gateway_id = "listener",
        .poll_interval_ms = poll_interval_ms,
        .query_timeout_ms = 5000,
        .connect_timeout_ms = 5000,
    };
    memset(&listener, 0, sizeof(listener));
    listener.consumer = (struct db_events_consumer){on_event, on_gap};
    assert_int_equal(db_events_create(&loop, &options, &listener.consumer, &listener.events),
                     GW_OK);
    run_until_heard_after(0);
}

static void want(int number) {
    listener.count = listener.gaps = 0;
    listener.wanted = number;
    listener.is_done = false;
}

static void run_until_told(void) {
    test_run_until(&loop, &listener.is_done);
}

static int open_events(void **state) {
    (void)state;
    test_database_open(&database);
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    execute("insert into skillreg.organisation (id, slug, name) values ('org1', 'acme', 'Acme')");
    assert_int_equal(uv_loop_init(&loop), 0);
    return 0;
}

static int close_events(void **state) {
    (void)state;
    if (listener.events != NULL)
        db_events_close(listener.events);
    listener.events = NULL;
    test_loop_close(&loop);
    return 0;
}

static void make_tokens(const char *prefix, int count) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                   " created_by) select '%s' || i, 'org1', 'n', 'sr_live_a1b2',"
                   " sha256(('%s' || i)::bytea), 1, 'operator' from generate_series(1, %d) i",
                   prefix, prefix, count);
    execute(sql);
}

static void drop_the_listeners_connection(void) {
    assert_int_equal(test_number(database.url,
                                 "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                                 " where datname = current_database() and"
                                 " application_name = 'skillreg-gateway'"),
                     1);
}

// ---- what is told ----

static void expect_event(const char *sql, enum db_event_kind kind) {
    want(1);
    execute(sql);
    run_until_told();
    run_until_current();
    if (listener.count != 1 || listener.gaps != 0 || listener.seen[0].kind != kind)
        fail_msg("%s: %d events, kind %d", sql, listener.count, (int)listener.seen[0].kind);
    assert_string_equal(listener.seen[0].org_id, "org1");
    char hex[65] = "";
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", listener.seen[0].digest[i]);
    char wanted[65];
    test_value(database.url,
               kind == DB_EVENT_ORG_CHANGED ? "select repeat('0', 64)"
                                            : "select encode(sha256('t1'), 'hex')",
               wanted, sizeof(wanted));
    assert_string_equal(hex, wanted);
}

static void test_events_tell_each_change_of_a_token(void **state) {
    (void)state;
    start_listening(INTERVAL_MS);
    expect_event("select skillreg.token_create('t1', 'org1', 'n', 'sr_live_a1b2', sha256('t1'),"
                 " 1::int2, null, 'operator')",
                 DB_EVENT_TOKEN_CREATED);
    expect_event("update skillreg.api_token set scopes = 3", DB_EVENT_TOKEN_CHANGED);
    expect_event("update skillreg.api_token set expires_at = now()", DB_EVENT_TOKEN_CHANGED);
    expect_event("update skillreg.api_token set name = 'other'", DB_EVENT_TOKEN_CHANGED);
    expect_event("select skillreg.token_revoke('org1', 't1', 'operator')", DB_EVENT_TOKEN_REVOKED);
    expect_event("insert into skillreg.organisation (id, slug, name) values ('x', 'ab', 'X');"
                 "update skillreg.organisation set name = 'A' where id = 'org1'",
                 DB_EVENT_ORG_CHANGED);
}

// The server's clock is this machine's.
static void test_events_tell_when_they_were_written(void **state) {
    (void)state;
    start_listening(INTERVAL_MS);
    want(1);
    int64_t before_us = gw_clock_wall_us();
    make_tokens("t", 1);
    int64_t after_us = gw_clock_wall_us();
    run_until_told();
    assert_in_range(listener.seen[0].written_us, before_us, after_us);
}

static void test_events_tell_what_an_operator_does_in_plain_sql(void **state) {
    (void)state;
    start_listening(INTERVAL_MS);
    expect_event("insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                 " created_by) values ('t1', 'org1', 'n', 'sr_live_a1b2', sha256('t1'), 1, 'me')",
                 DB_EVENT_TOKEN_CREATED);
    expect_event("delete from skillreg.api_token", DB_EVENT_TOKEN_REVOKED);
    make_tokens("t", 1);
    run_until_current();
    expect_event("update skillreg.api_token set revoked_at = now(), revoked_by = 'me'",
                 DB_EVENT_TOKEN_REVOKED);
    expect_event("update skillreg.organisation set deleted_at = now()", DB_EVENT_ORG_CHANGED);
    expect_event("update skillreg.organisation set deleted_at = null", DB_EVENT_ORG_CHANGED);
    expect_event("update skillreg.organisation set slug = 'ecma'", DB_EVENT_ORG_CHANGED);
}

static void test_events_tell_of_both_digests_when_one_is_replaced(void **state) {
    (void)state;
    make_tokens("t", 1);
    start_listening(INTERVAL_MS);
    want(2);
    execute("update skillreg.api_token set digest = sha256('new')");
    run_until_told();
    assert_int_equal(listener.seen[0].kind, DB_EVENT_TOKEN_REVOKED);
    assert_int_equal(listener.seen[1].kind, DB_EVENT_TOKEN_CREATED);
    assert_memory_not_equal(listener.seen[0].digest, listener.seen[1].digest, 32);
}

static void test_events_do_not_tell_what_decides_nothing_or_was_undone(void **state) {
    (void)state;
    make_tokens("t", 2);
    start_listening(INTERVAL_MS);
    execute("update skillreg.api_token set last_used_at = now();"
            "update skillreg.api_token set name = name, scopes = scopes;"
            "update skillreg.organisation set name = name, deleted_at = null;"
            "select skillreg.token_revoke('org2', 't1', 'operator');"
            "begin; update skillreg.api_token set scopes = 7; rollback;"
            "set session_replication_role = replica; update skillreg.api_token set scopes = 3");
    run_until_current();
    assert_int_equal(listener.count + listener.gaps, 0);
}

static void test_events_begin_with_what_comes_after_the_start(void **state) {
    (void)state;
    make_tokens("t", 5);
    start_listening(INTERVAL_MS);
    run_until_current();
    assert_int_equal(listener.count + listener.gaps, 0);
    assert_int_equal(db_events_applied_seq(listener.events), 5);
}

static void test_events_come_in_pages_when_there_are_many(void **state) {
    (void)state;
    start_listening(INTERVAL_MS);
    want(2001);
    make_tokens("t", 2001);
    run_until_told();
    run_until_current();
    assert_int_equal(listener.count, 2001);
    for (int i = 0; i < listener.count; i++)
        assert_int_equal(listener.seen[i].seq, i + 1);
}

// ---- the order ----

#define WRITERS 8
#define WRITES 25

// Each transaction stays open for a while after its event has its number: time enough for another
// one to overtake it.
static int write_in_child(int writer) {
    PGconn *pg = PQconnectdb(database.url);
    int failed = 0;
    for (int i = 0; i < WRITES; i++) {
        char sql[512];
        (void)snprintf(sql, sizeof(sql),
                       "begin; select skillreg.token_create('w%dn%d', 'org1', 'n', 'sr_live_a1b2',"
                       " sha256('w%dn%d'), 1::int2, null, 'operator');"
                       "select pg_sleep(random() * 0.01); commit",
                       writer, i, writer, i);
        PGresult *result = PQexec(pg, sql);
        failed += PQresultStatus(result) != PGRES_COMMAND_OK;
        PQclear(result);
    }
    PQfinish(pg);
    return failed == 0 ? 0 : 1;
}

static void test_events_of_writers_at_once_come_in_order_and_none_is_missed(void **state) {
    (void)state;
    pid_t children[WRITERS];
    start_listening(1); // as many polls between the commits as there can be
    want(WRITERS * WRITES);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(write_in_child(i));
    }
    run_until_told();
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    run_until_current();
    assert_int_equal(listener.count, WRITERS * WRITES);
    assert_int_equal(listener.gaps, 0);
    for (int i = 1; i < listener.count; i++)
        assert_true(listener.seen[i].seq > listener.seen[i - 1].seq);
}

// ---- notifications ----

// At the beginning of an interval of a second; several tries, for a machine that is busy.
static void expect_told_at_once(void) {
    uint64_t best_ms = UINT64_MAX;
    for (int i = 0; i < 20 && best_ms >= 500; i++) {
        run_until_heard_after(db_events_heard_ms(listener.events));
        want(1);
        uint64_t start_ms = uv_now(&loop);
        execute("update skillreg.organisation set name = name || 'x'");
        run_until_told();
        uint64_t took_ms = uv_now(&loop) - start_ms;
        best_ms = took_ms < best_ms ? took_ms : best_ms;
    }
    assert_true(best_ms < 500);
}

static void test_events_are_told_at_once_when_notified(void **state) {
    (void)state;
    start_listening(1000);
    expect_told_at_once();
}

static void test_events_are_told_when_a_notification_is_lost(void **state) {
    (void)state;
    start_listening(INTERVAL_MS);
    want(1);
    execute("insert into skillreg.token_event (seq, kind, org_id)"
            " select coalesce(max(seq), 0) + 1, 4, 'org1' from skillreg.token_event");
    run_until_told();
    assert_int_equal(listener.count, 1);
}

static void test_events_wake_the_gateways_once_for_a_change_of_many_rows(void **state) {
    (void)state;
    PGconn *pg = PQconnectdb(database.url);
    PQclear(PQexec(pg, "listen skillreg_events"));
    make_tokens("t", 100);
    PQclear(PQexec(pg, "select 1"));
    int notified = 0;
    PGnotify *notify;
    while ((notify = PQnotifies(pg)) != NULL) {
        PQfreemem(notify);
        notified++;
    }
    PQfinish(pg);
    assert_int_equal(notified, 1);
}

// ---- outages ----

static void test_events_written_while_the_connection_was_lost_come_in_order_once(void **state) {
    (void)state;
    make_tokens("t", 3);
    start_listening(INTERVAL_MS);
    want(50);
    drop_the_listeners_connection();
    make_tokens("u", 50);
    run_until_told();
    run_until_current();
    assert_int_equal(listener.count, 50);
    assert_int_equal(listener.gaps, 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(listener.seen[i].seq, i + 4);
}

static void test_events_write_the_gateway_anew_with_each_connection(void **state) {
    (void)state;
    start_listening(1000);
    run_until_current();
    drop_the_listeners_connection();
    execute("truncate skillreg.gateway, skillreg.gateway_since"); // what a crash of the server does
    run_until_current();
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.gateway"), 1);
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.gateway_since"), 1);
}

static void test_events_after_a_lost_connection_are_notified_again(void **state) {
    (void)state;
    start_listening(1000);
    drop_the_listeners_connection();
    run_until_current();
    assert_int_equal(test_number(database.url, "select count(*) from pg_stat_activity where"
                                               " datname = current_database() and"
                                               " application_name = 'skillreg-gateway'"),
                     1);
    expect_told_at_once();
}

// ---- gaps ----

static void expect_gap(const char *sql) {
    want(1);
    execute(sql);
    run_until_told();
    run_until_current();
    assert_int_equal(listener.gaps, 1);
    assert_int_equal(listener.count, 0);
}

static void expect_gap_then_events(const char *sql) {
    expect_gap(sql);
    want(1);
    execute("update skillreg.organisation set name = name || 'x'");
    run_until_told();
    run_until_current();
    assert_int_equal(listener.count, 1);
    assert_int_equal(listener.gaps, 0);
}

static void test_events_that_were_deleted_before_they_were_read_are_a_gap(void **state) {
    (void)state;
    make_tokens("t", 3);
    start_listening(INTERVAL_MS);
    drop_the_listeners_connection();
    make_tokens("u", 5);
    expect_gap_then_events("delete from skillreg.token_event where seq < 7");
}

static void test_events_of_a_restored_database_are_a_gap(void **state) {
    (void)state;
    make_tokens("t", 5);
    start_listening(INTERVAL_MS);
    expect_gap_then_events("delete from skillreg.token_event where seq > 2");
}

static void test_events_of_a_log_with_other_rows_under_our_numbers_are_a_gap(void **state) {
    (void)state;
    make_tokens("t", 2);
    start_listening(INTERVAL_MS);
    expect_gap_then_events("update skillreg.token_event set at = at + interval '1 microsecond'");
}

static void test_events_of_a_log_that_was_emptied_are_a_gap(void **state) {
    (void)state;
    make_tokens("t", 2);
    start_listening(INTERVAL_MS);
    expect_gap_then_events("truncate skillreg.token_event");
}

static void test_events_of_a_kind_not_known_are_a_gap(void **state) {
    (void)state;
    make_tokens("t", 2);
    start_listening(INTERVAL_MS);
    expect_gap_then_events(
        "alter table skillreg.token_event drop constraint token_event_kind_check;"
        "insert into skillreg.token_event (seq, kind, digest, token_id, org_id)"
        " select max(seq) + 1, 99, sha256('x'), 't', 'o' from skillreg.token_event");
}

static void test_events_tell_that_the_keys_of_an_issuer_changed(void **state) {
    (void)state;
    make_tokens("t", 2);
    start_listening(INTERVAL_MS);
    want(1);
    execute("select skillreg.issuer_keys_look('one', '{https://token.test}', '{0}', '{}');"
            "select skillreg.issuer_keys_put('one', 'https://token.test', '{\"keys\":[]}', null)");
    run_until_told();
    run_until_current();
    assert_int_equal(listener.count, 1);
    assert_int_equal(listener.gaps, 0);
    assert_int_equal(listener.seen[0].kind, DB_EVENT_ISSUER_CHANGED);
    assert_string_equal(listener.seen[0].org_id, "https://token.test");
}

// ---- pruning ----

static void test_events_older_than_a_day_are_pruned_but_for_the_newest_of_them(void **state) {
    (void)state;
    make_tokens("t", 6);
    execute("update skillreg.token_event set at = at - interval '25 hours' where seq <= 4;"
            "insert into skillreg.gateway values ('old', 1, now() - interval '25 hours')");
    start_listening(INTERVAL_MS);
    run_until_current();
    char left[64];
    test_value(database.url,
               "select string_agg(seq::text, ' ' order by seq)"
               " from skillreg.token_event",
               left, sizeof(left));
    assert_string_equal(left, "4 5 6");
    test_value(database.url, "select string_agg(id, ' ') from skillreg.gateway", left,
               sizeof(left));
    assert_string_equal(left, "listener");
    test_value(database.url, "select string_agg(id, ' ') from skillreg.gateway_member", left,
               sizeof(left));
    assert_string_equal(left, "listener");
}

static void test_events_prune_a_bounded_number_at_once(void **state) {
    (void)state;
    make_tokens("t", 10);
    execute("update skillreg.token_event set at = at - interval '25 hours'");
    const char *sql = "select skillreg.token_event_prune(4)";
    assert_int_equal(test_number(database.url, sql), 4);
    assert_int_equal(test_number(database.url, sql), 4);
    assert_int_equal(test_number(database.url, sql), 1);
    assert_int_equal(test_number(database.url, sql), 0);
    assert_int_equal(test_number(database.url, "select min(seq) from skillreg.token_event"), 10);
}

// ---- life ----

static void test_events_publish_what_is_applied(void **state) {
    (void)state;
    start_listening(INTERVAL_MS);
    want(3);
    make_tokens("t", 3);
    run_until_told();
    run_until_current();
    assert_int_equal(test_number(database.url, "select applied_seq from skillreg.gateway"
                                               " where id = 'listener' and"
                                               " seen_at > now() - interval '5 s'"),
                     3);
}

static void test_events_end_when_the_consumer_closes_in_the_middle(void **state) {
    (void)state;
    start_listening(INTERVAL_MS);
    want(1);
    listener.closes_at_once = true;
    make_tokens("t", 3);
    run_until_told();
    assert_null(listener.events);
    assert_int_equal(listener.count, 1);
}

static void test_events_refuse_a_malformed_url_and_id(void **state) {
    (void)state;
    char long_id[102];
    memset(long_id, 'x', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    struct db_events *events = NULL;
    struct db_events_options options = {.url = database.url, .gateway_id = long_id};
    assert_int_equal(db_events_create(&loop, &options, &listener.consumer, &events), GW_INVALID);
    options.gateway_id = "";
    assert_int_equal(db_events_create(&loop, &options, &listener.consumer, &events), GW_INVALID);
    options.gateway_id = "id";
    options.url = "postgresql://%zz";
    assert_int_equal(db_events_create(&loop, &options, &listener.consumer, &events), GW_INVALID);
    assert_null(events);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_events, close_events)
        TEST(test_events_tell_each_change_of_a_token),
        TEST(test_events_tell_when_they_were_written),
        TEST(test_events_tell_what_an_operator_does_in_plain_sql),
        TEST(test_events_tell_of_both_digests_when_one_is_replaced),
        TEST(test_events_do_not_tell_what_decides_nothing_or_was_undone),
        TEST(test_events_begin_with_what_comes_after_the_start),
        TEST(test_events_come_in_pages_when_there_are_many),
        TEST(test_events_of_writers_at_once_come_in_order_and_none_is_missed),
        TEST(test_events_are_told_at_once_when_notified),
        TEST(test_events_are_told_when_a_notification_is_lost),
        TEST(test_events_wake_the_gateways_once_for_a_change_of_many_rows),
        TEST(test_events_written_while_the_connection_was_lost_come_in_order_once),
        TEST(test_events_write_the_gateway_anew_with_each_connection),
        TEST(test_events_after_a_lost_connection_are_notified_again),
        TEST(test_events_that_were_deleted_before_they_were_read_are_a_gap),
        TEST(test_events_of_a_restored_database_are_a_gap),
        TEST(test_events_of_a_log_with_other_rows_under_our_numbers_are_a_gap),
        TEST(test_events_of_a_log_that_was_emptied_are_a_gap),
        TEST(test_events_of_a_kind_not_known_are_a_gap),
        TEST(test_events_tell_that_the_keys_of_an_issuer_changed),
        TEST(test_events_older_than_a_day_are_pruned_but_for_the_newest_of_them),
        TEST(test_events_prune_a_bounded_number_at_once),
        TEST(test_events_publish_what_is_applied),
        TEST(test_events_end_when_the_consumer_closes_in_the_middle),
        TEST(test_events_refuse_a_malformed_url_and_id),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
