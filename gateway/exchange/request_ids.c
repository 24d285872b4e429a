// SPDX-License-Identifier: MIT
#include "gateway/exchange/request_ids.h"

#include <string.h>

#include "base/ascii.h"
#include "token/mask.h"

// The field that comes once; .at NULL without one, or with several.
static struct gw_str find_once(const struct gw_http_head *request, struct gw_str name) {
    struct gw_str value = {NULL, 0};
    for (int i = 0; i < request->field_count; i++) {
        if (!gw_str_equal_nocase(request->fields[i].name, name))
            continue;
        if (value.at != NULL)
            return (struct gw_str){NULL, 0};
        value = request->fields[i].value;
    }
    return value;
}

bool gw_request_id_of_proxy(const struct gw_http_head *request,
                            char out[GW_REQUEST_ID_LENGTH_MAX + 1]) {
    struct gw_str id = find_once(request, GW_STR("x-request-id"));
    if (id.length == 0 || id.length > GW_REQUEST_ID_LENGTH_MAX)
        return false;
    for (size_t i = 0; i < id.length; i++) {
        char c = id.at[i];
        if (!gw_ascii_is_alphanumeric(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    // A proxy may pass on what its client sent.
    size_t length = gw_token_mask(id, out, GW_REQUEST_ID_LENGTH_MAX);
    out[length] = '\0';
    return length == id.length && memcmp(out, id.at, length) == 0;
}

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
struct gw_str gw_trace_id(const struct gw_http_head *request) {
    struct gw_str text = find_once(request, GW_STR("traceparent"));
    struct gw_str version = gw_str_slice(text, 0, 2);
    struct gw_str trace_id = gw_str_slice(text, 3, 3 + GW_TRACE_ID_LENGTH);
    struct gw_str parent_id = gw_str_slice(text, 36, 52);
    if (text.length < 55 || text.at[2] != '-' || text.at[35] != '-' || text.at[52] != '-')
        return GW_STR("");
    bool has_more = text.length > 55;
    if (has_more && (gw_str_equal(version, GW_STR("00")) || text.at[55] != '-'))
        return GW_STR("");
    if (!is_hex(version) || !is_hex(trace_id) || !is_hex(parent_id) ||
        !is_hex(gw_str_slice(text, 53, 55)) || gw_str_equal(version, GW_STR("ff")) ||
        is_zero(trace_id) || is_zero(parent_id))
        return GW_STR("");
    return trace_id;
}
