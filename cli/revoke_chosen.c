// SPDX-License-Identifier: MIT
#include "cli/revoke_chosen.h"

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/list_cmd.h"
#include "cli/progress.h"
#include "cli/revoke_many.h"
#include "cli/token_choice.h"
#include "cli/token_filter.h"
#include "cli/token_pages.h"
#include "cli/whoami_cmd.h"
#include "token/id.h"

#define IDS_BYTES_MAX (64 * 1024 * 1024)
// An order that is asked for is refused by a gateway that cannot page by a cursor.
#define NEWEST_FIRST "&sort=-created"

struct chosen {
    struct cli_session *session;
    const struct cli_options *options;
    struct cli_token_choice choice;
    struct cli_listing listing;
    struct gw_buf ids; // of struct gw_str, whose bytes are in the memory of the session
    bool has_own;      // the token of the call would be among them
    struct cli_progress progress;
};

static bool has(const struct chosen *chosen, enum cli_flag flag) {
    return cli_options_has(chosen->options, flag);
}

// ---- the search ----

static enum cli_exit find_own(struct cli_session *session, struct cli_reason *why) {
    struct cli_identity identity;
    enum cli_exit exit = CLI_DONE;
    if (session->own_token_id.at == NULL)
        exit = cli_whoami_cmd_ask(session, &identity, why);
    if (exit == CLI_DONE && session->own_token_id.at == NULL)
        return cli_fail(why, CLI_FAILED,
                        "this gateway does not say which token asks, so that it could be left out");
    return exit;
}

static enum cli_exit add(struct chosen *chosen, struct gw_json token, struct cli_reason *why) {
    struct cli_session *session = chosen->session;
    struct gw_str id = cli_answer_text(token, "id", &session->answer);
    if (id.at == NULL || !gw_id_valid(id))
        return cli_session_fail_strange(session, why);
    if (gw_str_equal(id, session->own_token_id)) {
        chosen->has_own = true;
        return CLI_DONE;
    }
    id = cli_answer_keep(id, &session->memory);
    enum gw_status status =
        id.at != NULL ? gw_buf_append(&chosen->ids, &id, sizeof(id)) : GW_NO_MEMORY;
    return status == GW_OK ? cli_listing_add_one(&chosen->listing, session, token, why)
                           : cli_fail_status(why, status);
}

static enum cli_exit add_page(struct chosen *chosen, struct gw_json root, struct cli_reason *why) {
    struct cli_session *session = chosen->session;
    struct gw_json tokens;
    enum cli_exit exit = CLI_DONE;
    if (session->date_ms < 0)
        return cli_fail(why, CLI_FAILED,
                        "the answer has no Date, so it is not known how old the tokens are");
    if (!gw_json_member(root, GW_STR("tokens"), &tokens))
        return cli_session_fail_strange(session, why);
    for (int i = 0; i < gw_json_count(tokens) && exit == CLI_DONE; i++) {
        struct gw_json token = gw_json_element(tokens, i);
        bool is_chosen;
        if (cli_token_choice_judge(&chosen->choice, token, session->date_ms, &session->answer,
                                   &is_chosen) != GW_OK)
            return cli_session_fail_strange(session, why);
        if (is_chosen)
            exit = add(chosen, token, why);
    }
    return exit;
}

