// SPDX-License-Identifier: MIT
#pragma once
// Tokens to a file, in one of the two formats that gateway/bulk/reader.h reads: a line for each,
// with the names of the fields in front of CSV. Never a secret; the digest if it is asked for.

#include <stdbool.h>

#include "base/buf.h"
#include "db/token_admin.h"
#include "gateway/bulk/fields.h"

struct gw_bulk_writer {
    enum gw_bulk_format format; // CSV or JSON lines
    bool with_digests;
};

// What stands before the first row: of JSON lines nothing.
enum gw_status gw_bulk_writer_begin(const struct gw_bulk_writer *writer,
                                    struct gw_buf *out) GW_MUST_USE;
enum gw_status gw_bulk_writer_add(const struct gw_bulk_writer *writer,
                                  const struct db_token_admin_row *row,
                                  struct gw_buf *out) GW_MUST_USE;
