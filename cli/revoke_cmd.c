// SPDX-License-Identifier: MIT
#include "cli/revoke_cmd.h"

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/lost_revoke.h"
#include "cli/org_path.h"
#include "cli/revoke_chosen.h"
#include "cli/revoke_many.h"
#include "cli/revoke_named.h"
#include "cli/revoked.h"
#include "token/id.h"

struct revoke {
    struct cli_session *session;
    const struct cli_options *options;
    const char *id; // NULL: the token of the call
    bool self;
    bool may_end_last;
};

// ---- the request ----

static enum cli_exit make_token_path(const struct revoke *revoke, const char **path,
                                     struct cli_reason *why) {
    if (!revoke->self)
        return cli_org_path_make(revoke->session, "tokens", revoke->id, path, why);
    *path = "/auth/token";
    return CLI_DONE;
}

static enum cli_exit make_path(const struct revoke *revoke, const char **path,
                               struct cli_reason *why) {
    const struct cli_options *options = revoke->options;
    enum cli_exit exit = make_token_path(revoke, path, why);
    if (exit != CLI_DONE)
        return exit;
    const char *const parameters[] = {
        cli_options_has(options, CLI_FLAG_WAIT) ? "wait=10" : NULL,
        cli_options_has(options, CLI_FLAG_WITH_SUCCESSORS) ? "successors=true" : NULL,
        cli_options_has(options, CLI_FLAG_CHAIN) ? "chain=true" : NULL,
        cli_options_has(options, CLI_FLAG_WITH_RULES) ? "rules=true" : NULL,
        revoke->may_end_last ? "last=true" : NULL,
    };
    return cli_path_add_parameters(revoke->session, path, parameters,
                                   sizeof(parameters) / sizeof(parameters[0]), why);
}

// ---- the answer ----

static enum cli_exit print_revoked(const struct revoke *revoke, struct gw_str name,
                                   struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(revoke->options, CLI_FLAG_JSON))
        cli_session_put_answer(revoke->session, &out);
    else
        cli_revoked_put_line(&out, name);
    return cli_output_send(&out, why);
}

static enum cli_exit report(const struct revoke *revoke, struct gw_json root,
                            struct cli_reason *why) {
    struct gw_json own;
    bool is_own_by_id = gw_json_member(root, GW_STR("own"), &own);
    struct gw_str name = cli_answer_text(root, "name", &revoke->session->answer);
    if (name.at == NULL)
        return cli_session_fail_strange(revoke->session, why);
    enum cli_exit exit = cli_revoked_note_kin(revoke->session, revoke->options, root, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_revoked_note_rules(revoke->session, root, why);
    if (exit != CLI_DONE)
        return exit;
    if (is_own_by_id)
        cli_note("that was the token of this call");
    if (is_own_by_id || revoke->self)
        cli_revoked_note_own_gone(revoke->session);
    exit = print_revoked(revoke, name, why);
    return exit == CLI_DONE
               ? cli_confirmation_check(revoke->session, root, &cli_revoked_confirmation, why)
               : exit;
}

// ---- no answer ----

// Nothing but its refusal tells of the own token.
static enum cli_exit print_own_gone(const struct revoke *revoke, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(revoke->options, CLI_FLAG_JSON)) {
        cli_output_put(&out, "{\"id\":null,\"name\":null,\"revokedAt\":null}\n");
    } else {
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " The token has been revoked.\n");
    }
    return cli_output_send(&out, why);
}

static enum cli_exit report_lost(const struct revoke *revoke, struct gw_str name,
                                 struct cli_reason *why) {
    cli_note("the gateway has revoked the token, though its answer was lost");
    if (revoke->self)
        cli_revoked_note_own_gone(revoke->session);
    enum cli_exit exit =
        revoke->self ? print_own_gone(revoke, why) : print_revoked(revoke, name, why);
    if (exit == CLI_DONE && cli_options_has(revoke->options, CLI_FLAG_WITH_RULES))
        return cli_fail(why, CLI_UNCONFIRMED,
                        "the token is revoked with its rules of trust, but it is not known whether "
                        "all tokens that they gave have ended, as the answer was lost");
    if (exit == CLI_DONE && cli_options_has(revoke->options, CLI_FLAG_WAIT))
        return cli_fail(why, CLI_UNCONFIRMED,
                        "the token is revoked, but it is not known whether every gateway has heard "
                        "of it, as the answer was lost");
    return exit;
}

