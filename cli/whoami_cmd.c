// SPDX-License-Identifier: MIT
#include "cli/whoami_cmd.h"

#include "base/clock.h"
#include "cli/answer.h"

#define REPLACER_TIMEOUT_MS 5000

// `org`, or the first of `orgs`.
static bool find_org(struct gw_json root, struct gw_json *org) {
    struct gw_json orgs;
    if (gw_json_member(root, GW_STR("org"), org))
        return true;
    if (!gw_json_member(root, GW_STR("orgs"), &orgs) || gw_json_type(orgs) != GW_JSON_ARRAY ||
        gw_json_count(orgs) == 0)
        return false;
    *org = gw_json_element(orgs, 0);
    return true;
}

static bool holds_scope(struct gw_json token, const char *scope) {
    struct gw_json scopes;
    if (!gw_json_member(token, GW_STR("scopes"), &scopes))
        return false;
    for (int i = 0; i < gw_json_count(scopes); i++) {
        if (gw_str_equal(gw_json_raw(gw_json_element(scopes, i)), gw_str_from(scope)))
            return true;
    }
    return false;
}

// Tokens of a gateway that does not send the mark do not replace themselves.
static enum cli_replacer find_replacer(const struct cli_identity *identity) {
    if (!identity->has_token)
        return CLI_REPLACER_UNKNOWN;
    if (cli_answer_is_true(identity->token, "selfRotate"))
        return CLI_REPLACER_SELF;
    return holds_scope(identity->token, "\"admin\"") ? CLI_REPLACER_ADMIN : CLI_REPLACER_OTHERS;
}

static enum cli_exit remember(struct cli_session *session, const struct cli_identity *identity,
                              struct cli_reason *why) {
    struct gw_str id = gw_str(NULL, 0);
    if (identity->has_token)
        id = cli_answer_text(identity->token, "id", &session->answer);
    session->own_org = cli_answer_keep(identity->org_slug, &session->memory);
    session->own_token_id = cli_answer_keep(id, &session->memory);
    session->own_replacer = find_replacer(identity);
    return session->own_org.at != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}

enum cli_exit cli_whoami_cmd_ask(struct cli_session *session, struct cli_identity *identity,
                                 struct cli_reason *why) {
    const struct cli_api_request request = {.method = "GET", .path = "/auth/whoami"};
    struct gw_json root;
    struct gw_json user;
    struct gw_json org;
    enum cli_exit exit = cli_session_call(session, &request, NULL, &root, why);
    if (exit != CLI_DONE)
        return exit;
    if (!gw_json_member(root, GW_STR("user"), &user) || !find_org(root, &org))
        return cli_session_fail_strange(session, why);
    *identity = (struct cli_identity){
        .user_name = cli_answer_text(user, "name", &session->answer),
        .user_email = cli_answer_text(user, "email", &session->answer),
        .org_slug = cli_answer_text(org, "slug", &session->answer),
        .org_name = cli_answer_text(org, "name", &session->answer),
    };
    identity->has_token = gw_json_member(root, GW_STR("token"), &identity->token) &&
                          gw_json_type(identity->token) == GW_JSON_OBJECT;
    if (identity->user_name.at == NULL || identity->user_email.at == NULL ||
        identity->org_slug.length == 0 || identity->org_name.at == NULL)
        return cli_session_fail_strange(session, why);
    return remember(session, identity, why);
}

void cli_whoami_cmd_ask_replacer(struct cli_session *session) {
    struct cli_identity identity;
    struct cli_reason ignored;
    if (session->own_expires_ms == GW_JSON_NO_TIME || session->own_org.at != NULL)
        return;
    session->client.deadline_ms = gw_clock_monotonic_ms() + REPLACER_TIMEOUT_MS;
    if (cli_whoami_cmd_ask(session, &identity, &ignored) != CLI_DONE)
        session->own_replacer = CLI_REPLACER_UNKNOWN; // the warning is more general then
    session->client.deadline_ms = 0;
}

// "Label:         value" or "Label:         value (detail)".
static void put_field(struct cli_output *out, const char *label, struct gw_str value,
                      struct gw_str detail) {
    cli_output_put(out, label);
    cli_output_put_clean(out, value);
    if (detail.length > 0) {
        cli_output_put(out, " (");
        cli_output_put_clean(out, detail);
        cli_output_put(out, ")");
    }
    cli_output_put(out, "\n");
}

static void render(struct cli_session *session, const struct cli_identity *identity,
                   struct cli_output *out) {
    struct gw_arena *arena = &session->answer;
    struct gw_json token = identity->token;
    struct gw_str none = GW_STR("");
    put_field(out, "User:          ", identity->user_name, identity->user_email);
    put_field(out, "Organisation:  ", identity->org_name, identity->org_slug);
    if (!identity->has_token)
        return;
    struct gw_str expires = cli_answer_text(token, "expiresAt", arena);
    struct gw_str addresses = cli_answer_list(token, "allowedIps", arena);
    put_field(out, "Token:         ", cli_answer_text(token, "name", arena),
              cli_answer_text(token, "prefix", arena));
    put_field(out, "Scopes:        ", cli_answer_list(token, "scopes", arena), none);
    put_field(out, "Last used:     ",
              cli_answer_ago(token, "lastUsedAt", cli_session_now_ms(session), arena), none);
    put_field(out, "Expires:       ", expires.at != NULL ? expires : GW_STR("never"), none);
    if (addresses.length > 0)
        put_field(out, "From:          ", addresses, none);
    struct gw_str bound_san = cli_answer_text(token, "boundSan", arena);
    if (bound_san.length > 0)
        put_field(out, "Bound to:      ", bound_san, none);
}

enum cli_exit cli_whoami_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) {
    struct cli_identity identity = {.has_token = false};
    enum cli_exit exit = cli_whoami_cmd_ask(session, &identity, why);
    if (exit != CLI_DONE)
        return exit;
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON))
        cli_session_put_answer(session, &out);
    else
        render(session, &identity, &out);
    return cli_output_send(&out, why);
}
