// SPDX-License-Identifier: MIT
// Proves of db/sql: what the database itself guarantees, whoever writes to it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "db/migrate.h"
#include "tests/support/postgres.h"

#define RESTRICT_VIOLATION "23001"
#define CHECK_VIOLATION "23514"
#define UNIQUE_VIOLATION "23505"

static struct test_database database;

// One token "live" and one "dead", which is revoked.
static int create_schema(void **state) {
    (void)state;
    test_database_open(&database);
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    test_execute(
        database.url,
        "insert into skillreg.organisation (id, slug, name) values ('org1', 'acme', 'Acme');"
        "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by)"
        " select n, 'org1', n, 'sr_live_a1b2', sha256(n::bytea), 1, 'operator'"
        " from unnest(array['live', 'dead']) n;"
        "update skillreg.api_token set revoked_at = now(), revoked_by = 'operator'"
        " where id = 'dead'");
    return 0;
}

static void assert_refused(const char *sql, const char *sqlstate) {
    const char *got = test_sqlstate(database.url, sql);
    if (strcmp(got, sqlstate) != 0)
        fail_msg("%s: %s, wanted %s", sql, got, sqlstate);
}

static void test_schema_never_brings_a_revoked_token_back(void **state) {
    (void)state;
    assert_refused("update skillreg.api_token set revoked_at = null, revoked_by = null"
                   " where id = 'dead'",
                   RESTRICT_VIOLATION);
    assert_refused("update skillreg.api_token set revoked_at = now() + '1 day' where id = 'dead'",
                   RESTRICT_VIOLATION);
    assert_refused("update skillreg.api_token set revoked_by = 'other' where id = 'dead'",
                   RESTRICT_VIOLATION);
}

static void test_schema_keeps_the_row_of_a_revoked_token(void **state) {
    (void)state;
    assert_refused("delete from skillreg.api_token where id = 'dead'", RESTRICT_VIOLATION);
    assert_refused("delete from skillreg.api_token where id = 'live'", "00000");
}

// No trigger of a row fires for it, so no gateway would hear of it.
static void test_schema_is_not_truncated(void **state) {
    (void)state;
    assert_refused("truncate skillreg.api_token", RESTRICT_VIOLATION);
    assert_refused("truncate skillreg.organisation cascade", RESTRICT_VIOLATION);
}

static void test_schema_wants_who_and_when_of_a_revocation(void **state) {
    (void)state;
    assert_refused("update skillreg.api_token set revoked_at = now() where id = 'live'",
                   CHECK_VIOLATION);
    assert_refused("update skillreg.api_token set revoked_by = 'operator' where id = 'live'",
                   CHECK_VIOLATION);
}

static void test_schema_holds_no_malformed_token(void **state) {
    (void)state;
    const char *changes[] = {
        "prefix = 'sr_live_a1b'",
        "prefix = 'sr_live_a1b23'",
        "prefix = 'sr_live_a1b!'",
        "prefix = E'sr_live_a1b\\n'",
        "digest = '\\x00'",
        "scopes = 0",
        "scopes = 8",
        "name = ''",
        "name = repeat('x', 101)",
        "id = 'UPPER'",
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql), "update skillreg.api_token set %s where id = 'live'",
                       changes[i]);
        assert_refused(sql, CHECK_VIOLATION);
    }
    assert_refused("update skillreg.api_token set digest = sha256('dead') where id = 'live'",
                   UNIQUE_VIOLATION);
}

static void test_schema_holds_no_malformed_slug(void **state) {
    (void)state;
    const char *slugs[] = {"a", "-ab", "ab-", "A-b", "a_b", "a b", "", "a\xC3\xA9"};
    for (size_t i = 0; i < sizeof(slugs) / sizeof(slugs[0]); i++) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql), "update skillreg.organisation set slug = '%s'", slugs[i]);
        assert_refused(sql, CHECK_VIOLATION);
    }
    assert_refused("update skillreg.organisation set slug = repeat('x', 49)", CHECK_VIOLATION);
    assert_refused("update skillreg.organisation set slug = repeat('x', 48)", "00000");
}

