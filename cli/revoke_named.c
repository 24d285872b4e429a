// SPDX-License-Identifier: MIT
#include "cli/revoke_named.h"

#include "cli/ask.h"

enum cli_exit cli_revoke_named_check(const struct cli_options *options, struct cli_reason *why) {
    if (cli_options_has(options, CLI_FLAG_YES) || cli_ask_can())
        return CLI_DONE;
    return cli_fail(why, CLI_USAGE,
                    "\"%s\" is no id of a live token, and by its name a token is revoked after a "
                    "question, which there is no terminal for: --yes revokes it unasked, skillreg "
                    "token list shows its id",
                    options->id);
}

enum cli_exit cli_revoke_named_ask(const struct cli_options *options,
                                   const struct cli_named_token *token, struct cli_reason *why) {
    if (cli_options_has(options, CLI_FLAG_YES))
        return CLI_DONE;
    enum cli_ask_answer answer =
        cli_ask("Revoke the token \"%.*s\" (%.*s, %.*s, %.*s, last used %.*s)?",
                GW_STR_ARG(token->name), GW_STR_ARG(token->id), GW_STR_ARG(token->prefix),
                GW_STR_ARG(token->scopes), GW_STR_ARG(token->last_used));
    if (answer == CLI_ASK_NOBODY)
        return cli_revoke_named_check(options, why);
    return answer == CLI_ASK_YES ? CLI_DONE : cli_fail(why, CLI_FAILED, "nothing was revoked");
}
