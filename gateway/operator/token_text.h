// SPDX-License-Identifier: MIT
#pragma once
// Tokens as the commands show them: as JSON, as a line of a table, and by themselves.

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"
#include "db/token_admin.h"

// The members of an object that the caller has opened: those of the API, the organisation before
// them, and what became of the token behind them.
void gw_operator_token_write_json(struct gw_json_writer *json,
                                  const struct db_token_admin_row *row);

// Which columns a table has besides those that it always has.
struct gw_operator_token_table {
    bool has_orgs;
    bool has_states;
};
// The widths of the columns are those that the row knows.
enum gw_status gw_operator_token_append_titles(struct gw_buf *out,
                                               const struct gw_operator_token_table *table,
                                               const struct db_token_admin_row *row) GW_MUST_USE;
enum gw_status gw_operator_token_append_line(struct gw_buf *out,
                                             const struct gw_operator_token_table *table,
                                             const struct db_token_admin_row *row) GW_MUST_USE;
enum gw_status gw_operator_token_append_text(struct gw_buf *out,
                                             const struct db_token_admin_row *row) GW_MUST_USE;