static void test_schema_keeps_last_used_updates_off_the_indexes(void **state) {
    (void)state;
    assert_int_equal(
        test_number(database.url,
                    "begin; update skillreg.api_token set last_used_at = now() where id = 'live';"
                    "select pg_stat_get_xact_tuples_hot_updated('skillreg.api_token'::regclass)"),
        1);
}

// What the program before this schema prepares and runs: it goes on while a new one is rolled out.
static void test_schema_still_serves_the_statements_of_an_older_program(void **state) {
    (void)state;
    test_execute(
        database.url,
        "prepare token_lookup as select t.prefix, t.digest, t.id, t.name, t.scopes, t.created_at,"
        " t.last_used_at, t.expires_at, o.id, o.slug, o.name"
        " from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id"
        " where t.prefix = any($1::text[]) and t.revoked_at is null and o.deleted_at is null;"
        "prepare token_create as select skillreg.token_create($1::text, $2::text, $3::text,"
        " $4::text, $5::bytea, $6::int2, $7::timestamptz, $8::text);"
        "prepare token_revoke as select name, revoked_at, digest, event_seq"
        " from skillreg.token_revoke($1::text, $2::text, $3::text);"
        "update skillreg.api_token set scopes = 4 where id = 'live';"
        "execute token_create('clold', 'org1', 'old', 'sr_live_a1b2', sha256('old'), 3, null,"
        " 'live');"
        "execute token_lookup('{sr_live_a1b2}');"
        "execute token_revoke('org1', 'clold', 'live')");
    char actions[128];
    test_value(
        database.url,
        "select string_agg(concat_ws(' ', action, actor_token_id, address), ', ' order by id)"
        " from skillreg.token_audit where token_id = 'clold'",
        actions, sizeof(actions));
    assert_string_equal(actions, "create live, revoke live");
}

// And the one before this version of the schema.
static void test_schema_still_serves_the_statements_of_the_last_program(void **state) {
    (void)state;
    test_execute(database.url, "update skillreg.api_token set description = 'for the bot',"
                               " rotates_itself = true where id = 'live'");
    char outcomes[64];
    test_value(database.url,
               "select concat_ws(' ', c.outcome, r.outcome, r.id, r.binds_children)"
               " from skillreg.token_create('clold', 'org1', 'old', 'sr_live_a1b2', sha256('old'),"
               " 3::int2, null, 'operator', null::inet, false, null::cidr[], true) c,"
               " skillreg.token_rotate('org1', 'live', 'clnew', 'sr_live_a1b2', sha256('new'), 60,"
               " null, 'key', 'operator', null, null, sha256('{}')) r",
               outcomes, sizeof(outcomes));
    assert_string_equal(outcomes, "made made clnew f");
    char rows[128];
    test_value(database.url,
               "select string_agg(concat_ws(' ', id, binds_children, description, rotates_itself),"
               " ', ' order by id) from skillreg.api_token where id in ('clold', 'clnew')",
               rows, sizeof(rows));
    assert_string_equal(rows, "clnew f for the bot t, clold t f");
}

