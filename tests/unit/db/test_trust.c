// SPDX-License-Identifier: MIT
// Proves of db/trust.c, on a real PostgreSQL: a rule is made by a token that may and lives as long
// as its rules; it is listed and shown to its own organisation; removed, it ends its tokens.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/trust.h"
#include "tests/support/postgres.h"

static struct test_store fixture;

#define EXECUTE(sql) test_execute(fixture.database.url, sql)
#define NUMBER(sql) test_number(fixture.database.url, sql)

static int open_store(void **state) {
    (void)state;
    test_store_open(&fixture);
    EXECUTE("insert into skillreg.api_token"
            " (id, org_id, name, prefix, digest, scopes, created_by)"
            " select n, 'org1', n, 'sr_live_a1b2', sha256(n::bytea),"
            "   case n when 'reader' then 1 else 4 end, 'operator'"
            " from unnest(array['boss', 'ending', 'bound', 'binding', 'minted', 'reader']) n;"
            "update skillreg.api_token set expires_at = now() + interval '1 hour'"
            " where id in ('ending', 'minted');"
            "update skillreg.api_token set allowed_ips = '{10.0.0.0/8}' where id = 'bound';"
            "update skillreg.api_token set binds_children = true where id = 'binding';"
            "update skillreg.api_token set is_minted = true, created_by = 'gone'"
            " where id = 'minted'");
    return 0;
}

static int close_store(void **state) {
    (void)state;
    test_store_close(&fixture);
    return 0;
}

// ---- create ----
struct creation {
    struct db_trust_create create;
    bool is_done;
    bool is_there;
    enum gw_status status;
    int64_t created_ms;
    char id[DB_ID_LENGTH_MAX + 1];
};

static void on_created(struct db_trust_create *create, enum gw_status status,
                       const struct db_trust_made *made) {
    struct creation *creation = gw_container_of(create, struct creation, create);
    creation->is_done = true;
    creation->status = status;
    assert_int_equal(made != NULL, status == GW_OK);
    if (made == NULL)
        return;
    creation->created_ms = made->created_ms;
    creation->is_there = made->is_there;
    (void)snprintf(creation->id, sizeof(creation->id), "%.*s", GW_STR_ARG(made->id));
}

static void init_creation(struct creation *creation, const char *id, const char *by) {
    *creation =
        (struct creation){.create = {.id = gw_str_from(id),
                                     .org_id = GW_STR("org1"),
                                     .kind = GW_STR("github"),
                                     .issuer = GW_STR("https://issuer.test"),
                                     .anchor = GW_STR("repository=acme/repo"),
                                     .conditions = GW_STR("{\"repository\": [\"acme/repo\"]}"),
                                     .scopes = GW_SCOPE_WRITE,
                                     .life_s = 900,
                                     .exchanges_per_minute = 60,
                                     .created_by = gw_str_from(by),
                                     .created_from = GW_STR("10.1.2.3"),
                                     .on_done = on_created}};
}

static enum gw_status finish_creation(struct creation *creation) {
    assert_int_equal(db_trust_create_submit(fixture.pool, &creation->create), GW_OK);
    test_run_until(&fixture.loop, &creation->is_done);
    return creation->status;
}

// Each says something else.
static enum gw_status make_rule(const char *id) {
    struct creation creation;
    init_creation(&creation, id, "boss");
    creation.create.life_s = 899 + (unsigned char)id[strlen(id) - 1] - '0';
    return finish_creation(&creation);
}

// ---- what is there ----
struct listing {
    struct db_trust_list list;
    bool is_done;
    bool has_more;
    enum gw_status status;
    char ids[256];
};

static void on_listed(struct db_trust_list *list, enum gw_status status,
                      const struct db_trust_rule *rules, int count, bool has_more) {
    struct listing *listing = gw_container_of(list, struct listing, list);
    size_t used = 0;
    listing->is_done = true;
    listing->status = status;
    listing->has_more = has_more;
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(listing->ids + used, sizeof(listing->ids) - used, "%.*s ",
                                 GW_STR_ARG(rules[i].id));
}

