// SPDX-License-Identifier: MIT
// Proves of db/token_revoke.c, on a real PostgreSQL: a token is revoked once, by its own
// organisation only, and by an actor that may; its successors are named, and it takes
// them or its chain with it if asked; the last admin token is left alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/minted_end.h"
#include "db/token_revoke.h"
#include "tests/support/postgres.h"

static struct test_store fixture;

static int open_store(void **state) {
    (void)state;
    test_store_open(&fixture);
    return 0;
}

static int close_store(void **state) {
    (void)state;
    test_store_close(&fixture);
    return 0;
}

// Its digest is the last character of the id, over and over.
static void make_token(const char *id) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.api_token"
                   " (id, org_id, name, prefix, digest, scopes, created_by)"
                   " values ('%s', 'org1', 'ci-deploy', 'sr_live_a1b2',"
                   " convert_to(repeat(right('%s', 1), 32), 'UTF8'), 3, 'operator')",
                   id, id);
    test_execute(fixture.database.url, sql);
}

static void rotate(const char *id, const char *new_id) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "select skillreg.token_rotate('org1', '%s', '%s', 'sr_live_a1b2',"
                   " convert_to(repeat(right('%s', 1), 32), 'UTF8'), 3600, null, null, 'operator',"
                   " null, null, null::bytea)",
                   id, new_id, new_id);
    test_execute(fixture.database.url, sql);
}

struct revocation {
    struct db_token_revoke revoke;
    bool is_done;
    enum gw_status status;
    char name[64];
    int64_t revoked_ms;
    unsigned char digest[DB_DIGEST_LENGTH];
    uint64_t event_seq;
    char successors[128]; // ids with "+" where revoked as well
};

static void on_revoked(struct db_token_revoke *revoke, enum gw_status status,
                       const struct db_revoked_token *tokens, int count) {
    struct revocation *revocation = gw_container_of(revoke, struct revocation, revoke);
    assert_false(revocation->is_done);
    revocation->is_done = true;
    revocation->status = status;
    assert_int_equal(count > 0, status == GW_OK);
    if (count == 0)
        return;
    (void)snprintf(revocation->name, sizeof(revocation->name), "%.*s", GW_STR_ARG(tokens[0].name));
    revocation->revoked_ms = tokens[0].revoked_ms;
    memcpy(revocation->digest, tokens[0].digest, DB_DIGEST_LENGTH);
    revocation->event_seq = tokens[0].event_seq;
    size_t used = 0;
    for (int i = 1; i < count; i++)
        used += (size_t)snprintf(
            revocation->successors + used, sizeof(revocation->successors) - used, "%s%.*s ",
            tokens[i].revoked_ms != DB_NO_TIME ? "+" : "", GW_STR_ARG(tokens[i].id));
}

static void init_revocation(struct revocation *revocation, const char *org_id, const char *id) {
    memset(revocation, 0, sizeof(*revocation));
    revocation->revoke.org_id = gw_str_from(org_id);
    revocation->revoke.id = gw_str_from(id);
    revocation->revoke.revoked_by = GW_STR("operator");
    revocation->revoke.on_done = on_revoked;
}

static void submit_revocation(struct revocation *revocation) {
    assert_int_equal(db_token_revoke_submit(fixture.pool, &revocation->revoke), GW_OK);
}

static void start_revocation(struct revocation *revocation, const char *org_id, const char *id) {
    init_revocation(revocation, org_id, id);
    submit_revocation(revocation);
}

static enum gw_status finish_revocation(struct revocation *revocation) {
    submit_revocation(revocation);
    test_run_until(&fixture.loop, &revocation->is_done);
    return revocation->status;
}

static enum gw_status run_revocation(struct revocation *revocation, const char *org_id,
                                     const char *id) {
    init_revocation(revocation, org_id, id);
    return finish_revocation(revocation);
}

static void test_revoke_tells_name_time_digest_and_event_once(void **state) {
    (void)state;
    make_token("cltoken1");
    struct revocation revocation;
    assert_int_equal(run_revocation(&revocation, "org1", "cltoken1"), GW_OK);
    assert_string_equal(revocation.name, "ci-deploy");
    assert_int_equal(revocation.revoked_ms,
                     test_number(fixture.database.url, "select (extract(epoch from revoked_at)"
                                                       " * 1000)::int8 from skillreg.api_token"));
    unsigned char digest[DB_DIGEST_LENGTH];
    memset(digest, '1', sizeof(digest)); // see make_token
    assert_memory_equal(revocation.digest, digest, sizeof(digest));
    assert_int_equal(
        revocation.event_seq,
        test_number(fixture.database.url, "select seq from skillreg.token_event where kind = 2"));
    assert_int_equal(run_revocation(&revocation, "org1", "cltoken1"), GW_NOT_FOUND);
    char by[64];
    test_value(fixture.database.url, "select revoked_by from skillreg.api_token", by, sizeof(by));
    assert_string_equal(by, "operator");
}

