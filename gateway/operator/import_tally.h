// SPDX-License-Identifier: MIT
#pragma once
// What became of the rows of an import: counted, and each that was refused reported by its line. No
// report holds a value of a row.

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "db/token_import.h"

struct gw_import_tally {
    FILE *report;
    uint64_t made; // or would be
    uint64_t there;
    uint64_t refused;
};

// `path` NULL: to stderr. GW_CONFLICT: it is the file `input` itself. GW_SYSTEM: errno says why.
enum gw_status gw_import_tally_open(struct gw_import_tally *tally, const char *path,
                                    int input) GW_MUST_USE;
// GW_SYSTEM: the report is not whole.
enum gw_status gw_import_tally_close(struct gw_import_tally *tally) GW_MUST_USE;

void gw_import_tally_refuse(struct gw_import_tally *tally, uint64_t line, const char *why);
void gw_import_tally_count(struct gw_import_tally *tally, uint64_t line,
                           enum db_token_import_outcome outcome);