// A program that does not know of bindings finds no bound token, whoever made it, and whoever it
// asks to make or rotate one.
static void test_schema_hides_bound_tokens_from_the_last_program(void **state) {
    (void)state;
    test_execute(database.url,
                 "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                 " created_by, bound_san) values ('clbound', 'org1', 'bound', 'sr_live_bnd1',"
                 " sha256('bound'), 4, 'operator', 'a.example');"
                 "select outcome from skillreg.token_rotate('org1', 'clbound', 'clnew',"
                 " 'sr_live_bnd2', sha256('new'), 60, null, null, 'operator', null, null,"
                 " sha256('{}'), false);"
                 "select outcome from skillreg.token_create('clchild', 'org1', 'child',"
                 " 'sr_live_bnd3', sha256('child'), 3::int2, null, 'clbound', null, false, null,"
                 " false, null, false, null, sha256('{}'), null)");
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.api_token"
                                               " where prefix in ('sr_live_bnd1', 'sr_live_bnd2',"
                                               " 'sr_live_bnd3')"),
                     0);
    char rows[256];
    test_value(database.url,
               "select string_agg(concat_ws(' ', id, prefix, bound_san), ', ' order by id)"
               " from skillreg.api_token where bound_san is not null",
               rows, sizeof(rows));
    assert_string_equal(rows, "clbound sr_live_bnd1~ a.example, clchild sr_live_bnd3~ a.example, "
                              "clnew sr_live_bnd2~ a.example");
}

static void test_schema_keeps_bindings(void **state) {
    (void)state;
    assert_refused("update skillreg.api_token set bound_san = 'a.example' where id = 'live'",
                   RESTRICT_VIOLATION);
    assert_refused("update skillreg.api_token set prefix = prefix || '~' where id = 'live'",
                   CHECK_VIOLATION);
    test_execute(database.url,
                 "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                 " created_by, bound_san) values ('clbound', 'org1', 'bound', 'sr_live_bnd1',"
                 " sha256('bound'), 4, 'operator', 'a.example')");
    assert_refused("update skillreg.api_token set bound_san = null where id = 'clbound'",
                   RESTRICT_VIOLATION);
    assert_refused("update skillreg.api_token set prefix = 'sr_live_bnd1' where id = 'clbound'",
                   CHECK_VIOLATION);
    char outcomes[128];
    test_value(database.url,
               "select concat_ws(' ', c.outcome, c.bound_san, r.outcome)"
               " from skillreg.token_create('clx', 'org1', 'x', 'sr_live_bnd4', sha256('x'),"
               " 3::int2, null, 'clbound', null, false, null, false, null, false, null,"
               " sha256('{}'), null, 'b.example') c,"
               " skillreg.token_rotate('org1', 'live', 'clnew', 'sr_live_bnd2', sha256('new'), 60,"
               " null, null, 'clbound', null, null, sha256('{}'), false) r",
               outcomes, sizeof(outcomes));
    assert_string_equal(outcomes, "other_binding a.example other_binding");
}

static void test_schema_only_ever_adds_to_the_audit(void **state) {
    (void)state;
    long before = test_number(database.url, "select count(*) from skillreg.token_audit");
    assert_true(before > 0);
    assert_refused("update skillreg.token_audit set actor_name = 'nobody'", RESTRICT_VIOLATION);
    assert_refused("delete from skillreg.token_audit where action = 'revoke'", RESTRICT_VIOLATION);
    assert_refused("truncate skillreg.token_audit", RESTRICT_VIOLATION);
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.token_audit"),
                     before);
}

static void test_schema_writes_the_audit_of_plain_sql_too(void **state) {
    (void)state;
    char events[256];
    test_value(
        database.url,
        "select string_agg(concat_ws(' ', action, token_id, actor_token_id, actor_name), ', '"
        " order by id) from skillreg.token_audit",
        events, sizeof(events));
    assert_string_equal(events, "create live operator, create dead operator, revoke dead operator");
    // A change that fails, or is undone, leaves no trace; one that is no event of a life neither.
    assert_refused("update skillreg.api_token set revoked_at = now() where id = 'live'",
                   CHECK_VIOLATION);
    test_execute(database.url, "begin; update skillreg.api_token set revoked_at = now(),"
                               " revoked_by = 'x' where id = 'live'; rollback;"
                               "update skillreg.api_token set name = 'renamed' where id = 'live'");
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.token_audit"), 3);
}

