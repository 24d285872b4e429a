// SPDX-License-Identifier: MIT
// Proves of db/device_login.c, on a real PostgreSQL: a login is begun, approved and picked up once;
// it ends by itself; it gives nothing that its approver could not give at that moment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/device_login.h"
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
            " from unnest(array['boss', 'ending', 'binding', 'reader']) n;"
            "update skillreg.api_token set expires_at = now() + interval '1 hour'"
            " where id = 'ending';"
            "update skillreg.api_token set binds_children = true, allowed_ips = '{10.0.0.0/8}'"
            " where id = 'binding'");
    return 0;
}

static int close_store(void **state) {
    (void)state;
    test_store_close(&fixture);
    return 0;
}

// A code is one character here; its digest is that of no code.
static void put_digest(unsigned char digest[DB_DIGEST_LENGTH], char code) {
    memset(digest, code, DB_DIGEST_LENGTH);
}

// ---- the steps ----

struct starting {
    struct db_device_login_start call;
    bool is_done;
    enum db_device_start_outcome outcome;
    int64_t expires_ms;
};

static void on_started(struct db_device_login_start *call, enum gw_status status,
                       enum db_device_start_outcome outcome, int64_t expires_ms) {
    struct starting *starting = gw_container_of(call, struct starting, call);
    assert_int_equal(status, GW_OK);
    starting->is_done = true;
    starting->outcome = outcome;
    starting->expires_ms = expires_ms;
}

static struct starting start_from(char device, char user, const char *address) {
    struct starting starting = {
        .call = {.user_agent = GW_STR("skillreg/1.2"), .on_done = on_started}};
    put_digest(starting.call.device_digest, device);
    put_digest(starting.call.user_digest, user);
    if (address != NULL)
        starting.call.requested_from = gw_str_from(address);
    assert_int_equal(db_device_login_start(fixture.pool, &starting.call), GW_OK);
    test_run_until(&fixture.loop, &starting.is_done);
    return starting;
}

static void start(char device, char user) {
    assert_int_equal(start_from(device, user, "10.1.2.3").outcome, DB_DEVICE_STARTED);
}

struct showing {
    struct db_device_login_show call;
    bool is_done;
    enum gw_status status;
    char who[320];
    int64_t requested_ms, expires_ms;
};

static void on_shown(struct db_device_login_show *call, enum gw_status status,
                     const struct db_device_login *login) {
    struct showing *showing = gw_container_of(call, struct showing, call);
    showing->is_done = true;
    showing->status = status;
    assert_int_equal(login != NULL, status == GW_OK);
    if (login == NULL)
        return;
    (void)snprintf(showing->who, sizeof(showing->who), "%.*s %.*s",
                   GW_STR_ARG(login->requested_from), GW_STR_ARG(login->user_agent));
    showing->requested_ms = login->requested_ms;
    showing->expires_ms = login->expires_ms;
}

static struct showing show(char user) {
    struct showing showing = {.call = {.on_done = on_shown}};
    put_digest(showing.call.user_digest, user);
    assert_int_equal(db_device_login_show(fixture.pool, &showing.call), GW_OK);
    test_run_until(&fixture.loop, &showing.is_done);
    return showing;
}

struct approving {
    struct db_device_login_approve call;
    bool is_done;
    enum gw_status status;
    int64_t expires_ms;
    char requested_from[64];
};

static void on_approved(struct db_device_login_approve *call, enum gw_status status,
                        int64_t expires_ms, struct gw_str requested_from) {
    struct approving *approving = gw_container_of(call, struct approving, call);
    approving->is_done = true;
    approving->status = status;
    approving->expires_ms = expires_ms;
    (void)snprintf(approving->requested_from, sizeof(approving->requested_from), "%.*s",
                   GW_STR_ARG(requested_from));
}

