// SPDX-License-Identifier: MIT
#include "gateway/auth/bearer.h"

// credentials = "Bearer" 1SP token; the scheme in any letter case (RFC 9110 section 11.1).
enum gw_bearer gw_bearer_find(const struct gw_http_head *request, struct gw_str *secret) {
    int count = gw_http_head_count(request, GW_FIELD_AUTHORIZATION);
    if (count != 1)
        return count == 0 ? GW_BEARER_MISSING : GW_BEARER_TWICE;
    struct gw_str credentials = gw_http_head_field(request, GW_FIELD_AUTHORIZATION)->value;
    *secret = gw_str_slice(credentials, 7, credentials.length);
    bool is_bearer = gw_str_equal_nocase(gw_str_slice(credentials, 0, 7), GW_STR("bearer "));
    return is_bearer && secret->length > 0 ? GW_BEARER_FOUND : GW_BEARER_MISSING;
}
