// SPDX-License-Identifier: MIT
#include "gateway/api/trust_conditions.h"

#include "db/trust.h"
#include "gateway/oidc/rule.h"

#define BLANKS_MAX 512 // that PostgreSQL writes: one for each condition and value, about

// As the database keeps them: whatever was given without a list has one now.
static enum gw_status keep(struct gw_arena *arena, const struct gw_oidc_rule *rule,
                           struct gw_str *text) {
    struct gw_buf bytes;
    struct gw_json_writer json;
    gw_buf_init(&bytes, DB_TRUST_CONDITIONS_BYTES_MAX - BLANKS_MAX);
    gw_json_writer_init(&json, &bytes);
    gw_oidc_rule_write_conditions(rule, &json);
    enum gw_status status = gw_json_writer_finish(&json);
    if (status == GW_OK) {
        struct gw_str written = gw_buf_bytes(&bytes);
        *text = gw_str(gw_arena_copy(arena, written), written.length);
        status = text->at != NULL ? GW_OK : GW_NO_MEMORY;
    }
    gw_buf_deinit(&bytes);
    return status;
}

enum gw_status gw_trust_conditions_read(struct gw_arena *arena, struct gw_str kind,
                                        struct gw_json value,
                                        struct gw_trust_conditions *conditions,
                                        const char **wrong) {
    struct gw_oidc_rule rule = {.id = GW_STR("")};
    enum gw_oidc_kind known;
    bool is_known = gw_oidc_kind_find(kind, &known);
    gw_assert(is_known); // the settings have no other
    enum gw_status status = gw_oidc_rule_read(arena, known, value, &rule, wrong);
    if (status == GW_OK)
        status = gw_oidc_rule_anchor(&rule, arena, &conditions->anchor);
    if (status == GW_OK)
        status = keep(arena, &rule, &conditions->text);
    if (status != GW_TOO_BIG)
        return status;
    *wrong = "conditions are too long.";
    return GW_INVALID;
}