static enum cli_exit search(struct chosen *chosen, struct cli_reason *why) {
    struct cli_token_pages pages;
    struct gw_json root;
    struct gw_str filter = cli_token_filter_make(chosen->session, chosen->options);
    if (filter.at == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    enum cli_exit exit = find_own(chosen->session, why);
    if (exit == CLI_DONE)
        exit = cli_token_pages_open(&pages, chosen->session,
                                    filter.length > 0 ? filter : GW_STR(NEWEST_FIRST), why);
    while (exit == CLI_DONE && cli_token_pages_are_left(&pages)) {
        cli_progress_tell(&chosen->progress, "%zu tokens found", chosen->listing.count);
        exit = cli_token_pages_fetch(&pages, SIZE_MAX, &root, why);
        if (exit == CLI_DONE)
            exit = add_page(chosen, root, why);
    }
    cli_progress_clear(&chosen->progress);
    return exit;
}

// ---- the question ----

static enum cli_exit check_answerable(const struct chosen *chosen, struct cli_reason *why) {
    if (has(chosen, CLI_FLAG_YES) || has(chosen, CLI_FLAG_DRY_RUN) || cli_ask_can())
        return CLI_DONE;
    return cli_fail(why, CLI_USAGE,
                    "token revoke asks before it revokes what --older-than or --unused choose, and "
                    "there is no terminal to ask at: --yes revokes them unasked, --dry-run shows "
                    "them");
}

static enum cli_exit ask(const struct chosen *chosen, struct cli_reason *why) {
    size_t count = chosen->listing.count;
    if (has(chosen, CLI_FLAG_YES))
        return CLI_DONE;
    enum cli_exit exit = cli_listing_show(&chosen->listing, stderr, why);
    if (exit != CLI_DONE)
        return exit;
    enum cli_ask_answer answer =
        count == 1 ? cli_ask("Revoke this token?") : cli_ask("Revoke these %zu tokens?", count);
    return answer == CLI_ASK_YES ? CLI_DONE : cli_fail(why, CLI_FAILED, "nothing was revoked");
}

// ---- together ----

static enum cli_exit preview(const struct chosen *chosen, struct cli_reason *why) {
    enum cli_exit exit = cli_listing_show(&chosen->listing, stdout, why);
    if (exit == CLI_DONE && chosen->listing.count > 0)
        cli_note("%zu %s would be revoked", chosen->listing.count,
                 chosen->listing.count == 1 ? "token" : "tokens");
    return exit;
}

static enum cli_exit print_none(const struct chosen *chosen, struct cli_reason *why) {
    struct cli_output out;
    if (!has(chosen, CLI_FLAG_JSON))
        return cli_listing_show(&chosen->listing, stdout, why);
    cli_output_init(&out);
    cli_output_put(&out, "{\"revoked\":[],\"notFound\":[],\"ownRevoked\":false}\n");
    return cli_output_send(&out, why);
}

static enum cli_exit revoke(struct chosen *chosen, struct cli_reason *why) {
    if (chosen->has_own)
        cli_note("the token of this call is left out; its id revokes it: skillreg token revoke "
                 "%.*s",
                 GW_STR_ARG(chosen->session->own_token_id));
    if (has(chosen, CLI_FLAG_DRY_RUN))
        return preview(chosen, why);
    if (chosen->listing.count == 0)
        return print_none(chosen, why);
    enum cli_exit exit = ask(chosen, why);
    if (exit != CLI_DONE)
        return exit;
    return cli_revoke_many(chosen->session, chosen->options,
                           (const struct gw_str *)(const void *)gw_buf_bytes(&chosen->ids).at,
                           chosen->listing.count, why);
}

enum cli_exit cli_revoke_chosen(struct cli_session *session, const struct cli_options *options,
                                struct cli_reason *why) {
    struct chosen chosen = {
        .session = session,
        .options = options,
        .choice = {.older_ms = options->older_ms,
                   .unused_ms = options->unused_ms,
                   .name_part = gw_str_from(options->values[CLI_FLAG_NAME_PART]),
                   .scope = gw_str_from(options->values[CLI_FLAG_SCOPE])},
    };
    gw_assert(options->older_ms > 0 || options->unused_ms > 0);
    enum cli_exit exit = cli_token_filter_check(options, why);
    if (exit == CLI_DONE)
        exit = check_answerable(&chosen, why);
    if (exit != CLI_DONE)
        return exit;
    bool as_json = has(&chosen, CLI_FLAG_JSON) && has(&chosen, CLI_FLAG_DRY_RUN);
    cli_listing_init(&chosen.listing, &cli_list_chosen_kind, as_json);
    gw_buf_init(&chosen.ids, IDS_BYTES_MAX);
    cli_progress_start(&chosen.progress);
    exit = search(&chosen, why);
    if (exit == CLI_DONE)
        exit = revoke(&chosen, why);
    gw_buf_deinit(&chosen.ids);
    cli_listing_deinit(&chosen.listing);
    return exit;
}
