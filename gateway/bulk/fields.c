// SPDX-License-Identifier: MIT
#include "gateway/bulk/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "token/syntax.h"

#define SHOWN_BYTES_MAX 40

static const char *const names[GW_BULK_FIELD_COUNT] = {
#define X(name, text) text,
    GW_BULK_FIELD_MAP(X)
#undef X
};

const char *gw_bulk_field_name(enum gw_bulk_field field) {
    gw_assert(field < GW_BULK_FIELD_COUNT);
    return names[field];
}

bool gw_bulk_field_find(struct gw_str name, enum gw_bulk_field *field) {
    for (int i = 0; i < GW_BULK_FIELD_COUNT; i++) {
        if (gw_str_equal(name, gw_str_from(names[i]))) {
            *field = (enum gw_bulk_field)i;
            return true;
        }
    }
    return false;
}

void gw_bulk_field_complain(struct gw_str name, char fault[GW_BULK_FAULT_LENGTH]) {
    struct gw_str found;
    size_t used;
    if (gw_token_syntax_find(name, GW_TOKEN_PART_MIN, &found) || !gw_utf8_valid(name))
        used = (size_t)snprintf(fault, GW_BULK_FAULT_LENGTH, "a name in it is not known");
    else
        used = (size_t)snprintf(
            fault, GW_BULK_FAULT_LENGTH, "\"%.*s\" is not known",
            (int)(name.length < SHOWN_BYTES_MAX ? name.length : SHOWN_BYTES_MAX), name.at);
    const char *separator = "; known are ";
    for (int i = 0; i < GW_BULK_FIELD_COUNT; i++) {
        used += (size_t)snprintf(fault + used, GW_BULK_FAULT_LENGTH - used, "%s%s", separator,
                                 names[i]);
        gw_assert(used < GW_BULK_FAULT_LENGTH);
        separator = ", ";
    }
}
