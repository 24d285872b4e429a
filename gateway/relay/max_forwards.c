// SPDX-License-Identifier: MIT
#include "gateway/relay/max_forwards.h"

#include "base/str.h"

enum gw_status gw_max_forwards_read(const struct gw_http_head *request, uint64_t *count) {
    const struct gw_http_field *field = gw_http_head_field(request, GW_FIELD_MAX_FORWARDS);
    if (request->method != HTTP_OPTIONS || field == NULL)
        return GW_NOT_FOUND;
    if (gw_http_head_count(request, GW_FIELD_MAX_FORWARDS) != 1)
        return GW_INVALID;
    enum gw_status status = gw_str_to_u64(field->value, count);
    if (status != GW_TOO_BIG)
        return status;
    *count = UINT64_MAX;
    return GW_OK;
}
