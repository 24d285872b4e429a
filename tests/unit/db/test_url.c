// SPDX-License-Identifier: MIT
// Proves of db/url.c: the servers of a URL by the rules of libpq, from the URL, a service file and
// the environment; what libpq gets for one attempt, as libpq itself tells it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/url.h"

static struct db_url url;

static void assert_same(const char *found, const char *wanted) {
    if (wanted == NULL)
        assert_null(found);
    else
        assert_string_equal(found, wanted);
}

static void assert_server(int index, const char *host, const char *hostaddr, const char *port,
                          const char *name) {
    const struct db_url_server *server = &url.servers[index];
    assert_same(server->host, host);
    assert_same(server->hostaddr, hostaddr);
    assert_same(server->port, port);
    assert_same(db_url_name_of(server), name);
}

static int clear_environment(void **state) {
    (void)state;
    static const char *const names[] = {"PGHOST",    "PGHOSTADDR",    "PGPORT",
                                        "PGSERVICE", "PGSERVICEFILE", "PGTARGETSESSIONATTRS",
                                        "PGUSER"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(unsetenv(names[i]), 0);
    return 0;
}

static void test_servers_are_those_of_libpq(void **state) {
    (void)state;
    assert_int_equal(db_url_parse("postgresql://u:p@a.test,10.0.0.1:5433,[::1]/d", &url), GW_OK);
    assert_int_equal(url.server_count, 3);
    assert_server(0, "a.test", NULL, NULL, "a.test");
    assert_server(1, "10.0.0.1", NULL, "5433", "10.0.0.1");
    assert_server(2, "::1", NULL, NULL, "::1");
    assert_null(db_url_name_of(&(struct db_url_server){"a", "10.0.0.1", NULL}));
    db_url_deinit(&url);
    assert_int_equal(db_url_parse("host=/run,@abstract,,b.test port=5433", &url), GW_OK);
    assert_int_equal(url.server_count, 4);
    assert_server(0, "/run", NULL, "5433", NULL);
    assert_server(1, "@abstract", NULL, "5433", NULL);
    assert_server(2, NULL, NULL, "5433", NULL);
    assert_server(3, "b.test", NULL, "5433", "b.test");
    db_url_deinit(&url);
    assert_int_equal(db_url_parse("dbname=d", &url), GW_OK);
    assert_int_equal(url.server_count, 1);
    assert_server(0, NULL, NULL, "5432", NULL);
    db_url_deinit(&url);
    assert_int_equal(db_url_parse("host=a.test,b.test hostaddr=10.0.0.1, port=5433,", &url), GW_OK);
    assert_server(0, "a.test", "10.0.0.1", "5433", NULL);
    assert_server(1, "b.test", NULL, NULL, "b.test");
    db_url_deinit(&url);
}

static void test_lists_that_do_not_match_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "postgresql://[::1",
        "host=a,b hostaddr=10.0.0.1",
        "host=a,b port=1,2,3",
        "host=a port=1,2",
        "host=0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (db_url_parse(texts[i], &url) != GW_INVALID)
            fail_msg("%s", texts[i]);
    }
    char longest[300] = "host=";
    memset(longest + 5, 'a', 256);
    assert_int_equal(db_url_parse(longest, &url), GW_INVALID);
    longest[5 + 255] = '\0';
    assert_int_equal(db_url_parse(longest, &url), GW_OK);
    db_url_deinit(&url);
}

static void test_the_environment_counts_where_the_url_says_nothing(void **state) {
    (void)state;
    (void)setenv("PGHOST", "a.test,b.test", 1);
    (void)setenv("PGPORT", "1,2", 1);
    (void)setenv("PGTARGETSESSIONATTRS", "prefer-standby", 1);
    assert_int_equal(db_url_parse("postgresql:///d", &url), GW_OK);
    assert_int_equal(url.server_count, 2);
    assert_server(1, "b.test", NULL, "2", "b.test");
    assert_string_equal(url.session_attrs, "prefer-standby");
    db_url_deinit(&url);
    assert_int_equal(
        db_url_parse("postgresql://c.test:3,d.test:4/d?target_session_attrs=any", &url), GW_OK);
    assert_server(0, "c.test", NULL, "3", "c.test");
    assert_string_equal(url.session_attrs, "any");
    db_url_deinit(&url);
}

static void write_services(char *path) {
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] =
        "[one]\nhost=one.test\nport=5433\nuser=of-one\n[two]\nhost=two.test\n";
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    assert_int_equal(close(fd), 0);
    (void)setenv("PGSERVICEFILE", path, 1);
}

