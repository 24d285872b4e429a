// SPDX-License-Identifier: MIT
// Proves of db/lookup.c: a lookup finds its own row and no other, whatever shares its prefix
// or its batch; a batch is one statement; a lookup that has left is not called.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db/lookup.h"
#include "tests/support/postgres.h"

#define PREFIX "sr_live_a1b2"

static struct test_store fixture;
static struct db_lookups *lookups;

static void open_lookups(void) {
    assert_int_equal(db_lookups_create(&fixture.loop, fixture.pool, &lookups), GW_OK);
}

static void wait_until_ready(void) {
    for (uint64_t until = uv_hrtime() + 60000000000ULL;
         !db_pool_is_ready(fixture.pool) && uv_hrtime() < until;)
        (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_true(db_pool_is_ready(fixture.pool));
}

static int open_store(void **state) {
    (void)state;
    test_store_open(&fixture);
    open_lookups();
    return 0;
}

static int open_store_ready(void **state) {
    (void)open_store(state);
    wait_until_ready();
    return 0;
}

static int close_store(void **state) {
    (void)state;
    db_lookups_close(lookups, NULL);
    test_store_close(&fixture);
    return 0;
}

// Token "cl<i>" for i in 1..count; its digest is that of make_digest(i).
static void insert_tokens(const char *prefix_sql, int count) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                   " created_by, expires_at) select 'cl' || i, 'org1', 'name ' || i, %s,"
                   " decode(lpad(to_hex(i), 64, '0'), 'hex'), 5, 'operator', '2100-01-01Z'"
                   " from generate_series(1, %d) i",
                   prefix_sql, count);
    test_execute(fixture.database.url, sql);
}

static void make_digest(uint32_t number, unsigned char digest[DB_DIGEST_LENGTH]) {
    memset(digest, 0, DB_DIGEST_LENGTH);
    for (int i = 0; i < 4; i++)
        digest[DB_DIGEST_LENGTH - 1 - i] = (unsigned char)(number >> (8 * i));
}

struct lookup {
    struct db_token_lookup call;
    int calls;
    int *left; // counted down
    enum gw_status status;
    char id[33];
    struct db_token_row row; // numbers only: its slices are gone
    char org[128];
    char allowed_ips[256];
    char bound_san[64];
};

static void on_looked_up(struct db_token_lookup *call, enum gw_status status,
                         const struct db_token_row *row) {
    struct lookup *lookup = gw_container_of(call, struct lookup, call);
    lookup->calls++;
    lookup->status = status;
    assert_true((row != NULL) == (status == GW_OK));
    if (row != NULL) {
        (void)snprintf(lookup->id, sizeof(lookup->id), "%.*s", GW_STR_ARG(row->id));
        (void)snprintf(lookup->org, sizeof(lookup->org), "%.*s|%.*s|%.*s|%.*s|%.*s",
                       GW_STR_ARG(row->org_id), GW_STR_ARG(row->org_slug),
                       GW_STR_ARG(row->org_name), GW_STR_ARG(row->name), GW_STR_ARG(row->prefix));
        lookup->row = *row;
        (void)snprintf(lookup->bound_san, sizeof(lookup->bound_san), "%.*s",
                       GW_STR_ARG(row->bound_san));
        lookup->allowed_ips[0] = '\0';
        for (int i = 0; i < row->allowed_ip_count; i++) {
            char text[GW_IP_RANGE_TEXT_BYTES_MAX];
            (void)gw_ip_range_format(&row->allowed_ips[i], text);
            size_t used = strlen(lookup->allowed_ips);
            (void)snprintf(lookup->allowed_ips + used, sizeof(lookup->allowed_ips) - used, "%s ",
                           text);
        }
    }
    if (lookup->left != NULL)
        --*lookup->left;
}

static void init_lookup(struct lookup *lookup, const char *prefix, uint32_t number) {
    memset(lookup, 0, sizeof(*lookup));
    memcpy(lookup->call.prefix, prefix, GW_TOKEN_PREFIX_LENGTH);
    make_digest(number, lookup->call.digest);
    lookup->call.on_done = on_looked_up;
    gw_list_init(&lookup->call.link);
}

static void start(struct lookup *lookup) {
    assert_int_equal(db_lookups_add(lookups, &lookup->call), GW_OK);
    assert_int_equal(lookup->calls, 0);
}

