// SPDX-License-Identifier: MIT
// The first byte picks the field, the rest is its value, sent by the trusted proxy 10.0.0.9. What must hold beyond memory safety:
// nothing that stands left of an untrusted address changes who the client is, and with both fields the answer is that of each
// or the peer.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "gateway/client_ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct gw_ip find(enum gw_http_field_id id, struct gw_str value,
                         enum gw_http_field_id other_id, struct gw_str other) {
    static struct gw_http_head request;
    struct gw_trusted_proxies trusted;
    struct gw_ip peer;
    request.field_count = 2;
    request.fields[0] = (struct gw_http_field){.value = value, .id = id};
    request.fields[1] = (struct gw_http_field){.value = other, .id = other_id};
    gw_assert(gw_trusted_proxies_parse(GW_STR("10.0.0.0/8"), &trusted) == GW_OK);
    gw_assert(gw_ip_parse(GW_STR("10.0.0.9"), &peer) == GW_OK);
    return gw_client_ip_find(&request, &trusted, &peer);
}

static bool is(const struct gw_ip *ip, const char *text) {
    struct gw_ip same;
    gw_assert(gw_ip_parse(gw_str_from(text), &same) == GW_OK);
    return gw_ip_equal(ip, &same);
}

static void check_what_was_added_counts(enum gw_http_field_id id, struct gw_str value) {
    static char text[GW_HTTP_FIELD_BYTES_MAX + 32];
    const char *added = id == GW_FIELD_FORWARDED ? ", for=192.0.2.1" : ", 192.0.2.1";
    if (value.length > 0)
        memcpy(text, value.at, value.length);
    memcpy(text + value.length, added, strlen(added));
    struct gw_ip found =
        find(id, gw_str(text, value.length + strlen(added)), GW_FIELD_OTHER, GW_STR(""));
    gw_assert(is(&found, "192.0.2.1"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length < 1 || length - 1 > GW_HTTP_FIELD_BYTES_MAX)
        return 0;
    bool is_list = bytes[0] % 2 == 0;
    enum gw_http_field_id id = is_list ? GW_FIELD_X_FORWARDED_FOR : GW_FIELD_FORWARDED;
    enum gw_http_field_id other_id = is_list ? GW_FIELD_FORWARDED : GW_FIELD_X_FORWARDED_FOR;
    struct gw_str value = gw_str((const char *)bytes + 1, length - 1);
    struct gw_str other = is_list ? GW_STR("for=192.0.2.1") : GW_STR("192.0.2.1");
    struct gw_ip alone = find(id, value, GW_FIELD_OTHER, GW_STR(""));
    struct gw_ip both = find(id, value, other_id, other);
    gw_assert(is(&both, "10.0.0.9") || (is(&both, "192.0.2.1") && is(&alone, "192.0.2.1")));
    check_what_was_added_counts(id, value);
    return 0;
}
