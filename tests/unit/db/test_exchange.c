// SPDX-License-Identifier: MIT
// Proves of db/exchange.c and db/mints.c, on a real PostgreSQL: the rules that might trust an
// identity are found; one of them gives a token, with its audit, as often as the identity and the
// rule allow, and again for a request whose answer got lost; those that wait go together; what is
// old goes by itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "db/exchange.h"
#include "db/mints.h"
#include "tests/support/postgres.h"

static struct test_store fixture;
static struct db_mints *gateways[2]; // each sends one statement at a time
static int turn;

#define EXECUTE(sql) test_execute(fixture.database.url, sql)
#define NUMBER(sql) test_number(fixture.database.url, sql)

static void make_rule(const char *id, const char *org_id, int per_minute) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "select skillreg.trust_create('%s', '%s', 'github', 'https://issuer.test',"
                   " 'repository=acme/repo', '{\"repository\": [\"acme/repo\"]}', 2::int2, 900,"
                   " '{10.0.0.0/8}', %d, 'operator', null)",
                   id, org_id, per_minute);
    EXECUTE(sql);
}

static int open_store(void **state) {
    (void)state;
    test_store_open(&fixture);
    EXECUTE("insert into skillreg.organisation (id, slug, name) values ('org2', 'other', 'Other')");
    make_rule("rule1", "org1", 600);
    for (int i = 0; i < 2; i++)
        assert_int_equal(db_mints_create(fixture.pool, &gateways[i]), GW_OK);
    return 0;
}

static int close_store(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        db_mints_close(gateways[i]);
        db_mints_destroy(gateways[i]);
    }
    test_store_close(&fixture);
    return 0;
}

// ---- the rules ----
struct search {
    struct db_exchange_rules call;
    bool is_done;
    bool has_more;
    enum gw_status status;
    int count;
    char ids[128];
};

static void on_found(struct db_exchange_rules *call, enum gw_status status,
                     const struct db_trust_rule *rules, int count, bool has_more) {
    struct search *search = gw_container_of(call, struct search, call);
    size_t used = 0;
    search->is_done = true;
    search->status = status;
    search->count = count;
    search->has_more = has_more;
    for (int i = 0; i < count && used < sizeof(search->ids) - 40; i++)
        used += (size_t)snprintf(search->ids + used, sizeof(search->ids) - used, "%.*s/%.*s ",
                                 GW_STR_ARG(rules[i].org_slug), GW_STR_ARG(rules[i].id));
}

static struct search find_rules(const char *issuer, const char *anchor, const char *slug) {
    struct search search = {.call = {.issuer = gw_str_from(issuer),
                                     .anchor = gw_str_from(anchor),
                                     .on_done = on_found}};
    if (slug != NULL)
        search.call.org_slug = gw_str_from(slug);
    assert_int_equal(db_exchange_rules_start(fixture.pool, &search.call), GW_OK);
    test_run_until(&fixture.loop, &search.is_done);
    assert_int_equal(search.status, GW_OK);
    return search;
}

static void test_rules_are_found_by_issuer_and_anchor(void **state) {
    (void)state;
    make_rule("rule2", "org2", 60);
    make_rule("rule3", "org1", 60);
    EXECUTE(
        "update skillreg.trust_rule set created_at = now() + right(id, 1)::int * interval '1s'");
    const char *issuer = "https://issuer.test";
    const char *anchor = "repository=acme/repo";
    assert_string_equal(find_rules(issuer, anchor, NULL).ids, "acme/rule1 other/rule2 acme/rule3 ");
    assert_string_equal(find_rules(issuer, anchor, "acme").ids, "acme/rule1 acme/rule3 ");
    assert_string_equal(find_rules(issuer, anchor, "nobody").ids, "");
    assert_string_equal(find_rules("https://issuer.tes", anchor, NULL).ids, "");
    assert_string_equal(find_rules(issuer, "repository=acme/other", NULL).ids, "");
    EXECUTE("select skillreg.trust_remove('org1', 'rule1', 'operator', null, 1000);"
            "update skillreg.organisation set deleted_at = now() where id = 'org2'");
    assert_string_equal(find_rules(issuer, anchor, NULL).ids, "acme/rule3 ");
}

