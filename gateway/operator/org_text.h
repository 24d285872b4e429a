// SPDX-License-Identifier: MIT
#pragma once
// Organisations as the commands show them: as JSON, as a line of a table, and by themselves.

#include "base/buf.h"
#include "base/json.h"
#include "db/org_admin.h"

// The members of an object that the caller has opened.
void gw_operator_org_write_json(struct gw_json_writer *json, const struct db_org_row *row);
// A document of one.
enum gw_status gw_operator_org_append_json(struct gw_buf *out,
                                           const struct db_org_row *row) GW_MUST_USE;

enum gw_status gw_operator_org_append_titles(struct gw_buf *out, int slug_width) GW_MUST_USE;
enum gw_status gw_operator_org_append_line(struct gw_buf *out, int slug_width,
                                           const struct db_org_row *row) GW_MUST_USE;
enum gw_status gw_operator_org_append_text(struct gw_buf *out,
                                           const struct db_org_row *row) GW_MUST_USE;
