// SPDX-License-Identifier: MIT
// Proves of db/tokens.c, on a real PostgreSQL: what is made is stored as asked; a rotation makes
// one successor; a change judges its actor.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/tokens.h"
#include "tests/support/postgres.h"
#include "token/limits.h"

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

// ---- create ----

struct creation {
    struct db_token_create create;
    bool is_done;
    enum gw_status status;
    int64_t created_ms;
    int64_t expires_ms;
    bool binds_children;
    bool rotates_itself;
    int allowed_ip_count;
    char earlier_id[DB_ID_LENGTH_MAX + 1]; // empty without one
};

static void on_created(struct db_token_create *create, enum gw_status status,
                       const struct db_token_row *made) {
    struct creation *creation = gw_container_of(create, struct creation, create);
    assert_false(creation->is_done);
    creation->is_done = true;
    creation->status = status;
    assert_int_equal(made != NULL, status == GW_OK);
    (void)snprintf(creation->earlier_id, sizeof(creation->earlier_id), "%.*s",
                   GW_STR_ARG(create->earlier.id));
    if (made == NULL)
        return;
    creation->rotates_itself = made->rotates_itself;
    creation->created_ms = made->created_ms;
    creation->expires_ms = made->expires_ms;
    creation->binds_children = made->binds_children;
    creation->allowed_ip_count = made->allowed_ip_count;
}

static void init_creation(struct creation *creation, const char *id) {
    memset(creation, 0, sizeof(*creation));
    creation->create.org_id = GW_STR("org1");
    creation->create.id = gw_str_from(id);
    creation->create.name = GW_STR("ci-deploy");
    creation->create.prefix = GW_STR("sr_live_a1b2");
    creation->create.scopes = GW_SCOPE_READ | GW_SCOPE_WRITE;
    creation->create.expires_ms = DB_NO_TIME;
    creation->create.created_by = GW_STR("operator");
    memset(creation->create.digest, id[strlen(id) - 1], DB_DIGEST_LENGTH);
    creation->create.on_done = on_created;
}

static enum gw_status run_creation(struct creation *creation) {
    creation->is_done = false;
    assert_int_equal(db_tokens_create(fixture.pool, &creation->create), GW_OK);
    assert_false(creation->is_done); // never inside the call
    test_run_until(&fixture.loop, &creation->is_done);
    return creation->status;
}

static void make_token(const char *id) {
    struct creation creation;
    init_creation(&creation, id);
    assert_int_equal(run_creation(&creation), GW_OK);
}

static void test_create_stores_what_it_was_given(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "cltoken1");
    creation.create.name = GW_STR("d'eploy \"\xE2\x9C\x93\" %s; drop table x; --");
    creation.create.expires_ms = 4102444800123; // 2100-01-01T00:00:00.123Z
    assert_int_equal(run_creation(&creation), GW_OK);
    char row[512];
    test_value(fixture.database.url,
               "select concat_ws('|', id, org_id, name, prefix, encode(digest, 'hex'), scopes,"
               " to_char(expires_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.MS'), created_by,"
               " last_used_at is null) from skillreg.api_token",
               row, sizeof(row));
    assert_string_equal(row,
                        "cltoken1|org1|d'eploy \"\xE2\x9C\x93\" %s; drop table x; --|sr_live_a1b2|"
                        "3131313131313131313131313131313131313131313131313131313131313131|3|"
                        "2100-01-01 00:00:00.123|operator|t");
    assert_int_equal(creation.created_ms,
                     test_number(fixture.database.url, "select (extract(epoch from created_at)"
                                                       " * 1000)::int8 from skillreg.api_token"));
}

static void test_create_stores_what_a_token_is_for_and_that_it_rotates_itself(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "cltoken1");
    creation.create.description = GW_STR("for the bot");
    creation.create.rotates_itself = true;
    assert_int_equal(run_creation(&creation), GW_OK);
    assert_true(creation.rotates_itself);
    make_token("cltoken2");
    char rows[128];
    test_value(
        fixture.database.url,
        "select string_agg(concat_ws(' ', id, description, rotates_itself), ', ' order by id)"
        " from skillreg.api_token",
        rows, sizeof(rows));
    assert_string_equal(rows, "cltoken1 for the bot t, cltoken2 f");
}

static void allow(struct creation *creation, struct gw_ip_range *ranges, const char *texts) {
    struct gw_str rest = gw_str_from(texts);
    struct gw_str text;
    while (gw_str_next(&rest, ' ', &text))
        assert_int_equal(gw_ip_range_parse(text, &ranges[creation->create.allowed_ip_count++]),
                         GW_OK);
    creation->create.allowed_ips = ranges;
}

static void test_create_stores_the_addresses_that_are_allowed(void **state) {
    (void)state;
    struct creation creation;
    struct gw_ip_range ranges[GW_ALLOWED_IPS_MAX];
    init_creation(&creation, "cltoken1");
    allow(&creation, ranges, "10.0.0.0/8 192.0.2.7 2001:db8::/32");
    assert_int_equal(run_creation(&creation), GW_OK);
    char stored[256];
    test_value(fixture.database.url, "select allowed_ips from skillreg.api_token", stored,
               sizeof(stored));
    assert_string_equal(stored, "{10.0.0.0/8,192.0.2.7/32,2001:db8::/32}");
    init_creation(&creation, "cltoken2");
    for (int i = 0; i < GW_ALLOWED_IPS_MAX; i++) // as many, and as long, as there can be
        ranges[i] = ranges[2];
    creation.create.allowed_ips = ranges;
    creation.create.allowed_ip_count = GW_ALLOWED_IPS_MAX;
    assert_int_equal(run_creation(&creation), GW_OK);
    init_creation(&creation, "cltoken3");
    assert_int_equal(run_creation(&creation), GW_OK);
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"
                                                       " where allowed_ips is null"),
                     1);
}

