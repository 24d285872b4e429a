// SPDX-License-Identifier: MIT
#pragma once
// The database URL: a libpq URI or connection string, parsed once, and what a service file, the
// environment and libpq itself add to it. libpq gets one server, at one address, for each attempt:
// left to itself it looks names up while the loop stands still, and its asynchronous connect waits
// for ever for an address that accepts and then says nothing. Another trap: its complaint about a
// malformed URL quotes it, password and all, so that ours must not.
//
// Servers are read here and once; other settings of a service file libpq reads with each attempt.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define DB_URL_SERVERS_MAX 32

struct db_url_server { // NULL: not given
    const char *host;  // a name, an address, a socket directory
    const char *hostaddr;
    const char *port;
};

enum db_url_list { DB_URL_HOSTS, DB_URL_ADDRESSES, DB_URL_PORTS, DB_URL_LIST_COUNT };

struct db_url {
    PQconninfoOption *options;  // of the URL
    PQconninfoOption *defaults; // where it says nothing
    char *lists[DB_URL_LIST_COUNT];
    struct db_url_server servers[DB_URL_SERVERS_MAX];
    int server_count;
    const char *session_attrs; // target_session_attrs; NULL: not given
    bool is_balanced;          // load_balance_hosts=random
};

// GW_INVALID: libpq cannot read it, hosts and ports do not match, a name is too long, or there are
// too many servers. GW_NO_MEMORY.
enum gw_status db_url_parse(const char *text, struct db_url *url) GW_MUST_USE;
void db_url_deinit(struct db_url *url);
// Why db_url_parse said GW_INVALID, without a word of the URL.
const char *db_url_problem(const char *text);

// What it says, as "host=db.internal dbname=skillreg", for a reader: without the password and
// whatever else libpq hides; empty when it cannot be read. Cut to `size`, terminated.
void db_url_show(const char *text, char *out, size_t size);

// What libpq would look up; NULL: nothing.
const char *db_url_name_of(const struct db_url_server *server);

// What one attempt to connect is about.
struct db_url_attempt {
    const struct db_url_server *server;
    const char *address;       // numeric; NULL: a socket
    const char *session_attrs; // NULL: any
};

// PQconnectStartParams. A packet that is not acknowledged for `packet_timeout_ms` fails, and so
// does a connection whose other end has vanished, a moment later, unless the URL says otherwise.
// NULL: out of memory.
PGconn *db_url_connect_start(const struct db_url *url, const struct db_url_attempt *attempt,
                             uint64_t packet_timeout_ms);
// PQconnectdbParams: waits, for `timeout_s` at the most. NULL: out of memory.
PGconn *db_url_connect_blocking(const struct db_url *url, const struct db_url_attempt *attempt,
                                const char *application_name, int timeout_s);
