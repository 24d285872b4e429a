// SPDX-License-Identifier: MIT
#include "cli/trust_cmd.h"

#include <inttypes.h>

#include "cli/answer.h"
#include "cli/confirmation.h"
#include "cli/org_path.h"
#include "cli/show_cmd.h"
#include "cli/trust_text.h"
#include "token/id.h"

#define HINT "skillreg trust list shows the ids"

// ---- list ----

// The path of the next page; .at NULL behind the last one, or without memory.
static enum cli_exit turn(struct cli_session *session, struct gw_json root, const char *path,
                          struct gw_str *next, struct cli_reason *why) {
    struct gw_str after = cli_answer_text(root, "next", &session->answer);
    *next = gw_str(NULL, 0);
    if (after.at == NULL)
        return CLI_DONE;
    if (!gw_id_valid(after)) // it goes into a URL as it came
        return cli_session_fail_strange(session, why);
    *next = gw_arena_printf(&session->memory, "%s?after=%.*s", path, GW_STR_ARG(after));
    return next->at != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}

static enum cli_exit fetch_all(struct cli_session *session, const char *path,
                               struct cli_listing *listing, struct cli_reason *why) {
    struct gw_str next = gw_str_from(path);
    enum cli_exit exit = CLI_DONE;
    while (exit == CLI_DONE && next.at != NULL) {
        struct gw_json root;
        const struct cli_api_request request = {.method = "GET", .path = next.at};
        exit = cli_session_call(session, &request, "check the organisation and the address", &root,
                                why);
        if (exit == CLI_DONE)
            exit = cli_listing_add(listing, session, root, why);
        if (exit == CLI_DONE)
            exit = turn(session, root, path, &next, why);
    }
    return exit;
}

enum cli_exit cli_trust_list_cmd(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) {
    struct cli_listing listing;
    const char *path;
    enum cli_exit exit = cli_org_path_make(session, "trust", NULL, &path, why);
    if (exit != CLI_DONE)
        return exit;
    cli_listing_init(&listing, &cli_trust_listing_kind, cli_options_has(options, CLI_FLAG_JSON));
    listing.no_titles = cli_options_has(options, CLI_FLAG_NO_HEADERS);
    exit = fetch_all(session, path, &listing, why);
    if (exit == CLI_DONE)
        exit = cli_listing_print(&listing, why);
    cli_listing_deinit(&listing);
    return exit;
}

// ---- one ----

enum cli_exit cli_trust_show_cmd(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) {
    static const struct cli_shown rule = {"trust", HINT, cli_trust_render};
    return cli_show_one(session, options, &rule, why);
}

static enum cli_exit print_removed(struct cli_session *session, const struct cli_options *options,
                                   struct gw_json root, struct cli_reason *why) {
    struct gw_json member;
    int64_t ended;
    if (!gw_json_member(root, GW_STR("tokensRevoked"), &member) ||
        gw_json_integer(member, &ended) != GW_OK)
        return cli_session_fail_strange(session, why);
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON)) {
        cli_session_put_answer(session, &out);
    } else {
        struct gw_str line = gw_arena_printf(
            &session->answer, "Rule %s has been removed, and %" PRId64 " of its tokens ended.",
            options->id, ended);
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " ");
        cli_output_put_clean(&out, line.at != NULL ? line : GW_STR(""));
        cli_output_put(&out, "\n");
    }
    return cli_output_send(&out, why);
}

enum cli_exit cli_trust_remove_cmd(struct cli_session *session, const struct cli_options *options,
                                   struct cli_reason *why) {
    static const struct cli_confirmation words = {"the rule is removed", "may let its tokens in",
                                                  "its tokens may still be let in"};
    const char *const parameters[] = {cli_options_has(options, CLI_FLAG_WAIT) ? "wait=10" : NULL};
    struct gw_json root;
    struct cli_api_request request = {.method = "DELETE"};
    enum cli_exit exit = cli_org_path_make(session, "trust", options->id, &request.path, why);
    if (exit == CLI_DONE)
        exit = cli_path_add_parameters(session, &request.path, parameters, 1, why);
    if (exit != CLI_DONE)
        return exit;
    exit = cli_session_call(session, &request, HINT, &root, why);
    if (exit != CLI_DONE && cli_session_is_outcome_unknown(session, exit, why))
        cli_note("the rule may have been removed all the same: skillreg trust list says so");
    if (exit == CLI_DONE)
        exit = print_removed(session, options, root, why);
    return exit == CLI_DONE ? cli_confirmation_check(session, root, &words, why) : exit;
}
