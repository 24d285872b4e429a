// SPDX-License-Identifier: MIT
#pragma once
// The value of Server-Timing (https://www.w3.org/TR/server-timing/) with --server-timing: where the
// time of a request went until its response began, in milliseconds with microseconds.
//
//   decision;dur=1.310, lookup;dur=1.204, registry;dur=8.052
//
// `lookup`, of the token in the database, is a part of `decision`; `registry` ends with the head of
// its answer. What did not take place is left out. Pure: the clock is the caller's.

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "gateway/exchange/report.h"

#define GW_SERVER_TIMING_BYTES_MAX 128

// A slice of `out`, empty when nothing took place.
struct gw_str gw_server_timing_write(const struct gw_report *report, uint64_t now_ns,
                                     char out[GW_SERVER_TIMING_BYTES_MAX]);