static void init_approving(struct approving *approving, char user, const char *by) {
    *approving = (struct approving){.call = {.org_id = GW_STR("org1"),
                                             .approved_by = gw_str_from(by),
                                             .approved_from = GW_STR("10.9.9.9"),
                                             .token_id = GW_STR("given"),
                                             .token_name = GW_STR("Ada"),
                                             .description = GW_STR("Ada <ada@example.org>"),
                                             .scopes = GW_SCOPE_READ,
                                             .expires_ms = DB_NO_TIME,
                                             .on_done = on_approved}};
    put_digest(approving->call.user_digest, user);
}

static enum gw_status finish_approving(struct approving *approving) {
    assert_int_equal(db_device_login_approve(fixture.pool, &approving->call), GW_OK);
    test_run_until(&fixture.loop, &approving->is_done);
    return approving->status;
}

static enum gw_status approve(char user, const char *by) {
    struct approving approving;
    init_approving(&approving, user, by);
    return finish_approving(&approving);
}

struct looking {
    struct db_device_login_look call;
    bool is_done;
    enum gw_status status;
    bool is_approved;
};

static void on_looked(struct db_device_login_look *call, enum gw_status status, bool is_approved) {
    struct looking *looking = gw_container_of(call, struct looking, call);
    looking->is_done = true;
    looking->status = status;
    looking->is_approved = is_approved;
}

static struct looking look(char device) {
    struct looking looking = {.call = {.on_done = on_looked}};
    put_digest(looking.call.device_digest, device);
    assert_int_equal(db_device_login_look(fixture.pool, &looking.call), GW_OK);
    test_run_until(&fixture.loop, &looking.is_done);
    return looking;
}

struct collecting {
    struct db_device_login_collect call;
    bool is_done;
    enum gw_status status;
};

static void on_collected(struct db_device_login_collect *call, enum gw_status status) {
    struct collecting *collecting = gw_container_of(call, struct collecting, call);
    collecting->is_done = true;
    collecting->status = status;
}

static void submit_collecting(struct collecting *collecting, char device, char secret) {
    *collecting = (struct collecting){.call = {.prefix = GW_STR("sr_live_c3d4"),
                                               .collected_from = GW_STR("10.1.2.3"),
                                               .on_done = on_collected}};
    put_digest(collecting->call.device_digest, device);
    put_digest(collecting->call.digest, secret);
    assert_int_equal(db_device_login_collect(fixture.pool, &collecting->call), GW_OK);
}

static enum gw_status collect(char device) {
    struct collecting collecting;
    submit_collecting(&collecting, device, (char)(device + 100));
    test_run_until(&fixture.loop, &collecting.is_done);
    return collecting.status;
}

// ---- the way of one ----

static void test_a_login_is_begun_approved_and_picked_up_once(void **state) {
    (void)state;
    start('d', 'u');
    assert_int_equal(look('d').status, GW_OK);
    assert_false(look('d').is_approved);
    struct showing shown = show('u');
    assert_int_equal(shown.status, GW_OK);
    assert_string_equal(shown.who, "10.1.2.3 skillreg/1.2");
    assert_int_equal(shown.expires_ms - shown.requested_ms, DB_DEVICE_LOGIN_S * 1000);
    struct approving approving;
    init_approving(&approving, 'u', "boss");
    assert_int_equal(finish_approving(&approving), GW_OK);
    assert_string_equal(approving.requested_from, "10.1.2.3");
    assert_true(look('d').is_approved);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 'given'"), 0);
    assert_int_equal(collect('d'), GW_OK);
    assert_int_equal(look('d').status, GW_NOT_FOUND);
    assert_int_equal(collect('d'), GW_NOT_FOUND);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 'given'"
                            " and created_by = 'boss' and scopes = 1 and name = 'Ada'"
                            " and description = 'Ada <ada@example.org>' and revoked_at is null"
                            " and digest = decode(repeat('c8', 32), 'hex')"
                            " and expires_at between now() + interval '11 h 59 min'"
                            "                    and now() + interval '12 h'"),
                     1);
    assert_int_equal(NUMBER("select count(*) from skillreg.device_login"), 0);
}

