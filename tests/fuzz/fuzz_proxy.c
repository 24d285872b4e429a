// SPDX-License-Identifier: MIT
// HTTPS_PROXY and NO_PROXY with any bytes, one in each line. What must hold beyond memory safety: a
// proxy that is taken has a host and a port, its request is one head whose lines nothing of the
// value has broken, and a list that has a host has it with more around it.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/upstream/no_proxy.h"
#include "gateway/upstream/proxy.h"

#define LIST_BYTES_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char *const origins[] = {"https://a.example.com", "https://10.1.2.3:8443",
                                      "https://[2001:db8::1]"};

static void check_request(const struct gw_upstream_proxy *proxy,
                          const struct gw_upstream_url *url) {
    struct gw_buf request;
    gw_buf_init(&request, GW_UPSTREAM_PROXY_REQUEST_BYTES_MAX);
    gw_assert(gw_upstream_proxy_write_request(proxy, url, &request) == GW_OK);
    struct gw_str text = gw_buf_bytes(&request);
    int lines = 0;
    for (size_t i = 0; i < text.length; i++) {
        gw_assert(text.at[i] == '\r' || text.at[i] == '\n' ||
                  (text.at[i] >= ' ' && text.at[i] < 127));
        lines += text.at[i] == '\n' ? 1 : 0;
    }
    gw_assert(lines == (proxy->basic[0] != '\0' ? 5 : 4));
    gw_buf_deinit_wiped(&request);
}

static void check_list(struct gw_str list, const struct gw_upstream_url *url) {
    static char longer[LIST_BYTES_MAX + 8];
    if (list.length > LIST_BYTES_MAX)
        return;
    memcpy(longer, "x ,", 3);
    if (list.length > 0)
        memcpy(longer + 3, list.at, list.length);
    memcpy(longer + 3 + list.length, ", y", 3);
    gw_assert(gw_no_proxy_has(list, url) == gw_no_proxy_has(gw_str(longer, list.length + 6), url));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str input = gw_str((const char *)bytes, length);
    struct gw_str list = gw_str_slice(input, gw_str_find(input, '\n') + 1, length);
    struct gw_str value = gw_str_slice(input, 0, gw_str_find(input, '\n'));
    struct gw_upstream_proxy proxy;
    const char *problem = NULL;
    enum gw_status status = gw_upstream_proxy_parse(value, &proxy, &problem);
    gw_assert(status == GW_OK ? proxy.url.host[0] != '\0' && proxy.url.port != 0
                              : status == GW_INVALID && problem != NULL);
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        struct gw_upstream_url url;
        gw_assert(gw_upstream_url_parse(gw_str_from(origins[i]), &url, &problem) == GW_OK);
        if (status == GW_OK)
            check_request(&proxy, &url);
        check_list(list, &url);
    }
    return 0;
}
