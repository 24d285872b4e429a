// SPDX-License-Identifier: MIT
#include "cli/revoked.h"

#include <inttypes.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/config_path.h"

#define ID_SHOWN_MAX 64

const struct cli_confirmation cli_revoked_confirmation = {
    "the token is revoked",
    "may let it in",
    "it may still be let in",
};

const struct cli_confirmation cli_revoked_many_confirmation = {
    "the tokens are revoked",
    "may let them in",
    "they may still be let in",
};

void cli_revoked_put_line(struct cli_output *out, struct gw_str name) {
    gw_assert(name.at != NULL);
    cli_output_put(out, out->symbols.done);
    cli_output_put(out, " Token \"");
    cli_output_put_clean(out, name);
    cli_output_put(out, "\" has been revoked.\n");
}

static void note_live(const struct cli_options *options, struct gw_str id) {
    if (cli_options_has(options, CLI_FLAG_WITH_SUCCESSORS))
        cli_note("its successor %.*s is still live, revoke it: skillreg token revoke %.*s",
                 GW_STR_ARG(id), GW_STR_ARG(id));
    else
        cli_note("its successor %.*s is still live; --with-successors revokes both, now: "
                 "skillreg token revoke %.*s",
                 GW_STR_ARG(id), GW_STR_ARG(id));
}

static enum cli_exit note_each(struct cli_session *session, const struct cli_options *options,
                               struct gw_json list, const char *kin, struct cli_reason *why) {
    for (int i = 0; i < gw_json_count(list); i++) {
        struct gw_json token = gw_json_element(list, i);
        struct gw_str id = cli_answer_text(token, "id", &session->answer);
        struct gw_json revoked;
        if (id.at == NULL || !gw_json_member(token, GW_STR("revokedAt"), &revoked))
            return cli_session_fail_strange(session, why);
        id = gw_str_slice(id, 0, ID_SHOWN_MAX);
        if (gw_json_type(revoked) != GW_JSON_NULL)
            cli_note("%s %.*s has been revoked with it", kin, GW_STR_ARG(id));
        else
            note_live(options, id);
    }
    return CLI_DONE;
}

enum cli_exit cli_revoked_note_kin(struct cli_session *session, const struct cli_options *options,
                                   struct gw_json root, struct cli_reason *why) {
    struct gw_json list;
    if (gw_json_member(root, GW_STR("chain"), &list))
        return note_each(session, options, list, "of its chain", why);
    if (gw_json_member(root, GW_STR("successors"), &list))
        return note_each(session, options, list, "its successor", why);
    return CLI_DONE;
}

static void note_rule(struct gw_str id, struct gw_str name, bool is_removed) {
    if (is_removed)
        cli_note("the rule of trust %.*s has been removed with it (%.*s)", GW_STR_ARG(id),
                 GW_STR_ARG(name));
    else
        cli_note("the rule of trust %.*s that it made gives tokens still (%.*s); --with-rules ends "
                 "both, now: skillreg trust remove %.*s",
                 GW_STR_ARG(id), GW_STR_ARG(name), GW_STR_ARG(id));
}

static enum cli_exit note_each_rule(struct cli_session *session, struct gw_json list,
                                    struct cli_reason *why) {
    for (int i = 0; i < gw_json_count(list); i++) {
        struct gw_json rule = gw_json_element(list, i);
        struct gw_json removed;
        struct gw_str id = cli_answer_text(rule, "id", &session->answer);
        struct gw_str name = cli_answer_text(rule, "name", &session->answer);
        if (id.at == NULL || name.at == NULL ||
            !gw_json_member(rule, GW_STR("removedAt"), &removed))
            return cli_session_fail_strange(session, why);
        note_rule(gw_str_slice(id, 0, ID_SHOWN_MAX), name, gw_json_type(removed) != GW_JSON_NULL);
    }
    return CLI_DONE;
}

enum cli_exit cli_revoked_note_rules(struct cli_session *session, struct gw_json root,
                                     struct cli_reason *why) {
    struct gw_json list;
    struct gw_json member;
    int64_t ended = 0;
    if (gw_json_member(root, GW_STR("rules"), &list) &&
        note_each_rule(session, list, why) != CLI_DONE)
        return CLI_FAILED;
    if (gw_json_member(root, GW_STR("tokensRevoked"), &member) &&
        gw_json_integer(member, &ended) != GW_OK)
        return cli_session_fail_strange(session, why);
    if (ended > 0)
        cli_note("%" PRId64 " %s that its rules gave ended too", ended,
                 ended == 1 ? "token" : "tokens");
    return CLI_DONE;
}

bool cli_revoked_is_last_admin(enum cli_exit exit, const struct cli_reason *why) {
    return exit == CLI_CONFLICT && strcmp(why->code, "last_admin") == 0;
}

void cli_revoked_note_own_gone(struct cli_session *session) {
    cli_session_forget_expiry(session);
    if (session->settings->token_source == CLI_TOKEN_OF_FILE)
        cli_note("the revoked token is still in %s: skillreg logout takes it out",
                 cli_config_path_shown(session->settings->file));
}
