// SPDX-License-Identifier: MIT
#include "cli/list_cmd.h"

#include <inttypes.h>

#include "cli/answer.h"
#include "cli/listing.h"
#include "cli/older.h"
#include "cli/token_filter.h"
#include "cli/token_pages.h"

// STATE and REASON are those of a list with all tokens.
static const struct cli_table_column columns[] = {
    {.title = "NAME", .gap = 2, .least = 10},
    {.title = "PREFIX", .gap = 3},
    {.title = "SCOPES", .gap = 3},
    {.title = "LAST USED", .gap = 3},
    {.title = "EXPIRES", .gap = 3, .nothing = "never"},
    {.title = "STATE", .gap = 3, .nothing = ""},
    {.title = "REASON", .gap = 3, .nothing = "", .least = 10},
    {.title = "ID"},
};

static void read_token(struct gw_json token, int64_t now_ms, struct gw_arena *arena,
                       struct gw_str *cells) {
    cells[0] = cli_answer_text(token, "name", arena);
    cells[1] = cli_answer_text(token, "prefix", arena);
    cells[2] = cli_answer_list(token, "scopes", arena);
    cells[3] = cli_answer_ago(token, "lastUsedAt", now_ms, arena);
    cells[4] = cli_answer_ahead(token, "expiresAt", now_ms, arena);
    cells[5] = GW_STR("");
    cells[6] = GW_STR("");
    cells[7] = cli_answer_text(token, "id", arena);
}

static void read_with_state(struct gw_json token, int64_t now_ms, struct gw_arena *arena,
                            struct gw_str *cells) {
    read_token(token, now_ms, arena, cells);
    struct gw_str reason = cli_answer_text(token, "reason", arena);
    cells[5] = cli_answer_text(token, "state", arena);
    if (reason.at != NULL)
        cells[6] = reason;
}

static const struct cli_listing_kind list_kind = {
    .key = "tokens",
    .empty = "No tokens yet. Create one: skillreg token create --name <name>\n",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(columns[0]),
    .read = read_token,
};

const struct cli_listing_kind cli_list_chosen_kind = {
    .key = "tokens",
    .empty = "No token matches.\n",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(columns[0]),
    .read = read_token,
};

static const struct cli_listing_kind all_kind = {
    .key = "tokens",
    .empty = "No token matches.\n",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(columns[0]),
    .read = read_with_state,
};

static const struct cli_listing_kind *find_kind(const struct cli_options *options,
                                                struct gw_str filter) {
    if (cli_options_has(options, CLI_FLAG_ALL))
        return &all_kind;
    return filter.length > 0 ? &cli_list_chosen_kind : &list_kind;
}

// Of the gateway's count, which stops behind a thousand.
#define MINTED_COUNT_MAX 1000

static void note_minted(struct gw_json root) {
    struct gw_json member;
    int64_t count;
    if (!gw_json_member(root, GW_STR("minted"), &member) ||
        gw_json_integer(member, &count) != GW_OK || count < 1)
        return;
    if (count > MINTED_COUNT_MAX)
        cli_note("more than %d live tokens of rules of trust are not shown; --minted lists them",
                 MINTED_COUNT_MAX);
    else
        cli_note("%" PRId64 " live token%s of rules of trust %s not shown; --minted lists %s",
                 count, count == 1 ? "" : "s", count == 1 ? "is" : "are",
                 count == 1 ? "it" : "them");
}

// A gateway that knows no rules of trust ignores that their tokens alone are asked for.
static enum cli_exit check_minted(const struct cli_options *options, struct gw_json root,
                                  struct cli_reason *why) {
    struct cli_older older = {.flags = ""};
    if (!cli_options_has(options, CLI_FLAG_MINTED) || cli_answer_is_true(root, "mintedOnly"))
        return CLI_DONE;
    cli_older_add(&older, options, CLI_FLAG_MINTED);
    return cli_older_fail(&older, "choose tokens of rules", why);
}

static enum cli_exit fetch_all(struct cli_session *session, const struct cli_options *options,
                               struct gw_str filter, struct cli_listing *listing,
                               struct cli_reason *why) {
    struct gw_json root;
    struct cli_token_pages pages;
    bool is_first = true;
    enum cli_exit exit = cli_token_pages_open(&pages, session, filter, why);
    pages.filtered_by = options;
    while (exit == CLI_DONE && cli_token_pages_are_left(&pages) && !cli_listing_is_full(listing)) {
        size_t wanted = listing->count_max > 0 ? listing->count_max - listing->count : SIZE_MAX;
        exit = cli_token_pages_fetch(&pages, wanted, &root, why);
        if (exit == CLI_DONE && is_first)
            note_minted(root);
        if (exit == CLI_DONE && is_first)
            exit = check_minted(options, root, why);
        is_first = false;
        if (exit == CLI_DONE)
            exit = cli_listing_add(listing, session, root, why);
    }
    return exit;
}

enum cli_exit cli_list_cmd(struct cli_session *session, const struct cli_options *options,
                           struct cli_reason *why) {
    struct cli_listing listing;
    enum cli_exit exit = cli_token_filter_check(options, why);
    if (exit != CLI_DONE)
        return exit;
    struct gw_str filter = cli_token_filter_make(session, options);
    if (filter.at == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    cli_listing_init(&listing, find_kind(options, filter), cli_options_has(options, CLI_FLAG_JSON));
    listing.count_max = (size_t)options->limit;
    listing.no_titles = cli_options_has(options, CLI_FLAG_NO_HEADERS);
    exit = fetch_all(session, options, filter, &listing, why);
    if (exit == CLI_DONE)
        exit = cli_listing_print(&listing, why);
    if (exit == CLI_DONE && listing.count > 0 && cli_options_has(options, CLI_FLAG_EXIT_CODE))
        exit = CLI_FOUND;
    cli_listing_deinit(&listing);
    return exit;
}
