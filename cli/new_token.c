// SPDX-License-Identifier: MIT
#include "cli/new_token.h"

#include "cli/answer.h"

bool cli_new_token_read(struct cli_session *session, struct gw_json root,
                        struct cli_new_token *token) {
    struct gw_arena *arena = &session->answer;
    *token = (struct cli_new_token){
        .id = cli_answer_text(root, "id", arena),
        .name = cli_answer_text(root, "name", arena),
        .scopes = cli_answer_list(root, "scopes", arena),
        .secret = cli_answer_text(root, "token", arena),
        .expires = cli_answer_text(root, "expiresAt", arena),
        .addresses = cli_answer_list(root, "allowedIps", arena),
    };
    return token->id.at != NULL && token->name.at != NULL && token->scopes.at != NULL &&
           token->secret.at != NULL;
}

static void put_line(struct cli_output *out, const char *label, struct gw_str value) {
    cli_output_put(out, label);
    cli_output_put_clean(out, value);
    cli_output_put(out, "\n");
}

void cli_new_token_render(const struct cli_new_token *token, struct cli_output *out) {
    gw_assert(token->name.at != NULL && token->scopes.at != NULL && token->secret.at != NULL);
    put_line(out, "\n  Name:   ", token->name);
    put_line(out, "  Scopes: ", token->scopes);
    put_line(out, "  Token:  ", token->secret);
    if (token->expires.at != NULL)
        put_line(out, "  Expires: ", token->expires);
    if (token->addresses.length > 0)
        put_line(out, "  From:    ", token->addresses);
    cli_output_put(out, "\n  ");
    cli_output_put(out, out->symbols.warning);
    cli_output_put(out, " Copy this token now ");
    cli_output_put(out, out->symbols.dash);
    cli_output_put(out, " it will not be shown again.\n");
}