static void test_schema_lists_the_audit_from_its_index(void **state) {
    (void)state;
    char plan[512];
    test_value(database.url,
               "set enable_seqscan = off;"
               "explain (costs off, format json) select id from skillreg.token_audit"
               " where org_id = 'org1' and id < 1000 order by id desc limit 10",
               plan, sizeof(plan));
    assert_non_null(strstr(plan, "token_audit_org"));
    assert_null(strstr(plan, "Sort"));
}

// 5,000 events about as many tokens, by 50 of them.
static void write_long_audit(void) {
    test_execute(database.url,
                 "insert into skillreg.token_audit (id, org_id, action, token_id, token_name,"
                 " actor_token_id, actor_name, at)"
                 " select n + 100, 'org1', 'create', 't' || n, 'x', 'a' || n % 50, 'x',"
                 " timestamptz '2026-01-01 00:00:00Z' + n * interval '1 minute'"
                 " from generate_series(1, 5000) n;"
                 "analyze skillreg.token_audit");
}

static void test_schema_filters_the_audit_by_its_indexes(void **state) {
    (void)state;
    static const struct {
        const char *filters; // token, actor, action, since, until
        const char *index;
    } cases[] = {
        {"'t7', null, null, null, null", "token_audit_token"},
        {"'t7', null, null, null, null", "token_audit_successor"},
        {"null, 'a7', null, null, null", "token_audit_actor"},
        {"null, 'operator', null, null, null", "token_audit_actor"},
        {"null, null, 'import', null, null", "token_audit_action"},
        {"null, null, null, '2026-01-04 10:00', null", "token_audit_at"},
        {"null, null, null, null, '2026-01-01 00:10'", "token_audit_at"},
    };
    write_long_audit();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sql[512];
        (void)snprintf(sql, sizeof(sql),
                       "begin;"
                       "select count(*) from skillreg.audit_page('org1', 10000, null, %s, 10);"
                       "select pg_stat_get_xact_numscans('skillreg.%s'::regclass)",
                       cases[i].filters, cases[i].index);
        if (test_number(database.url, sql) < 1)
            fail_msg("%s does not use %s", cases[i].filters, cases[i].index);
    }
}

static void test_schema_tells_of_a_change_of_addresses(void **state) {
    (void)state;
    test_execute(database.url, "update skillreg.api_token set allowed_ips = '{10.0.0.0/8}'"
                               " where id = 'live'");
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.token_event"
                                               " where kind = 3 and token_id = 'live'"),
                     1);
    const char *const refused[] = {"'{}'", "'{NULL}'", "'{{10.0.0.0/8},{11.0.0.0/8}}'",
                                   "array_fill('10.0.0.0/8'::cidr, array[33])"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql), "update skillreg.api_token set allowed_ips = %s",
                       refused[i]);
        assert_refused(sql, CHECK_VIOLATION);
    }
}

// ---- changes, and who asks for them ----

// What the program before this version of the schema calls, as it does.
#define OLD_CREATE(by)                                                                             \
    "select skillreg.token_create('clold', 'org1', 'old', 'sr_live_a1b2', sha256('old'), 3::int2," \
    " null, '" by "', '192.0.2.7'::inet, false, null)"
#define OLD_REVOKE(by)                                                                             \
    "select * from skillreg.token_revoke('org1', 'live', '" by "', '192.0.2.7'::inet)"
#define OLD_ROTATE(by)                                                                             \
    "select * from skillreg.token_rotate('org1', 'live', 'clnew', 'sr_live_a1b2', sha256('new'),"  \
    " 60, null, null, '" by "', null, null)"

// Ways in which a token may have lost its say since the request that it makes was allowed.
static const struct lost_say {
    const char *change; // of the token "asker", an admin
    const char *sqlstate;
} lost_says[] = {
    {"expires_at = now()", "SR401"},
    {"scopes = 3", "SR403"},
    {"org_id = 'org2'", "SR403"},
};

