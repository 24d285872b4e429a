// SPDX-License-Identifier: MIT
#include "token/scope.h"

#include "base/json.h"

#include <string.h>

#define SCOPES_ALL (GW_SCOPE_READ | GW_SCOPE_WRITE | GW_SCOPE_ADMIN)

static const struct {
    enum gw_scope scope;
    const char *name;
} scopes[] = {
    {GW_SCOPE_READ, "read"},
    {GW_SCOPE_WRITE, "write"},
    {GW_SCOPE_ADMIN, "admin"},
};
#define SCOPE_COUNT (sizeof(scopes) / sizeof(scopes[0]))

bool gw_scope_allows(gw_scope_set held, enum gw_scope needed) {
    gw_assert(needed >= GW_SCOPE_READ && needed <= GW_SCOPE_ADMIN);
    // The bits rise with the power, so the highest one held decides.
    return (held & SCOPES_ALL) >= (int)needed;
}

const char *gw_scope_name(enum gw_scope scope) {
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if (scopes[i].scope == scope)
            return scopes[i].name;
    }
    return "unknown";
}

enum gw_status gw_scope_parse(struct gw_str name, enum gw_scope *scope) {
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if (!gw_str_equal(name, gw_str_from(scopes[i].name)))
            continue;
        *scope = scopes[i].scope;
        return GW_OK;
    }
    return GW_INVALID;
}

enum gw_status gw_scope_parse_list(struct gw_str list, gw_scope_set *set, struct gw_str *wrong) {
    if (list.at == NULL)
        list = GW_STR("");
    gw_scope_set found = 0;
    struct gw_str element;
    while (gw_str_next(&list, ',', &element)) {
        enum gw_scope scope;
        element = gw_str_trim(element);
        if (gw_scope_parse(element, &scope) != GW_OK) {
            if (wrong != NULL)
                *wrong = element;
            return GW_INVALID;
        }
        found = (gw_scope_set)(found | scope);
    }
    *set = found;
    return GW_OK;
}

size_t gw_scope_format(gw_scope_set set, const char *separator, char out[GW_SCOPE_TEXT_BYTES_MAX]) {
    size_t separator_length = strlen(separator);
    gw_assert(separator_length <= 2);
    size_t length = 0;
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if ((set & (unsigned)scopes[i].scope) == 0)
            continue;
        if (length > 0) {
            memcpy(out + length, separator, separator_length);
            length += separator_length;
        }
        size_t name_length = strlen(scopes[i].name);
        memcpy(out + length, scopes[i].name, name_length);
        length += name_length;
    }
    out[length] = '\0';
    return length;
}

void gw_scope_write_json(struct gw_json_writer *writer, gw_scope_set set) {
    gw_json_open_array(writer);
    for (unsigned scope = GW_SCOPE_READ; scope <= GW_SCOPE_ADMIN; scope <<= 1) {
        if ((set & scope) != 0)
            gw_json_write_string(writer, gw_str_from(gw_scope_name((enum gw_scope)scope)));
    }
    gw_json_close_array(writer);
}
