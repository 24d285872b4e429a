// SPDX-License-Identifier: MIT
#include "gateway/api/json_body.h"

// A member twice is refused: readers differ in which one they take.
static bool refuse_json(struct gw_arena *arena, size_t offset, struct gw_refusal *refusal) {
    struct gw_str message = gw_arena_printf(
        arena, "The body is not valid JSON, or names a member twice, at byte %zu.", offset + 1);
    return gw_refuse(refusal, GW_ERROR_INVALID_JSON,
                     message.at != NULL ? message.at : "The body is not valid JSON.");
}

bool gw_json_body_parse(struct gw_arena *arena, struct gw_str body, struct gw_json *root,
                        struct gw_refusal *refusal) {
    size_t offset;
    enum gw_status status = gw_json_parse(arena, body, GW_JSON_TOKENS_MAX, root, &offset);
    if (status == GW_NO_MEMORY)
        return gw_refuse_no_memory(refusal);
    if (status == GW_TOO_BIG)
        return gw_refuse(refusal, GW_ERROR_INVALID_JSON,
                         "The body is too deep or has too many values.");
    if (status != GW_OK)
        return refuse_json(arena, offset, refusal);
    if (gw_json_type(*root) != GW_JSON_OBJECT)
        return gw_refuse_value(refusal, "The body must be an object.");
    return true;
}

bool gw_json_body_find(struct gw_json root, struct gw_str name, struct gw_json *value) {
    return gw_json_member(root, name, value) && gw_json_type(*value) != GW_JSON_NULL;
}