static void make_asker(void) {
    test_execute(database.url,
                 "insert into skillreg.organisation (id, slug, name) values ('org2', 'zz', 'Z');"
                 "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                 " created_by) values ('asker', 'org1', 'asker', 'sr_live_a1b2', sha256('asker'),"
                 " 4, 'operator')");
}

static void test_schema_obeys_no_token_that_lost_its_say_not_even_for_older_programs(void **state) {
    static const char *const calls[] = {OLD_CREATE("asker"), OLD_REVOKE("asker"),
                                        OLD_ROTATE("asker")};
    (void)state;
    make_asker();
    for (size_t i = 0; i < sizeof(lost_says) / sizeof(lost_says[0]); i++) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql),
                       "update skillreg.api_token set expires_at = null, scopes = 4,"
                       " org_id = 'org1' where id = 'asker';"
                       "update skillreg.api_token set %s where id = 'asker'",
                       lost_says[i].change);
        test_execute(database.url, sql);
        for (size_t j = 0; j < sizeof(calls) / sizeof(calls[0]); j++)
            assert_refused(calls[j], lost_says[i].sqlstate);
    }
    test_execute(database.url, "update skillreg.api_token set expires_at = null, scopes = 4,"
                               " org_id = 'org1' where id = 'asker';"
                               "update skillreg.api_token set revoked_at = now(),"
                               " revoked_by = 'operator' where id = 'asker'");
    for (size_t j = 0; j < sizeof(calls) / sizeof(calls[0]); j++)
        assert_refused(calls[j], "SR401");
    assert_refused(OLD_CREATE("nobody"), "SR401"); // a row that is gone is no operator
    assert_int_equal(test_number(database.url,
                                 "select count(*) from skillreg.api_token where id in ('clold',"
                                 " 'clnew') or id = 'live' and revoked_at is not null"),
                     0);
}

static void test_schema_lets_a_token_revoke_itself_with_any_scope(void **state) {
    (void)state;
    assert_refused(OLD_REVOKE("dead"), "SR401");
    long number = test_number(database.url, "select event_seq from skillreg.token_revoke('org1',"
                                            " 'live', 'live', null::inet)");
    assert_int_equal(number,
                     test_number(database.url, "select max(seq) from skillreg.token_event"));
    assert_refused(OLD_REVOKE("live"), "SR401");
}

// The log's lock is taken at the end: a transaction that changed a token, and stays open, holds up
// nobody else.
static void test_schema_keeps_the_log_free_while_a_change_is_not_committed(void **state) {
    (void)state;
    make_asker();
    PGconn *open = PQconnectdb(database.url);
    PQclear(PQexec(open, "begin; update skillreg.api_token set name = 'x' where id = 'live'"));
    assert_int_equal(PQtransactionStatus(open), PQTRANS_INTRANS);
    test_execute(database.url,
                 "set lock_timeout = '5s';"
                 "select skillreg.token_revoke('org1', 'asker', 'asker', null::inet)");
    PQclear(PQexec(open, "commit"));
    PQfinish(open);
    char kinds[64];
    test_value(database.url,
               "select string_agg(kind || token_id, ' ' order by seq) from"
               " (select * from skillreg.token_event order by seq desc limit 2) e",
               kinds, sizeof(kinds));
    assert_string_equal(kinds, "2asker 3live"); // in the order of the commits
}

static PGconn *send_query(const char *sql) {
    PGconn *pg = PQconnectdb(database.url);
    assert_int_equal(PQsendQuery(pg, sql), 1);
    return pg;
}