static void test_a_service_counts_before_the_environment(void **state) {
    (void)state;
    char path[] = "/tmp/gateway-services-XXXXXX";
    write_services(path);
    (void)setenv("PGHOST", "env.test", 1);
    (void)setenv("PGSERVICE", "two", 1);
    assert_int_equal(db_url_parse("service=one dbname=d", &url), GW_OK);
    assert_server(0, "one.test", NULL, "5433", "one.test");
    db_url_deinit(&url);
    assert_string_equal(getenv("PGSERVICE"), "two"); // as it was
    assert_int_equal(db_url_parse("dbname=d", &url), GW_OK);
    assert_server(0, "two.test", NULL, "5432", "two.test");
    db_url_deinit(&url);
    assert_int_equal(db_url_parse("service=one host=url.test", &url), GW_OK);
    assert_server(0, "url.test", NULL, "5433", "url.test");
    db_url_deinit(&url);
    (void)unlink(path);
}

static void assert_setting(PQconninfoOption *options, const char *keyword, const char *wanted) {
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0) {
            assert_same(option->val, wanted);
            return;
        }
    }
    fail_msg("libpq knows no %s", keyword);
}

// As libpq understood it. The port refuses.
static void test_an_attempt_has_one_server_at_one_address(void **state) {
    (void)state;
    assert_int_equal(db_url_parse("postgresql://u:p@a.test:1,b.test:2/d?sslmode=disable"
                                  "&target_session_attrs=read-write&keepalives_idle=9",
                                  &url),
                     GW_OK);
    const struct db_url_attempt attempt = {&url.servers[1], "127.0.0.1", "standby"};
    PGconn *pg = db_url_connect_start(&url, &attempt, 2500);
    PQconninfoOption *options = PQconninfo(pg);
    assert_setting(options, "host", "b.test");
    assert_setting(options, "hostaddr", "127.0.0.1");
    assert_setting(options, "port", "2");
    assert_setting(options, "user", "u");
    assert_setting(options, "dbname", "d");
    assert_setting(options, "sslmode", "disable");
    assert_setting(options, "target_session_attrs", "standby");
    assert_setting(options, "tcp_user_timeout", "2500");
    assert_setting(options, "keepalives_idle", "9");
    assert_setting(options, "keepalives_interval", "1");
    assert_setting(options, "client_encoding", "UTF8");
    PQconninfoFree(options);
    PQfinish(pg);
    db_url_deinit(&url);
}

// Another setting that is not known is a mistake of whoever wrote the URL.
static void test_what_a_newer_libpq_knows_is_refused_by_its_name(void **state) {
    (void)state;
    static const char balanced[] =
        "postgresql://u:secret@a.test,b.test/d?load_balance_hosts=random";
    enum gw_status status = db_url_parse(balanced, &url);
    if (status == GW_OK) {
        assert_true(url.is_balanced);
        db_url_deinit(&url);
    } else {
        assert_int_equal(status, GW_INVALID);
        assert_string_equal(db_url_problem(balanced),
                            "load_balance_hosts in the database URL needs libpq 16 or later");
    }
    static const char unknown[] = "postgresql://u:secret@a.test/d?load_balance=random";
    assert_int_equal(db_url_parse(unknown, &url), GW_INVALID);
    assert_string_equal(db_url_problem(unknown), "the database URL is malformed");
}

static void test_it_is_shown_without_its_password(void **state) {
    (void)state;
    char shown[128];
    db_url_show("postgresql://gw:hidden@a.test:5433/db?sslpassword=hidden&sslmode=require", shown,
                sizeof(shown));
    assert_null(strstr(shown, "hidden"));
    assert_non_null(strstr(shown, "user=gw"));
    assert_non_null(strstr(shown, "host=a.test"));
    assert_non_null(strstr(shown, "port=5433"));
    assert_non_null(strstr(shown, "sslmode=require"));
    db_url_show("host=a.test password=hidden", shown, sizeof(shown));
    assert_string_equal(shown, "host=a.test");
    db_url_show("host=a.test password=hidden", shown, 7);
    assert_string_equal(shown, "host=a");
    db_url_show("postgresql://gw:hidden@[::1/db", shown, sizeof(shown));
    assert_string_equal(shown, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, clear_environment)
        TEST(test_servers_are_those_of_libpq),
        TEST(test_lists_that_do_not_match_are_refused),
        TEST(test_the_environment_counts_where_the_url_says_nothing),
        TEST(test_a_service_counts_before_the_environment),
        TEST(test_an_attempt_has_one_server_at_one_address),
        TEST(test_what_a_newer_libpq_knows_is_refused_by_its_name),
#undef TEST
        cmocka_unit_test_setup(test_it_is_shown_without_its_password, clear_environment),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