// Asks what became of the revoke. `exit` and *why are of its call.
static enum cli_exit settle_lost(const struct revoke *revoke, enum cli_exit exit,
                                 struct cli_reason *why) {
    const char *path = NULL;
    struct gw_str name = GW_STR("");
    struct cli_reason ignored;
    enum cli_lost_revoke found = CLI_LOST_REVOKE_UNKNOWN;
    if (revoke->self)
        found = cli_lost_revoke_find_own(revoke->session);
    else if (make_token_path(revoke, &path, &ignored) == CLI_DONE)
        found = cli_lost_revoke_find(revoke->session, path, &name);
    if (found == CLI_LOST_REVOKE_DONE)
        return report_lost(revoke, name, why);
    cli_lost_revoke_explain(found, why);
    return exit;
}

// ---- the last admin token ----

static enum cli_exit refuse_last(struct cli_reason *why) {
    cli_reason_reword(why, "it is the last live admin token of the organisation, which could make "
                           "no other then, and was not revoked; --last revokes it all the same");
    return CLI_CONFLICT;
}

static bool is_last_meant(void) {
    return cli_ask("It is the last live admin token of the organisation, which can make no other "
                   "then. Revoke it?") == CLI_ASK_YES;
}

// ---- together ----

static enum cli_exit revoke_once(const struct revoke *revoke, struct cli_reason *why) {
    struct gw_json root;
    struct cli_api_request request = {.method = "DELETE"};
    const char *hint = revoke->self ? NULL : "skillreg token list shows the ids";
    enum cli_exit exit = make_path(revoke, &request.path, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_session_call(revoke->session, &request, hint, &root, why);
    if (exit == CLI_DONE)
        return report(revoke, root, why);
    if (cli_session_is_outcome_unknown(revoke->session, exit, why))
        return settle_lost(revoke, exit, why);
    return exit;
}

static enum cli_exit revoke_one(struct revoke *revoke, struct cli_reason *why) {
    enum cli_exit exit = revoke_once(revoke, why);
    if (!cli_revoked_is_last_admin(exit, why))
        return exit;
    if (!is_last_meant())
        return refuse_last(why);
    revoke->may_end_last = true;
    return revoke_once(revoke, why);
}

static enum cli_exit revoke_named(struct revoke *revoke, const struct cli_named_token *token,
                                  struct cli_reason *why) {
    enum cli_exit exit = cli_revoke_named_ask(revoke->options, token, why);
    revoke->id = token->id.at;
    return exit == CLI_DONE ? revoke_one(revoke, why) : exit;
}

static enum cli_exit revoke_by_name(struct revoke *revoke, struct cli_reason *why) {
    struct cli_named_token token;
    enum cli_exit exit = cli_revoke_named_check(revoke->options, why);
    if (exit == CLI_DONE)
        exit = cli_named_token_find(revoke->session, gw_str_from(revoke->id), &token, why);
    return exit == CLI_DONE ? revoke_named(revoke, &token, why) : exit;
}

// An id as gateways make them is no name that anybody gives.
static bool may_be_name(const char *operand) {
    struct gw_str text = gw_str_from(operand);
    return text.length != GW_ID_LENGTH || !gw_str_starts_with(text, GW_STR("cl"));
}

// What could be an id is one first. Where no token is found by its name either, the refusal of the
// id is what counts.
static enum cli_exit revoke_by_id(struct revoke *revoke, struct cli_reason *why) {
    struct cli_named_token token;
    struct cli_reason of_name;
    enum cli_exit exit = revoke_one(revoke, why);
    if (exit != CLI_NOT_FOUND || !may_be_name(revoke->id))
        return exit;
    switch (cli_named_token_find(revoke->session, gw_str_from(revoke->id), &token, &of_name)) {
    case CLI_DONE:
        return revoke_named(revoke, &token, why);
    case CLI_USAGE:
        *why = of_name;
        return CLI_USAGE;
    default:
        return exit;
    }
}

static enum cli_exit revoke_several(struct cli_session *session, const struct cli_options *options,
                                    struct cli_reason *why) {
    struct gw_str *ids =
        gw_arena_allocate(&session->memory, options->operand_count * sizeof(ids[0]));
    if (ids == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    for (size_t i = 0; i < options->operand_count; i++)
        ids[i] = gw_str_from(options->operands[i]);
    return cli_revoke_many(session, options, ids, options->operand_count, why);
}

enum cli_exit cli_revoke_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) {
    struct revoke revoke = {
        .session = session,
        .options = options,
        .id = options->id,
        .self = cli_options_has(options, CLI_FLAG_SELF),
        .may_end_last = cli_options_has(options, CLI_FLAG_LAST),
    };
    if (options->older_ms > 0 || options->unused_ms > 0)
        return cli_revoke_chosen(session, options, why);
    gw_assert((options->id == NULL) == revoke.self);
    if (options->operand_count > 1)
        return revoke_several(session, options, why);
    if (revoke.self)
        return revoke_one(&revoke, why);
    return gw_id_valid(gw_str_from(revoke.id)) ? revoke_by_id(&revoke, why)
                                               : revoke_by_name(&revoke, why);
}
