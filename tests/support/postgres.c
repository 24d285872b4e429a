// SPDX-License-Identifier: MIT
#include "tests/support/postgres.h"

#include <dirent.h>
#include <libpq-fe.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/migrate.h"
#include "db/pool.h"
#include "db/query.h"
#include "db/statements.h"

#define SKIPPED 77
#define RUN_TIMEOUT_MS 60000

// ---- servers ----

static void read_url(const char *file, char *url, size_t length) {
    FILE *in = fopen(file, "r");
    if (in == NULL || fgets(url, (int)length, in) == NULL) {
        (void)printf("PostgreSQL is not there: skipped\n");
        exit(SKIPPED);
    }
    (void)fclose(in);
    url[strcspn(url, "\n")] = '\0';
}

const char *test_postgres_server(void) {
    static char url[256];
    const char *file = getenv("GATEWAY_TEST_POSTGRES");
    if (url[0] == '\0')
        read_url(file == NULL ? "" : file, url, sizeof(url));
    return url;
}

static int run_script(const char *action, const char *file, char *output, size_t length) {
    char command[512];
    (void)snprintf(command, sizeof(command),
                   "'" GATEWAY_SOURCE_DIR "/tests/support/postgres.sh' %s %s", action, file);
    FILE *out = popen(command, "r"); // NOLINT(cert-env33-c): a script of ours, no foreign argument
    assert_non_null(out);
    size_t read = fread(output, 1, length - 1, out);
    output[read] = '\0';
    int status = pclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void test_server_start(struct test_server *server) {
    char output[1024];
    (void)snprintf(server->file, sizeof(server->file), "/tmp/gateway-postgres-%ld.url",
                   (long)getpid());
    int status = run_script("start", server->file, output, sizeof(output));
    if (status == SKIPPED)
        exit(SKIPPED);
    if (status != 0)
        fail_msg("cannot start PostgreSQL: %s", output);
    read_url(server->file, server->url, sizeof(server->url));
}

void test_server_control(const struct test_server *server, const char *action) {
    char output[1024];
    if (run_script(action, server->file, output, sizeof(output)) != 0)
        fail_msg("cannot %s PostgreSQL: %s", action, output);
}

void test_server_stop(struct test_server *server) {
    test_server_control(server, "stop");
}

// The postmaster, and whoever is its child.
void test_server_signal(const struct test_server *server, int signal_number) {
    char output[1024];
    assert_int_equal(run_script("pid", server->file, output, sizeof(output)), 0);
    long postmaster = strtol(output, NULL, 10);
    assert_true(postmaster > 1);
    assert_int_equal(kill((pid_t)postmaster, signal_number), 0);
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", postmaster, postmaster);
    FILE *children = fopen(path, "r");
    if (children == NULL)
        return; // a kernel without that file: the postmaster alone
    char line[4096] = "";
    (void)!fgets(line, sizeof(line), children);
    (void)fclose(children);
    char *rest = line;
    for (long child = strtol(rest, &rest, 10); child > 1; child = strtol(rest, &rest, 10))
        (void)kill((pid_t)child, signal_number);
}

// ---- databases ----

static void ignore_notice(void *argument, const PGresult *result) {
    (void)argument;
    (void)result;
}

// A start of a backend costs more than most statements, so each of these is kept for the next ones:
// of the server's own database, and of the test's.
static struct kept {
    char url[sizeof(((struct test_database *)NULL)->url)];
    PGconn *pg;
    pid_t process; // a child of a test opens its own
} kept_connections[2];

// The server has ended it, or said something last.
static bool is_gone(PGconn *pg) {
    struct pollfd poller = {.fd = PQsocket(pg), .events = POLLIN};
    return PQstatus(pg) != CONNECTION_OK || poll(&poller, 1, 0) != 0;
}

// What would be found again by the next statement.
static bool changes_session(const char *sql) {
    static const char *const words[] = {"set ", "begin", "prepare ", "listen "};
    for (const char *statement = sql; statement != NULL; statement = strchr(statement, ';')) {
        statement += strspn(statement, "; \n");
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (strncmp(statement, words[i], strlen(words[i])) == 0)
                return true;
        }
    }
    return strstr(sql, "set_config(") != NULL || strstr(sql, "advisory_lock(") != NULL;
}

static PGconn *connect_to(const char *url) {
    PGconn *pg = PQconnectdb(url);
    if (PQstatus(pg) != CONNECTION_OK)
        fail_msg("cannot connect: %s", PQerrorMessage(pg));
    (void)PQsetNoticeReceiver(pg, ignore_notice, NULL);
    return pg;
}

static PGconn *take_connection(const char *url) {
    for (size_t i = 0; i < sizeof(kept_connections) / sizeof(kept_connections[0]); i++) {
        struct kept *kept = &kept_connections[i];
        if (kept->pg == NULL || kept->process != getpid() || strcmp(kept->url, url) != 0)
            continue;
        PGconn *pg = kept->pg;
        kept->pg = NULL;
        if (!is_gone(pg))
            return pg;
        PQfinish(pg);
    }
    return connect_to(url);
}

