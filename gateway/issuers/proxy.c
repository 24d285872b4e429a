// SPDX-License-Identifier: MIT
#include "gateway/issuers/proxy.h"

#include <stdio.h>
#include <stdlib.h>

// *name is that of the variable which counts.
static struct gw_str value_of(const char *small, const char *capital, const char **name) {
    const char *value = getenv(small);
    bool is_small = value != NULL && value[0] != '\0';
    *name = is_small ? small : capital;
    return gw_str_from(is_small ? value : getenv(capital));
}

enum gw_status gw_issuer_proxy_read(struct gw_issuer_proxy *proxy,
                                    struct gw_upstream_problem *problem) {
    struct gw_issuer_proxy found = {.is_set = false};
    const char *name;
    const char *why;
    struct gw_str text = value_of("https_proxy", "HTTPS_PROXY", &name);
    if (text.length > 0 && gw_upstream_proxy_parse(text, &found.proxy, &why) != GW_OK) {
        (void)snprintf(problem->text, sizeof(problem->text), "%s cannot be used: %s", name, why);
        problem->culprit = gw_str_from(name);
        return GW_INVALID;
    }
    found.is_set = text.length > 0;
    found.no_proxy = value_of("no_proxy", "NO_PROXY", &name);
    *proxy = found;
    gw_bytes_wipe(&found, sizeof(found));
    return GW_OK;
}

void gw_issuer_proxy_use(const struct gw_issuer_proxy *proxy, struct gw_upstream_options *options) {
    options->proxy = proxy->is_set ? &proxy->proxy : NULL;
    options->no_proxy = proxy->no_proxy;
}
