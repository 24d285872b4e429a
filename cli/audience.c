// SPDX-License-Identifier: MIT
#include "cli/audience.h"

#include "cli/answer.h"

static struct gw_str find(struct gw_json root, const char *kind, struct gw_arena *arena) {
    struct gw_json issuers;
    if (!gw_json_member(root, GW_STR("issuers"), &issuers) ||
        gw_json_type(issuers) != GW_JSON_ARRAY)
        return cli_answer_text(root, "audience", arena);
    for (int i = 0; i < gw_json_count(issuers); i++) {
        struct gw_json issuer = gw_json_element(issuers, i);
        struct gw_str audience = cli_answer_text(issuer, "audience", arena);
        if (audience.at != NULL &&
            gw_str_equal(cli_answer_text(issuer, "kind", arena), gw_str_from(kind)))
            return audience;
    }
    return cli_answer_text(root, "audience", arena);
}

enum cli_exit cli_audience_ask(struct cli_session *session, const char *kind,
                               struct gw_str *audience, struct cli_reason *why) {
    const struct cli_api_request request = {.method = "GET", .path = "/oidc/audience"};
    struct gw_json root;
    enum cli_exit exit = cli_session_call(session, &request, NULL, &root, why);
    if (exit == CLI_NOT_FOUND)
        cli_reason_reword(why,
                          "%s takes no identity tokens: check the address, or ask its operator to "
                          "name an issuer (skillreg-gateway --oidc-issuer)",
                          session->settings->base_url);
    if (exit != CLI_DONE)
        return exit;
    *audience = cli_answer_keep(find(root, kind, &session->answer), &session->memory);
    return audience->length > 0 ? CLI_DONE : cli_session_fail_strange(session, why);
}
