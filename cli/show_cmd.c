// SPDX-License-Identifier: MIT
#include "cli/show_cmd.h"

#include "base/clock.h"
#include "cli/answer.h"
#include "cli/org_path.h"

// "Label:         value" or "Label:         value (detail)"; nothing without a value.
static void put_line(struct cli_output *out, const char *label, struct gw_str value,
                     struct gw_str detail) {
    if (value.length == 0)
        return;
    cli_output_put(out, label);
    cli_output_put_clean(out, value);
    if (detail.length > 0) {
        cli_output_put(out, " (");
        cli_output_put_clean(out, detail);
        cli_output_put(out, ")");
    }
    cli_output_put(out, "\n");
}

static void put_text(struct cli_session *session, struct gw_json token, const char *label,
                     const char *key, struct cli_output *out) {
    put_line(out, label, cli_answer_text(token, key, &session->answer), GW_STR(""));
}

// "by ci-admin (clx7f2k3c) from 192.0.2.7", of what is known; empty when nothing is.
static struct gw_str name_actor(struct gw_json token, const char *who, const char *where,
                                struct gw_arena *arena) {
    struct gw_json actor;
    struct gw_str name = GW_STR("");
    struct gw_str id = GW_STR("");
    struct gw_str from = cli_answer_text(token, where, arena);
    if (gw_json_member(token, gw_str_from(who), &actor)) {
        name = cli_answer_text(actor, "name", arena);
        id = cli_answer_text(actor, "tokenId", arena);
    }
    if (name.length == 0)
        return GW_STR("");
    return gw_arena_printf(arena, "by %.*s%s%.*s%s%.*s", GW_STR_ARG(name),
                           id.length > 0 ? ", " : "", GW_STR_ARG(id),
                           from.length > 0 ? ", from " : "", GW_STR_ARG(from));
}

// "in 5 days", or of an end that has passed "2 hours ago".
static struct gw_str tell_end(struct gw_json token, int64_t now_ms, struct gw_arena *arena) {
    int64_t end_ms;
    struct gw_str ends = cli_answer_text(token, "expiresAt", arena);
    if (ends.at == NULL)
        return GW_STR("");
    bool passed = gw_clock_parse_iso(ends, &end_ms) == GW_OK && end_ms <= now_ms;
    return passed ? cli_answer_ago(token, "expiresAt", now_ms, arena)
                  : cli_answer_ahead(token, "expiresAt", now_ms, arena);
}

static void put_moments(struct cli_session *session, struct gw_json token, struct cli_output *out) {
    struct gw_arena *arena = &session->answer;
    int64_t now_ms = cli_session_now_ms(session);
    struct gw_str used = cli_answer_text(token, "lastUsedAt", arena);
    struct gw_str ends = cli_answer_text(token, "expiresAt", arena);
    struct gw_str none = GW_STR("");
    put_line(out, "Created:           ", cli_answer_text(token, "createdAt", arena),
             name_actor(token, "createdBy", "createdFrom", arena));
    put_line(out, "Last used:         ", used.at != NULL ? used : GW_STR("never"),
             used.at != NULL ? cli_answer_ago(token, "lastUsedAt", now_ms, arena) : none);
    put_line(out, "Expires:           ", ends.at != NULL ? ends : GW_STR("never"),
             tell_end(token, now_ms, arena));
    put_line(out, "Revoked:           ", cli_answer_text(token, "revokedAt", arena),
             name_actor(token, "revokedBy", "revokedFrom", arena));
}

void cli_show_render(struct cli_session *session, struct gw_json token, struct cli_output *out) {
    struct gw_arena *arena = &session->answer;
    put_line(out, "Name:              ", cli_answer_text(token, "name", arena), GW_STR(""));
    put_text(session, token, "ID:                ", "id", out);
    put_text(session, token, "Prefix:            ", "prefix", out);
    put_line(out, "State:             ", cli_answer_text(token, "state", arena),
             cli_answer_text(token, "reason", arena));
    put_line(out, "Scopes:            ", cli_answer_list(token, "scopes", arena), GW_STR(""));
    put_text(session, token, "Description:       ", "description", out);
    put_moments(session, token, out);
    put_line(out, "From:              ", cli_answer_list(token, "allowedIps", arena), GW_STR(""));
    put_text(session, token, "Bound to:          ", "boundSan", out);
    if (cli_answer_is_true(token, "bindChildren"))
        cli_output_put(out, "Binds children:    yes\n");
    if (cli_answer_is_true(token, "selfRotate"))
        cli_output_put(out, "Rotates itself:    yes\n");
    put_text(session, token, "Replaces:          ", "replaces", out);
    put_text(session, token, "Replaced by:       ", "replacedBy", out);
}

enum cli_exit cli_show_one(struct cli_session *session, const struct cli_options *options,
                           const struct cli_shown *shown, struct cli_reason *why) {
    struct gw_json object;
    struct cli_api_request request = {.method = "GET"};
    enum cli_exit exit =
        cli_org_path_make(session, shown->collection, options->id, &request.path, why);
    if (exit == CLI_DONE)
        exit = cli_session_call(session, &request, shown->hint, &object, why);
    if (exit != CLI_DONE)
        return exit;
    if (cli_answer_text(object, "id", &session->answer).length == 0)
        return cli_session_fail_strange(session, why);
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON))
        cli_session_put_answer(session, &out);
    else
        shown->render(session, object, &out);
    return cli_output_send(&out, why);
}

enum cli_exit cli_show_cmd(struct cli_session *session, const struct cli_options *options,
                           struct cli_reason *why) {
    static const struct cli_shown token = {"tokens", "skillreg token list --all shows the ids",
                                           cli_show_render};
    return cli_show_one(session, options, &token, why);
}