static void run_while_left(const int *left) {
    for (uint64_t until = uv_hrtime() + 60000000000ULL; *left > 0 && uv_hrtime() < until;)
        (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(*left, 0);
}

static enum gw_status run_lookup(struct lookup *lookup, const char *prefix, uint32_t number) {
    int left = 1;
    init_lookup(lookup, prefix, number);
    lookup->left = &left;
    start(lookup);
    run_while_left(&left);
    return lookup->status;
}

static void test_lookup_brings_the_whole_row(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_OK);
    assert_string_equal(lookup.id, "cl1");
    assert_string_equal(lookup.org, "org1|acme|Acme|name 1|" PREFIX);
    assert_int_equal(lookup.row.scopes, GW_SCOPE_READ | GW_SCOPE_ADMIN);
    assert_int_equal(lookup.row.expires_ms, 4102444800000);
    assert_int_equal(lookup.row.last_used_ms, DB_NO_TIME);
    assert_string_equal(lookup.allowed_ips, "");
    assert_false(lookup.row.rotates_itself);
    assert_true(lookup.call.seen_seq == DB_SEEN_ALL); // no standby
    assert_int_equal(
        lookup.row.created_ms,
        test_number(
            fixture.database.url,
            "select (extract(epoch from created_at) * 1000)::int8 from skillreg.api_token"));
}

static void test_lookup_brings_the_addresses_that_a_token_may_be_used_from(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    test_execute(fixture.database.url,
                 "update skillreg.api_token set allowed_ips ="
                 " '{10.0.0.0/8,192.0.2.7,2001:db8::/32,::ffff:198.51.100.1}'");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_OK);
    assert_string_equal(lookup.allowed_ips, "10.0.0.0/8 192.0.2.7 2001:db8::/32 198.51.100.1 ");
}

static void insert_bound(const char *bound_san) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                   " created_by, bound_san) values ('clbound', 'org1', 'bound', '" PREFIX "',"
                   " decode(lpad('07', 64, '0'), 'hex'), 1, 'operator', '%s')",
                   bound_san);
    test_execute(fixture.database.url, sql);
}

// Stored with a mark behind its prefix, and found beside others of the same.
static void test_lookup_brings_the_binding(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    insert_bound("spiffe://example.org/ci");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 7), GW_OK);
    assert_string_equal(lookup.bound_san, "spiffe://example.org/ci");
    assert_string_equal(lookup.org, "org1|acme|Acme|bound|" PREFIX);
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_OK);
    assert_string_equal(lookup.bound_san, "");
}

static void test_lookup_lets_no_token_with_an_unreadable_binding_pass(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    insert_bound("*.example.org");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 7), GW_UNAVAILABLE);
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_OK);
}

static void test_lookup_tells_whether_a_token_rotates_itself(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    test_execute(fixture.database.url, "update skillreg.api_token set rotates_itself = true");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_OK);
    assert_true(lookup.row.rotates_itself);
}

static void test_lookup_compares_the_whole_digest(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 2), GW_NOT_FOUND); // differs in the last byte
    int left = 1;
    init_lookup(&lookup, PREFIX, 1);
    lookup.call.digest[0] = 1; // in the first
    lookup.left = &left;
    start(&lookup);
    run_while_left(&left);
    assert_int_equal(lookup.status, GW_NOT_FOUND);
    assert_int_equal(run_lookup(&lookup, "sr_live_zzzz", 1), GW_NOT_FOUND); // of another prefix
}

static void test_lookup_finds_its_own_among_a_thousand_of_the_prefix(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1001);
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_OK);
    assert_string_equal(lookup.id, "cl1");
    assert_int_equal(run_lookup(&lookup, PREFIX, 1001), GW_OK);
    assert_string_equal(lookup.id, "cl1001");
    assert_int_equal(run_lookup(&lookup, PREFIX, 1002), GW_NOT_FOUND);
}

// Whose answers are measured by the log, see gateway/auth/cache.h: none of a primary.
static void test_absence_told_by_a_primary_is_not_of_a_standby(void **state) {
    (void)state;
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_NOT_FOUND);
    assert_true(lookup.call.seen_seq == DB_SEEN_ALL);
}

static void test_lookup_finds_no_revoked_token(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    test_execute(fixture.database.url,
                 "update skillreg.api_token set revoked_at = now(), revoked_by = 'operator'");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_NOT_FOUND);
}

static void test_lookup_finds_no_token_of_a_deleted_organisation(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    test_execute(fixture.database.url, "update skillreg.organisation set deleted_at = now()");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_NOT_FOUND);
}