static struct listing list_rules(const char *org_id, const char *after, uint32_t limit) {
    struct listing listing = {
        .list = {.org_id = gw_str_from(org_id), .limit = limit, .on_done = on_listed}};
    if (after != NULL)
        listing.list.after = gw_str_from(after);
    assert_int_equal(db_trust_list_start(fixture.pool, &listing.list), GW_OK);
    test_run_until(&fixture.loop, &listing.is_done);
    assert_int_equal(listing.status, GW_OK);
    return listing;
}

struct showing {
    struct db_trust_show show;
    bool is_done;
    enum gw_status status;
    void (*check)(const struct db_trust_details *details);
};

static void on_shown(struct db_trust_show *show, enum gw_status status,
                     const struct db_trust_details *details) {
    struct showing *showing = gw_container_of(show, struct showing, show);
    showing->is_done = true;
    showing->status = status;
    if (details != NULL)
        showing->check(details);
}

static enum gw_status show_rule(const char *org_id, const char *id,
                                void (*check)(const struct db_trust_details *details)) {
    struct showing showing = {
        .show = {.org_id = gw_str_from(org_id), .id = gw_str_from(id), .on_done = on_shown},
        .check = check};
    assert_int_equal(db_trust_show_start(fixture.pool, &showing.show), GW_OK);
    test_run_until(&fixture.loop, &showing.is_done);
    return showing.status;
}

// ---- remove ----
struct removal {
    struct db_trust_remove remove;
    bool is_done;
    bool has_more;
    enum gw_status status;
    int count;
    uint64_t newest_seq;
};

static void on_removed(struct db_trust_remove *remove, enum gw_status status,
                       const struct db_trust_removal *removed) {
    struct removal *removal = gw_container_of(remove, struct removal, remove);
    removal->is_done = true;
    removal->status = status;
    if (removed == NULL)
        return;
    assert_true(gw_str_equal(removed->name, GW_STR("github repository=acme/repo")));
    removal->has_more = removed->has_more;
    removal->count = removed->count;
    for (int i = 0; i < removed->count; i++)
        removal->newest_seq = removed->tokens[i].event_seq;
}

static struct removal remove_rule(const char *org_id, const char *id, const char *by) {
    struct removal removal = {.remove = {.org_id = gw_str_from(org_id),
                                         .id = gw_str_from(id),
                                         .removed_by = gw_str_from(by),
                                         .on_done = on_removed}};
    assert_int_equal(db_trust_remove_submit(fixture.pool, &removal.remove), GW_OK);
    test_run_until(&fixture.loop, &removal.is_done);
    return removal;
}

static void mint(int first, int last) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                   " created_by, expires_at, is_minted)"
                   " select 'm' || n, 'org1', 'run', 'sr_live_a1b2', sha256(n::text::bytea), 1,"
                   " 'rule1', now() + interval '15 minutes', true from generate_series(%d, %d) n",
                   first, last);
    EXECUTE(sql);
}

// ---- tests ----

static void test_a_token_without_limits_makes_a_rule(void **state) {
    (void)state;
    static const struct {
        const char *by;
        enum gw_status status;
        enum db_refusal refusal;
    } cases[] = {
        {"boss", GW_OK, DB_REFUSAL_NONE},
        {"operator", GW_OK, DB_REFUSAL_NONE},
        {"reader", GW_DENIED, DB_REFUSAL_NOT_ADMIN},
        {"nobody", GW_DENIED, DB_REFUSAL_NOT_LIVE},
        {"ending", GW_DENIED, DB_REFUSAL_MAKER_ENDS},
        {"bound", GW_DENIED, DB_REFUSAL_MAKER_BOUND},
        {"binding", GW_DENIED, DB_REFUSAL_MAKER_BOUND},
        {"minted", GW_DENIED, DB_REFUSAL_MAKER_MINTED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct creation creation;
        char id[16];
        (void)snprintf(id, sizeof(id), "rule%zu", i);
        init_creation(&creation, id, cases[i].by);
        creation.create.life_s += (uint32_t)i;
        assert_int_equal(finish_creation(&creation), cases[i].status);
        assert_int_equal(creation.create.refusal, cases[i].refusal);
        assert_int_equal(creation.created_ms > 0, cases[i].status == GW_OK);
    }
    assert_int_equal(NUMBER("select count(*) from skillreg.trust_rule"), 2);
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where action = 'trust'"
                            " and token_name = 'github repository=acme/repo'"
                            " and facts->'conditions'->'repository'->>0 = 'acme/repo'"),
                     2);
}

