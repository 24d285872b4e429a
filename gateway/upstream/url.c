// SPDX-License-Identifier: MIT
#include "gateway/upstream/url.h"

#include <string.h>
#include <uv.h>

#include "base/ascii.h"
#include "base/host_port.h"

#define PORT_OF_HTTP 80
#define PORT_OF_HTTPS 443

static enum gw_status refuse(const char *why, const char **problem) {
    *problem = why;
    return GW_INVALID;
}

static bool is_name_character(char c) {
    return gw_ascii_is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
}

static bool is_name(struct gw_str host) {
    for (size_t i = 0; i < host.length; i++) {
        if (!is_name_character(host.at[i]))
            return false;
    }
    return host.length > 0;
}

// `text` is terminated behind its end by the caller's copy.
static bool is_ipv6(const char *text) {
    struct sockaddr_in6 address;
    return strchr(text, '%') == NULL && uv_ip6_addr(text, 0, &address) == 0;
}

// *port is the one to take when none is named.
static enum gw_status parse_port(struct gw_str text, uint16_t *port, const char **problem) {
    enum gw_status status = text.at != NULL ? gw_port_parse(text, port) : GW_OK;
    if (status == GW_INVALID)
        return refuse("the port is not a number", problem);
    if (status != GW_OK || *port == 0)
        return refuse("the port must be 1 to 65535", problem);
    return GW_OK;
}

static enum gw_status parse_authority(struct gw_str authority, struct gw_upstream_url *url,
                                      const char **problem) {
    struct gw_host_port parts;
    if (gw_str_find(authority, '@') < authority.length)
        return refuse("user information is not supported", problem);
    if (gw_host_port_split(authority, &parts) != GW_OK)
        return refuse("the host is not valid", problem);
    struct gw_str host = parts.host;
    if (host.length == 0)
        return refuse("the host is missing", problem);
    if (host.length > GW_UPSTREAM_HOST_BYTES_MAX)
        return refuse("the host is too long", problem);
    memcpy(url->host, host.at, host.length);
    url->host[host.length] = '\0';
    if (strlen(url->host) != host.length ||
        !(parts.is_bracketed ? is_ipv6(url->host) : is_name(host)))
        return refuse("the host is not valid", problem);
    url->authority = authority;
    return parse_port(parts.port, &url->port, problem);
}

enum gw_status gw_upstream_url_parse(struct gw_str text, struct gw_upstream_url *url,
                                     const char **problem) {
    struct gw_str scheme = gw_str_slice(text, 0, gw_str_find(text, ':'));
    struct gw_upstream_url parsed = {.is_tls = gw_str_equal_nocase(scheme, GW_STR("https"))};
    parsed.port = parsed.is_tls ? PORT_OF_HTTPS : PORT_OF_HTTP;
    if ((!parsed.is_tls && !gw_str_equal_nocase(scheme, GW_STR("http"))) ||
        !gw_str_starts_with(gw_str_slice(text, scheme.length, text.length), GW_STR("://")))
        return refuse("it must start with http:// or https://", problem);
    struct gw_str rest = gw_str_slice(text, scheme.length + 3, text.length);
    size_t authority_end = 0;
    while (authority_end < rest.length && strchr("/?#", rest.at[authority_end]) == NULL)
        authority_end++;
    struct gw_str behind = gw_str_slice(rest, authority_end, rest.length);
    if (behind.length > 0 && !gw_str_equal(behind, GW_STR("/")))
        return refuse("a path, query or fragment is not supported", problem);
    enum gw_status status = parse_authority(gw_str_slice(rest, 0, authority_end), &parsed, problem);
    if (status == GW_OK)
        *url = parsed;
    return status;
}
