// SPDX-License-Identifier: MIT
#pragma once
// A real PostgreSQL for tests, and a pool on it. ctest starts one server for all
// of them (the fixture of tests/unit/postgres.cmake); each test program has a database of its own
// there, empty at the start of each test. Tests that hurt a server start one of their own. Without
// PostgreSQL a test program ends with 77: skipped.
//
// Started by hand:  tests/support/postgres.sh start FILE; GATEWAY_TEST_POSTGRES=FILE
// build/.../unit_db_pool

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "db/pool.h"
#include "db/token.h"

// ---- servers ----
// The one of ctest, or exit(77).
const char *test_postgres_server(void);

struct test_server {
    char file[64];
    char url[256];
};
void test_server_start(struct test_server *server); // exit(77) without PostgreSQL
void test_server_stop(struct test_server *server);
// "restart", "halt", "resume": see tests/support/postgres.sh.
void test_server_control(const struct test_server *server, const char *action);
// SIGSTOP or SIGCONT to the server and all its processes.
void test_server_signal(const struct test_server *server, int signal_number);

// ---- databases ----
struct test_database {
    char url[320];
    char name[48];
};
// The database of this test program on the server of ctest, empty again, and nobody else connected
// to it. Dropped when the program ends.
void test_database_open(struct test_database *database);
// Any statements over a connection of its own; fails the test unless they succeed.
void test_execute(const char *url, const char *sql);
// The SQLSTATE that a statement fails with; "00000" when it does not. Static storage.
const char *test_sqlstate(const char *url, const char *sql);
// The only value of a query as text, into `out`.
void test_value(const char *url, const char *sql, char *out, size_t length);
long test_number(const char *url, const char *sql);

// ---- the loop ----
// Runs the loop until *done; fails the test after 20 seconds.
void test_run_until(uv_loop_t *loop, const bool *done);
// Runs the loop until nothing is left and closes it: fails the test when a handle is left.
void test_loop_close(uv_loop_t *loop);

// A migrated database with a loop and a pool; organisation "acme" has the id "org1".
struct test_store {
    struct test_database database;
    uv_loop_t loop;
    struct db_pool *pool;
};
void test_store_open(struct test_store *fixture);
void test_store_close(struct test_store *fixture);
