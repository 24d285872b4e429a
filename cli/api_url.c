// SPDX-License-Identifier: MIT
#include "cli/api_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdint.h>
#include <string.h>

#include "base/ascii.h"
#include "base/base64url.h"

#define API_PATH "/api/v1"

static bool has_part(CURLU *url, CURLUPart part) {
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

static bool part_equals(CURLU *url, CURLUPart part, const char *wanted) {
    char *text = NULL;
    bool equal = curl_url_get(url, part, &text, 0) == CURLUE_OK && strcmp(text, wanted) == 0;
    curl_free(text);
    return equal;
}

static bool is_loopback_host(const char *host) {
    struct in_addr address;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool is_loopback(CURLU *url) {
    char *host = NULL;
    bool loopback =
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK && is_loopback_host(host);
    curl_free(host);
    return loopback;
}

bool cli_api_url_is_loopback(const char *url) {
    CURLU *parsed = curl_url();
    bool loopback = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                    is_loopback(parsed);
    curl_url_cleanup(parsed);
    return loopback;
}

// The length without /api/v1 at the end, if it is there.
static size_t without_api_path(struct gw_str text) {
    struct gw_str suffix = GW_STR(API_PATH);
    bool has = text.length >= suffix.length &&
               gw_str_equal(gw_str_slice(text, text.length - suffix.length, text.length), suffix);
    return has ? text.length - suffix.length : text.length;
}

// Replaces the path by itself without trailing slashes and /api/v1, and with /api/v1.
static bool set_api_path(CURLU *url) {
    char *old = NULL;
    if (curl_url_get(url, CURLUPART_PATH, &old, 0) != CURLUE_OK)
        return false;
    struct gw_str path = gw_str_from(old);
    while (path.length > 0 && path.at[path.length - 1] == '/')
        path.length--;
    path.length = without_api_path(path);
    char next[CLI_API_URL_BYTES_MAX];
    int length = snprintf(next, sizeof(next), "%.*s" API_PATH, GW_STR_ARG(path));
    curl_free(old);
    return length < (int)sizeof(next) && curl_url_set(url, CURLUPART_PATH, next, 0) == CURLUE_OK;
}

// The address never stands in an error: it may hold a password.
static enum cli_exit check(CURLU *url, const char *address, bool insecure_http,
                           struct cli_reason *why) {
    if (curl_url_set(url, CURLUPART_URL, address, 0) != CURLUE_OK ||
        !(part_equals(url, CURLUPART_SCHEME, "https") ||
          part_equals(url, CURLUPART_SCHEME, "http")))
        return cli_fail(why, CLI_USAGE,
                        "the gateway's address is not a URL, write it as https://host:port");
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD) ||
        has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        return cli_fail(why, CLI_USAGE,
                        "the gateway's address holds a user, a query or a fragment, write it as "
                        "https://host:port");
    if (part_equals(url, CURLUPART_SCHEME, "http") && !insecure_http && !is_loopback(url))
        return cli_fail(why, CLI_USAGE,
                        "the gateway's address is http://, which would show the token to the "
                        "network, use https:// (or --insecure-http if you accept that)");
    return CLI_DONE;
}

enum cli_exit cli_api_url_base(const char *address, bool insecure_http,
                               char out[CLI_API_URL_BYTES_MAX], struct cli_reason *why) {
    gw_assert(address != NULL);
    CURLU *url = curl_url();
    if (url == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    char *text = NULL;
    enum cli_exit exit = check(url, address, insecure_http, why);
    if (exit != CLI_DONE)
        goto out;
    if (!set_api_path(url) || curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK ||
        strlen(text) >= CLI_API_URL_BYTES_MAX) {
        exit = cli_fail(why, CLI_USAGE, "the gateway's address is too long");
        goto out;
    }
    memcpy(out, text, strlen(text) + 1);
out:
    curl_free(text);
    curl_url_cleanup(url);
    return exit;
}

static void lower_host(CURLU *url) {
    char *host = NULL;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return;
    for (char *at = host; *at != '\0'; at++)
        *at = gw_ascii_to_lower(*at);
    (void)curl_url_set(url, CURLUPART_HOST, host, 0);
    curl_free(host);
}

void cli_api_url_address(const char *base_url, char out[CLI_API_URL_BYTES_MAX]) {
    CURLU *url = curl_url();
    char *text = NULL;
    out[0] = '\0';
    if (url != NULL && curl_url_set(url, CURLUPART_URL, base_url, 0) == CURLUE_OK) {
        lower_host(url);
        (void)curl_url_get(url, CURLUPART_URL, &text, CURLU_NO_DEFAULT_PORT);
    }
    curl_url_cleanup(url);
    struct gw_str address = text != NULL ? gw_str_from(text) : gw_str("", 0);
    gw_assert(address.length < CLI_API_URL_BYTES_MAX);
    address.length = without_api_path(address);
    memcpy(out, address.at, address.length);
    out[address.length] = '\0';
    curl_free(text);
}

static bool is_unreserved(char c) {
    return gw_base64url_is_char(c) || c == '.' || c == '~';
}

enum gw_status cli_api_url_append_encoded(struct gw_buf *url, struct gw_str text) {
    enum gw_status status = GW_OK;
    for (size_t i = 0; i < text.length && status == GW_OK; i++) {
        if (is_unreserved(text.at[i]))
            status = gw_buf_append(url, &text.at[i], 1);
        else
            status = gw_buf_printf(url, "%%%02X", (unsigned)(unsigned char)text.at[i]);
    }
    return status;
}

enum gw_status cli_api_url_append_segment(struct gw_buf *path, struct gw_str segment) {
    enum gw_status status = gw_buf_append(path, "/", 1);
    return status == GW_OK ? cli_api_url_append_encoded(path, segment) : status;
}
