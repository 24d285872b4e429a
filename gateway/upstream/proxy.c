// SPDX-License-Identifier: MIT
#include "gateway/upstream/proxy.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/base64url.h"

static const struct gw_str scheme_end = GW_STR_INIT("://");

static enum gw_status refuse(const char *why, const char **problem) {
    *problem = why;
    return GW_INVALID;
}

// ---- the name and the password ----

// %41 is A. False: an escape that is none, or a character that no credentials have.
static bool unescape(struct gw_str text, size_t *at, char *out) {
    char c = text.at[*at];
    if (c == '%') {
        int high = *at + 2 < text.length ? gw_ascii_hex_value(text.at[*at + 1]) : -1;
        int low = *at + 2 < text.length ? gw_ascii_hex_value(text.at[*at + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        c = (char)(high * 16 + low);
        *at += 2;
    }
    (*at)++;
    *out = c;
    unsigned char byte = (unsigned char)c;
    return byte >= ' ' && byte != 0x7f;
}

// The alphabet of RFC 4648 section 4, padded.
static void write_base64(const char *bytes, size_t length, char *out) {
    size_t written = gw_base64url_length(length);
    gw_base64url_encode(bytes, length, out);
    for (size_t i = 0; i < written; i++)
        out[i] = (char)(out[i] == '-' ? '+' : out[i] == '_' ? '/' : out[i]);
    while (written % 4 != 0)
        out[written++] = '=';
    out[written] = '\0';
}

static enum gw_status take_user(struct gw_str text, struct gw_upstream_proxy *proxy,
                                const char **problem) {
    char user[GW_UPSTREAM_PROXY_USER_BYTES_MAX + 1];
    size_t length = 0;
    size_t at = 0;
    bool has_colon = gw_str_find(text, ':') < text.length;
    bool is_valid = true;
    while (is_valid && at < text.length && length < GW_UPSTREAM_PROXY_USER_BYTES_MAX)
        is_valid = unescape(text, &at, &user[length++]);
    bool fits =
        at == text.length && length + (has_colon ? 0 : 1) <= GW_UPSTREAM_PROXY_USER_BYTES_MAX;
    if (is_valid && fits && !has_colon)
        user[length++] = ':';
    if (is_valid && fits)
        write_base64(user, length, proxy->basic);
    gw_bytes_wipe(user, sizeof(user));
    if (!is_valid)
        return refuse("its name or password has a % without two digits, or a control character",
                      problem);
    return fits ? GW_OK : refuse("its name and password are too long", problem);
}

// ---- the address ----

static size_t end_of_authority(struct gw_str text) {
    size_t end = 0;
    while (end < text.length && strchr("/?#", text.at[end]) == NULL)
        end++;
    return end;
}

// Behind the last @, which a password may have, too.
static size_t start_of_host(struct gw_str authority) {
    size_t start = authority.length;
    while (start > 0 && authority.at[start - 1] != '@')
        start--;
    return start;
}

static size_t find_scheme_end(struct gw_str text) {
    size_t colon = gw_str_find(text, ':');
    bool is_scheme = gw_str_starts_with(gw_str_slice(text, colon, text.length), scheme_end);
    return is_scheme ? colon : 0;
}

static enum gw_status take_address(struct gw_str host, struct gw_str behind,
                                   struct gw_upstream_proxy *proxy, const char **problem) {
    char text[GW_UPSTREAM_HOST_BYTES_MAX + 64];
    if (behind.length > 0 && !gw_str_equal(behind, GW_STR("/")))
        return refuse("a path, query or fragment is not supported", problem);
    if (host.length > GW_UPSTREAM_HOST_BYTES_MAX + 8)
        return refuse("the host is too long", problem);
    (void)snprintf(text, sizeof(text), "http://%.*s", GW_STR_ARG(host));
    if (gw_upstream_url_parse(gw_str_from(text), &proxy->url, problem) != GW_OK)
        return GW_INVALID;
    (void)snprintf(proxy->name, sizeof(proxy->name), "%.*s", GW_STR_ARG(proxy->url.authority));
    proxy->url.authority = gw_str(NULL, 0); // of `text`
    return GW_OK;
}

enum gw_status gw_upstream_proxy_parse(struct gw_str text, struct gw_upstream_proxy *proxy,
                                       const char **problem) {
    struct gw_upstream_proxy parsed = {.basic = ""};
    size_t scheme_length = find_scheme_end(text);
    struct gw_str scheme = gw_str_slice(text, 0, scheme_length);
    if (scheme_length > 0 && !gw_str_equal_nocase(scheme, GW_STR("http")))
        return refuse("only proxies that are named by http:// are supported", problem);
    struct gw_str rest =
        gw_str_slice(text, scheme_length > 0 ? scheme_length + scheme_end.length : 0, text.length);
    struct gw_str authority = gw_str_slice(rest, 0, end_of_authority(rest));
    size_t host_start = start_of_host(authority);
    enum gw_status status =
        take_address(gw_str_slice(authority, host_start, authority.length),
                     gw_str_slice(rest, authority.length, rest.length), &parsed, problem);
    if (status == GW_OK && host_start > 0)
        status = take_user(gw_str_slice(authority, 0, host_start - 1), &parsed, problem);
    if (status == GW_OK)
        *proxy = parsed;
    gw_bytes_wipe(parsed.basic, sizeof(parsed.basic));
    return status;
}

// ---- the request ----

enum gw_status gw_upstream_proxy_write_request(const struct gw_upstream_proxy *proxy,
                                               const struct gw_upstream_url *url,
                                               struct gw_buf *request) {
    bool is_ipv6 = strchr(url->host, ':') != NULL;
    char host[GW_UPSTREAM_HOST_BYTES_MAX + 16];
    (void)snprintf(host, sizeof(host), "%s%s%s:%d", is_ipv6 ? "[" : "", url->host,
                   is_ipv6 ? "]" : "", url->port);
    return gw_buf_printf(
        request,
        "CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: skillreg-gateway/" GATEWAY_VERSION
        "\r\n%s%s%s\r\n",
        host, host, proxy->basic[0] != '\0' ? "Proxy-Authorization: Basic " : "", proxy->basic,
        proxy->basic[0] != '\0' ? "\r\n" : "");
}