static void test_it_is_audited(void **state) {
    (void)state;
    start('d', 'u');
    assert_int_equal(approve('u', "boss"), GW_OK);
    assert_int_equal(collect('d'), GW_OK);
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where token_id = 'given'"
                            " and action = 'approve' and actor_token_id = 'boss'"
                            " and address = '10.9.9.9' and facts ->> 'requestedFrom' = '10.1.2.3'"
                            " and facts ->> 'userAgent' = 'skillreg/1.2'"
                            " and facts ->> 'scopes' = '[\"read\"]'"),
                     1);
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where token_id = 'given'"
                            " and action = 'create' and actor_token_id = 'boss'"
                            " and address = '10.1.2.3'"),
                     1);
}

static void test_what_is_not_approved_is_not_picked_up(void **state) {
    (void)state;
    start('d', 'u');
    assert_int_equal(collect('d'), GW_NOT_FOUND);
    assert_int_equal(look('d').status, GW_OK); // and goes on waiting
    assert_int_equal(look('x').status, GW_NOT_FOUND);
    assert_int_equal(collect('x'), GW_NOT_FOUND);
}

// ---- approvals ----

static void test_a_code_is_for_one_approval(void **state) {
    (void)state;
    start('d', 'u');
    assert_int_equal(approve('x', "boss"), GW_NOT_FOUND);
    assert_int_equal(approve('u', "boss"), GW_OK);
    assert_int_equal(approve('u', "boss"), GW_NOT_FOUND);
    assert_int_equal(approve('u', "ending"), GW_NOT_FOUND);
    assert_int_equal(show('u').status, GW_NOT_FOUND);
    assert_int_equal(NUMBER("select count(*) from skillreg.token_audit where action = 'approve'"),
                     1);
}

static void test_only_an_admin_approves(void **state) {
    (void)state;
    struct approving approving;
    start('d', 'u');
    init_approving(&approving, 'u', "reader");
    assert_int_equal(finish_approving(&approving), GW_DENIED);
    assert_int_equal(approving.call.refusal, DB_REFUSAL_NOT_ADMIN);
    EXECUTE("update skillreg.api_token set revoked_at = now(), revoked_by = 'operator'"
            " where id = 'boss'");
    init_approving(&approving, 'u', "boss");
    assert_int_equal(finish_approving(&approving), GW_DENIED);
    assert_int_equal(approving.call.refusal, DB_REFUSAL_NOT_LIVE);
    assert_int_equal(show('u').status, GW_OK);
}

static void test_no_token_outlives_its_approver(void **state) {
    (void)state;
    struct approving approving;
    start('d', 'u');
    init_approving(&approving, 'u', "ending");
    approving.call.expires_ms = 4102444800000;
    assert_int_equal(finish_approving(&approving), GW_DENIED);
    assert_int_equal(approving.call.refusal, DB_REFUSAL_ENDS_TOO_LATE);
    assert_int_not_equal(approving.expires_ms, DB_NO_TIME);
    assert_int_equal(approve('u', "ending"), GW_OK);
    EXECUTE("update skillreg.api_token set expires_at = now() + interval '5 min'"
            " where id = 'ending'"); // earlier by now
    assert_int_equal(collect('d'), GW_OK);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token t, skillreg.api_token m"
                            " where t.id = 'given' and m.id = 'ending'"
                            " and t.expires_at = m.expires_at"),
                     1);
}

// ---- what became of the approver meanwhile ----

static void assert_nothing_after(const char *sql) {
    start('d', 'u');
    assert_int_equal(approve('u', "boss"), GW_OK);
    EXECUTE(sql);
    assert_int_not_equal(collect('d'), GW_OK);
    assert_int_equal(look('d').status, GW_NOT_FOUND);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 'given'"), 0);
}

static void test_of_a_revoked_approver_nothing_comes(void **state) {
    (void)state;
    assert_nothing_after("update skillreg.api_token set revoked_at = now(),"
                         " revoked_by = 'operator' where id = 'boss'");
}

static void test_of_a_narrowed_approver_nothing_comes(void **state) {
    (void)state;
    assert_nothing_after("update skillreg.api_token set scopes = 3 where id = 'boss'");
}

