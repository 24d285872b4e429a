// SPDX-License-Identifier: MIT
#include "cli/exchange.h"

#include <string.h>

#include "base/clock.h"
#include "cli/answer.h"
#include "cli/id_token.h"
#include "cli/id_token_claims.h"
#include "cli/keyed_call.h"
#include "cli/org_path.h"

#define BODY_BYTES_MAX (CLI_ID_TOKEN_BYTES_MAX + 1024)
#define REVOKE_TIMEOUT_MS 5000

static enum gw_status write_body(const struct cli_options *options,
                                 const struct cli_id_token *token, struct gw_buf *body) {
    struct gw_json_writer writer;
    char *reserved;
    if (gw_buf_reserve(body, BODY_BYTES_MAX, &reserved) != GW_OK)
        return GW_NO_MEMORY;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_put_string(&writer, "token", gw_str_from(token->text));
    gw_json_key(&writer, "scopes");
    gw_scope_write_json(&writer, options->scopes);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

static bool knows_key(struct cli_session *session) {
    (void)session;
    return true;
}

static enum cli_exit take_token(struct cli_session *session, struct cli_settings *settings,
                                struct gw_json root, struct cli_reason *why) {
    struct gw_str secret = cli_answer_text(root, "token", &session->answer);
    if (secret.at == NULL || cli_settings_set_token(settings, secret, why) != CLI_DONE)
        return cli_session_fail_strange(session, why);
    return CLI_DONE;
}

static enum cli_exit post(struct cli_session *session, const struct cli_options *options,
                          const struct cli_id_token *token, struct gw_json *root,
                          struct cli_reason *why) {
    struct gw_buf body;
    struct cli_keyed_call call = {
        .hint = "get a new identity token: each is taken once",
        .note = "the token may have been made all the same: it ends by itself, soon",
        .knows_key = knows_key,
    };
    enum cli_exit exit = cli_org_path_make(session, "oidc", "token", &call.path, why);
    if (exit != CLI_DONE)
        return exit;
    gw_buf_init(&body, BODY_BYTES_MAX);
    if (write_body(options, token, &body) == GW_OK) {
        call.body = gw_buf_bytes(&body);
        exit = cli_keyed_call(session, &call, root, why);
        if (exit == CLI_FORBIDDEN)
            cli_id_token_claims_note(token);
    } else {
        exit = cli_fail_status(why, GW_NO_MEMORY);
    }
    gw_buf_deinit_wiped(&body);
    return exit;
}

enum cli_exit cli_exchange(const struct cli_options *options, struct cli_settings *settings,
                           struct cli_reason *why) {
    gw_assert(settings->token[0] == '\0');
    struct cli_session session;
    struct cli_id_token token;
    struct gw_json root = {.document = NULL};
    if (settings->org[0] == '\0')
        return cli_fail(why, CLI_USAGE,
                        "no organisation, which an identity token does not name: give --org or set "
                        "SKILLREG_ORG");
    enum cli_exit exit = cli_session_open(&session, settings, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_id_token_find(&session, options, &token, why);
    if (exit == CLI_DONE)
        exit = post(&session, options, &token, &root, why);
    if (exit == CLI_DONE)
        exit = take_token(&session, settings, root, why);
    cli_id_token_wipe(&token);
    cli_session_close(&session);
    return exit;
}

enum cli_exit cli_exchange_revoke(const struct cli_settings *settings, struct cli_reason *why) {
    const struct cli_api_request request = {.method = "DELETE", .path = "/auth/token"};
    struct cli_session session;
    struct gw_json root;
    enum cli_exit exit = cli_session_open(&session, settings, why);
    if (exit != CLI_DONE)
        return exit;
    session.client.deadline_ms = gw_clock_monotonic_ms() + REVOKE_TIMEOUT_MS;
    exit = cli_session_call(&session, &request, NULL, &root, why);
    cli_session_forget_expiry(&session);
    cli_session_close(&session);
    return exit == CLI_UNAUTHENTICATED ? CLI_DONE : exit;
}
