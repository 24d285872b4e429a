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
        .bound_san = cli_answer_text(root, "boundSan", arena),
    };
    return token->id.at != NULL && token->name.at != NULL && token->scopes.at != NULL &&
           token->secret.at != NULL;
}

bool cli_new_token_is_for_person(const struct cli_options *options) {
    return !cli_options_has(options, CLI_FLAG_JSON) && options->output == CLI_TOKEN_OUTPUT_TEXT;
}

enum cli_exit cli_new_token_hand_over(const struct cli_session *session,
                                      const struct cli_options *options,
                                      const struct cli_new_token *token, struct cli_output *out,
                                      struct cli_reason *why) {
    gw_assert(!cli_new_token_is_for_person(options));
    if (options->output != CLI_TOKEN_OUTPUT_TEXT)
        return cli_token_output_put(options->output, token->secret, out, why);
    cli_session_put_answer(session, out);
    return CLI_DONE;
}

enum cli_exit cli_new_token_fail_unshown(const struct cli_new_token *token,
                                         const struct cli_reason *fault, const char *what,
                                         const char *advice, struct cli_reason *why) {
    bool is_told = fault->text[0] != '\0';
    return cli_fail(why, CLI_FAILED, "%s%s%s%s, %s %.*s", what, is_told ? " (" : "", fault->text,
                    is_told ? ")" : "", advice, GW_STR_ARG(gw_str_slice(token->id, 0, 64)));
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
        put_line(out, "  Ends:   ", token->expires);
    if (token->addresses.length > 0)
        put_line(out, "  From:   ", token->addresses);
    if (token->bound_san.length > 0)
        put_line(out, "  Bound:  ", token->bound_san);
    cli_output_put(out, "\n  ");
    cli_output_put(out, out->symbols.warning);
    cli_output_put(out, " Copy this token now ");
    cli_output_put(out, out->symbols.dash);
    cli_output_put(out, " it will not be shown again.\n");
}