static void test_revoke_twice_at_once_one_wins(void **state) {
    (void)state;
    make_token("cltoken1");
    struct revocation first;
    struct revocation second;
    start_revocation(&first, "org1", "cltoken1");
    start_revocation(&second, "org1", "cltoken1");
    test_run_until(&fixture.loop, &first.is_done);
    test_run_until(&fixture.loop, &second.is_done);
    assert_int_equal((first.status == GW_OK) + (second.status == GW_OK), 1);
    assert_int_equal((first.status == GW_NOT_FOUND) + (second.status == GW_NOT_FOUND), 1);
}

static void test_revoke_of_a_foreign_or_unknown_token_is_not_found(void **state) {
    (void)state;
    make_token("cltoken1");
    struct revocation revocation;
    assert_int_equal(run_revocation(&revocation, "org2", "cltoken1"), GW_NOT_FOUND);
    assert_int_equal(run_revocation(&revocation, "org1", "clnone"), GW_NOT_FOUND);
    assert_int_equal(
        test_number(fixture.database.url,
                    "select count(*) from skillreg.api_token where revoked_at is null"),
        1);
}

static void test_who_lost_its_say_is_told_so(void **state) {
    (void)state;
    static const struct {
        const char *change;
        enum db_refusal refusal;
    } cases[] = {{"scopes = 3", DB_REFUSAL_NOT_ADMIN},
                 {"org_id = 'org2'", DB_REFUSAL_OTHER_ORG},
                 {"expires_at = now()", DB_REFUSAL_NOT_LIVE},
                 {"revoked_at = now(), revoked_by = 'operator'", DB_REFUSAL_NOT_LIVE}};
    test_execute(fixture.database.url, "insert into skillreg.organisation (id, slug, name)"
                                       " values ('org2', 'other', 'Other')");
    make_token("clmaker0");
    make_token("cltarget");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sql[256];
        struct revocation revocation;
        (void)snprintf(sql, sizeof(sql),
                       "update skillreg.api_token set scopes = 4, org_id = 'org1'"
                       " where id = 'clmaker0';"
                       "update skillreg.api_token set %s where id = 'clmaker0'",
                       cases[i].change);
        test_execute(fixture.database.url, sql);
        init_revocation(&revocation, "org1", "cltarget");
        revocation.revoke.revoked_by = GW_STR("clmaker0");
        assert_int_equal(finish_revocation(&revocation), GW_DENIED);
        assert_int_equal(revocation.revoke.refusal, cases[i].refusal);
    }
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"
                                                       " where id = 'cltarget'"
                                                       " and revoked_at is null"),
                     1);
}

static void test_revoke_names_the_live_successors_and_ends_them_when_asked(void **state) {
    (void)state;
    struct revocation revocation;
    make_token("cltoken1");
    rotate("cltoken1", "cltoken2");
    rotate("cltoken2", "cltoken3");
    assert_int_equal(run_revocation(&revocation, "org1", "cltoken1"), GW_OK);
    assert_string_equal(revocation.successors, "cltoken2 cltoken3 ");
    init_revocation(&revocation, "org1", "cltoken2");
    revocation.revoke.kin = DB_REVOKE_SUCCESSORS;
    assert_int_equal(finish_revocation(&revocation), GW_OK);
    assert_string_equal(revocation.successors, "+cltoken3 ");
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"
                                                       " where revoked_at is null"),
                     0);
}

static void test_revoke_of_the_chain_ends_predecessors_in_overlap_too(void **state) {
    (void)state;
    struct revocation revocation;
    make_token("cltoken1");
    rotate("cltoken1", "cltoken2");
    rotate("cltoken2", "cltoken3");
    init_revocation(&revocation, "org1", "cltoken2");
    revocation.revoke.kin = DB_REVOKE_CHAIN;
    assert_int_equal(finish_revocation(&revocation), GW_OK);
    assert_string_equal(revocation.successors, "+cltoken1 +cltoken3 ");
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"
                                                       " where revoked_at is null"),
                     0);
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.token_event"
                                                       " where kind = 2"),
                     3);
}

