// SPDX-License-Identifier: MIT
#include "gateway/oidc/anchor.h"

#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "gateway/oidc/claim_text.h"

#define VALUE_BYTES_MAX 256
#define CLAIMS_MAX 2

bool gw_oidc_anchor_takes(struct gw_str value) {
    return value.length > 0 && value.length <= VALUE_BYTES_MAX &&
           gw_str_find(value, ' ') == value.length && gw_utf8_valid(value) &&
           !gw_utf8_has_control(value);
}

static char *append(char *to, struct gw_str text, bool fold) {
    for (size_t i = 0; i < text.length; i++)
        *to++ = fold ? gw_ascii_to_lower(text.at[i]) : text.at[i];
    return to;
}

enum gw_status gw_oidc_anchor_make(enum gw_oidc_kind kind, const struct gw_str *values,
                                   struct gw_arena *arena, struct gw_str *anchor) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(kind);
    char *text = gw_arena_allocate(arena, GW_OIDC_ANCHOR_BYTES_MAX);
    char *end = text;
    if (text == NULL)
        return GW_NO_MEMORY;
    for (int i = 0; i < provider->claim_count; i++) {
        const struct gw_oidc_claim_kind *claim = &provider->claims[i];
        if ((claim->traits & GW_OIDC_ANCHOR) == 0)
            continue;
        gw_assert(values->length <= VALUE_BYTES_MAX);
        if (end > text)
            *end++ = ' ';
        end = append(end, claim->name, false);
        *end++ = '=';
        end = append(end, *values++, (claim->traits & GW_OIDC_NO_CASE) != 0);
    }
    gw_assert(end > text && end <= text + GW_OIDC_ANCHOR_BYTES_MAX);
    *anchor = gw_str(text, (size_t)(end - text));
    return GW_OK;
}

enum gw_status gw_oidc_anchor(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                              struct gw_arena *arena, struct gw_str *anchor) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(kind);
    struct gw_str values[CLAIMS_MAX] = {{NULL, 0}};
    int count = 0;
    for (int i = 0; i < provider->claim_count; i++) {
        if ((provider->claims[i].traits & GW_OIDC_ANCHOR) == 0)
            continue;
        gw_assert(count < CLAIMS_MAX);
        enum gw_status status =
            gw_oidc_claim_text(kind, jwt, arena, provider->claims[i].name, &values[count]);
        if (status == GW_NO_MEMORY)
            return status;
        if (status != GW_OK || !gw_oidc_anchor_takes(values[count]))
            return GW_INVALID;
        count++;
    }
    return gw_oidc_anchor_make(kind, values, arena, anchor);
}