static void test_create_twice_is_a_conflict(void **state) {
    (void)state;
    make_token("cltoken1");
    struct creation creation;
    init_creation(&creation, "cltoken1");
    assert_int_equal(run_creation(&creation), GW_CONFLICT);
    creation.create.id = GW_STR("clother"); // same digest
    assert_int_equal(run_creation(&creation), GW_CONFLICT);
}

static void test_create_without_the_organisation_is_not_found(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "cltoken1");
    creation.create.org_id = GW_STR("nobody");
    assert_int_equal(run_creation(&creation), GW_NOT_FOUND);
    test_execute(fixture.database.url, "update skillreg.organisation set deleted_at = now()");
    creation.create.org_id = GW_STR("org1");
    assert_int_equal(run_creation(&creation), GW_NOT_FOUND);
}

static void test_create_refuses_what_the_schema_refuses(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "cltoken1");
    creation.create.name = gw_str("a\0b", 3); // must not reach us, and is no crash if it does
    assert_int_equal(run_creation(&creation), GW_INVALID);
    creation.create.name = GW_STR("");
    assert_int_equal(run_creation(&creation), GW_INVALID);
    creation.create.name = GW_STR("ok");
    creation.create.scopes = 0;
    assert_int_equal(run_creation(&creation), GW_INVALID);
    creation.create.scopes = GW_SCOPE_READ;
    creation.create.expires_ms = INT64_MAX;
    assert_int_equal(db_tokens_create(fixture.pool, &creation.create), GW_INVALID);
}

// ---- rotate ----

struct turn {
    struct db_token_rotate rotate;
    const char *by;
    bool is_done;
    enum gw_status status;
    struct db_earlier_token earlier; // its id is below
    struct db_superseded_token superseded;
    unsigned char old_digest[DB_DIGEST_LENGTH];
    uint64_t old_event_seq;
    int64_t created_ms;
    int64_t expires_ms;
    int64_t old_expires_ms;
    gw_scope_set scopes;
    bool rotates_itself;
    int allowed_ip_count;
    char id[DB_ID_LENGTH_MAX + 1];
    char name[64];
};

static void on_rotated(struct db_token_rotate *rotate, enum gw_status status,
                       const struct db_token_rotation *rotation) {
    struct turn *turn = gw_container_of(rotate, struct turn, rotate);
    assert_false(turn->is_done);
    turn->is_done = true;
    turn->status = status;
    assert_int_equal(rotation != NULL, status == GW_OK);
    turn->old_event_seq = rotation != NULL ? rotation->old_event_seq : 0;
    turn->earlier = rotate->earlier;
    if (status == GW_CONFLICT)
        (void)snprintf(turn->id, sizeof(turn->id), "%.*s", GW_STR_ARG(rotate->earlier.id));
    if (rotation == NULL)
        return;
    (void)snprintf(turn->id, sizeof(turn->id), "%.*s", GW_STR_ARG(rotation->successor.id));
    turn->superseded = rotation->superseded;
    memcpy(turn->old_digest, rotation->old_digest, DB_DIGEST_LENGTH);
    turn->created_ms = rotation->successor.created_ms;
    turn->expires_ms = rotation->successor.expires_ms;
    turn->old_expires_ms = rotation->old_expires_ms;
    turn->scopes = rotation->successor.scopes;
    turn->rotates_itself = rotation->successor.rotates_itself;
    turn->allowed_ip_count = rotation->successor.allowed_ip_count;
    assert_ptr_equal(rotation->successor.allowed_ips, rotation->allowed_ips);
    assert_true(gw_str_equal(rotation->successor.prefix, GW_STR("sr_live_n3w4")));
    (void)snprintf(turn->name, sizeof(turn->name), "%.*s", GW_STR_ARG(rotation->successor.name));
}

static void start_turn(struct turn *turn, const char *id, const char *new_id) {
    turn->is_done = false;
    turn->rotate.org_id = GW_STR("org1");
    turn->rotate.id = gw_str_from(id);
    turn->rotate.new_id = gw_str_from(new_id);
    turn->rotate.new_prefix = GW_STR("sr_live_n3w4");
    memset(turn->rotate.new_digest, new_id[strlen(new_id) - 1], DB_DIGEST_LENGTH);
    turn->rotate.rotated_by = gw_str_from(turn->by);
    turn->rotate.rotated_from = GW_STR("192.0.2.7");
    turn->rotate.on_done = on_rotated;
    assert_int_equal(db_tokens_rotate(fixture.pool, &turn->rotate), GW_OK);
    assert_false(turn->is_done);
}

static struct turn new_turn(const char *key) {
    struct turn turn;
    memset(&turn, 0, sizeof(turn));
    turn.by = "operator";
    turn.rotate.overlap_s = 3600;
    turn.rotate.expires_ms = DB_NO_TIME;
    turn.rotate.request.key = key == NULL ? gw_str(NULL, 0) : gw_str_from(key);
    return turn;
}