static void make_admins(void) {
    make_token("cladmin1");
    make_token("cladmin2");
    test_execute(fixture.database.url, "update skillreg.api_token set scopes = 4");
}

static void test_revoke_of_the_last_admin_is_denied_unless_asked_for(void **state) {
    (void)state;
    struct revocation revocation;
    make_admins();
    make_token("clwriter");
    assert_int_equal(run_revocation(&revocation, "org1", "cladmin1"), GW_OK);
    assert_int_equal(run_revocation(&revocation, "org1", "cladmin2"), GW_DENIED);
    assert_int_equal(revocation.revoke.refusal, DB_REFUSAL_LAST_ADMIN);
    assert_int_equal(run_revocation(&revocation, "org1", "clwriter"), GW_OK);
    init_revocation(&revocation, "org1", "cladmin2");
    revocation.revoke.may_end_last = true;
    assert_int_equal(finish_revocation(&revocation), GW_OK);
}

static void test_an_admin_counts_while_it_lives(void **state) {
    (void)state;
    static const struct {
        const char *change;
        enum gw_status status;
    } cases[] = {{"expires_at = now() + interval '1 minute'", GW_OK},
                 {"expires_at = now()", GW_DENIED},
                 {"scopes = 3", GW_DENIED},
                 {"org_id = 'org2'", GW_DENIED}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct revocation revocation;
        char sql[256];
        make_admins();
        (void)snprintf(sql, sizeof(sql),
                       "insert into skillreg.organisation (id, slug, name)"
                       " values ('org2', 'other', 'Other') on conflict do nothing;"
                       "update skillreg.api_token set %s where id = 'cladmin2'",
                       cases[i].change);
        test_execute(fixture.database.url, sql);
        assert_int_equal(run_revocation(&revocation, "org1", "cladmin1"), cases[i].status);
        test_store_close(&fixture);
        test_store_open(&fixture);
    }
}

// The second waits for the lock of the log, and counts what the first left.
static void test_two_at_once_do_not_end_the_last_two_admins(void **state) {
    (void)state;
    struct revocation first;
    struct revocation second;
    make_admins();
    init_revocation(&first, "org1", "cladmin1");
    first.revoke.revoked_by = first.revoke.id;
    init_revocation(&second, "org1", "cladmin2");
    second.revoke.revoked_by = second.revoke.id;
    submit_revocation(&first);
    submit_revocation(&second);
    test_run_until(&fixture.loop, &first.is_done);
    test_run_until(&fixture.loop, &second.is_done);
    assert_int_equal((first.status == GW_OK) + (second.status == GW_OK), 1);
    assert_int_equal((first.revoke.refusal == DB_REFUSAL_LAST_ADMIN) +
                         (second.revoke.refusal == DB_REFUSAL_LAST_ADMIN),
                     1);
}

// ---- rules of trust ----

static void make_rule(const char *id, const char *maker) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "select skillreg.trust_create('%s', 'org1', 'github', 'https://issuer.test',"
                   " 'repository=acme/%s', '{\"repository\": [\"acme/%s\"]}', 2::int2, 900, null,"
                   " 600, '%s', null)",
                   id, id, id, maker);
    test_execute(fixture.database.url, sql);
}

static void make_minted(const char *rule_id, int count) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                   " created_by, expires_at, is_minted) select '%s' || n, 'org1', 'run',"
                   " 'sr_live_a1b2', sha256(('%s' || n)::bytea), 1, '%s',"
                   " now() + interval '10 minutes', true from generate_series(1, %d) n",
                   rule_id, rule_id, rule_id, count);
    test_execute(fixture.database.url, sql);
}

static long count_of(const char *table, const char *live) {
    char sql[160];
    (void)snprintf(sql, sizeof(sql), "select count(*) from skillreg.%s where %s", table, live);
    return test_number(fixture.database.url, sql);
}

#define LIVE_RULES() count_of("trust_rule", "removed_at is null")
#define LIVE_MINTED() count_of("api_token", "revoked_at is null and is_minted")

static void make_makers(void) {
    make_admins();
    make_rule("rule1", "cladmin1");
    make_rule("rule2", "cladmin2");
    make_rule("rule3", "operator");
    make_minted("rule1", 3);
    make_minted("rule2", 1);
}

