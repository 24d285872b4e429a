// SPDX-License-Identifier: MIT
#include "gateway/api/trust_conditions.h"

#include "gateway/oidc/rule.h"

static const struct anchor {
    struct gw_str kind;
    struct gw_str claims[2]; // the second may be empty
} anchors[] = {
    {GW_STR_INIT("github"), {GW_STR_INIT("repository"), GW_STR_INIT("")}},
    {GW_STR_INIT("gitlab"), {GW_STR_INIT("project_path"), GW_STR_INIT("")}},
    {GW_STR_INIT("kubernetes"), {GW_STR_INIT("namespace"), GW_STR_INIT("service_account")}},
    {GW_STR_INIT(""), {GW_STR_INIT("sub"), GW_STR_INIT("")}}, // of all others
};

static const struct anchor *anchor_of(struct gw_str kind) {
    const struct anchor *anchor = anchors;
    while (anchor->kind.length > 0 && !gw_str_equal(anchor->kind, kind))
        anchor++;
    return anchor;
}

// A string, or a list of them; *first is the first.
static bool read_values(struct gw_arena *arena, struct gw_json values, struct gw_str *first) {
    struct gw_str text;
    bool is_list = gw_json_type(values) == GW_JSON_ARRAY;
    int count = is_list ? gw_json_count(values) : 1;
    for (int i = count - 1; i >= 0; i--) {
        struct gw_json value = is_list ? gw_json_element(values, i) : values;
        if (gw_json_string(value, arena, &text) != GW_OK || text.length == 0 ||
            text.length > GW_OIDC_VALUE_BYTES_MAX)
            return false;
        *first = text;
    }
    return count > 0 && count <= GW_OIDC_VALUES_MAX;
}

static bool are_values(struct gw_arena *arena, struct gw_json object) {
    int count = gw_json_type(object) == GW_JSON_OBJECT ? gw_json_count(object) : 0;
    struct gw_str name;
    struct gw_str first;
    struct gw_json values;
    for (int i = 0; i < count; i++) {
        if (gw_json_member_at(object, i, arena, &name, &values) != GW_OK || name.length == 0 ||
            name.length > GW_OIDC_CLAIM_NAME_BYTES_MAX || !read_values(arena, values, &first))
            return false;
    }
    return count > 0 && count <= GW_OIDC_CONDITIONS_MAX;
}

static enum gw_status find_anchor(struct gw_arena *arena, const struct anchor *anchor,
                                  struct gw_json object, struct gw_str *found) {
    *found = GW_STR("");
    for (int i = 0; i < 2 && anchor->claims[i].length > 0; i++) {
        struct gw_json values;
        struct gw_str value;
        if (!gw_json_member(object, anchor->claims[i], &values) ||
            !read_values(arena, values, &value) || gw_json_count(values) > 1)
            return GW_INVALID;
        *found = gw_arena_printf(arena, "%.*s%s%.*s=%.*s", GW_STR_ARG(*found), i > 0 ? " " : "",
                                 GW_STR_ARG(anchor->claims[i]), GW_STR_ARG(value));
        if (found->at == NULL)
            return GW_NO_MEMORY;
    }
    return GW_OK;
}

enum gw_status gw_trust_conditions_read(struct gw_arena *arena, struct gw_str kind,
                                        struct gw_json value,
                                        struct gw_trust_conditions *conditions,
                                        const char **wrong) {
    const struct anchor *anchor = anchor_of(kind);
    if (!are_values(arena, value)) {
        *wrong = "conditions must be an object of claims, each with the values that it may have.";
        return GW_INVALID;
    }
    enum gw_status status = find_anchor(arena, anchor, value, &conditions->anchor);
    conditions->text = gw_json_raw(value);
    if (status != GW_INVALID)
        return status;
    struct gw_str sentence = gw_arena_printf(
        arena, "conditions must name %.*s%s%.*s, with one value: without it anybody would do.",
        GW_STR_ARG(anchor->claims[0]), anchor->claims[1].length > 0 ? " and " : "",
        GW_STR_ARG(anchor->claims[1]));
    *wrong = sentence.at;
    return sentence.at == NULL ? GW_NO_MEMORY : GW_INVALID;
}