static enum gw_status run_turn(struct turn *turn, const char *id, const char *new_id) {
    start_turn(turn, id, new_id);
    test_run_until(&fixture.loop, &turn->is_done);
    return turn->status;
}

// As if the last rotation had been answered a while ago: only then is the same one made again.
static void let_time_pass(void) {
    test_execute(fixture.database.url,
                 "update skillreg.idempotency_key set at = at - interval '3 seconds'");
}

static void test_rotate_makes_a_successor_and_lets_the_old_one_expire(void **state) {
    (void)state;
    make_token("cltoken1");
    test_execute(fixture.database.url,
                 "update skillreg.api_token set allowed_ips = '{10.0.0.0/8,::1}'");
    struct turn turn = new_turn(NULL);
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    assert_int_equal(turn.allowed_ip_count, 2);
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"
                                                       " where allowed_ips = '{10.0.0.0/8,::1}'"),
                     2);
    assert_string_equal(turn.id, "cltoken2");
    assert_string_equal(turn.name, "ci-deploy");
    assert_int_equal(turn.scopes, GW_SCOPE_READ | GW_SCOPE_WRITE);
    assert_true(turn.expires_ms == DB_NO_TIME);
    assert_true(turn.old_expires_ms == turn.created_ms + 3600 * 1000);
    assert_false(turn.superseded.is_there);
    unsigned char digest[DB_DIGEST_LENGTH];
    memset(digest, '1', sizeof(digest));
    assert_memory_equal(turn.old_digest, digest, sizeof(digest));
    assert_int_equal(turn.old_event_seq,
                     test_number(fixture.database.url,
                                 "select max(seq) from skillreg.token_event where kind = 3"));
    // Every gateway hears of both.
    assert_int_equal(test_number(fixture.database.url,
                                 "select count(*) from skillreg.token_event where (kind, token_id)"
                                 " in ((3, 'cltoken1'), (1, 'cltoken2'))"),
                     3); // one of them is of the addresses above
    char event[128];
    test_value(fixture.database.url,
               "select concat_ws(' ', action, token_id, successor_id, actor_name, host(address))"
               " from skillreg.token_audit where action = 'rotate'",
               event, sizeof(event));
    assert_string_equal(event, "rotate cltoken1 cltoken2 operator 192.0.2.7");
}

static void test_rotate_gives_the_same_length_of_life_or_the_one_asked_for(void **state) {
    (void)state;
    make_token("cltoken1");
    test_execute(fixture.database.url,
                 "update skillreg.api_token set created_at = date_trunc('milliseconds', now())"
                 " - interval '80 days', expires_at = date_trunc('milliseconds', now())"
                 " + interval '10 minutes'");
    struct turn turn = new_turn(NULL);
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    assert_true(turn.expires_ms - turn.created_ms == (80LL * 24 * 60 + 10) * 60 * 1000);
    assert_true(turn.old_expires_ms < turn.created_ms + 3600 * 1000); // never later than before
    turn = new_turn(NULL);
    turn.rotate.expires_ms = 4102444800123;
    turn.rotate.overlap_s = 0;
    assert_int_equal(run_turn(&turn, "cltoken2", "cltoken3"), GW_OK);
    assert_true(turn.expires_ms == 4102444800123);
    assert_true(turn.old_expires_ms == turn.created_ms);
}

static void test_rotate_again_tells_the_successor(void **state) {
    (void)state;
    make_token("cltoken1");
    struct turn turn = new_turn("key");
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    static const char *const keys[] = {NULL, "other"};
    for (int i = 0; i < 2; i++) {
        struct turn again = new_turn(keys[i]);
        again.rotate.request.instead_of = GW_STR("cltoken2");
        assert_int_equal(run_turn(&again, "cltoken1", "cltoken3"), GW_CONFLICT);
        assert_string_equal(again.id, "cltoken2");
        assert_false(again.earlier.may_repeat);
    }
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"),
                     2);
}

static void test_rotate_with_the_same_key_is_repeated_when_it_is_told_to(void **state) {
    (void)state;
    make_token("cltoken1");
    test_execute(fixture.database.url, "update skillreg.api_token set expires_at ="
                                       " created_at + interval '90 days'");
    struct turn first = new_turn("key");
    assert_int_equal(run_turn(&first, "cltoken1", "cltoken2"), GW_OK);
    struct turn again = new_turn("key");
    let_time_pass();
    assert_int_equal(run_turn(&again, "cltoken1", "cltoken3"), GW_CONFLICT);
    assert_true(again.earlier.may_repeat);
    assert_string_equal(again.id, "cltoken2");
    again.rotate.request.instead_of = GW_STR("cltoken2");
    assert_int_equal(run_turn(&again, "cltoken1", "cltoken3"), GW_OK);
    assert_string_equal(again.id, "cltoken3");
    assert_true(again.superseded.is_there);
    unsigned char digest[DB_DIGEST_LENGTH];
    memset(digest, '2', sizeof(digest));
    assert_memory_equal(again.superseded.digest, digest, sizeof(digest));
    assert_int_equal(again.superseded.event_seq,
                     test_number(fixture.database.url,
                                 "select max(seq) from skillreg.token_event where kind = 2"));
    assert_true(again.old_expires_ms == first.old_expires_ms); // repeating prolongs nothing
    assert_true(again.expires_ms - again.created_ms == 90LL * 24 * 3600 * 1000);
    // Who repeats it instead of a successor that is gone is told of the one that is there.
    let_time_pass();
    assert_int_equal(run_turn(&again, "cltoken1", "cltoken4"), GW_CONFLICT);
    assert_true(again.earlier.may_repeat);
    assert_string_equal(again.id, "cltoken3");
}