static void test_a_rule_that_says_the_same_is_there_already(void **state) {
    (void)state;
    struct creation creation;
    assert_int_equal(make_rule("rule1"), GW_OK);
    init_creation(&creation, "rule2", "boss");
    creation.create.conditions = GW_STR("{\"repository\":[\"acme/repo\"]}");
    assert_int_equal(finish_creation(&creation), GW_OK);
    assert_true(creation.is_there);
    assert_string_equal(creation.id, "rule1");
    init_creation(&creation, "rule2", "boss");
    creation.create.life_s = 901;
    assert_int_equal(finish_creation(&creation), GW_OK);
    assert_false(creation.is_there);
    assert_string_equal(creation.id, "rule2");
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where action = 'trust'"), 2);
}

static void test_admin_is_given_by_the_operator_alone(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "rule1", "boss");
    creation.create.scopes = GW_SCOPE_ADMIN;
    assert_int_equal(finish_creation(&creation), GW_DENIED);
    assert_int_equal(creation.create.refusal, DB_REFUSAL_ADMIN_BY_OPERATOR);
    init_creation(&creation, "rule1", DB_OPERATOR);
    creation.create.scopes = GW_SCOPE_ADMIN;
    assert_int_equal(finish_creation(&creation), GW_OK);
}

static void test_rules_of_an_organisation_and_of_an_anchor_are_bounded(void **state) {
    (void)state;
    struct creation creation;
    char sql[512];
    static const struct {
        const char *anchor;
        int count;
    } full[] = {{"'repository=acme/repo'", DB_TRUST_ANCHOR_RULES_MAX},
                {"'a' || n", DB_TRUST_RULES_MAX}};
    for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++) {
        (void)snprintf(sql, sizeof(sql),
                       "delete from skillreg.trust_rule; insert into skillreg.trust_rule"
                       " select 'r' || n, 'org1', 'github', 'https://issuer.test', %s, '{}', 1,"
                       " 900, null, 60, now(), 'operator' from generate_series(1, %d) n",
                       full[i].anchor, full[i].count);
        EXECUTE(sql);
        init_creation(&creation, "onemore", "boss");
        assert_int_equal(finish_creation(&creation), GW_DENIED);
        assert_int_equal(creation.create.refusal, DB_REFUSAL_TOO_MANY_RULES);
        EXECUTE("update skillreg.trust_rule set removed_at = now(), removed_by = 'operator'"
                " where id = 'r1'");
        assert_int_equal(make_rule("onemore"), GW_OK);
        EXECUTE("delete from skillreg.trust_use");
    }
}

static void test_rules_are_listed_newest_first_from_behind_any(void **state) {
    (void)state;
    assert_int_equal(make_rule("rule1"), GW_OK);
    assert_int_equal(make_rule("rule2"), GW_OK);
    assert_int_equal(make_rule("rule3"), GW_OK);
    EXECUTE(
        "update skillreg.trust_rule set created_at = now() + right(id, 1)::int * interval '1s'");
    struct listing first = list_rules("org1", NULL, 2);
    assert_string_equal(first.ids, "rule3 rule2 ");
    assert_true(first.has_more);
    assert_int_equal(remove_rule("org1", "rule2", "boss").status, GW_OK);
    struct listing rest = list_rules("org1", "rule2", 2);
    assert_string_equal(rest.ids, "rule1 ");
    assert_false(rest.has_more);
    assert_string_equal(list_rules("org2", NULL, 2).ids, "");
}

