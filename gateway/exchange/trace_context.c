// SPDX-License-Identifier: MIT
#include "gateway/exchange/trace_context.h"

#include <string.h>

#include "base/ascii.h"
#include "base/big_endian.h"
#include "base/hex.h"

#define TRACE_ID_AT 3
#define SPAN_ID_AT 36
#define FLAGS_AT 53
#define FLAG_SAMPLED 1u
#define FLAG_RANDOM 2u // of level 2
#define ID_BYTES 8

static bool is_hex(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (!gw_ascii_is_digit(text.at[i]) && (text.at[i] < 'a' || text.at[i] > 'f'))
            return false;
    }
    return true;
}

static bool is_zero(struct gw_str text) {
    size_t i = 0;
    while (i < text.length && text.at[i] == '0')
        i++;
    return i == text.length;
}

// version "-" trace-id "-" parent-id "-" trace-flags; later versions may append to it.
bool gw_trace_parse(struct gw_str value, struct gw_trace_parts *parts) {
    if (value.length < GW_TRACE_PARENT_LENGTH || value.at[TRACE_ID_AT - 1] != '-' ||
        value.at[SPAN_ID_AT - 1] != '-' || value.at[FLAGS_AT - 1] != '-')
        return false;
    struct gw_str version = gw_str_slice(value, 0, 2);
    *parts = (struct gw_trace_parts){
        .trace_id = gw_str_slice(value, TRACE_ID_AT, TRACE_ID_AT + GW_TRACE_ID_LENGTH),
        .span_id = gw_str_slice(value, SPAN_ID_AT, SPAN_ID_AT + GW_SPAN_ID_LENGTH),
        .flags = gw_str_slice(value, FLAGS_AT, GW_TRACE_PARENT_LENGTH)};
    bool has_more = value.length > GW_TRACE_PARENT_LENGTH;
    if (has_more &&
        (gw_str_equal(version, GW_STR("00")) || value.at[GW_TRACE_PARENT_LENGTH] != '-'))
        return false;
    return is_hex(version) && !gw_str_equal(version, GW_STR("ff")) && is_hex(parts->trace_id) &&
           is_hex(parts->span_id) && is_hex(parts->flags) && !is_zero(parts->trace_id) &&
           !is_zero(parts->span_id);
}

// Of 16 digits; never only zeros, which is no id.
static void make_id(struct gw_random_sequence *random, char out[GW_SPAN_ID_LENGTH]) {
    unsigned char bytes[ID_BYTES];
    uint64_t number = gw_random_next(random);
    gw_put_big_endian(bytes, ID_BYTES, number != 0 ? number : 1);
    gw_hex_encode(bytes, ID_BYTES, out);
}

// The two digits without the bits that have no meaning yet.
static void keep_flags(struct gw_str flags, char out[2]) {
    unsigned low = (unsigned char)flags.at[1];
    low = gw_ascii_is_digit(flags.at[1]) ? low - '0' : low - 'a' + 10;
    out[0] = '0';
    out[1] = (char)('0' + (low & (FLAG_SAMPLED | FLAG_RANDOM)));
}

void gw_trace_begin(struct gw_trace *trace, const struct gw_http_head *request,
                    struct gw_random_sequence *random) {
    struct gw_trace_parts parts;
    char *at = trace->parent;
    trace->has_span = false;
    trace->is_of_client =
        request != NULL &&
        gw_trace_parse(gw_http_head_value_once(request, GW_FIELD_TRACEPARENT), &parts);
    memcpy(at, "00-00000000000000000000000000000000-0000000000000000-00",
           GW_TRACE_PARENT_LENGTH + 1);
    if (trace->is_of_client) {
        memcpy(at + TRACE_ID_AT, parts.trace_id.at, GW_TRACE_ID_LENGTH);
        keep_flags(parts.flags, at + FLAGS_AT);
    } else {
        make_id(random, at + TRACE_ID_AT);
        make_id(random, at + TRACE_ID_AT + GW_SPAN_ID_LENGTH);
    }
}

struct gw_str gw_trace_id(const struct gw_trace *trace) {
    return gw_str(trace->parent + TRACE_ID_AT, GW_TRACE_ID_LENGTH);
}

struct gw_str gw_trace_parent(struct gw_trace *trace, struct gw_random_sequence *random) {
    if (!trace->has_span)
        make_id(random, trace->parent + SPAN_ID_AT);
    trace->has_span = true;
    return gw_str(trace->parent, GW_TRACE_PARENT_LENGTH);
}
