// SPDX-License-Identifier: MIT
#include "gateway/api/token_text.h"

#include "base/san.h"
#include "token/name.h"

static bool refuse(struct gw_arena *arena, const char *member, const char *wrong,
                   struct gw_refusal *refusal) {
    struct gw_str message = gw_arena_printf(arena, "%s %s.", member, wrong);
    return message.at != NULL ? gw_refuse_value(refusal, message.at) : gw_refuse_no_memory(refusal);
}

static bool read_string(struct gw_arena *arena, struct gw_json value, const char *member,
                        struct gw_str *text, struct gw_refusal *refusal) {
    if (gw_json_type(value) != GW_JSON_STRING)
        return refuse(arena, member, "must be a string", refusal);
    if (gw_json_string(value, arena, text) == GW_OK)
        return true;
    return gw_refuse_no_memory(refusal);
}

static bool finish(struct gw_arena *arena, enum gw_status status, const char *member,
                   const char *wrong, struct gw_refusal *refusal) {
    if (status == GW_INVALID)
        return refuse(arena, member, wrong, refusal);
    if (status != GW_OK)
        *refusal = gw_refusal_no_memory;
    return status == GW_OK;
}

bool gw_token_text_name(struct gw_arena *arena, struct gw_json value, struct gw_str *name,
                        struct gw_refusal *refusal) {
    struct gw_str given;
    const char *wrong = "";
    if (!read_string(arena, value, "name", &given, refusal))
        return false;
    enum gw_status status = gw_token_name_normalise(arena, given, name, &wrong);
    return finish(arena, status, "name", wrong, refusal);
}

bool gw_token_text_description(struct gw_arena *arena, struct gw_json value,
                               struct gw_str *description, struct gw_refusal *refusal) {
    struct gw_str given;
    const char *wrong = "";
    if (!read_string(arena, value, "description", &given, refusal))
        return false;
    enum gw_status status = gw_token_description_normalise(arena, given, description, &wrong);
    return finish(arena, status, "description", wrong, refusal);
}

bool gw_token_text_bound_san(struct gw_arena *arena, struct gw_json value, struct gw_str *bound_san,
                             struct gw_refusal *refusal) {
    if (!read_string(arena, value, "boundSan", bound_san, refusal))
        return false;
    if (gw_san_kind(*bound_san) != GW_SAN_NONE)
        return true;
    return refuse(arena, "boundSan", "must be " GW_SAN_RULE, refusal);
}