static void test_rotate_without_an_overlap_is_repeated_too(void **state) {
    (void)state;
    make_token("cltoken1");
    struct turn turn = new_turn("key");
    turn.rotate.overlap_s = 0;
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    int64_t old_expires_ms = turn.old_expires_ms;
    let_time_pass();
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken3"), GW_CONFLICT);
    assert_true(turn.earlier.may_repeat);
    turn.rotate.request.instead_of = GW_STR("cltoken2");
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken3"), GW_OK);
    assert_true(turn.old_expires_ms == old_expires_ms);
    turn.rotate.request.key = GW_STR("other");
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken4"), GW_NOT_FOUND);
}

static void test_rotate_is_not_repeated_once_the_successor_was_used_or_rotated(void **state) {
    (void)state;
    static const char *const fates[] = {
        "last_used_at = now()", "last_used_at = now(), revoked_at = now(), revoked_by = 'x'",
        "replaced_by = 'cltoken9'"};
    static const char *const old_ids[] = {"cla1", "clb2", "clc3"};
    static const char *const new_ids[] = {"cld4", "cle5", "clf6"};
    for (int i = 0; i < 3; i++) {
        make_token(old_ids[i]);
        struct turn turn = new_turn("key");
        assert_int_equal(run_turn(&turn, old_ids[i], new_ids[i]), GW_OK);
        char sql[256];
        (void)snprintf(sql, sizeof(sql), "update skillreg.api_token set %s where id = '%s'",
                       fates[i], new_ids[i]);
        test_execute(fixture.database.url, sql);
        let_time_pass();
        turn.rotate.request.instead_of = gw_str_from(new_ids[i]);
        assert_int_equal(run_turn(&turn, old_ids[i], "clz9"), GW_CONFLICT);
        assert_false(turn.earlier.may_repeat);
        assert_int_equal(turn.earlier.is_revoked, i == 1);
        assert_string_equal(turn.id, new_ids[i]);
    }
}

static void test_rotate_makes_another_successor_when_the_first_was_revoked_unused(void **state) {
    (void)state;
    make_token("cltoken1");
    test_execute(fixture.database.url, "update skillreg.api_token set description = 'for the bot',"
                                       " expires_at = created_at + interval '90 days'");
    struct turn turn = new_turn(NULL);
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    int64_t old_expires_ms = turn.old_expires_ms;
    test_execute(fixture.database.url, "update skillreg.api_token set revoked_at = now(),"
                                       " revoked_by = 'operator' where id = 'cltoken2'");
    turn = new_turn("key");
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken3"), GW_CONFLICT);
    assert_true(turn.earlier.may_repeat && turn.earlier.is_revoked);
    turn.rotate.request.instead_of = GW_STR("cltoken2");
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken3"), GW_OK);
    assert_false(turn.superseded.is_there); // it was revoked before
    assert_true(turn.old_expires_ms == old_expires_ms);
    assert_true(turn.expires_ms - turn.created_ms == 90LL * 24 * 3600 * 1000);
    char rows[128];
    test_value(fixture.database.url,
               "select string_agg(concat_ws(' ', id, replaces, replaced_by, description), ', '"
               " order by id) from skillreg.api_token",
               rows, sizeof(rows));
    assert_string_equal(rows, "cltoken1 cltoken3 for the bot, cltoken2 cltoken1 for the bot,"
                              " cltoken3 cltoken1 for the bot");
}

static void test_rotate_twice_at_once_one_wins(void **state) {
    (void)state;
    make_token("cltoken1");
    struct turn first = new_turn("key");
    struct turn second = new_turn("key");
    start_turn(&first, "cltoken1", "cltoken2");
    start_turn(&second, "cltoken1", "cltoken3");
    test_run_until(&fixture.loop, &first.is_done);
    test_run_until(&fixture.loop, &second.is_done);
    assert_int_equal((first.status == GW_OK) + (second.status == GW_OK), 1);
    assert_int_equal((first.status == GW_DENIED) + (second.status == GW_DENIED), 1);
    const struct turn *loser = first.status == GW_DENIED ? &first : &second;
    assert_int_equal(loser->rotate.refusal, DB_REFUSAL_IN_PROGRESS);
}

static void test_rotate_with_the_same_key_and_another_body_is_denied(void **state) {
    (void)state;
    make_token("cltoken1");
    struct turn turn = new_turn("key");
    memset(turn.rotate.request.body_digest, 1, DB_DIGEST_LENGTH);
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    memset(turn.rotate.request.body_digest, 2, DB_DIGEST_LENGTH);
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken3"), GW_DENIED);
    assert_int_equal(turn.rotate.refusal, DB_REFUSAL_OTHER_BODY);
    // The key of another who asks, or for another token, is another key.
    make_token("cladmin9");
    test_execute(fixture.database.url, "update skillreg.api_token set scopes = 4"
                                       " where id = 'cladmin9'");
    assert_int_equal(run_turn(&turn, "cladmin9", "cltoken4"), GW_OK);
}