static void test_schema_waits_three_seconds_for_a_lock_and_no_longer(void **state) {
    (void)state;
    make_asker();
    test_execute(database.url, "insert into skillreg.api_token (id, org_id, name, prefix, digest,"
                               " scopes, created_by) values ('other', 'org2', 'other',"
                               " 'sr_live_a1b2', sha256('other'), 1, 'operator')");
    PGconn *holder = PQconnectdb(database.url);
    PQclear(PQexec(holder, "begin; lock table skillreg.log_lock;"
                           "select from skillreg.api_token where id = 'live' for update;"
                           "update skillreg.organisation set slug = 'renamed' where id = 'org2'"));
    assert_int_equal(PQtransactionStatus(holder), PQTRANS_INTRANS);
    PGconn *waiting[] = {
        send_query(OLD_REVOKE("operator")), // for the token
        send_query(OLD_ROTATE("operator")),
        send_query("select skillreg.token_revoke('org1', 'asker', 'asker')"),   // for the log
        send_query("select skillreg.token_revoke('org2', 'other', 'operator')") // the organisation
    };
    for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
        PGresult *result = PQgetResult(waiting[i]);
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        assert_string_equal(sqlstate == NULL ? "00000" : sqlstate, "55P03");
        PQclear(result);
        PQfinish(waiting[i]);
    }
    PQfinish(holder);
    assert_refused(OLD_REVOKE("operator"), "00000");
}

// A deleted organisation, and one that the token is not of, whichever version of the program calls.
static void test_schema_keeps_organisations_apart_for_older_programs_too(void **state) {
    (void)state;
    make_asker();
    test_execute(database.url,
                 "select * from skillreg.token_revoke('org2', 'live', 'operator');"
                 "select * from skillreg.token_revoke('org2', 'live', 'operator', null::inet);"
                 "select * from skillreg.token_rotate('org2', 'live', 'clnew', 'sr_live_a1b2',"
                 " sha256('new'), 60, null, null, 'operator', null, null);"
                 "update skillreg.organisation set deleted_at = now() where id = 'org2';"
                 "select skillreg.token_create('clold', 'org2', 'old', 'sr_live_a1b2',"
                 " sha256('old'), 3::int2, null, 'operator')");
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.api_token"
                                               " where id in ('clold', 'clnew')"
                                               " or id = 'live' and revoked_at is not null"),
                     0);
}

// Two gateways that wrote the same tokens in different orders would wait for each other.
static void test_schema_locks_the_tokens_of_last_uses_in_the_order_of_their_ids(void **state) {
    (void)state;
    make_asker();
    PGconn *holder = PQconnectdb(database.url);
    PQclear(PQexec(holder, "begin;"
                           "select from skillreg.api_token where id = 'asker' for update"));
    assert_int_equal(PQtransactionStatus(holder), PQTRANS_INTRANS);
    PGconn *writer = send_query("select skillreg.last_used_write(array['live', 'asker'],"
                                " array[now(), now()])");
    while (test_number(database.url,
                       "select count(*) from pg_stat_activity where"
                       " datname = current_database() and wait_event_type = 'Lock'") == 0)
        continue;
    assert_refused("select from skillreg.api_token where id = 'live' for update nowait", "00000");
    PQfinish(holder);
    PGresult *result = PQgetResult(writer);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    assert_string_equal(PQgetvalue(result, 0, 0), "2");
    PQclear(result);
    PQfinish(writer);
}

static void test_schema_numbers_the_log_and_the_audit_from_their_own_rows(void **state) {
    (void)state;
    // Rows came from elsewhere, as by logical replication, which brings no sequence.
    test_execute(database.url,
                 "insert into skillreg.token_event (seq, kind, org_id) values (5000, 4, 'org1');"
                 "insert into skillreg.token_audit (id, org_id, action, token_id, token_name,"
                 " actor_name) values (7000, 'org1', 'create', 'x', 'x', 'x');"
                 "select skillreg.token_revoke('org1', 'live', 'operator', null::inet)");
    assert_int_equal(test_number(database.url, "select max(seq) from skillreg.token_event"), 5001);
    assert_int_equal(test_number(database.url, "select max(id) from skillreg.token_audit"), 7001);
}