static void test_lookup_leaves_expiry_to_the_caller(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    test_execute(fixture.database.url, "update skillreg.api_token set expires_at = '2001-01-01Z'");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_OK);
    assert_int_equal(lookup.row.expires_ms, 978307200000);
}

static void test_lookups_of_one_turn_are_one_statement(void **state) {
    (void)state;
    insert_tokens("'sr_live_' || lpad(i::text, 4, '0')", 100);
    wait_until_ready();
    struct db_pool_stats before;
    struct db_pool_stats after;
    db_pool_stats(fixture.pool, &before);
    static struct lookup calls[300];
    int left = 300;
    for (int i = 0; i < 300; i++) { // 150 prefixes, each twice; the last 50 unknown
        char prefix[32];
        (void)snprintf(prefix, sizeof(prefix), "sr_live_%04d", i / 2 + 1);
        init_lookup(&calls[i], prefix, (uint32_t)(i / 2 + 1));
        calls[i].left = &left;
        start(&calls[i]);
    }
    run_while_left(&left);
    db_pool_stats(fixture.pool, &after);
    assert_int_equal(after.queries_total - before.queries_total, 1);
    for (int i = 0; i < 300; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "cl%d", i / 2 + 1);
        assert_int_equal(calls[i].calls, 1);
        assert_int_equal(calls[i].status, i < 200 ? GW_OK : GW_NOT_FOUND);
        assert_string_equal(calls[i].id, i < 200 ? id : "");
    }
}

static void test_lookups_past_the_size_of_a_statement_go_into_more(void **state) {
    (void)state;
    enum { COUNT = 1201 };
    insert_tokens("'sr_live_' || lpad(i::text, 4, '0')", COUNT);
    wait_until_ready();
    struct lookup *calls = calloc(COUNT, sizeof(struct lookup));
    assert_non_null(calls);
    struct db_pool_stats before;
    struct db_pool_stats after;
    db_pool_stats(fixture.pool, &before);
    int left = COUNT;
    for (int i = 0; i < COUNT; i++) {
        char prefix[32];
        (void)snprintf(prefix, sizeof(prefix), "sr_live_%04d", i + 1);
        init_lookup(&calls[i], prefix, (uint32_t)i + 1);
        calls[i].left = &left;
        start(&calls[i]);
    }
    run_while_left(&left);
    db_pool_stats(fixture.pool, &after);
    assert_int_equal(after.queries_total - before.queries_total, 3);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(calls[i].status, GW_OK);
    free(calls);
}

// Statements that were sent and have no answer.
static int in_flight(void) {
    struct db_pool_stats stats;
    db_pool_stats(fixture.pool, &stats);
    return stats.queries_in_flight;
}