static void test_rotate_of_what_is_not_live_here_is_not_found(void **state) {
    (void)state;
    static const char *const fates[] = {"org_id = 'org2'", "revoked_at = now(), revoked_by = 'x'",
                                        "expires_at = now()"};
    static const char *const ids[] = {"cla1", "clb2", "clc3"};
    test_execute(fixture.database.url, "insert into skillreg.organisation (id, slug, name)"
                                       " values ('org2', 'other', 'Other')");
    struct turn turn = new_turn(NULL);
    assert_int_equal(run_turn(&turn, "clnone", "clz9"), GW_NOT_FOUND);
    for (int i = 0; i < 3; i++) {
        make_token(ids[i]);
        char sql[256];
        (void)snprintf(sql, sizeof(sql), "update skillreg.api_token set %s where id = '%s'",
                       fates[i], ids[i]);
        test_execute(fixture.database.url, sql);
        assert_int_equal(run_turn(&turn, ids[i], "clz9"), GW_NOT_FOUND);
    }
    make_token("cld4");
    turn = new_turn(NULL);
    assert_int_equal(run_turn(&turn, "cld4", "cla1"), GW_INVALID); // the new id is taken
    test_execute(fixture.database.url, "update skillreg.organisation set deleted_at = now()");
    assert_int_equal(run_turn(&turn, "cld4", "clz9"), GW_NOT_FOUND);
}

// ---- who asks ----

// An admin that may be used from 10.0.0.0/8, binds its children, and ends at
// 2100-01-01T00:00:00.123Z.
#define MAKER_ENDS_MS 4102444800123

static void make_maker(void) {
    make_token("clmaker0");
    test_execute(fixture.database.url,
                 "update skillreg.api_token set scopes = 4, binds_children = true,"
                 " allowed_ips = '{10.0.0.0/8}', expires_at = '2100-01-01 00:00:00.123Z'"
                 " where id = 'clmaker0'");
}

static enum gw_status run_child(struct creation *creation, const char *id, const char *ranges,
                                int64_t expires_ms) {
    struct gw_ip_range storage[GW_ALLOWED_IPS_MAX];
    init_creation(creation, id);
    creation->create.created_by = GW_STR("clmaker0");
    creation->create.expires_ms = expires_ms;
    if (*ranges != '\0')
        allow(creation, storage, ranges);
    return run_creation(creation);
}

static void test_a_child_is_bound_as_its_maker_is(void **state) {
    (void)state;
    struct creation child;
    make_maker();
    assert_int_equal(run_child(&child, "clchild1", "", DB_NO_TIME), GW_OK);
    assert_true(child.expires_ms == MAKER_ENDS_MS);
    assert_true(child.binds_children);
    assert_int_equal(child.allowed_ip_count, 1);
    assert_int_equal(run_child(&child, "clchild2", "10.1.0.0/16 10.2.3.4", MAKER_ENDS_MS - 1),
                     GW_OK);
    assert_true(child.expires_ms == MAKER_ENDS_MS - 1);
    assert_int_equal(child.allowed_ip_count, 2);
    char rows[256];
    test_value(fixture.database.url,
               "select string_agg(concat_ws(' ', id, allowed_ips, binds_children), ';' order by id)"
               " from skillreg.api_token where id like 'clchild%'",
               rows, sizeof(rows));
    assert_string_equal(rows, "clchild1 {10.0.0.0/8} t;clchild2 {10.1.0.0/16,10.2.3.4/32} t");
}

static void test_a_child_that_may_more_than_its_maker_is_not_made(void **state) {
    (void)state;
    struct creation child;
    make_maker();
    assert_int_equal(run_child(&child, "clchild1", "", MAKER_ENDS_MS + 1), GW_DENIED);
    assert_int_equal(child.create.refusal, DB_REFUSAL_ENDS_TOO_LATE);
    assert_true(child.create.expires_ms_max == MAKER_ENDS_MS);
    assert_int_equal(run_child(&child, "clchild1", "10.1.0.0/16 11.0.0.0/8", DB_NO_TIME),
                     GW_DENIED);
    assert_int_equal(child.create.refusal, DB_REFUSAL_NOT_BOUND);
    assert_int_equal(run_child(&child, "clchild1", "8.0.0.0/6", DB_NO_TIME), GW_DENIED);
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"),
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
    make_maker();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sql[256];
        struct creation child;
        (void)snprintf(sql, sizeof(sql),
                       "update skillreg.api_token set scopes = 4, org_id = 'org1'"
                       " where id = 'clmaker0';"
                       "update skillreg.api_token set %s where id = 'clmaker0'",
                       cases[i].change);
        test_execute(fixture.database.url, sql);
        assert_int_equal(run_child(&child, "clchild1", "", DB_NO_TIME), GW_DENIED);
        assert_int_equal(child.create.refusal, cases[i].refusal);
    }
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"
                                                       " where id = 'clchild1'"),
                     0);
}