static void test_no_more_rules_are_read_than_there_is_room_for(void **state) {
    (void)state;
    EXECUTE("insert into skillreg.trust_rule select 'r' || n, 'org2', 'github', 'i', 'a', '{}', 1,"
            " 900, null, 60, now(), 'operator' from generate_series(1, 65) n");
    struct search all = find_rules("i", "a", NULL);
    assert_int_equal(all.count, DB_EXCHANGE_RULES_MAX);
    assert_true(all.has_more);
}

// ---- the token ----
struct minting {
    struct db_exchange_mint mint;
    struct db_exchange_outcome outcome;
    enum gw_status status;
    bool is_done;
    char earlier_id[DB_ID_LENGTH_MAX + 1];
};

static void on_minted(struct db_exchange_mint *mint, enum gw_status status,
                      const struct db_exchange_outcome *outcome) {
    struct minting *minting = gw_container_of(mint, struct minting, mint);
    minting->is_done = true;
    minting->status = status;
    if (outcome == NULL)
        return;
    minting->outcome = *outcome;
    (void)snprintf(minting->earlier_id, sizeof(minting->earlier_id), "%.*s",
                   GW_STR_ARG(outcome->earlier_id));
}

// Of the identity that the last character of `identity` names.
static struct minting minting_of(const char *id, const char *identity) {
    struct minting minting = {
        .mint = {.rule_id = GW_STR("rule1"),
                 .id = gw_str_from(id),
                 .name = GW_STR("acme/repo publish.yml 17"),
                 .prefix = GW_STR("sr_live_a1b2"),
                 .scopes = GW_SCOPE_READ,
                 .life_s = 600,
                 .replay_until_ms = gw_clock_wall_ms() + 600000,
                 .facts = GW_STR("{\"subject\": \"repo:acme/repo\", \"run\": \"17\"}"),
                 .from = GW_STR("10.1.2.3"),
                 .on_done = on_minted}};
    memset(minting.mint.digest, id[strlen(id) - 1], DB_DIGEST_LENGTH);
    memset(minting.mint.replay_key, identity[strlen(identity) - 1], DB_EXCHANGE_KEY_LENGTH);
    return minting;
}

static void start_mint_at(struct db_mints *mints, struct minting *minting) {
    assert_int_equal(db_mints_add(mints, &minting->mint), GW_OK);
    assert_false(minting->is_done);
}

static void start_mint(struct minting *minting) {
    start_mint_at(gateways[turn++ % 2], minting);
}

static enum gw_status finish_mint(struct minting *minting) {
    start_mint(minting);
    test_run_until(&fixture.loop, &minting->is_done);
    return minting->status;
}

static void assert_mint(struct minting minting, enum db_exchange_refusal refusal) {
    assert_int_equal(finish_mint(&minting), refusal == DB_EXCHANGE_MADE ? GW_OK : GW_DENIED);
    assert_int_equal(minting.outcome.refusal, refusal);
}

static void test_a_token_is_made_with_its_event_and_one_row_in_the_audit(void **state) {
    (void)state;
    struct minting minting = minting_of("t1", "a");
    assert_int_equal(finish_mint(&minting), GW_OK);
    assert_int_equal(minting.outcome.expires_ms - minting.outcome.created_ms, 600000);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 't1'"
                            " and org_id = 'org1' and scopes = 1 and is_minted"
                            " and created_by = 'rule1' and allowed_ips = '{10.0.0.0/8}'"
                            " and name = 'acme/repo publish.yml 17'"),
                     1);
    assert_int_equal(NUMBER("select count(*) from skillreg.token_event where token_id = 't1'"
                            " and kind = 1"),
                     1);
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where token_id = 't1'"), 1);
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where action = 'exchange'"
                            " and actor_token_id = 'rule1' and by_rule and facts->>'run' = '17'"
                            " and actor_name = 'github repository=acme/repo'"
                            " and ended_at - at between interval '599s' and interval '601s'"
                            " and address = '10.1.2.3'"),
                     1);
    // Its end is in the audit with its making.
    EXECUTE("update skillreg.api_token set expires_at = now(), noted_end = now() where id = 't1'");
    assert_int_equal(NUMBER("select skillreg.expiry_note(100)"), 0);
}

