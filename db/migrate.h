// SPDX-License-Identifier: MIT
#pragma once
// Brings the schema to the version that this binary carries (db/sql/NNNN_name.sql, embedded). Blocking: for the
// operator command only, never on the loop. One transaction under an advisory lock, so that ten replicas may run it at
// once; every file is applied once, with its number, name and SHA-256-free checksum (CRC-32) kept in skillreg.migration.
// A schema newer than the binary, or a changed file, is refused.

#include <stddef.h>

#include "base/status.h"

struct db_migrate_report {
    int version_before;
    int version_after;
    char error[512]; // one sentence, no secret; empty on success
};

enum gw_status db_migrate(const char *url, struct db_migrate_report *report) GW_MUST_USE;