static void test_a_child_that_rotates_itself_would_outlive_its_maker(void **state) {
    (void)state;
    struct creation child;
    make_maker();
    init_creation(&child, "clchild1");
    child.create.created_by = GW_STR("clmaker0");
    child.create.rotates_itself = true;
    assert_int_equal(run_creation(&child), GW_DENIED);
    assert_int_equal(child.create.refusal, DB_REFUSAL_OUTLIVES_MAKER);
    test_execute(fixture.database.url, "update skillreg.api_token set rotates_itself = true");
    assert_int_equal(run_creation(&child), GW_OK); // its maker has no end either
    init_creation(&child, "clchild2");
    child.create.created_by = GW_STR("clmaker0");
    child.create.rotates_itself = true;
    test_execute(fixture.database.url, "update skillreg.api_token set rotates_itself = false,"
                                       " expires_at = null where id = 'clmaker0'");
    assert_int_equal(run_creation(&child), GW_OK);
}

// ---- create again ----

// As the admin "cladmin0" asks for it.
static void init_keyed(struct creation *creation, const char *id, const char *key) {
    init_creation(creation, id);
    creation->create.created_by = GW_STR("cladmin0");
    creation->create.request.key = gw_str_from(key);
}

static void make_admin(void) {
    make_token("cladmin0");
    test_execute(fixture.database.url, "update skillreg.api_token set scopes = 4"
                                       " where id = 'cladmin0'");
}

static void test_create_with_the_same_key_makes_another_in_place_of_the_unused_one(void **state) {
    (void)state;
    struct creation creation;
    make_admin();
    init_keyed(&creation, "cltoken1", "key");
    assert_int_equal(run_creation(&creation), GW_OK);
    assert_false(creation.create.superseded.is_there);
    let_time_pass();
    init_keyed(&creation, "cltoken2", "key");
    assert_int_equal(run_creation(&creation), GW_CONFLICT);
    assert_string_equal(creation.earlier_id, "cltoken1");
    assert_true(creation.create.earlier.may_repeat);
    creation.create.request.instead_of = GW_STR("cltoken1");
    assert_int_equal(run_creation(&creation), GW_OK);
    unsigned char digest[DB_DIGEST_LENGTH];
    memset(digest, '1', sizeof(digest)); // see init_creation
    assert_true(creation.create.superseded.is_there);
    assert_memory_equal(creation.create.superseded.digest, digest, sizeof(digest));
    assert_int_equal(creation.create.superseded.event_seq,
                     test_number(fixture.database.url,
                                 "select max(seq) from skillreg.token_event where kind = 2"));
    char rows[128];
    test_value(fixture.database.url,
               "select string_agg(concat_ws(' ', id, revoked_by), ', ' order by id)"
               " from skillreg.api_token",
               rows, sizeof(rows));
    assert_string_equal(rows, "cladmin0, cltoken1 cladmin0, cltoken2");
    // Who still names the first is told of the second.
    let_time_pass();
    init_keyed(&creation, "cltoken3", "key");
    creation.create.request.instead_of = GW_STR("cltoken1");
    assert_int_equal(run_creation(&creation), GW_CONFLICT);
    assert_string_equal(creation.earlier_id, "cltoken2");
}

static void test_create_with_the_same_key_goes_on_from_one_that_was_revoked_unused(void **state) {
    (void)state;
    struct creation creation;
    make_admin();
    init_keyed(&creation, "cltoken1", "key");
    assert_int_equal(run_creation(&creation), GW_OK);
    let_time_pass();
    test_execute(fixture.database.url, "update skillreg.api_token set revoked_at = now(),"
                                       " revoked_by = 'operator' where id = 'cltoken1'");
    init_keyed(&creation, "cltoken2", "key");
    assert_int_equal(run_creation(&creation), GW_CONFLICT);
    assert_true(creation.create.earlier.may_repeat && creation.create.earlier.is_revoked);
    creation.create.request.instead_of = GW_STR("cltoken1");
    assert_int_equal(run_creation(&creation), GW_OK);
    assert_false(creation.create.superseded.is_there);
}

static void test_create_is_not_made_again_once_the_token_was_used_or_rotated(void **state) {
    (void)state;
    static const char *const fates[] = {
        "last_used_at = now()", "last_used_at = now(), revoked_at = now(), revoked_by = 'x'",
        "replaced_by = 'cltoken9'"};
    static const char *const ids[] = {"cla1", "clb2", "clc3"};
    make_admin();
    for (int i = 0; i < 3; i++) {
        struct creation creation;
        init_keyed(&creation, ids[i], ids[i]);
        assert_int_equal(run_creation(&creation), GW_OK);
        char sql[256];
        (void)snprintf(sql, sizeof(sql), "update skillreg.api_token set %s where id = '%s'",
                       fates[i], ids[i]);
        test_execute(fixture.database.url, sql);
        let_time_pass();
        init_keyed(&creation, "clz9", ids[i]);
        creation.create.request.instead_of = gw_str_from(ids[i]);
        assert_int_equal(run_creation(&creation), GW_CONFLICT);
        assert_string_equal(creation.earlier_id, ids[i]);
        assert_false(creation.create.earlier.may_repeat);
        assert_int_equal(creation.create.earlier.is_revoked, i == 1);
    }
    test_execute(fixture.database.url, "update skillreg.idempotency_key set made_id = 'clgone'");
    struct creation creation;
    init_keyed(&creation, "clz9", "cla1");
    creation.create.request.instead_of = GW_STR("clgone");
    assert_int_equal(run_creation(&creation), GW_CONFLICT); // a row that is gone may have been used
    assert_false(creation.create.earlier.may_repeat);
}

