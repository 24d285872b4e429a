// SPDX-License-Identifier: MIT
#pragma once
// A connection for a command that may wait, never on the loop of the server: names are looked up as
// there (db/hosts.h), so that a resolver that hangs ends the command and does not hold it.

#include <libpq-fe.h>
#include <stddef.h>

#include "base/status.h"

#define DB_CONNECT_TIMEOUT_S 5 // for the names, and for each address

// GW_INVALID: the URL. GW_UNAVAILABLE: no connection; `reason` says why, in one sentence without a
// secret.
enum gw_status db_connect(const char *url, const char *application_name, PGconn **pg, char *reason,
                          size_t reason_length) GW_MUST_USE;
