// SPDX-License-Identifier: MIT
#pragma once
// The database URL: a libpq URI or connection string, parsed once. Two traps of libpq: its
// complaint about a malformed URL quotes it, password and all, so that ours must not; and its
// asynchronous connect waits for ever for the first of several hosts if that one accepts and then
// says nothing (a stopped server), so that a later attempt has to begin with another host.

#include <libpq-fe.h>
#include <stdint.h>

#include "base/status.h"

struct db_url {
    PQconninfoOption *options;
    unsigned host_count;
};

// GW_INVALID: libpq cannot read it. GW_NO_MEMORY.
enum gw_status db_url_parse(const char *text, struct db_url *url) GW_MUST_USE;
void db_url_deinit(struct db_url *url);

// PQconnectStartParams with the hosts rotated so that number `first_host` (modulo their count) is
// tried first. A packet that is not acknowledged for `packet_timeout_ms` fails, unless the URL says
// otherwise. NULL: out of memory.
PGconn *db_url_connect_start(const struct db_url *url, unsigned first_host,
                             uint64_t packet_timeout_ms);