static void run_until_in_flight(int count) {
    for (uint64_t until = uv_hrtime() + 60000000000ULL; in_flight() < count && uv_hrtime() < until;)
        (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(in_flight(), count);
}

// A lock in the way of every lookup, held by a session of its own until `unlock`.
static PGconn *lock_tokens(void) {
    PGconn *pg = PQconnectdb(fixture.database.url);
    PQclear(PQexec(pg, "begin"));
    PQclear(PQexec(pg, "lock table skillreg.api_token in access exclusive mode"));
    assert_int_equal(PQtransactionStatus(pg), PQTRANS_INTRANS);
    return pg;
}

static void unlock(PGconn *pg) {
    PQfinish(pg);
}

// The pool of the fixture has two connections.
static void test_lookups_gather_while_every_connection_is_busy(void **state) {
    (void)state;
    enum { COUNT = 400 };
    insert_tokens("'sr_live_' || lpad(i::text, 4, '0')", COUNT);
    wait_until_ready();
    PGconn *lock = lock_tokens();
    static struct lookup calls[COUNT];
    struct db_pool_stats before;
    struct db_pool_stats after;
    db_pool_stats(fixture.pool, &before);
    int left = COUNT;
    for (int i = 0; i < COUNT; i++) { // each in a turn of its own
        char prefix[32];
        (void)snprintf(prefix, sizeof(prefix), "sr_live_%04d", i + 1);
        init_lookup(&calls[i], prefix, (uint32_t)i + 1);
        calls[i].left = &left;
        start(&calls[i]);
        (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    unlock(lock);
    run_while_left(&left);
    db_pool_stats(fixture.pool, &after);
    // one for each connection, one when they are free; on a slow machine some more, of those who
    // have lost patience
    assert_in_range(after.queries_total - before.queries_total, 2, COUNT / 2);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(calls[i].status, GW_OK);
}

static void test_lookups_wait_only_so_long_for_a_free_connection(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 3);
    wait_until_ready();
    PGconn *lock = lock_tokens();
    struct lookup calls[3];
    int left = 3;
    for (int i = 0; i < 3; i++) {
        init_lookup(&calls[i], PREFIX, (uint32_t)i + 1);
        calls[i].left = &left;
        start(&calls[i]);
        run_until_in_flight(i + 1);
    }
    unlock(lock);
    run_while_left(&left);
}

static void test_lookups_that_gather_when_they_close_end_as_unavailable(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 3);
    wait_until_ready();
    PGconn *lock = lock_tokens();
    struct lookup calls[3];
    int left = 3;
    for (int i = 0; i < 3; i++) {
        init_lookup(&calls[i], PREFIX, (uint32_t)i + 1);
        calls[i].left = &left;
        start(&calls[i]);
        (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    db_lookups_close(lookups, NULL);
    run_while_left(&left);
    for (int i = 0; i < 3; i++)
        assert_int_equal(calls[i].status, GW_UNAVAILABLE);
    unlock(lock);
    open_lookups();
}

static void test_lookup_refuses_a_prefix_that_no_token_has(void **state) {
    (void)state;
    const char *prefixes[] = {"sr_live_a1b'", "sr_live_a1b\"",   "sr_live_a1b,", "sr_live_a1b}",
                              "sr_live_a1b ", "sr_live_a1b\xFF", "sr_live_a1b\\"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct lookup lookup;
        init_lookup(&lookup, prefixes[i], 1);
        assert_int_equal(db_lookups_add(lookups, &lookup.call), GW_INVALID);
    }
    struct lookup nul;
    init_lookup(&nul, "sr_live_a1b\0", 1);
    assert_int_equal(db_lookups_add(lookups, &nul.call), GW_INVALID);
}

static void test_lookups_that_wait_when_they_close_end_as_unavailable(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    wait_until_ready();
    struct lookup sent;
    struct lookup waiting;
    struct lookup late;
    int left = 2;
    init_lookup(&sent, PREFIX, 1);
    init_lookup(&waiting, PREFIX, 1);
    init_lookup(&late, PREFIX, 1);
    sent.left = waiting.left = &left;
    start(&sent);
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    start(&waiting);
    db_lookups_close(lookups, NULL);
    assert_int_equal(waiting.calls, 0); // not inside the call
    assert_int_equal(db_lookups_add(lookups, &late.call), GW_UNAVAILABLE);
    run_while_left(&left);
    assert_int_equal(waiting.status, GW_UNAVAILABLE);
    assert_int_equal(waiting.calls + sent.calls, 2); // sent may have been answered before
    assert_int_equal(late.calls, 0);
    open_lookups();
}

// What the cache and the last uses hold of a token is keyed by ids of the schema's length.
static void test_lookup_of_an_id_that_the_schema_forbids_is_unavailable(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 2);
    test_execute(fixture.database.url,
                 "alter table skillreg.api_token drop constraint api_token_id_check;"
                 "alter table skillreg.organisation drop constraint organisation_id_check;"
                 "insert into skillreg.organisation (id, slug, name)"
                 " values (repeat('o', 33), 'other', 'Other');"
                 "update skillreg.api_token set id = repeat('t', 33) where id = 'cl1';"
                 "update skillreg.api_token set org_id = repeat('o', 33) where id = 'cl2'");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_UNAVAILABLE);
    assert_int_equal(run_lookup(&lookup, PREFIX, 2), GW_UNAVAILABLE);
}

static void test_lookup_that_the_server_refuses_is_unavailable_and_never_not_found(void **state) {
    (void)state;
    wait_until_ready();
    test_execute(fixture.database.url, "drop schema skillreg cascade");
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_UNAVAILABLE);
}

// ---- without a connection ----

// The first, which is on its way, comes within the second on any machine; most of it is spare.
static void test_lookup_waits_for_the_first_connection(void **state) {
    (void)state;
    insert_tokens("'" PREFIX "'", 1);
    assert_false(db_pool_is_ready(fixture.pool));
    assert_true(db_pool_is_expected(fixture.pool));
    db_pool_expect(fixture.pool); // the rows took a while
    struct lookup lookup;
    assert_int_equal(run_lookup(&lookup, PREFIX, 1), GW_OK);
}

