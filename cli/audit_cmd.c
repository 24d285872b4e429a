// SPDX-License-Identifier: MIT
#include "cli/audit_cmd.h"

#include <inttypes.h>

#include "cli/answer.h"
#include "cli/listing.h"
#include "cli/org_path.h"

#define PAGE_LIMIT_MAX 200
#define PATH_BYTES_MAX (16 * 1024)

static const struct cli_table_column columns[] = {
    {.title = "WHEN", .gap = 3},
    {.title = "ACTION", .gap = 3},
    {.title = "TOKEN", .gap = 3},
    {.title = "BY", .gap = 3},
    {.title = "FROM"},
};

static struct gw_str text_or_dash(struct gw_json object, const char *key, struct gw_arena *arena) {
    struct gw_str text = cli_answer_text(object, key, arena);
    return text.at != NULL ? text : GW_STR("-");
}

// The name of the token that made the change; the kind of an actor without a name.
static struct gw_str find_actor(struct gw_json event, struct gw_arena *arena) {
    struct gw_json actor;
    if (!gw_json_member(event, GW_STR("actor"), &actor))
        return gw_str(NULL, 0);
    struct gw_str name = cli_answer_text(actor, "name", arena);
    return name.length > 0 ? name : cli_answer_text(actor, "kind", arena);
}

static void read_event(struct gw_json event, struct gw_arena *arena, struct gw_str *cells) {
    cells[0] = cli_answer_text(event, "at", arena);
    cells[1] = cli_answer_text(event, "action", arena);
    cells[2] = text_or_dash(event, "tokenName", arena);
    cells[3] = find_actor(event, arena);
    cells[4] = text_or_dash(event, "address", arena);
}

static const struct cli_listing_kind kind = {
    .key = "events",
    .empty = "Nothing has been recorded yet.\n",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(columns[0]),
    .read = read_event,
};

// The path of the page that begins after `before`, empty for the first one; in the memory of the
// session.
static enum cli_exit make_page_path(struct cli_session *session, const char *path, int64_t limit,
                                    struct gw_str before, const char **page_path,
                                    struct cli_reason *why) {
    struct gw_buf text;
    gw_buf_init(&text, PATH_BYTES_MAX);
    enum gw_status status = gw_buf_printf(&text, "%s?limit=%" PRId64, path,
                                          limit < PAGE_LIMIT_MAX ? limit : PAGE_LIMIT_MAX);
    if (status == GW_OK && before.length > 0)
        status = gw_buf_append_str(&text, GW_STR("&before="));
    if (status == GW_OK)
        status = cli_api_url_append_encoded(&text, before);
    if (status == GW_OK) {
        *page_path = gw_arena_copy(&session->memory, gw_buf_bytes(&text));
        status = *page_path != NULL ? GW_OK : GW_NO_MEMORY;
    }
    gw_buf_deinit(&text);
    return status == GW_OK ? CLI_DONE : cli_fail_status(why, status);
}

static enum cli_exit fetch(struct cli_session *session, int64_t limit, struct cli_listing *listing,
                           struct cli_reason *why) {
    gw_assert(limit > 0);
    const char *path = NULL;
    struct gw_str next = GW_STR("");
    enum cli_exit exit = cli_org_path_make(session, "audit", NULL, &path, why);
    while (exit == CLI_DONE && (int64_t)listing->count < limit) {
        struct gw_json root;
        struct cli_api_request request = {.method = "GET"};
        size_t count_before = listing->count;
        exit =
            make_page_path(session, path, limit - (int64_t)count_before, next, &request.path, why);
        if (exit == CLI_DONE)
            exit = cli_session_call(session, &request, "check the organisation and the address",
                                    &root, why);
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
    struct cli_listing listing;
    cli_listing_init(&listing, &kind, cli_options_has(options, CLI_FLAG_JSON));
    enum cli_exit exit = fetch(session, options->limit, &listing, why);
    if (exit == CLI_DONE)
        exit = cli_listing_print(&listing, why);
    cli_listing_deinit(&listing);
    return exit;
}
