// SPDX-License-Identifier: MIT
#include "cli/audit_cmd.h"

#include "cli/answer.h"
#include "cli/audit_query.h"
#include "cli/audit_stream.h"
#include "cli/audit_text.h"
#include "cli/listing.h"
#include "cli/org_path.h"

#define PATH_BYTES_MAX (16 * 1024)

static const struct cli_table_column columns[] = {
    {.title = "WHEN", .gap = 3},
    {.title = "ACTION", .gap = 3},
    {.title = "TOKEN", .gap = 3, .least = 10},
    {.title = "BY", .gap = 3, .least = 10},
    {.title = "FROM"},
};

static void read_event(struct gw_json event, int64_t now_ms, struct gw_arena *arena,
                       struct gw_str *cells) {
    (void)now_ms;
    cli_audit_text_read(event, arena, cells);
}

static const struct cli_listing_kind kind = {
    .key = "events",
    .empty = "Nothing has been recorded yet.\n",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(columns[0]),
    .read = read_event,
};

static const struct cli_listing_kind chosen_kind = {
    .key = "events",
    .empty = "No event matches.\n",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(columns[0]),
    .read = read_event,
};

// The path of the page that begins after `before`, empty for the first one; in the memory of the
// session.
static enum cli_exit make_page_path(struct cli_session *session, const struct cli_options *options,
                                    const char *path, int64_t limit, struct gw_str before,
                                    const char **page_path, struct cli_reason *why) {
    struct gw_buf text;
    gw_buf_init(&text, PATH_BYTES_MAX);
    enum gw_status status = cli_audit_query_append(
        &text, path, limit < CLI_AUDIT_PAGE_MAX ? limit : CLI_AUDIT_PAGE_MAX, options);
    if (status == GW_OK && before.length > 0)
        status = cli_audit_query_append_place(&text, "before", before);
    if (status == GW_OK) {
        *page_path = gw_arena_copy(&session->memory, gw_buf_bytes(&text));
        status = *page_path != NULL ? GW_OK : GW_NO_MEMORY;
    }
    gw_buf_deinit(&text);
    return status == GW_OK ? CLI_DONE : cli_fail_status(why, status);
}

static enum cli_exit fetch(struct cli_session *session, const struct cli_options *options,
                           struct cli_listing *listing, struct cli_reason *why) {
    int64_t limit = options->limit;
    gw_assert(limit > 0);
    const char *path = NULL;
    struct gw_str next = GW_STR("");
    enum cli_exit exit = cli_org_path_make(session, "audit", NULL, &path, why);
    while (exit == CLI_DONE && (int64_t)listing->count < limit) {
        struct gw_json root;
        struct cli_api_request request = {.method = "GET"};
        size_t count_before = listing->count;
        exit = make_page_path(session, options, path, limit - (int64_t)count_before, next,
                              &request.path, why);
        if (exit == CLI_DONE)
            exit = cli_session_call(session, &request, "check the organisation and the address",
                                    &root, why);
        if (exit == CLI_DONE)
            exit = cli_audit_query_check_answer(options, root, &session->answer, why);
        if (exit == CLI_DONE)
            exit = cli_listing_add(listing, session, root, why);
        if (exit != CLI_DONE || listing->count == count_before)
            break;
        next = cli_answer_text(root, "next", &session->answer);
        if (next.length == 0)
            break;
    }
    return exit;
}

enum cli_exit cli_audit_cmd(struct cli_session *session, const struct cli_options *options,
                            struct cli_reason *why) {
    if (cli_options_has(options, CLI_FLAG_FOLLOW) || cli_options_has(options, CLI_FLAG_NDJSON) ||
        cli_options_has(options, CLI_FLAG_AFTER))
        return cli_audit_stream(session, options, why);
    struct cli_listing listing;
    cli_listing_init(&listing, cli_audit_query_chooses(options) ? &chosen_kind : &kind,
                     cli_options_has(options, CLI_FLAG_JSON));
    enum cli_exit exit = fetch(session, options, &listing, why);
    if (exit == CLI_DONE)
        exit = cli_listing_print(&listing, why);
    cli_listing_deinit(&listing);
    return exit;
}
