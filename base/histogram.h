// SPDX-License-Identifier: MIT
#pragma once
// How long things took, as counts in buckets of fixed bounds, and its Prometheus text form. All
// histograms have the same bounds: from a decision out of memory (microseconds) over a lookup
// (about a millisecond) to a registry that is given up (ten seconds). One thread writes; another
// process may read, and sees counts a moment old. No I/O, no clock, no allocation.

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define GW_HISTOGRAM_BOUNDS 20

struct gw_histogram {
    int64_t counts[GW_HISTOGRAM_BOUNDS + 1]; // not cumulative; the last: over all bounds
    int64_t sum_ns;
};

void gw_histogram_observe(struct gw_histogram *histogram, uint64_t took_ns);
// Adds what `other` has counted.
void gw_histogram_add(struct gw_histogram *histogram, const struct gw_histogram *other);
// Appends the lines NAME_bucket, cumulative, NAME_sum in seconds, and NAME_count. `labels` is empty
// or such as `code="2xx"`.
enum gw_status gw_histogram_write(const struct gw_histogram *histogram, const char *name,
                                  const char *labels, struct gw_buf *out) GW_MUST_USE;