static void test_create_twice_at_once_with_the_same_key_makes_one(void **state) {
    (void)state;
    struct creation first;
    struct creation second;
    make_admin();
    init_keyed(&first, "cltoken1", "key");
    init_keyed(&second, "cltoken2", "key");
    assert_int_equal(db_tokens_create(fixture.pool, &first.create), GW_OK);
    assert_int_equal(db_tokens_create(fixture.pool, &second.create), GW_OK);
    test_run_until(&fixture.loop, &first.is_done);
    test_run_until(&fixture.loop, &second.is_done);
    assert_int_equal((first.status == GW_OK) + (second.status == GW_OK), 1);
    // In progress, or on a slow machine, two seconds later, named as one that may be replaced.
    const struct creation *loser = first.status == GW_OK ? &second : &first;
    assert_true(loser->status == GW_CONFLICT || loser->create.refusal == DB_REFUSAL_IN_PROGRESS);
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"),
                     2);
}

static void test_create_with_the_same_key_and_another_body_is_denied(void **state) {
    (void)state;
    struct creation creation;
    make_admin();
    init_keyed(&creation, "cltoken1", "key");
    assert_int_equal(run_creation(&creation), GW_OK);
    let_time_pass();
    init_keyed(&creation, "cltoken2", "key");
    memset(creation.create.request.body_digest, 2, DB_DIGEST_LENGTH);
    assert_int_equal(run_creation(&creation), GW_DENIED);
    assert_int_equal(creation.create.refusal, DB_REFUSAL_OTHER_BODY);
    // After a day it is a new key, and the key of another that asks always is.
    test_execute(fixture.database.url,
                 "update skillreg.idempotency_key set at = at - interval '1 day'");
    assert_int_equal(run_creation(&creation), GW_OK);
    make_token("clother9");
    test_execute(fixture.database.url, "update skillreg.api_token set scopes = 4"
                                       " where id = 'clother9'");
    init_keyed(&creation, "cltoken3", "key");
    creation.create.created_by = GW_STR("clother9");
    assert_int_equal(run_creation(&creation), GW_OK);
}

static void test_create_again_asks_anew_what_the_maker_may(void **state) {
    (void)state;
    struct creation creation;
    make_admin();
    init_keyed(&creation, "cltoken1", "key");
    creation.create.expires_ms = MAKER_ENDS_MS;
    assert_int_equal(run_creation(&creation), GW_OK);
    let_time_pass();
    test_execute(fixture.database.url, "update skillreg.api_token set expires_at = '2099-01-01Z'"
                                       " where id = 'cladmin0'");
    init_keyed(&creation, "cltoken2", "key");
    creation.create.expires_ms = MAKER_ENDS_MS;
    creation.create.request.instead_of = GW_STR("cltoken1");
    assert_int_equal(run_creation(&creation), GW_DENIED);
    assert_int_equal(creation.create.refusal, DB_REFUSAL_ENDS_TOO_LATE);
    assert_int_equal(test_number(fixture.database.url, "select count(*) from skillreg.api_token"
                                                       " where revoked_at is not null"),
                     0);
}

static void test_rotate_again_gives_no_right_that_the_old_token_lost_meanwhile(void **state) {
    (void)state;
    make_token("cltoken1");
    struct turn turn = new_turn("key");
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    let_time_pass();
    test_execute(fixture.database.url, "update skillreg.api_token set scopes = 1,"
                                       " allowed_ips = '{10.0.0.0/8}' where id = 'cltoken1'");
    turn.rotate.request.instead_of = GW_STR("cltoken2");
    assert_int_equal(run_turn(&turn, "cltoken1", "cltoken3"), GW_OK);
    assert_int_equal(turn.scopes, GW_SCOPE_READ);
    assert_int_equal(turn.allowed_ip_count, 1);
    assert_int_equal(test_number(fixture.database.url,
                                 "select count(*) from skillreg.api_token where id = 'cltoken3'"
                                 " and scopes = 1 and allowed_ips = '{10.0.0.0/8}'"),
                     1);
}

// ---- rotate itself ----

// A token with the scope read that lives for an hour.
static void make_self_rotating(const char *id) {
    struct creation creation;
    init_creation(&creation, id);
    creation.create.rotates_itself = true;
    creation.create.scopes = GW_SCOPE_READ;
    assert_int_equal(run_creation(&creation), GW_OK);
    test_execute(fixture.database.url, "update skillreg.api_token set allowed_ips = '{10.0.0.0/8}',"
                                       " expires_at = created_at + interval '1 hour'");
}

static enum gw_status run_own_turn(struct turn *turn, const char *id, const char *new_id) {
    turn->rotate.is_own = true;
    turn->by = id;
    return run_turn(turn, id, new_id);
}

