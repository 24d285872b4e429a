// SPDX-License-Identifier: MIT
#include "cli/lost_revoke.h"

#include "cli/answer.h"
#include "cli/whoami_cmd.h"

enum cli_lost_revoke cli_lost_revoke_find(struct cli_session *session, const char *path,
                                          struct gw_str *name) {
    const struct cli_api_request request = {.method = "GET", .path = path};
    struct cli_reason ignored;
    struct gw_json root;
    if (cli_session_call(session, &request, NULL, &root, &ignored) != CLI_DONE)
        return CLI_LOST_REVOKE_UNKNOWN;
    struct gw_str state = cli_answer_text(root, "state", &session->answer);
    *name = cli_answer_text(root, "name", &session->answer);
    if (state.at == NULL || name->at == NULL)
        return CLI_LOST_REVOKE_UNKNOWN;
    return gw_str_equal(state, GW_STR("revoked")) ? CLI_LOST_REVOKE_DONE : CLI_LOST_REVOKE_NOT_DONE;
}

enum cli_lost_revoke cli_lost_revoke_find_own(struct cli_session *session) {
    struct cli_identity identity;
    struct cli_reason ignored;
    switch (cli_whoami_cmd_ask(session, &identity, &ignored)) {
    case CLI_DONE:
        return CLI_LOST_REVOKE_NOT_DONE;
    case CLI_UNAUTHENTICATED:
        return CLI_LOST_REVOKE_DONE;
    default:
        return CLI_LOST_REVOKE_UNKNOWN;
    }
}

void cli_lost_revoke_explain(enum cli_lost_revoke found, struct cli_reason *why) {
    if (found == CLI_LOST_REVOKE_NOT_DONE)
        cli_reason_add(why, "the token has not been revoked");
    else if (found == CLI_LOST_REVOKE_UNKNOWN)
        cli_reason_add(why, "it is not known whether the token has been revoked");
}