static void give_back(const char *url, PGconn *pg) {
    struct kept *kept = &kept_connections[strcmp(url, test_postgres_server()) == 0 ? 0 : 1];
    if (kept->pg != NULL && kept->process == getpid())
        PQfinish(kept->pg);
    (void)snprintf(kept->url, sizeof(kept->url), "%s", url);
    kept->pg = pg;
    kept->process = getpid();
}

// What a database says of new sessions is not what a kept one began with.
static void end_kept_connections(void) {
    for (size_t i = 0; i < sizeof(kept_connections) / sizeof(kept_connections[0]); i++) {
        struct kept *kept = &kept_connections[i];
        if (kept->pg != NULL && kept->process == getpid())
            PQfinish(kept->pg);
        kept->pg = NULL;
    }
}

static PGresult *query(const char *url, const char *sql) {
    PGconn *pg = take_connection(url);
    PGresult *result = PQexec(pg, sql);
    if (changes_session(sql) || PQstatus(pg) != CONNECTION_OK)
        PQfinish(pg);
    else
        give_back(url, pg);
    assert_non_null(result);
    return result;
}

static bool is_ok(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

void test_execute(const char *url, const char *sql) {
    PGresult *result = query(url, sql);
    if (!is_ok(result))
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
}

const char *test_sqlstate(const char *url, const char *sql) {
    static char state[8];
    PGresult *result = query(url, sql);
    const char *field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    (void)snprintf(state, sizeof(state), "%s", field != NULL ? field : "00000");
    PQclear(result);
    return state;
}

void test_value(const char *url, const char *sql, char *out, size_t length) {
    PGresult *result = query(url, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    (void)snprintf(out, length, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
}

long test_number(const char *url, const char *sql) {
    char text[64];
    test_value(url, sql, text, sizeof(text));
    return strtol(text, NULL, 10);
}

static struct test_database own_database;
static pid_t own_process;

static void drop_own_database(void) {
    if (getpid() != own_process) // a child of a test
        return;
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "drop database %s with (force)", own_database.name);
    PQclear(query(test_postgres_server(), sql));
}

static void create_own_database(void) {
    const char *server_url = test_postgres_server();
    own_process = getpid();
    (void)snprintf(own_database.name, sizeof(own_database.name), "test_%ld", (long)own_process);
    const char *rest = strstr(server_url, "/postgres?");
    assert_non_null(rest);
    (void)snprintf(own_database.url, sizeof(own_database.url), "%.*s/%s%s",
                   (int)(rest - server_url), server_url, own_database.name,
                   rest + strlen("/postgres"));
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "create database %s", own_database.name);
    test_execute(server_url, sql);
    assert_int_equal(atexit(drop_own_database), 0);
}

void test_database_open(struct test_database *database) {
    if (own_process == 0)
        create_own_database();
    *database = own_database;
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "alter database %s reset all", database->name);
    test_execute(test_postgres_server(), sql);
    end_kept_connections();
    test_execute(database->url, "select pg_terminate_backend(pid) from pg_stat_activity"
                                " where datname = current_database() and pid <> pg_backend_pid();"
                                "drop schema if exists skillreg cascade;"
                                "drop schema public cascade; create schema public");
}

// ---- the loop ----

static void on_run_timeout(uv_timer_t *timer) {
    (void)timer;
    fail_msg("the awaited event did not come");
}

static void on_guard_closed(uv_handle_t *handle) {
    *(bool *)handle->data = true;
}

void test_run_until(uv_loop_t *loop, const bool *done) {
    uv_timer_t guard;
    bool is_closed = false;
    guard.data = &is_closed;
    assert_int_equal(uv_timer_init(loop, &guard), 0);
    uv_update_time(loop);
    assert_int_equal(uv_timer_start(&guard, on_run_timeout, RUN_TIMEOUT_MS, 0), 0);
    while (!*done)
        (void)uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&guard, on_guard_closed);
    while (!is_closed)
        (void)uv_run(loop, UV_RUN_NOWAIT);
}

void test_loop_close(uv_loop_t *loop) {
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(loop), 0);
}

void test_store_open(struct test_store *fixture) {
    test_database_open(&fixture->database);
    struct db_migrate_report report;
    if (db_migrate(fixture->database.url, &report) != GW_OK)
        fail_msg("%s", report.error);
    test_execute(
        fixture->database.url,
        "insert into skillreg.organisation (id, slug, name) values ('org1', 'acme', 'Acme')");
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    struct db_pool_options options = {
        .url = fixture->database.url,
        .connections = 2,
        .queue_max = GW_DB_QUEUE_MAX,
        .query_timeout_ms = GW_DB_QUERY_TIMEOUT_MS,
        .connect_timeout_ms = GW_DB_CONNECT_TIMEOUT_MS,
        .statements = db_statements,
        .statement_count = db_statement_count,
    };
    assert_int_equal(db_pool_create(&fixture->loop, &options, &fixture->pool), GW_OK);
}

void test_store_close(struct test_store *fixture) {
    db_pool_close(fixture->pool, NULL);
    test_loop_close(&fixture->loop);
}
