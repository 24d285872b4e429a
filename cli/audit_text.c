// SPDX-License-Identifier: MIT
#include "cli/audit_text.h"

#include "cli/answer.h"

static struct gw_str text_or_dash(struct gw_json object, const char *key, struct gw_arena *arena) {
    struct gw_str text = cli_answer_text(object, key, arena);
    return text.at != NULL ? text : GW_STR("-");
}

// "ci-deploy (clx7f2k3a)"; only the first where there is no second.
static struct gw_str with_second(struct gw_str first, struct gw_str second,
                                 struct gw_arena *arena) {
    return second.length > 0
               ? gw_arena_printf(arena, "%.*s (%.*s)", GW_STR_ARG(first), GW_STR_ARG(second))
               : first;
}

// Of a token or of a rule.
static struct gw_str either(struct gw_json object, const char *one, const char *other,
                            struct gw_arena *arena) {
    struct gw_str text = cli_answer_text(object, one, arena);
    return text.at != NULL ? text : cli_answer_text(object, other, arena);
}

// The token that made the change; the kind of an actor without a name.
static struct gw_str find_actor(struct gw_json event, struct gw_arena *arena) {
    struct gw_json actor;
    if (!gw_json_member(event, GW_STR("actor"), &actor))
        return gw_str(NULL, 0);
    struct gw_str name = cli_answer_text(actor, "name", arena);
    if (name.length == 0)
        return cli_answer_text(actor, "kind", arena);
    return with_second(name, either(actor, "tokenId", "ruleId", arena), arena);
}

// "change (name, scopes)"
static struct gw_str find_action(struct gw_json event, struct gw_arena *arena) {
    struct gw_str action = cli_answer_text(event, "action", arena);
    struct gw_str changed = cli_answer_list(event, "changed", arena);
    return action.at != NULL ? with_second(action, changed, arena) : action;
}

void cli_audit_text_read(struct gw_json event, struct gw_arena *arena, struct gw_str *cells) {
    cells[0] = cli_answer_text(event, "at", arena);
    cells[1] = find_action(event, arena);
    struct gw_str name = either(event, "tokenName", "ruleName", arena);
    cells[2] = with_second(name.at != NULL ? name : GW_STR("-"),
                           either(event, "tokenId", "ruleId", arena), arena);
    cells[3] = find_actor(event, arena);
    cells[4] = text_or_dash(event, "address", arena);
}

void cli_audit_text_put_line(struct cli_output *out, struct gw_json event, struct gw_arena *arena) {
    struct gw_str cells[CLI_AUDIT_CELLS];
    cli_audit_text_read(event, arena, cells);
    for (size_t i = 0; i < CLI_AUDIT_CELLS; i++) {
        if (i > 0)
            cli_output_put(out, "  ");
        cli_output_put_clean(out, cells[i].at != NULL ? cells[i] : GW_STR("-"));
    }
}
