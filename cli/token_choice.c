// SPDX-License-Identifier: MIT
#include "cli/token_choice.h"

#include <strings.h>

#include "base/clock.h"
#include "cli/answer.h"

// GW_JSON_NO_TIME for null.
static enum gw_status read_time(struct gw_json token, const char *key, struct gw_arena *arena,
                                int64_t *time_ms) {
    struct gw_json member;
    *time_ms = GW_JSON_NO_TIME;
    if (!gw_json_member(token, gw_str_from(key), &member))
        return GW_INVALID;
    if (gw_json_type(member) == GW_JSON_NULL)
        return GW_OK;
    struct gw_str text = cli_answer_text(token, key, arena);
    return text.at != NULL ? gw_clock_parse_iso(text, time_ms) : GW_INVALID;
}

static enum gw_status judge_times(const struct cli_token_choice *choice, struct gw_json token,
                                  int64_t now_ms, struct gw_arena *arena, bool *is_chosen) {
    int64_t made_ms;
    int64_t used_ms;
    enum gw_status status = read_time(token, "createdAt", arena, &made_ms);
    if (status == GW_OK)
        status = read_time(token, "lastUsedAt", arena, &used_ms);
    if (status != GW_OK || made_ms == GW_JSON_NO_TIME)
        return GW_INVALID;
    int64_t busy_ms = used_ms != GW_JSON_NO_TIME ? used_ms : made_ms;
    bool is_old = choice->older_ms == 0 || made_ms <= now_ms - choice->older_ms;
    *is_chosen = is_old && (choice->unused_ms == 0 || busy_ms <= now_ms - choice->unused_ms);
    return GW_OK;
}

static bool holds_part(struct gw_str name, struct gw_str part) {
    for (size_t i = 0; i + part.length <= name.length; i++) {
        if (strncasecmp(name.at + i, part.at, part.length) == 0)
            return true;
    }
    return false;
}

static bool holds_scope(struct gw_json token, struct gw_str scope, struct gw_arena *arena) {
    struct gw_json scopes;
    struct gw_str one;
    if (!gw_json_member(token, GW_STR("scopes"), &scopes) || gw_json_type(scopes) != GW_JSON_ARRAY)
        return false;
    for (int i = 0; i < gw_json_count(scopes); i++) {
        if (gw_json_string(gw_json_element(scopes, i), arena, &one) == GW_OK &&
            gw_str_equal(one, scope))
            return true;
    }
    return false;
}

enum gw_status cli_token_choice_judge(const struct cli_token_choice *choice, struct gw_json token,
                                      int64_t now_ms, struct gw_arena *arena, bool *is_chosen) {
    gw_assert(choice->older_ms >= 0 && choice->unused_ms >= 0);
    struct gw_str name = cli_answer_text(token, "name", arena);
    if (name.at == NULL)
        return GW_INVALID;
    enum gw_status status = judge_times(choice, token, now_ms, arena, is_chosen);
    if (status == GW_OK && choice->name_part.length > 0)
        *is_chosen = *is_chosen && holds_part(name, choice->name_part);
    if (status == GW_OK && choice->scope.length > 0)
        *is_chosen = *is_chosen && holds_scope(token, choice->scope, arena);
    return status;
}