static void test_of_an_expired_approver_nothing_comes(void **state) {
    (void)state;
    assert_nothing_after("update skillreg.api_token set expires_at = now() where id = 'boss'");
}

static void test_of_a_deleted_organisation_nothing_comes(void **state) {
    (void)state;
    start('d', 'u');
    assert_int_equal(approve('u', "boss"), GW_OK);
    EXECUTE("update skillreg.organisation set deleted_at = now()");
    assert_int_equal(collect('d'), GW_NOT_FOUND);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 'given'"), 0);
}

static void test_a_child_of_a_binding_approver_is_bound(void **state) {
    (void)state;
    start('d', 'u');
    assert_int_equal(approve('u', "binding"), GW_OK);
    assert_int_equal(collect('d'), GW_OK);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 'given'"
                            " and allowed_ips = '{10.0.0.0/8}' and binds_children"),
                     1);
}

static void test_a_child_of_an_approver_with_a_certificate_needs_it_too(void **state) {
    (void)state;
    EXECUTE("insert into skillreg.api_token"
            " (id, org_id, name, prefix, digest, scopes, created_by, bound_san)"
            " values ('bound', 'org1', 'bound', 'sr_live_a1b2', sha256('bound'), 4, 'operator',"
            " 'spiffe://example.org/ci')");
    start('d', 'u');
    assert_int_equal(approve('u', "bound"), GW_OK);
    assert_int_equal(collect('d'), GW_OK);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 'given'"
                            " and bound_san = 'spiffe://example.org/ci'"),
                     1);
}

// ---- races ----

static void test_of_two_that_pick_up_at_once_one_gets_it(void **state) {
    (void)state;
    struct collecting both[2];
    start('d', 'u');
    assert_int_equal(approve('u', "boss"), GW_OK);
    submit_collecting(&both[0], 'd', 'p');
    submit_collecting(&both[1], 'd', 'q');
    test_run_until(&fixture.loop, &both[0].is_done);
    test_run_until(&fixture.loop, &both[1].is_done);
    assert_int_equal((both[0].status == GW_OK) + (both[1].status == GW_OK), 1);
    assert_int_equal((both[0].status == GW_NOT_FOUND) + (both[1].status == GW_NOT_FOUND), 1);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 'given'"), 1);
}

static void test_of_two_that_approve_at_once_one_does(void **state) {
    (void)state;
    struct approving both[2];
    start('d', 'u');
    init_approving(&both[0], 'u', "boss");
    init_approving(&both[1], 'u', "ending");
    both[1].call.token_id = GW_STR("other");
    assert_int_equal(db_device_login_approve(fixture.pool, &both[0].call), GW_OK);
    assert_int_equal(db_device_login_approve(fixture.pool, &both[1].call), GW_OK);
    test_run_until(&fixture.loop, &both[0].is_done);
    test_run_until(&fixture.loop, &both[1].is_done);
    assert_int_equal((both[0].status == GW_OK) + (both[1].status == GW_OK), 1);
    assert_int_equal((both[0].status == GW_NOT_FOUND) + (both[1].status == GW_NOT_FOUND), 1);
}

// ---- ends and bounds ----

static void test_an_expired_login_is_over_and_goes(void **state) {
    (void)state;
    start('d', 'u');
    start('e', 'v');
    start('f', 'w');
    assert_int_equal(approve('v', "boss"), GW_OK);
    EXECUTE("update skillreg.device_login set expires_at = now() - interval '1 s'"
            " where user_digest <> decode(repeat('77', 32), 'hex')");
    assert_int_equal(look('d').status, GW_NOT_FOUND);
    assert_int_equal(show('u').status, GW_NOT_FOUND);
    assert_int_equal(approve('u', "boss"), GW_NOT_FOUND);
    assert_int_equal(look('e').status, GW_NOT_FOUND);
    assert_int_equal(NUMBER("select skillreg.device_login_prune(1)"), 1);
    assert_int_equal(NUMBER("select skillreg.device_login_prune(10)"), 1);
    assert_int_equal(look('f').status, GW_OK);
}