// A transaction that looked before would give a number twice.
static void test_schema_lets_no_older_snapshot_number_the_log(void **state) {
    (void)state;
    PGconn *older = PQconnectdb(database.url);
    PQclear(PQexec(older, "begin isolation level repeatable read; select 1"));
    PQclear(PQexec(older, "select count(*) from skillreg.token_event"));
    test_execute(database.url, "update skillreg.organisation set name = 'Other'");
    PQclear(PQexec(older, "update skillreg.api_token set name = 'x' where id = 'live'"));
    PGresult *result = PQexec(older, "commit");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "40001");
    PQclear(result);
    PQfinish(older);
}

// A server may answer a commit before it is on its disk; a crash then takes back what was answered.
static void test_schema_commits_changes_for_good_whatever_the_default(void **state) {
    (void)state;
    static const char *const changes[] = {
        "perform skillreg.token_revoke('org1', 'live', 'operator', null::inet)",
        "update skillreg.api_token set name = 'x' where id = 'live'",
        "update skillreg.organisation set deleted_at = now()",
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        char sql[512];
        char setting[8];
        snprintf(sql, sizeof(sql),
                 "begin; set local synchronous_commit = off; do $$ begin %s; end $$;"
                 "set constraints all immediate; select current_setting('synchronous_commit')",
                 changes[i]);
        test_value(database.url, sql, setting, sizeof(setting));
        assert_string_equal(setting, "on");
    }
}

static void test_schema_says_when_its_triggers_are_off(void **state) {
    (void)state;
    assert_refused("set session_replication_role = replica;"
                   "select skillreg.token_revoke('org1', 'live', 'operator', null::inet)",
                   "P0001");
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.api_token"
                                               " where id = 'live' and revoked_at is null"),
                     1);
}

// A day there is not always as long as another, and what the session looks in first is not always
// ours.
static void test_schema_does_not_mind_what_the_session_has_set(void **state) {
    (void)state;
    make_asker();
    test_execute(database.url,
                 "create schema strange;"
                 "create function strange.sha256(bytea) returns bytea language sql"
                 " return '\\x00'::bytea;"
                 "update skillreg.api_token set created_at = '2026-03-01 00:00Z',"
                 " expires_at = '2026-03-01 00:00Z'::timestamptz + interval '2400 hours'"
                 " where id = 'live';"
                 "update skillreg.api_token set expires_at = '2099-01-01Z', created_at ="
                 " '2099-01-01Z'::timestamptz - make_interval(secs => 5356800) where id = 'live'");
    assert_int_equal(
        test_number(database.url,
                    "set timezone = 'America/New_York'; set search_path = strange, pg_catalog;"
                    "select extract(epoch from expires_at - created_at)::int8"
                    " from skillreg.token_rotate('org1', 'live', 'clnew', 'sr_live_a1b2',"
                    " pg_catalog.sha256('new'), 60, null, null, 'operator', null, null)"),
        5356800);
}

static void test_schema_refuses_times_that_are_none(void **state) {
    (void)state;
    static const char *const times[] = {"infinity", "-infinity", "294000-01-01", "0044-03-15 BC"};
    static const char *const columns[] = {"api_token set expires_at", "api_token set created_at",
                                          "api_token set last_used_at",
                                          "organisation set deleted_at"};
    for (size_t i = 0; i < 16; i++) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql), "update skillreg.%s = '%s'", columns[i / 4], times[i % 4]);
        assert_refused(sql, CHECK_VIOLATION);
    }
}

static void test_schema_gives_a_successor_all_that_restricts_the_old_one(void **state) {
    (void)state;
    test_execute(database.url, "update skillreg.api_token set allowed_ips = '{10.0.0.0/8}',"
                               " binds_children = true where id = 'live';" OLD_ROTATE("operator"));
    char row[128];
    test_value(database.url,
               "select concat_ws(' ', scopes, allowed_ips, binds_children) from"
               " skillreg.api_token where id = 'clnew'",
               row, sizeof(row));
    assert_string_equal(row, "1 {10.0.0.0/8} t");
}