static void test_an_identity_is_exchanged_once(void **state) {
    (void)state;
    assert_mint(minting_of("t1", "a"), DB_EXCHANGE_MADE);
    assert_mint(minting_of("t2", "a"), DB_EXCHANGE_REPLAYED);
    EXECUTE("update skillreg.api_token set revoked_at = now(), revoked_by = 'operator'");
    assert_mint(minting_of("t2", "a"), DB_EXCHANGE_REPLAYED);
    assert_mint(minting_of("t3", "b"), DB_EXCHANGE_MADE);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token"), 2);
    assert_int_equal(NUMBER("select exchanges from skillreg.trust_use"), 2);
}

static void test_of_many_exchanges_at_once_one_makes_a_token(void **state) {
    (void)state;
    enum { COUNT = 6 };
    static const char *const ids[COUNT] = {"t1", "t2", "t3", "t4", "t5", "t6"};
    struct minting all[COUNT];
    int made = 0;
    for (int i = 0; i < COUNT; i++) {
        all[i] = minting_of(ids[i], "a");
        start_mint(&all[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        test_run_until(&fixture.loop, &all[i].is_done);
        made += all[i].status == GW_OK;
        assert_true(all[i].status == GW_OK || all[i].outcome.refusal == DB_EXCHANGE_REPLAYED);
    }
    assert_int_equal(made, 1);
}

static void assert_live_mint(const char *id, enum db_exchange_refusal refusal) {
    struct minting minting = minting_of(id, "a");
    minting.mint.live_max = 2;
    assert_mint(minting, refusal);
}

static void test_an_identity_has_as_many_live_tokens_as_it_may(void **state) {
    (void)state;
    assert_live_mint("t1", DB_EXCHANGE_MADE);
    assert_live_mint("t2", DB_EXCHANGE_MADE);
    assert_live_mint("t3", DB_EXCHANGE_REPLAYED);
    EXECUTE("update skillreg.api_token set revoked_at = now(), revoked_by = 'operator'"
            " where id = 't1'");
    assert_live_mint("t3", DB_EXCHANGE_MADE);
    EXECUTE("update skillreg.api_token set expires_at = now() where id = 't2'");
    assert_live_mint("t4", DB_EXCHANGE_MADE);
    assert_live_mint("t5", DB_EXCHANGE_REPLAYED);
}

static void test_a_rule_that_is_gone_or_narrower_gives_nothing(void **state) {
    (void)state;
    struct minting wider = minting_of("t1", "a");
    wider.mint.scopes = GW_SCOPE_ADMIN;
    assert_mint(wider, DB_EXCHANGE_RULE_GONE);
    struct minting longer = minting_of("t1", "a");
    longer.mint.life_s = 901;
    assert_mint(longer, DB_EXCHANGE_RULE_GONE);
    struct minting unknown = minting_of("t1", "a");
    unknown.mint.rule_id = GW_STR("rule9");
    assert_mint(unknown, DB_EXCHANGE_RULE_GONE);
    EXECUTE("update skillreg.organisation set deleted_at = now() where id = 'org1'");
    assert_mint(minting_of("t1", "a"), DB_EXCHANGE_RULE_GONE);
    EXECUTE("update skillreg.organisation set deleted_at = null where id = 'org1';"
            "select skillreg.trust_remove('org1', 'rule1', 'operator', null, 1000)");
    assert_mint(minting_of("t1", "a"), DB_EXCHANGE_RULE_GONE);
    assert_int_equal(NUMBER("select count(*) from skillreg.exchanged_identity"), 0);
}

static void test_a_rule_gives_so_many_a_minute(void **state) {
    (void)state;
    EXECUTE("update skillreg.trust_rule set exchanges_per_minute = 2");
    assert_mint(minting_of("t1", "a"), DB_EXCHANGE_MADE);
    assert_mint(minting_of("t2", "b"), DB_EXCHANGE_MADE);
    struct minting third = minting_of("t3", "c");
    assert_int_equal(finish_mint(&third), GW_DENIED);
    assert_int_equal(third.outcome.refusal, DB_EXCHANGE_TOO_MANY);
    assert_in_range(third.outcome.retry_after_s, 29, 30);
    EXECUTE("update skillreg.trust_use set budget_at = budget_at - interval '30 seconds'");
    assert_mint(minting_of("t3", "c"), DB_EXCHANGE_MADE);
    assert_mint(minting_of("t4", "d"), DB_EXCHANGE_TOO_MANY);
}

// The request that comes again, with the token that is to be replaced, if any.
static struct minting again(const char *id, const char *instead_of) {
    struct minting minting = minting_of(id, "a");
    minting.mint.request.key = GW_STR("key-1");
    memset(minting.mint.request.body_digest, 'b', DB_DIGEST_LENGTH);
    if (instead_of != NULL)
        minting.mint.request.instead_of = gw_str_from(instead_of);
    return minting;
}

static void test_a_lost_answer_is_asked_for_again(void **state) {
    (void)state;
    assert_mint(again("t1", NULL), DB_EXCHANGE_MADE);
    assert_mint(again("t2", NULL), DB_EXCHANGE_IN_PROGRESS);
    assert_mint(minting_of("t2", "a"), DB_EXCHANGE_REPLAYED);
    EXECUTE("update skillreg.exchanged_identity set at = at - interval '3 seconds'");
    struct minting other = again("t2", NULL);
    memset(other.mint.request.body_digest, 'c', DB_DIGEST_LENGTH);
    assert_mint(other, DB_EXCHANGE_OTHER_BODY);
    struct minting second = again("t2", NULL);
    assert_int_equal(finish_mint(&second), GW_DENIED);
    assert_int_equal(second.outcome.refusal, DB_EXCHANGE_MAY_REPEAT);
    assert_string_equal(second.earlier_id, "t1");
    struct minting third = again("t2", "t1");
    assert_int_equal(finish_mint(&third), GW_OK);
    assert_true(third.outcome.superseded.is_there);
    assert_int_equal(third.outcome.superseded.digest[0], '1');
    assert_int_equal(third.outcome.superseded.event_seq,
                     NUMBER("select seq from skillreg.token_event where kind = 2"));
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where action = 'revoke'"
                            " and by_rule and actor_token_id = 'rule1'"),
                     1);
    EXECUTE("update skillreg.exchanged_identity set at = at - interval '3 seconds';"
            "update skillreg.api_token set last_used_at = now() where id = 't2'");
    assert_mint(again("t3", "t2"), DB_EXCHANGE_MADE_BEFORE);
}