struct rules_told {
    struct revocation revocation;
    char rules[128]; // ids with "+" where removed as well
    int ended;
    bool has_more;
};

static void on_rules(struct db_token_revoke *revoke, enum gw_status status,
                     const struct db_revoked_token *tokens, int count) {
    struct revocation *revocation = gw_container_of(revoke, struct revocation, revoke);
    struct rules_told *told = gw_container_of(revocation, struct rules_told, revocation);
    size_t used = 0;
    on_revoked(revoke, status, tokens, count);
    for (int i = 0; status == GW_OK && i < revoke->rules.count; i++) {
        const struct db_revoked_token *rule = &revoke->rules.rules[i];
        assert_true(gw_str_starts_with(rule->name, GW_STR("github repository=acme/rule")));
        used += (size_t)snprintf(told->rules + used, sizeof(told->rules) - used, "%s%.*s ",
                                 rule->revoked_ms != DB_NO_TIME ? "+" : "", GW_STR_ARG(rule->id));
    }
    for (int i = 0; status == GW_OK && i < revoke->rules.token_count; i++)
        assert_true(revoke->rules.tokens[i].event_seq > 0);
    told->ended = status == GW_OK ? revoke->rules.token_count : 0;
    told->has_more = status == GW_OK && revoke->rules.has_more;
}

static struct rules_told revoke_maker(const char *id, const char *by, bool with_rules) {
    struct rules_told told = {.ended = 0};
    init_revocation(&told.revocation, "org1", id);
    told.revocation.revoke.revoked_by = gw_str_from(by);
    told.revocation.revoke.with_rules = with_rules;
    told.revocation.revoke.may_end_last = true;
    told.revocation.revoke.on_done = on_rules;
    (void)finish_revocation(&told.revocation);
    return told;
}

static void test_the_rules_of_a_revoked_token_go_on_and_are_named(void **state) {
    (void)state;
    make_makers();
    struct rules_told told = revoke_maker("cladmin1", "operator", false);
    assert_int_equal(told.revocation.status, GW_OK);
    assert_string_equal(told.rules, "rule1 ");
    assert_int_equal(told.ended, 0);
    assert_int_equal(LIVE_RULES(), 3);
    assert_int_equal(LIVE_MINTED(), 4);
}

static void test_with_its_rules_what_they_gave_ends_too(void **state) {
    (void)state;
    make_makers();
    make_rule("rule4", "cladmin1");
    struct rules_told told = revoke_maker("cladmin1", "cladmin1", true);
    assert_int_equal(told.revocation.status, GW_OK);
    assert_string_equal(told.rules, "+rule1 +rule4 ");
    assert_int_equal(told.ended, 3);
    assert_true(told.has_more); // others may have ended of those that were to
    assert_int_equal(LIVE_RULES(), 2);
    assert_int_equal(LIVE_MINTED(), 1);
    assert_int_equal(count_of("token_audit", "action = 'untrust' and actor_token_id = 'cladmin1'"),
                     2);
    assert_int_equal(count_of("token_event", "kind = 2"), 4);
}

static void test_rules_of_the_whole_chain_end_with_it(void **state) {
    (void)state;
    make_makers();
    rotate("cladmin1", "clnext0a");
    struct rules_told told = revoke_maker("clnext0a", "operator", true);
    assert_string_equal(told.rules, "");
    rotate("cladmin2", "clnext0b");
    struct rules_told chain = {.ended = 0};
    init_revocation(&chain.revocation, "org1", "clnext0b");
    chain.revocation.revoke.kin = DB_REVOKE_CHAIN;
    chain.revocation.revoke.with_rules = true;
    chain.revocation.revoke.may_end_last = true;
    chain.revocation.revoke.on_done = on_rules;
    assert_int_equal(finish_revocation(&chain.revocation), GW_OK);
    assert_string_equal(chain.rules, "+rule2 ");
    assert_int_equal(chain.ended, 1);
}

// It may give itself up, but no rules: these are an admin's.
static void test_a_token_that_is_no_admin_any_more_ends_no_rules(void **state) {
    (void)state;
    make_makers();
    test_execute(fixture.database.url,
                 "update skillreg.api_token set scopes = 1 where id = 'cladmin1'");
    struct rules_told told = revoke_maker("cladmin1", "cladmin1", true);
    assert_int_equal(told.revocation.status, GW_DENIED);
    assert_int_equal(told.revocation.revoke.refusal, DB_REFUSAL_NOT_ADMIN);
    assert_int_equal(LIVE_RULES(), 3);
    assert_int_equal(LIVE_MINTED(), 4);
    assert_int_equal(revoke_maker("cladmin1", "cladmin1", false).revocation.status, GW_OK);
}