static void test_what_expires_while_it_is_picked_up_gives_nothing(void **state) {
    (void)state;
    start('d', 'u');
    assert_int_equal(approve('u', "boss"), GW_OK);
    EXECUTE("update skillreg.device_login set expires_at = now() - interval '1 s'");
    assert_int_equal(collect('d'), GW_NOT_FOUND);
    assert_int_equal(NUMBER("select count(*) from skillreg.api_token where id = 'given'"), 0);
}

static void test_a_code_that_is_taken_is_said_so(void **state) {
    (void)state;
    start('d', 'u');
    assert_int_equal(start_from('e', 'u', "10.1.2.3").outcome, DB_DEVICE_TAKEN);
    assert_int_equal(start_from('e', 'v', NULL).outcome, DB_DEVICE_STARTED);
}

// Rows of one address (IPv6: of one /64), or of many.
static void fill(const char *net, int count) {
    char sql[640];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.device_login (device_digest, user_digest, requested_at,"
                   " expires_at, requested_net) select sha256(i::text::bytea),"
                   " sha256(('u' || i)::bytea), date_trunc('milliseconds', now()),"
                   " date_trunc('milliseconds', now()) + interval '5 min', %s"
                   " from generate_series(1, %d) i",
                   net, count);
    EXECUTE(sql);
}

static void test_an_address_has_its_share_of_logins(void **state) {
    (void)state;
    fill("'2001:db8::/64'::inet", DB_DEVICE_LOGINS_HERE_MAX);
    struct starting starting = start_from('d', 'u', "2001:db8::1");
    assert_int_equal(starting.outcome, DB_DEVICE_TOO_MANY_HERE);
    assert_int_not_equal(starting.expires_ms, DB_NO_TIME);
    assert_int_equal(start_from('d', 'u', "2001:db8:0:1::1").outcome, DB_DEVICE_STARTED);
    EXECUTE("update skillreg.device_login set expires_at = now() - interval '1 s'"
            " where device_digest = sha256('1')");
    assert_int_equal(start_from('e', 'v', "2001:db8::2").outcome, DB_DEVICE_STARTED);
    assert_int_equal(start_from('f', 'w', "2001:db8::2").outcome, DB_DEVICE_TOO_MANY_HERE);
}

static void test_all_together_are_bounded(void **state) {
    (void)state;
    fill("'10.0.0.0'::inet + i", DB_DEVICE_LOGINS_MAX);
    struct starting starting = start_from('d', 'u', "192.0.2.1");
    assert_int_equal(starting.outcome, DB_DEVICE_TOO_MANY);
    assert_int_not_equal(starting.expires_ms, DB_NO_TIME);
    EXECUTE("delete from skillreg.device_login where device_digest = sha256('1')");
    assert_int_equal(start_from('d', 'u', "192.0.2.1").outcome, DB_DEVICE_STARTED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_store, close_store)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_login_is_begun_approved_and_picked_up_once),
        TEST(test_it_is_audited),
        TEST(test_what_is_not_approved_is_not_picked_up),
        TEST(test_a_code_is_for_one_approval),
        TEST(test_only_an_admin_approves),
        TEST(test_no_token_outlives_its_approver),
        TEST(test_of_a_revoked_approver_nothing_comes),
        TEST(test_of_a_narrowed_approver_nothing_comes),
        TEST(test_of_an_expired_approver_nothing_comes),
        TEST(test_of_a_deleted_organisation_nothing_comes),
        TEST(test_a_child_of_a_binding_approver_is_bound),
        TEST(test_a_child_of_an_approver_with_a_certificate_needs_it_too),
        TEST(test_of_two_that_pick_up_at_once_one_gets_it),
        TEST(test_of_two_that_approve_at_once_one_does),
        TEST(test_an_expired_login_is_over_and_goes),
        TEST(test_what_expires_while_it_is_picked_up_gives_nothing),
        TEST(test_a_code_that_is_taken_is_said_so),
        TEST(test_an_address_has_its_share_of_logins),
        TEST(test_all_together_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