static void check_details(const struct db_trust_details *details) {
    const struct db_trust_rule *rule = &details->rule;
    assert_true(gw_str_equal(rule->org_slug, GW_STR("acme")));
    assert_true(gw_str_equal(rule->issuer, GW_STR("https://issuer.test")));
    assert_true(gw_str_equal(rule->conditions, GW_STR("{\"repository\": [\"acme/repo\"]}")));
    assert_int_equal(rule->scopes, GW_SCOPE_WRITE);
    assert_int_equal(rule->life_s, 900);
    assert_int_equal(rule->exchanges_per_minute, 60);
    assert_int_equal(rule->allowed_ip_count, 1);
    assert_true(gw_str_equal(rule->created_by.name, GW_STR("boss")));
    assert_true(gw_str_equal(rule->created_from, GW_STR("10.1.2.3")));
    assert_int_equal(details->live_tokens, 2);
    assert_int_equal(details->exchanges, 0);
    assert_true(details->last_exchange_ms == DB_NO_TIME);
}

static void test_a_rule_is_shown_to_its_organisation(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "rule1", "boss");
    assert_int_equal(finish_creation(&creation), GW_OK);
    EXECUTE("update skillreg.trust_rule set allowed_ips = '{10.0.0.0/8}'");
    mint(1, 3);
    EXECUTE("update skillreg.api_token set expires_at = now() where id = 'm3'");
    assert_int_equal(show_rule("org1", "rule1", check_details), GW_OK);
    assert_int_equal(show_rule("org2", "rule1", check_details), GW_NOT_FOUND);
    assert_int_equal(show_rule("org1", "rule2", check_details), GW_NOT_FOUND);
}

static void test_a_removed_rule_ends_its_tokens_in_batches(void **state) {
    (void)state;
    assert_int_equal(make_rule("rule1"), GW_OK);
    mint(1, DB_TRUST_REMOVE_ROWS_MAX + 1);
    struct removal first = remove_rule("org1", "rule1", "boss");
    assert_int_equal(first.status, GW_OK);
    assert_int_equal(first.count, DB_TRUST_REMOVE_ROWS_MAX);
    assert_true(first.has_more);
    struct removal second = remove_rule("org1", "rule1", "boss");
    assert_int_equal(second.count, 1);
    assert_true(second.has_more); // until none is left
    assert_int_equal(second.newest_seq, NUMBER("select max(seq) from skillreg.token_event"));
    assert_int_equal(remove_rule("org1", "rule1", "boss").status, GW_NOT_FOUND);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token"
                            " where created_by = 'rule1' and revoked_at is null"),
                     0);
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where action = 'untrust'"),
                     1);
    assert_string_equal(list_rules("org1", NULL, 2).ids, "");
}

static void test_a_rule_is_removed_by_an_admin_of_its_organisation(void **state) {
    (void)state;
    assert_int_equal(make_rule("rule1"), GW_OK);
    struct removal by_reader = remove_rule("org1", "rule1", "reader");
    assert_int_equal(by_reader.status, GW_DENIED);
    assert_int_equal(by_reader.remove.refusal, DB_REFUSAL_NOT_ADMIN);
    EXECUTE("insert into skillreg.organisation (id, slug, name) values ('org2', 'other', 'O')");
    assert_int_equal(remove_rule("org2", "rule1", DB_OPERATOR).status, GW_NOT_FOUND);
    assert_int_equal(remove_rule("org1", "rule1", DB_OPERATOR).status, GW_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_a_token_without_limits_makes_a_rule),
        TEST(test_a_rule_that_says_the_same_is_there_already),
        TEST(test_admin_is_given_by_the_operator_alone),
        TEST(test_rules_of_an_organisation_and_of_an_anchor_are_bounded),
        TEST(test_rules_are_listed_newest_first_from_behind_any),
        TEST(test_a_rule_is_shown_to_its_organisation),
        TEST(test_a_removed_rule_ends_its_tokens_in_batches),
        TEST(test_a_rule_is_removed_by_an_admin_of_its_organisation),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