// By the administrator, or a limit on idle sessions: on the way, before, and after.
static void test_lookups_outlive_the_end_of_all_sessions(void **state) {
    (void)state;
    enum { ROUNDS = 5, COUNT = 20 };
    static struct lookup calls[ROUNDS * COUNT];
    insert_tokens("'" PREFIX "'", 1);
    int left = ROUNDS * COUNT;
    for (int round = 0; round < ROUNDS; round++) {
        PGconn *lock = lock_tokens();
        for (int i = 0; i < COUNT; i++) {
            struct lookup *call = &calls[round * COUNT + i];
            init_lookup(call, PREFIX, 1);
            call->left = &left;
            if (i == COUNT / 2) {
                (void)uv_run(&fixture.loop, UV_RUN_NOWAIT); // half of them are on their way
                unlock(lock);
                test_execute(fixture.database.url,
                             "select pg_terminate_backend(pid) from pg_stat_activity"
                             " where pid <> pg_backend_pid() and datname = current_database()");
            }
            start(call);
        }
        while (left > (ROUNDS - round - 1) * COUNT)
            (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    for (int i = 0; i < ROUNDS * COUNT; i++)
        assert_int_equal(calls[i].status, GW_OK);
}

static void test_lookups_do_not_wait_for_a_connection_that_is_not_expected(void **state) {
    (void)state;
    uv_loop_t loop;
    struct db_pool *pool;
    struct db_lookups *hopeless;
    const struct db_pool_options options = {.url = "host=/nonexistent-directory",
                                            .connections = 1,
                                            .queue_max = 10,
                                            .query_timeout_ms = 60000,
                                            .connect_timeout_ms = 60000};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(db_pool_create(&loop, &options, &pool), GW_OK);
    assert_int_equal(db_lookups_create(&loop, pool, &hopeless), GW_OK);
    for (int i = 0; i < 2; i++) { // in time, and too late
        struct lookup lookup;
        init_lookup(&lookup, PREFIX, 1);
        assert_int_equal(db_lookups_add(hopeless, &lookup.call), GW_OK);
        assert_int_equal(lookup.calls, 0);
        while (lookup.calls == 0)
            (void)uv_run(&loop, UV_RUN_ONCE);
        assert_int_equal(lookup.status, GW_UNAVAILABLE);
        assert_false(db_pool_is_expected(pool));
    }
    db_lookups_close(hopeless, NULL);
    db_pool_close(pool, NULL);
    test_loop_close(&loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store_ready, close_store)
        TEST(test_lookup_brings_the_whole_row),
        TEST(test_lookup_brings_the_addresses_that_a_token_may_be_used_from),
        TEST(test_lookup_brings_the_binding),
        TEST(test_lookup_lets_no_token_with_an_unreadable_binding_pass),
        TEST(test_lookup_tells_whether_a_token_rotates_itself),
        TEST(test_lookup_compares_the_whole_digest),
        TEST(test_lookup_finds_its_own_among_a_thousand_of_the_prefix),
        TEST(test_absence_told_by_a_primary_is_not_of_a_standby),
        TEST(test_lookup_finds_no_revoked_token),
        TEST(test_lookup_finds_no_token_of_a_deleted_organisation),
        TEST(test_lookup_leaves_expiry_to_the_caller),
        TEST(test_lookups_of_one_turn_are_one_statement),
        TEST(test_lookups_past_the_size_of_a_statement_go_into_more),
        TEST(test_lookups_gather_while_every_connection_is_busy),
        TEST(test_lookups_wait_only_so_long_for_a_free_connection),
        TEST(test_lookups_that_gather_when_they_close_end_as_unavailable),
        TEST(test_lookup_refuses_a_prefix_that_no_token_has),
        TEST(test_lookups_that_wait_when_they_close_end_as_unavailable),
        TEST(test_lookup_of_an_id_that_the_schema_forbids_is_unavailable),
        TEST(test_lookup_that_the_server_refuses_is_unavailable_and_never_not_found),
        TEST(test_lookups_outlive_the_end_of_all_sessions),
#undef TEST
        cmocka_unit_test_setup_teardown(test_lookup_waits_for_the_first_connection, open_store,
                                        close_store),
        cmocka_unit_test(test_lookups_do_not_wait_for_a_connection_that_is_not_expected),
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
