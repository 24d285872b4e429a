// SPDX-License-Identifier: MIT
#pragma once
// Organisations as an operator sees and changes them, deleted ones too, over a connection that may
// wait (db/session.h). Rows are valid until the next call.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/session.h"

struct db_org_row {
    struct gw_str id;
    struct gw_str slug;
    struct gw_str name;
    int64_t created_ms;
    int64_t deleted_ms;  // DB_NO_TIME: it is not deleted
    int64_t live_tokens; // neither revoked nor expired, as if it were not deleted
    int slug_width;      // of the longest slug of the list
};

// Begins a list, by slug; each db_org_admin_next takes a row, GW_NOT_FOUND behind the last.
enum gw_status db_org_admin_list(struct db_session *session, bool with_deleted) GW_MUST_USE;
enum gw_status db_org_admin_next(struct db_session *session, struct db_org_row *row) GW_MUST_USE;
// GW_NOT_FOUND. A deleted one is found.
enum gw_status db_org_admin_find(struct db_session *session, struct gw_str slug,
                                 struct db_org_row *row) GW_MUST_USE;

// GW_NOT_FOUND: there is none, or it is deleted. GW_CONFLICT: the new slug is taken. `new_slug` or
// `new_name` with .at NULL stays as it is.
enum gw_status db_org_admin_rename(struct db_session *session, struct gw_str slug,
                                   struct gw_str new_slug, struct gw_str new_name) GW_MUST_USE;
// GW_NOT_FOUND; GW_CONFLICT: it is so already.
enum gw_status db_org_admin_delete(struct db_session *session, struct gw_str slug) GW_MUST_USE;
enum gw_status db_org_admin_restore(struct db_session *session, struct gw_str slug) GW_MUST_USE;
