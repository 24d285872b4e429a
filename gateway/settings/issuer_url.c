// SPDX-License-Identifier: MIT
#include "gateway/settings/issuer_url.h"

#include <string.h>

static const char scheme[] = "https://";

static enum gw_status refuse(const char *why, const char **problem) {
    *problem = why;
    return GW_INVALID;
}

// Of a target (RFC 3986 sections 3.3 and 3.4); the brackets of an IPv6 address are of the host.
static bool is_plain(char c) {
    return c > ' ' && c < 0x7f && strchr("\"<>\\^`{|}#", c) == NULL;
}

static bool are_plain(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (!is_plain(text.at[i]))
            return false;
    }
    return true;
}

enum gw_status gw_issuer_url_split(struct gw_str text, bool may_query, struct gw_issuer_url *url,
                                   const char **problem) {
    size_t start = strlen(scheme);
    if (!gw_str_starts_with(text, gw_str_from(scheme)))
        return refuse("it must start with https://", problem);
    if (text.length > GW_ISSUER_URL_BYTES_MAX)
        return refuse("it is longer than 255 bytes", problem);
    if (!are_plain(text))
        return refuse("it has a character that a URL must escape, or a fragment", problem);
    size_t end = start;
    while (end < text.length && text.at[end] != '/' && text.at[end] != '?')
        end++;
    struct gw_str authority = gw_str_slice(text, start, end);
    struct gw_str path = gw_str_slice(text, end, text.length);
    if (authority.length == 0)
        return refuse("the host is missing", problem);
    if (gw_str_find(authority, '@') < authority.length)
        return refuse("user information is not supported", problem);
    if (gw_str_find(path, '?') < path.length && !may_query)
        return refuse("a query is not supported", problem);
    if (path.length > 0 && path.at[0] != '/')
        return refuse("a / is missing in front of the query", problem);
    *url = (struct gw_issuer_url){.origin = gw_str_slice(text, 0, end), .path = path};
    return GW_OK;
}