static void test_a_token_that_was_made_so_rotates_itself_and_so_does_its_successor(void **state) {
    (void)state;
    make_self_rotating("cltoken1");
    struct turn turn = new_turn(NULL);
    turn.rotate.overlap_s = 60;
    assert_int_equal(run_own_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    assert_true(turn.expires_ms - turn.created_ms == 3600LL * 1000);
    assert_true(turn.rotates_itself);
    turn = new_turn(NULL);
    assert_int_equal(run_own_turn(&turn, "cltoken2", "cltoken3"), GW_OK);
    char row[128];
    test_value(fixture.database.url,
               "select concat_ws(' ', scopes, allowed_ips, rotates_itself, created_by)"
               " from skillreg.api_token where id = 'cltoken3'",
               row, sizeof(row));
    assert_string_equal(row, "1 {10.0.0.0/8} t cltoken2");
    turn = new_turn(NULL);
    assert_int_equal(run_own_turn(&turn, "cltoken2", "cltoken4"), GW_CONFLICT);
    assert_string_equal(turn.id, "cltoken3");
}

static void test_a_token_that_rotates_itself_makes_none_that_lives_longer(void **state) {
    (void)state;
    make_self_rotating("cltoken1");
    struct turn turn = new_turn(NULL);
    turn.rotate.expires_ms = MAKER_ENDS_MS;
    assert_int_equal(run_own_turn(&turn, "cltoken1", "cltoken2"), GW_DENIED);
    assert_int_equal(turn.rotate.refusal, DB_REFUSAL_LIVES_TOO_LONG);
    // What it took to get here is no reason to refuse, nor to live longer.
    int64_t limit_ms = turn.rotate.expires_ms_max;
    turn = new_turn(NULL);
    turn.rotate.expires_ms = limit_ms + 9000;
    assert_int_equal(run_own_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    assert_true(turn.expires_ms - turn.created_ms == 3600LL * 1000);
    turn = new_turn(NULL);
    turn.rotate.expires_ms = limit_ms - 60000;
    assert_int_equal(run_own_turn(&turn, "cltoken2", "cltoken3"), GW_OK);
    assert_true(turn.expires_ms == limit_ms - 60000);
}

static void test_a_token_without_an_end_makes_one_without_an_end(void **state) {
    (void)state;
    make_self_rotating("cltoken1");
    test_execute(fixture.database.url, "update skillreg.api_token set expires_at = null");
    struct turn turn = new_turn(NULL);
    assert_int_equal(run_own_turn(&turn, "cltoken1", "cltoken2"), GW_OK);
    assert_true(turn.expires_ms == DB_NO_TIME);
    turn = new_turn(NULL);
    turn.rotate.expires_ms = MAKER_ENDS_MS;
    assert_int_equal(run_own_turn(&turn, "cltoken2", "cltoken3"), GW_OK);
    assert_true(turn.expires_ms == MAKER_ENDS_MS);
}

static void test_a_token_that_was_not_made_so_does_not_rotate_itself(void **state) {
    (void)state;
    make_admin(); // the scope makes no difference here
    struct turn turn = new_turn(NULL);
    assert_int_equal(run_own_turn(&turn, "cladmin0", "cltoken2"), GW_DENIED);
    assert_int_equal(turn.rotate.refusal, DB_REFUSAL_NOT_SELF_ROTATING);
    make_self_rotating("cltoken1");
    test_execute(fixture.database.url, "update skillreg.api_token set expires_at = now()"
                                       " where id = 'cltoken1'");
    assert_int_equal(run_own_turn(&turn, "cltoken1", "cltoken2"), GW_DENIED);
    assert_int_equal(turn.rotate.refusal, DB_REFUSAL_NOT_LIVE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_create_stores_what_it_was_given),
        TEST(test_create_stores_what_a_token_is_for_and_that_it_rotates_itself),
        TEST(test_create_stores_the_addresses_that_are_allowed),
        TEST(test_create_twice_is_a_conflict),
        TEST(test_create_without_the_organisation_is_not_found),
        TEST(test_create_refuses_what_the_schema_refuses),
        TEST(test_rotate_makes_a_successor_and_lets_the_old_one_expire),
        TEST(test_rotate_gives_the_same_length_of_life_or_the_one_asked_for),
        TEST(test_rotate_again_tells_the_successor),
        TEST(test_rotate_with_the_same_key_is_repeated_when_it_is_told_to),
        TEST(test_rotate_without_an_overlap_is_repeated_too),
        TEST(test_rotate_is_not_repeated_once_the_successor_was_used_or_rotated),
        TEST(test_rotate_makes_another_successor_when_the_first_was_revoked_unused),
        TEST(test_rotate_twice_at_once_one_wins),
        TEST(test_rotate_with_the_same_key_and_another_body_is_denied),
        TEST(test_rotate_of_what_is_not_live_here_is_not_found),
        TEST(test_a_child_is_bound_as_its_maker_is),
        TEST(test_a_child_that_may_more_than_its_maker_is_not_made),
        TEST(test_who_lost_its_say_is_told_so),
        TEST(test_a_child_that_rotates_itself_would_outlive_its_maker),
        TEST(test_create_with_the_same_key_makes_another_in_place_of_the_unused_one),
        TEST(test_create_with_the_same_key_goes_on_from_one_that_was_revoked_unused),
        TEST(test_create_is_not_made_again_once_the_token_was_used_or_rotated),
        TEST(test_create_twice_at_once_with_the_same_key_makes_one),
        TEST(test_create_with_the_same_key_and_another_body_is_denied),
        TEST(test_create_again_asks_anew_what_the_maker_may),
        TEST(test_rotate_again_gives_no_right_that_the_old_token_lost_meanwhile),
        TEST(test_a_token_that_was_made_so_rotates_itself_and_so_does_its_successor),
        TEST(test_a_token_that_rotates_itself_makes_none_that_lives_longer),
        TEST(test_a_token_without_an_end_makes_one_without_an_end),
        TEST(test_a_token_that_was_not_made_so_does_not_rotate_itself),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("tokens", tests, NULL, NULL);
}
