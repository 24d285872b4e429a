// SPDX-License-Identifier: MIT
// Any bytes as the discovery document of an issuer. What must hold beyond memory safety: the place
// of the keys that is taken is a path on the issuer's own origin, fit to be the target of a
// request, and a document that is refused has a reason.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "gateway/issuers/discovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_place(const struct gw_issuer_url *keys, struct gw_str issuer) {
    struct gw_issuer_url own;
    const char *problem = NULL;
    gw_assert(gw_issuer_url_split(issuer, false, &own, &problem) == GW_OK);
    gw_assert(gw_discovery_is_same_origin(own.origin, keys->origin));
    gw_assert(keys->path.length == 0 || keys->path.at[0] == '/' || keys->path.at[0] == '?');
    for (size_t i = 0; i < keys->path.length; i++)
        gw_assert(keys->path.at[i] > ' ' && keys->path.at[i] < 127);
    gw_assert(keys->origin.length + keys->path.length <= GW_ISSUER_URL_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const char *const issuers[] = {"https://a.test", "https://a.test:8443/org/1",
                                          "https://[2001:db8::1]/"};
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        struct gw_arena arena;
        struct gw_issuer_url keys;
        const char *problem = NULL;
        gw_arena_init(&arena, (size_t)512 * 1024);
        enum gw_status status = gw_discovery_read(&arena, gw_str((const char *)bytes, length),
                                                  gw_str_from(issuers[i]), &keys, &problem);
        if (status == GW_OK)
            check_place(&keys, gw_str_from(issuers[i]));
        else
            gw_assert(status == GW_NO_MEMORY || (status == GW_INVALID && problem != NULL));
        gw_arena_deinit(&arena);
    }
    return 0;
}
