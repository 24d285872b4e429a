// SPDX-License-Identifier: MIT
#pragma once
// The rights of a role that serves, and no more: grants.sql for that role, run by the owner of the
// database and the schema.

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define DB_GRANTS_BYTES_MAX (16 * 1024)

// 1 to 63 of A-Z a-z 0-9 _ . @ -, except names that PostgreSQL keeps for itself (public, none,
// pg_...): such a name needs no escape.
bool db_grants_is_role(struct gw_str role);
// Appends the statements for such a role, without a transaction around them.
enum gw_status db_grants_write(struct gw_str role, struct gw_buf *out) GW_MUST_USE;