struct remainder {
    struct db_minted_end end;
    bool is_done;
    enum gw_status status;
    int count;
    bool has_more;
};

static void on_ended(struct db_minted_end *end, enum gw_status status,
                     const struct db_revoked_token *tokens, int count, bool has_more) {
    struct remainder *remainder = gw_container_of(end, struct remainder, end);
    assert_true(count == 0 || tokens[count - 1].event_seq > 0);
    remainder->is_done = true;
    remainder->status = status;
    remainder->count = count;
    remainder->has_more = has_more;
}

static struct remainder end_minted(const char *by) {
    static const struct gw_str rules[] = {GW_STR_INIT("rule1"), GW_STR_INIT("rule2")};
    struct remainder remainder = {.end = {.org_id = GW_STR("org1"),
                                          .rule_ids = rules,
                                          .rule_count = 2,
                                          .ended_by = gw_str_from(by),
                                          .on_done = on_ended}};
    assert_int_equal(db_minted_end_submit(fixture.pool, &remainder.end), GW_OK);
    test_run_until(&fixture.loop, &remainder.is_done);
    assert_int_equal(remainder.status, GW_OK);
    return remainder;
}

static void test_more_than_one_transaction_ends_are_ended_by_the_next(void **state) {
    (void)state;
    make_makers();
    make_rule("rule4", "cladmin1");
    make_minted("rule4", DB_MINTED_END_ROWS_MAX);
    struct rules_told told = revoke_maker("cladmin1", "cladmin1", true);
    assert_int_equal(told.ended, DB_MINTED_END_ROWS_MAX);
    assert_true(told.has_more);
    assert_int_equal(end_minted("cladmin2").count, 0); // who has removed none of them
    assert_int_equal(LIVE_MINTED(), 4);
    struct remainder rest = end_minted("cladmin1");
    assert_true(rest.count <= 3 && rest.has_more == (rest.count > 0));
    rest = end_minted("cladmin1");
    assert_true(rest.count == 0 && !rest.has_more);
    assert_int_equal(count_of("api_token", "revoked_at is null and created_by = 'rule1'"), 0);
    assert_int_equal(count_of("api_token", "revoked_at is null and created_by = 'rule2'"), 1);
}

// The second waits for the rules, and has none to remove.
static void test_a_rule_is_removed_once_by_two_at_once(void **state) {
    (void)state;
    make_makers();
    make_rule("rule4", "cladmin1");
    struct revocation both[2];
    for (int i = 0; i < 2; i++) {
        init_revocation(&both[i], "org1", "cladmin1");
        both[i].revoke.with_rules = true;
        submit_revocation(&both[i]);
    }
    for (int i = 0; i < 2; i++)
        test_run_until(&fixture.loop, &both[i].is_done);
    assert_int_equal((both[0].status == GW_OK) + (both[1].status == GW_OK), 1);
    assert_int_equal(count_of("token_audit", "action = 'untrust'"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_revoke_tells_name_time_digest_and_event_once),
        TEST(test_revoke_twice_at_once_one_wins),
        TEST(test_revoke_of_a_foreign_or_unknown_token_is_not_found),
        TEST(test_who_lost_its_say_is_told_so),
        TEST(test_revoke_names_the_live_successors_and_ends_them_when_asked),
        TEST(test_revoke_of_the_chain_ends_predecessors_in_overlap_too),
        TEST(test_revoke_of_the_last_admin_is_denied_unless_asked_for),
        TEST(test_an_admin_counts_while_it_lives),
        TEST(test_two_at_once_do_not_end_the_last_two_admins),
        TEST(test_the_rules_of_a_revoked_token_go_on_and_are_named),
        TEST(test_with_its_rules_what_they_gave_ends_too),
        TEST(test_rules_of_the_whole_chain_end_with_it),
        TEST(test_a_token_that_is_no_admin_any_more_ends_no_rules),
        TEST(test_more_than_one_transaction_ends_are_ended_by_the_next),
        TEST(test_a_rule_is_removed_once_by_two_at_once),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("token_revoke", tests, NULL, NULL);
}