static void test_what_is_old_goes_without_an_event(void **state) {
    (void)state;
    assert_mint(minting_of("t1", "a"), DB_EXCHANGE_MADE);
    assert_mint(minting_of("t2", "b"), DB_EXCHANGE_MADE);
    assert_mint(minting_of("t3", "c"), DB_EXCHANGE_MADE);
    assert_mint(minting_of("t4", "d"), DB_EXCHANGE_MADE);
    EXECUTE("update skillreg.api_token set revoked_at = now(), revoked_by = 'operator'"
            " where id = 't2';"
            // t4 was given another end, which the audit does not have yet.
            "update skillreg.api_token set expires_at = now() - interval '25 hours',"
            " noted_end = case id when 't4' then null else now() - interval '25 hours' end"
            " where id <> 't3';"
            "update skillreg.exchanged_identity set until = now() - interval '1 second'"
            " where token_id <> 't3'");
    long events = NUMBER("select max(seq) from skillreg.token_event");
    assert_int_equal(NUMBER("select skillreg.exchange_prune(100)"), 3);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id in ('t3', 't4')"), 2);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token"), 2);
    assert_int_equal(NUMBER("select count(*) from skillreg.exchanged_identity"), 1);
    assert_int_equal(NUMBER("select max(seq) from skillreg.token_event"), events);
    assert_int_equal(NUMBER("select skillreg.expiry_note(100)"), 1);
    assert_int_equal(NUMBER("select skillreg.exchange_prune(100)"), 1);
}

// A removal and an exchange at once: the token is not made, or it ends.
static void test_no_token_outlives_the_removal_of_its_rule(void **state) {
    (void)state;
    enum { COUNT = 8 };
    struct minting all[COUNT];
    static const char *const ids[COUNT] = {"t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"};
    for (int i = 0; i < COUNT; i++) {
        all[i] = minting_of(ids[i], ids[i]);
        start_mint(&all[i]);
    }
    EXECUTE("select skillreg.trust_remove('org1', 'rule1', 'operator', null, 1000)");
    for (int i = 0; i < COUNT; i++) {
        test_run_until(&fixture.loop, &all[i].is_done);
        assert_true(all[i].status == GW_OK || all[i].outcome.refusal == DB_EXCHANGE_RULE_GONE);
    }
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where revoked_at is null"), 0);
}

