// SPDX-License-Identifier: MIT
#include "cli/trust_text.h"

#include <inttypes.h>

#include "cli/answer.h"

#define CONDITIONS_MAX 32
#define MINUTE_S 60
#define HOUR_S 3600

// "repository=acme/tools, environment=prod"; a claim with several values has them joined by "|".
static struct gw_str tell_conditions(struct gw_json rule, struct gw_arena *arena) {
    struct gw_json conditions;
    struct gw_str text = GW_STR("");
    if (!gw_json_member(rule, GW_STR("conditions"), &conditions))
        return gw_str(NULL, 0);
    int count = gw_json_count(conditions);
    for (int i = 0; i < count && i < CONDITIONS_MAX && text.at != NULL; i++) {
        struct gw_str name;
        struct gw_json values;
        if (gw_json_member_at(conditions, i, arena, &name, &values) != GW_OK)
            return gw_str(NULL, 0);
        for (int j = 0; j < gw_json_count(values) && text.at != NULL; j++) {
            struct gw_str value;
            if (gw_json_string(gw_json_element(values, j), arena, &value) != GW_OK)
                return gw_str(NULL, 0);
            text = j > 0 ? gw_arena_printf(arena, "%.*s|%.*s", GW_STR_ARG(text), GW_STR_ARG(value))
                         : gw_arena_printf(arena, "%.*s%s%.*s=%.*s", GW_STR_ARG(text),
                                           i > 0 ? ", " : "", GW_STR_ARG(name), GW_STR_ARG(value));
        }
    }
    return text;
}

static int64_t number_of(struct gw_json object, const char *key) {
    struct gw_json member;
    int64_t number = 0;
    bool is_there = gw_json_member(object, gw_str_from(key), &member) &&
                    gw_json_integer(member, &number) == GW_OK;
    return is_there ? number : 0;
}

// "15 min", "12 h", "90 s": as it was given, where that is whole.
static struct gw_str tell_life(struct gw_json rule, struct gw_arena *arena) {
    int64_t seconds = number_of(rule, "expiresIn");
    if (seconds % HOUR_S == 0)
        return gw_arena_printf(arena, "%" PRId64 " h", seconds / HOUR_S);
    if (seconds % MINUTE_S == 0)
        return gw_arena_printf(arena, "%" PRId64 " min", seconds / MINUTE_S);
    return gw_arena_printf(arena, "%" PRId64 " s", seconds);
}

static const struct cli_table_column columns[] = {
    {.title = "KIND", .gap = 3},    {.title = "IDENTITY", .gap = 3, .least = 20},
    {.title = "SCOPES", .gap = 3},  {.title = "TOKENS LIVE", .gap = 3},
    {.title = "CREATED", .gap = 3}, {.title = "ID"},
};

static void read_rule(struct gw_json rule, int64_t now_ms, struct gw_arena *arena,
                      struct gw_str *cells) {
    cells[0] = cli_answer_text(rule, "kind", arena);
    cells[1] = tell_conditions(rule, arena);
    cells[2] = cli_answer_list(rule, "scopes", arena);
    cells[3] = tell_life(rule, arena);
    cells[4] = cli_answer_ago(rule, "createdAt", now_ms, arena);
    cells[5] = cli_answer_text(rule, "id", arena);
}

const struct cli_listing_kind cli_trust_listing_kind = {
    .key = "rules",
    .empty = "No rules of trust yet. Add one: skillreg trust add github <owner>/<repository>\n",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(columns[0]),
    .read = read_rule,
};

// ---- one ----

static void put_line(struct cli_output *out, const char *label, struct gw_str value) {
    if (value.length == 0)
        return;
    cli_output_put(out, label);
    cli_output_put_clean(out, value);
    cli_output_put(out, "\n");
}

static void put_use(struct cli_session *session, struct gw_json rule, struct cli_output *out) {
    struct gw_arena *arena = &session->answer;
    struct gw_json exchanges;
    if (!gw_json_member(rule, GW_STR("exchanges"), &exchanges))
        return; // the answer of a creation
    struct gw_str last = cli_answer_ago(rule, "lastExchangeAt", cli_session_now_ms(session), arena);
    put_line(out, "Tokens given:      ",
             gw_arena_printf(arena, "%" PRId64 ", the last %.*s", number_of(rule, "exchanges"),
                             GW_STR_ARG(last)));
    put_line(out, "Tokens live now:   ",
             gw_arena_printf(arena, "%" PRId64, number_of(rule, "liveTokens")));
}

static struct gw_str tell_maker(struct gw_json rule, struct gw_arena *arena) {
    struct gw_json maker;
    struct gw_str at = cli_answer_text(rule, "createdAt", arena);
    struct gw_str name = GW_STR("");
    if (gw_json_member(rule, GW_STR("createdBy"), &maker))
        name = cli_answer_text(maker, "name", arena);
    if (at.length == 0 || name.length == 0)
        return at;
    return gw_arena_printf(arena, "%.*s (by %.*s)", GW_STR_ARG(at), GW_STR_ARG(name));
}

void cli_trust_render(struct cli_session *session, struct gw_json rule, struct cli_output *out) {
    struct gw_arena *arena = &session->answer;
    put_line(out, "ID:                ", cli_answer_text(rule, "id", arena));
    put_line(out, "Kind:              ", cli_answer_text(rule, "kind", arena));
    put_line(out, "Issuer:            ", cli_answer_text(rule, "issuer", arena));
    put_line(out, "Identity:          ", tell_conditions(rule, arena));
    put_line(out, "Scopes:            ", cli_answer_list(rule, "scopes", arena));
    put_line(out, "A token lives:     ", tell_life(rule, arena));
    put_line(out, "From:              ", cli_answer_list(rule, "allowedIps", arena));
    put_line(out, "A minute:          ",
             gw_arena_printf(arena, "%" PRId64 " tokens at the most",
                             number_of(rule, "exchangesPerMinute")));
    put_line(out, "Created:           ", tell_maker(rule, arena));
    put_use(session, rule, out);
}