static void test_schema_explains_every_table_and_column(void **state) {
    (void)state;
    assert_int_equal(
        test_number(
            database.url,
            "select count(*) from pg_attribute a join pg_class c on c.oid = attrelid"
            " where relnamespace = 'skillreg'::regnamespace and relkind = 'r' and attnum > 0"
            " and relname <> 'migration' and col_description(c.oid, attnum) is null"),
        0);
}

// A migration that replaces one of them has to say it again.
static void test_schema_runs_as_its_owner_what_leaves_the_triggers_out(void **state) {
    (void)state;
    assert_int_equal(
        test_number(database.url,
                    "select count(*) from pg_proc where pronamespace = 'skillreg'::regnamespace"
                    " and prosrc like '%set_config(''skillreg.logged_in'', pg_current%'"
                    " and not prosecdef and proname <> 'mint_locked'"), // of exchange_mint
        0);
}

// Such a function keeps PostgreSQL 17.12 from adding a column with a default to the table.
static void test_schema_has_no_function_parsed_with_the_row_of_a_table(void **state) {
    (void)state;
    assert_int_equal(
        test_number(database.url,
                    "select count(distinct p.oid) from pg_proc p, unnest(p.proargtypes) a(type_oid)"
                    " join pg_type t on t.oid = a.type_oid join pg_class c on c.oid = t.typrelid"
                    " where pronamespace = 'skillreg'::regnamespace and prosqlbody is not null"
                    " and c.relkind = 'r'"),
        0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, create_schema)
        TEST(test_schema_never_brings_a_revoked_token_back),
        TEST(test_schema_keeps_the_row_of_a_revoked_token),
        TEST(test_schema_is_not_truncated),
        TEST(test_schema_wants_who_and_when_of_a_revocation),
        TEST(test_schema_holds_no_malformed_token),
        TEST(test_schema_holds_no_malformed_slug),
        TEST(test_schema_keeps_last_used_updates_off_the_indexes),
        TEST(test_schema_still_serves_the_statements_of_an_older_program),
        TEST(test_schema_still_serves_the_statements_of_the_last_program),
        TEST(test_schema_hides_bound_tokens_from_the_last_program),
        TEST(test_schema_keeps_bindings),
        TEST(test_schema_only_ever_adds_to_the_audit),
        TEST(test_schema_writes_the_audit_of_plain_sql_too),
        TEST(test_schema_lists_the_audit_from_its_index),
        TEST(test_schema_filters_the_audit_by_its_indexes),
        TEST(test_schema_tells_of_a_change_of_addresses),
        TEST(test_schema_obeys_no_token_that_lost_its_say_not_even_for_older_programs),
        TEST(test_schema_lets_a_token_revoke_itself_with_any_scope),
        TEST(test_schema_keeps_the_log_free_while_a_change_is_not_committed),
        TEST(test_schema_waits_three_seconds_for_a_lock_and_no_longer),
        TEST(test_schema_keeps_organisations_apart_for_older_programs_too),
        TEST(test_schema_locks_the_tokens_of_last_uses_in_the_order_of_their_ids),
        TEST(test_schema_numbers_the_log_and_the_audit_from_their_own_rows),
        TEST(test_schema_lets_no_older_snapshot_number_the_log),
        TEST(test_schema_commits_changes_for_good_whatever_the_default),
        TEST(test_schema_says_when_its_triggers_are_off),
        TEST(test_schema_does_not_mind_what_the_session_has_set),
        TEST(test_schema_refuses_times_that_are_none),
        TEST(test_schema_gives_a_successor_all_that_restricts_the_old_one),
        TEST(test_schema_explains_every_table_and_column),
        TEST(test_schema_runs_as_its_owner_what_leaves_the_triggers_out),
        TEST(test_schema_has_no_function_parsed_with_the_row_of_a_table),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
