// SPDX-License-Identifier: MIT
#include "gateway/exchange/request_ids.h"

#include <string.h>

#include "base/ascii.h"
#include "token/mask.h"

bool gw_request_id_of_proxy(const struct gw_http_head *request,
                            char out[GW_REQUEST_ID_LENGTH_MAX + 1]) {
    struct gw_str id = gw_http_head_value_once(request, GW_FIELD_X_REQUEST_ID);
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
