// SPDX-License-Identifier: MIT
#include "gateway/exchange/request_ids.h"

#include <string.h>

#include "base/ascii.h"
#include "token/mask.h"

struct gw_str gw_request_field_once(const struct gw_http_head *request, struct gw_str name) {
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
    struct gw_str id = gw_request_field_once(request, GW_STR("x-request-id"));
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
