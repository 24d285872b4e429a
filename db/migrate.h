// SPDX-License-Identifier: MIT
#pragma once
// Brings the schema to the version that this binary carries (db/sql/NNNN_name.sql, embedded).
// Blocking: for the operator command only, never on the loop. One transaction under an advisory
// lock, so that ten replicas may run it at once; every file is applied once, with its number, name
// and checksum (CRC-32) kept in skillreg.migration. A schema newer than the binary, or a changed
// file, is refused; a file that had to be mended is taken in its earlier form as well.

#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

struct db_migrate_report {
    int version_before;
    int version_after;
    char error[512]; // one sentence, no secret; empty on success
};

// GW_INVALID, with a reason, also for a role that neither owns the schema nor is a member of its
// owner. Everything that a member creates belongs to the owner.
enum gw_status db_migrate(const char *url, struct db_migrate_report *report) GW_MUST_USE;
// In the same transaction `role` (db/grants.h) gets the rights to serve.
enum gw_status db_migrate_and_grant(const char *url, struct gw_str role,
                                    struct db_migrate_report *report) GW_MUST_USE;
