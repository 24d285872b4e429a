// SPDX-License-Identifier: MIT
#pragma once
// What an operator wants to know of a database before a gateway starts: whether it can be reached,
// the version of its schema, and what its role lacks. Blocking, for a command. Only reads: every
// statement runs in a transaction that is read only.

#include <stdbool.h>

#include "base/status.h"
#include "db/role_check.h"

#define DB_INSPECTION_TEXT_BYTES 512

struct db_inspection {
    char role[64];    // its name, cut to fit
    char server[64];  // version of PostgreSQL
    bool is_standby;  // it takes no changes
    bool is_owner;    // the role has the rights of the schema's owner, or of a superuser
    bool has_schema;  // and the role may use it; without it nothing below is set
    int version;      // of the schema; 0: the role may not read it
    int version_here; // of the schema that this program carries
    char lacks[DB_INSPECTION_TEXT_BYTES];   // "select on api_token, execute of ..."; empty: nothing
    char refused[DB_INSPECTION_TEXT_BYTES]; // why a statement of the gateway fails; empty: none
    struct db_role_differences differences;
};

// GW_OK: it was reached and asked. GW_INVALID: the URL, or PostgreSQL refused a question.
// GW_UNAVAILABLE: not reached. `reason` (DB_INSPECTION_TEXT_BYTES) then says why, without a secret.
enum gw_status db_inspect(const char *url, struct db_inspection *found, char *reason) GW_MUST_USE;
