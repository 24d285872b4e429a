// SPDX-License-Identifier: MIT
#include "gateway/exchange/server_timing.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_OF_US 1000
#define US_OF_MS 1000

struct writer {
    char *out;
    size_t used;
};

static void put(struct writer *writer, const char *name, const struct gw_report_time *time,
                uint64_t now_ns) {
    bool is_under_way = time->began_ns != 0;
    if (!is_under_way && !time->is_known)
        return;
    uint64_t us = (time->took_ns + (is_under_way ? now_ns - time->began_ns : 0)) / NS_OF_US;
    size_t left = GW_SERVER_TIMING_BYTES_MAX - writer->used;
    int length = snprintf(writer->out + writer->used, left, "%s%s;dur=%" PRIu64 ".%03" PRIu64,
                          writer->used > 0 ? ", " : "", name, us / US_OF_MS, us % US_OF_MS);
    gw_assert(length > 0 && (size_t)length < left);
    writer->used += (size_t)length;
}

struct gw_str gw_server_timing_write(const struct gw_report *report, uint64_t now_ns,
                                     char out[GW_SERVER_TIMING_BYTES_MAX]) {
    struct writer writer = {.out = out};
    put(&writer, "decision", &report->decision, now_ns);
    put(&writer, "lookup", &report->lookup, now_ns);
    put(&writer, "registry", &report->registry, now_ns);
    return gw_str(out, writer.used);
}
