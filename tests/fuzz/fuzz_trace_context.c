// SPDX-License-Identifier: MIT
// The value of a traceparent field. What must hold beyond memory safety: whatever came, what goes
// on is valid and of version 00; it has the client's trace where the value was valid, and never its
// span.

#include <stddef.h>
#include <stdint.h>

#include "gateway/exchange/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static struct gw_http_head head;
    static struct gw_random_sequence sequence = {{1, 2, 3, 4}};
    struct gw_trace_parts sent;
    struct gw_trace_parts kept;
    struct gw_trace trace;
    struct gw_str value = gw_str((const char *)bytes, length);
    head.field_count = 1;
    head.fields[0] = (struct gw_http_field){GW_STR("traceparent"), value, GW_FIELD_TRACEPARENT};
    bool is_valid = gw_trace_parse(value, &sent);
    gw_trace_begin(&trace, &head, &sequence);
    gw_assert(gw_trace_parse(gw_trace_parent(&trace, &sequence), &kept));
    gw_assert(trace.parent[0] == '0' && trace.parent[1] == '0');
    gw_assert(trace.is_of_client == is_valid);
    if (is_valid) {
        gw_assert(gw_str_equal(sent.trace_id, gw_trace_id(&trace)));
        gw_assert(!gw_str_equal(sent.span_id, kept.span_id));
    }
    return 0;
}
