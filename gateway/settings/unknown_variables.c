// SPDX-License-Identifier: MIT
#include "gateway/settings/unknown_variables.h"

#include <unistd.h>

#include "gateway/settings/setting.h"

static bool has(struct gw_str text, struct gw_str part) {
    for (size_t i = 0; i + part.length <= text.length; i++) {
        if (gw_str_equal(gw_str_slice(text, i, i + part.length), part))
            return true;
    }
    return false;
}

static bool ends_in(struct gw_str text, struct gw_str end) {
    return text.length >= end.length &&
           gw_str_equal(gw_str_slice(text, text.length - end.length, text.length), end);
}

static bool is_of_service(struct gw_str name) {
    return has(name, GW_STR("_SERVICE_")) || has(name, GW_STR("_PORT_")) ||
           ends_in(name, GW_STR("_PORT"));
}

bool gw_unknown_variable_next(struct gw_unknown_variable *variable) {
    const struct gw_str prefix = GW_STR(GW_SETTING_VARIABLE_PREFIX);
    for (; environ[variable->next] != NULL; variable->next++) {
        struct gw_str line = gw_str_from(environ[variable->next]);
        struct gw_str name = gw_str_slice(line, 0, gw_str_find(line, '='));
        if (!gw_str_starts_with(name, prefix) || gw_setting_of_variable(name) != NULL)
            continue;
        const struct gw_setting *near = gw_setting_nearest_variable(name);
        if (near == NULL && is_of_service(name))
            continue;
        variable->name = name;
        variable->meant = near == NULL ? NULL : near->variable;
        variable->next++;
        return true;
    }
    return false;
}
