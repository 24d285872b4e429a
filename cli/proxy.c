// SPDX-License-Identifier: MIT
#include "cli/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/str.h"

static const char *first_set(const char *const *names) {
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

static const char *variable_for(const char *base_url) {
    static const char *const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                         NULL};
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    return first_set(strncmp(base_url, "https:", 6) == 0 ? secure : plain);
}

static bool is_host(struct gw_str host) {
    for (size_t i = 0; i < host.length; i++) {
        char c = host.at[i];
        if (!gw_ascii_is_alphanumeric(c) && c != '.' && c != '-' && c != '[' && c != ']' &&
            c != ':')
            return false;
    }
    return host.length > 0;
}

// "host" or "host:port"; what else stands behind a colon may be a password.
static bool is_host_and_port(struct gw_str text) {
    size_t colon = text.length;
    while (colon > 0 && text.at[colon - 1] != ':' && text.at[colon - 1] != ']')
        colon--;
    bool has_port = colon > 0 && text.at[colon - 1] == ':';
    for (size_t i = colon; has_port && i < text.length; i++) {
        if (!gw_ascii_is_digit(text.at[i]))
            return false;
    }
    return is_host(has_port ? gw_str_slice(text, 0, colon - 1) : text);
}

void cli_proxy_name(const char *base_url, char out[CLI_PROXY_BYTES_MAX]) {
    const char *value = variable_for(base_url);
    out[0] = '\0';
    if (value == NULL)
        return;
    const char *scheme_end = strstr(value, "://");
    const char *user_end = strrchr(value, '@');
    const char *at = user_end != NULL ? user_end + 1 : scheme_end != NULL ? scheme_end + 3 : value;
    struct gw_str host = gw_str_from(at);
    host.length = gw_str_find(host, '/');
    if (is_host_and_port(host) && host.length < CLI_PROXY_BYTES_MAX - 1)
        (void)snprintf(out, CLI_PROXY_BYTES_MAX, " %.*s", GW_STR_ARG(host));
}
