// SPDX-License-Identifier: MIT
#include "base/histogram.h"

#include <inttypes.h>

#define NS_PER_S INT64_C(1000000000)

static const struct bound {
    uint64_t ns;
    const char *seconds;
} bounds[] = {
    {5000, "0.000005"},  {10000, "0.00001"},  {25000, "0.000025"}, {50000, "0.00005"},
    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"},  {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},  {25000000, "0.025"},
    {50000000, "0.05"},  {100000000, "0.1"},  {250000000, "0.25"}, {500000000, "0.5"},
    {1000000000, "1"},   {2500000000, "2.5"}, {5000000000, "5"},   {10000000000, "10"},
};
_Static_assert(sizeof(bounds) / sizeof(bounds[0]) == GW_HISTOGRAM_BOUNDS, "a count for each bound");

void gw_histogram_observe(struct gw_histogram *histogram, uint64_t took_ns) {
    int bucket = 0;
    while (bucket < GW_HISTOGRAM_BOUNDS && took_ns > bounds[bucket].ns)
        bucket++;
    histogram->counts[bucket]++;
    histogram->sum_ns += (int64_t)took_ns;
}

void gw_histogram_add(struct gw_histogram *histogram, const struct gw_histogram *other) {
    for (int i = 0; i <= GW_HISTOGRAM_BOUNDS; i++)
        histogram->counts[i] += other->counts[i];
    histogram->sum_ns += other->sum_ns;
}

static enum gw_status write_bucket(const char *name, const char *labels, const char *seconds,
                                   int64_t count, struct gw_buf *out) {
    const char *comma = labels[0] != '\0' ? "," : "";
    return gw_buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", name, labels, comma,
                         seconds, count);
}

static enum gw_status write_totals(const struct gw_histogram *histogram, const char *name,
                                   const char *labels, int64_t count, struct gw_buf *out) {
    const char *open = labels[0] != '\0' ? "{" : "";
    const char *close = labels[0] != '\0' ? "}" : "";
    return gw_buf_printf(out,
                         "%s_sum%s%s%s %" PRId64 ".%09" PRId64 "\n"
                         "%s_count%s%s%s %" PRId64 "\n",
                         name, open, labels, close, histogram->sum_ns / NS_PER_S,
                         histogram->sum_ns % NS_PER_S, name, open, labels, close, count);
}

enum gw_status gw_histogram_write(const struct gw_histogram *histogram, const char *name,
                                  const char *labels, struct gw_buf *out) {
    int64_t count = 0;
    enum gw_status status = GW_OK;
    for (int i = 0; i < GW_HISTOGRAM_BOUNDS && status == GW_OK; i++) {
        count += histogram->counts[i];
        status = write_bucket(name, labels, bounds[i].seconds, count, out);
    }
    count += histogram->counts[GW_HISTOGRAM_BOUNDS];
    if (status == GW_OK)
        status = write_bucket(name, labels, "+Inf", count, out);
    return status == GW_OK ? write_totals(histogram, name, labels, count, out) : status;
}
