// SPDX-License-Identifier: MIT
// The first byte picks the field, the rest is its value, sent by the trusted proxy 10.0.0.9. What
// must hold beyond memory safety: nothing that stands left of an untrusted address changes who the
// client is, the other field changes nothing, and without an address that is not the peer's there
// is no way to be the peer.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/http/client.h"
#include "gateway/http/client_ip.h"
#include "gateway/http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct gw_client find(enum gw_http_field_id id, struct gw_str value,
                             enum gw_http_field_id other_id, struct gw_str other) {
    static struct gw_http_head request;
    struct gw_trusted_proxies trusted;
    struct gw_ip peer;
    struct gw_ip found;
    request.field_count = 2;
    request.fields[0] = (struct gw_http_field){.value = value, .id = id};
    request.fields[1] = (struct gw_http_field){.value = other, .id = other_id};
    gw_assert(gw_trusted_proxies_parse(GW_STR("10.0.0.0/8"), &trusted) == GW_OK);
    gw_assert(gw_ip_parse(GW_STR("10.0.0.9"), &peer) == GW_OK);
    return gw_client_ip_find(&request, id, &trusted, &peer, &found) ? gw_client_at(&found)
                                                                    : gw_client_unknown();
}

static bool is(const struct gw_client *client, struct gw_str name) {
    return gw_str_equal(gw_client_name(client), name);
}

static void check_what_was_added_counts(enum gw_http_field_id id, struct gw_str value) {
    static char text[GW_HTTP_FIELD_BYTES_MAX + 32];
    const char *added = id == GW_FIELD_FORWARDED ? ", for=192.0.2.1" : ", 192.0.2.1";
    if (value.length > 0)
        memcpy(text, value.at, value.length);
    memcpy(text + value.length, added, strlen(added));
    struct gw_client found =
        find(id, gw_str(text, value.length + strlen(added)), GW_FIELD_OTHER, GW_STR(""));
    gw_assert(is(&found, GW_STR("192.0.2.1")));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length < 1 || length - 1 > GW_HTTP_FIELD_BYTES_MAX)
        return 0;
    bool is_list = bytes[0] % 2 == 0;
    enum gw_http_field_id id = is_list ? GW_FIELD_X_FORWARDED_FOR : GW_FIELD_FORWARDED;
    struct gw_str value = gw_str((const char *)bytes + 1, length - 1);
    struct gw_str other = is_list ? GW_STR("for=192.0.2.1") : GW_STR("192.0.2.1");
    struct gw_client alone = find(id, value, GW_FIELD_OTHER, GW_STR(""));
    struct gw_client both = find(id, value, gw_client_ip_other_field(id), other);
    gw_assert(is(&both, gw_client_name(&alone)));
    if (gw_str_find(value, '9') == value.length)
        gw_assert(!is(&alone, GW_STR("10.0.0.9")));
    check_what_was_added_counts(id, value);
    return 0;
}
