// SPDX-License-Identifier: MIT
#include "gateway/api/known_names.h"

#include "token/syntax.h"

#define SHOWN_BYTES_MAX 64

static bool refuse(struct gw_arena *arena, const char *kind, struct gw_str name,
                   struct gw_str known, struct gw_refusal *refusal) {
    struct gw_str token;
    bool is_shown = name.length > 0 && name.length <= SHOWN_BYTES_MAX &&
                    !gw_token_syntax_find(name, GW_TOKEN_PART_MIN, &token);
    struct gw_str message =
        gw_arena_printf(arena, "%.*s is no %s of this request; known are: %.*s.",
                        GW_STR_ARG(is_shown ? name : GW_STR("A name")), kind,
                        GW_STR_ARG(known.length > 0 ? known : GW_STR("none")));
    return message.at != NULL ? gw_refuse_value(refusal, message.at) : gw_refuse_no_memory(refusal);
}

bool gw_known_members_check(struct gw_arena *arena, struct gw_json object, struct gw_str known,
                            struct gw_refusal *refusal) {
    int count = gw_json_count(object);
    for (int i = 0; i < count; i++) {
        struct gw_str key;
        struct gw_json value;
        if (gw_json_member_at(object, i, arena, &key, &value) != GW_OK)
            return gw_refuse_no_memory(refusal);
        if (!gw_str_list_has(known, ',', key))
            return refuse(arena, "member", key, known, refusal);
    }
    return true;
}

bool gw_known_parameters_check(struct gw_arena *arena, struct gw_str query, struct gw_str known,
                               struct gw_refusal *refusal) {
    struct gw_str parameter;
    while (gw_str_next(&query, '&', &parameter)) {
        struct gw_str name = gw_str_slice(parameter, 0, gw_str_find(parameter, '='));
        if (parameter.length > 0 && !gw_str_list_has(known, ',', name))
            return refuse(arena, "parameter", name, known, refusal);
    }
    return true;
}