// ---- together ----
#define SEVERAL 5

static void start_several(struct minting all[SEVERAL]) {
    static const char *const ids[SEVERAL] = {"t1", "t2", "t3", "t4", "t5"};
    for (int i = 0; i < SEVERAL; i++) {
        all[i] = minting_of(ids[i], ids[i]);
        start_mint_at(gateways[0], &all[i]);
    }
}

static uint64_t statements(void) {
    struct db_pool_stats stats;
    db_pool_stats(fixture.pool, &stats);
    return stats.queries_total;
}

static void test_those_that_wait_leave_with_one_statement(void **state) {
    (void)state;
    struct minting all[SEVERAL];
    uint64_t before = statements();
    start_several(all);
    for (int i = 0; i < SEVERAL; i++) {
        test_run_until(&fixture.loop, &all[i].is_done);
        assert_int_equal(all[i].status, GW_OK);
        assert_int_equal(all[i].mint.place, i == 0 ? 1 : i);
    }
    assert_int_equal(statements() - before, 2);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token t join skillreg.token_audit a"
                            " on a.token_id = t.id"),
                     SEVERAL);
}

// The facts of the third are no JSON, so the server refuses what it is in.
static void test_one_that_is_refused_spoils_no_other(void **state) {
    (void)state;
    struct minting all[SEVERAL];
    start_several(all);
    all[2].mint.facts = GW_STR("{");
    for (int i = 0; i < SEVERAL; i++) {
        test_run_until(&fixture.loop, &all[i].is_done);
        assert_int_equal(all[i].status, i == 2 ? GW_INVALID : GW_OK);
    }
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token"), SEVERAL - 1);
}

static void test_who_leaves_while_waiting_gets_nothing_made(void **state) {
    (void)state;
    struct minting all[SEVERAL];
    start_several(all);
    gw_list_remove(&all[0].mint.link); // under way: it is made
    gw_list_remove(&all[3].mint.link);
    test_run_until(&fixture.loop, &all[4].is_done);
    assert_false(all[0].is_done || all[3].is_done);
    assert_int_equal(all[4].status, GW_OK);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 't4'"), 0);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token"), SEVERAL - 1);
}

static void test_closing_ends_all_of_them(void **state) {
    (void)state;
    struct minting all[SEVERAL];
    start_several(all);
    db_mints_close(gateways[0]);
    for (int i = 0; i < SEVERAL; i++)
        assert_true(all[i].is_done && all[i].status == GW_UNAVAILABLE);
    struct minting late = minting_of("t6", "f");
    assert_int_equal(db_mints_add(gateways[0], &late.mint), GW_UNAVAILABLE);
}

static void test_facts_that_are_too_long_are_not_sent(void **state) {
    (void)state;
    struct minting minting = minting_of("t1", "a");
    minting.mint.facts.length = DB_EXCHANGE_FACTS_BYTES_MAX + 1;
    assert_int_equal(db_mints_add(gateways[0], &minting.mint), GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_rules_are_found_by_issuer_and_anchor),
        TEST(test_no_more_rules_are_read_than_there_is_room_for),
        TEST(test_a_token_is_made_with_its_event_and_one_row_in_the_audit),
        TEST(test_an_identity_is_exchanged_once),
        TEST(test_of_many_exchanges_at_once_one_makes_a_token),
        TEST(test_an_identity_has_as_many_live_tokens_as_it_may),
        TEST(test_a_rule_that_is_gone_or_narrower_gives_nothing),
        TEST(test_a_rule_gives_so_many_a_minute),
        TEST(test_a_lost_answer_is_asked_for_again),
        TEST(test_what_is_old_goes_without_an_event),
        TEST(test_no_token_outlives_the_removal_of_its_rule),
        TEST(test_those_that_wait_leave_with_one_statement),
        TEST(test_one_that_is_refused_spoils_no_other),
        TEST(test_who_leaves_while_waiting_gets_nothing_made),
        TEST(test_closing_ends_all_of_them),
        TEST(test_facts_that_are_too_long_are_not_sent),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
