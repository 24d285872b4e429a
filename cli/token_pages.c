// SPDX-License-Identifier: MIT
#include "cli/token_pages.h"

#include "base/base64url.h"
#include "cli/answer.h"
#include "cli/org_path.h"
#include "cli/token_filter.h"

// The first page has as many as a gateway without cursors gives; that one answers with its first
// page and `pagination`, and is asked for pages by their number from then on.
#define FIRST_LIMIT 200
#define NEXT_LIMIT 1000
#define PAGES_MAX 5000
#define CURSOR_CHARS_MAX 4096

enum cli_exit cli_token_pages_open(struct cli_token_pages *pages, struct cli_session *session,
                                   struct gw_str filter, struct cli_reason *why) {
    *pages = (struct cli_token_pages){
        .session = session, .filter = filter, .next = GW_STR(""), .page_limit = FIRST_LIMIT};
    return cli_org_path_make(session, "tokens", NULL, &pages->path, why);
}

bool cli_token_pages_are_left(const struct cli_token_pages *pages) {
    return pages->page > 0 ? pages->page <= pages->page_count : pages->next.at != NULL;
}

// 1 for a gateway that does not page.
static int64_t page_count(struct gw_json root) {
    struct gw_json pagination;
    struct gw_json total;
    int64_t count = 1;
    if (gw_json_member(root, GW_STR("pagination"), &pagination) &&
        gw_json_member(pagination, GW_STR("totalPages"), &total) &&
        gw_json_integer(total, &count) != GW_OK)
        return 1;
    return count < PAGES_MAX ? count : PAGES_MAX;
}

// It goes into a URL as it came.
static bool is_cursor(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (!gw_base64url_is_char(text.at[i]))
            return false;
    }
    return text.length > 0 && text.length <= CURSOR_CHARS_MAX;
}

static struct gw_str make_path(const struct cli_token_pages *pages, size_t wanted) {
    struct gw_arena *memory = &pages->session->memory;
    size_t limit = wanted < pages->page_limit ? wanted : pages->page_limit;
    if (pages->page > 0)
        return gw_arena_printf(memory, "%s?page=%d&limit=%d", pages->path, (int)pages->page,
                               FIRST_LIMIT);
    return gw_arena_printf(memory, "%s?after=%.*s&limit=%zu%.*s", pages->path,
                           GW_STR_ARG(pages->next), limit, GW_STR_ARG(pages->filter));
}

// A page without tokens is the last one, whatever its count says.
static void turn_numbered(struct cli_token_pages *pages, struct gw_json root, int count) {
    pages->page = pages->page == 0 ? 2 : pages->page + 1;
    pages->page_count = count > 0 ? page_count(root) : 0;
}

static enum cli_exit turn(struct cli_token_pages *pages, struct gw_json root,
                          struct cli_reason *why) {
    struct gw_json tokens;
    struct gw_json pagination;
    if (!gw_json_member(root, GW_STR("tokens"), &tokens) || gw_json_type(tokens) != GW_JSON_ARRAY)
        return cli_session_fail_strange(pages->session, why);
    bool is_numbered = gw_json_member(root, GW_STR("pagination"), &pagination);
    if (is_numbered && pages->filter.length > 0 && pages->filtered_by != NULL)
        return cli_token_filter_fail_older(pages->filtered_by, why);
    if (is_numbered && pages->filter.length > 0)
        return cli_fail(why, CLI_FAILED, "the gateway is too old to choose tokens: update it");
    if (is_numbered || pages->page > 0) {
        turn_numbered(pages, root, gw_json_count(tokens));
        return CLI_DONE;
    }
    pages->page_limit = NEXT_LIMIT;
    pages->next = cli_answer_text(root, "next", &pages->session->answer);
    if (pages->next.at == NULL)
        return CLI_DONE;
    if (!is_cursor(pages->next))
        return cli_session_fail_strange(pages->session, why);
    pages->next = cli_answer_keep(pages->next, &pages->session->memory);
    return pages->next.at != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}

enum cli_exit cli_token_pages_fetch(struct cli_token_pages *pages, size_t wanted,
                                    struct gw_json *root, struct cli_reason *why) {
    gw_assert(cli_token_pages_are_left(pages) && wanted > 0);
    struct gw_str path = make_path(pages, wanted);
    if (path.at == NULL)
        return cli_fail_status(why, GW_NO_MEMORY);
    const struct cli_api_request request = {.method = "GET", .path = path.at};
    enum cli_exit exit = cli_session_call(pages->session, &request,
                                          "check the organisation and the address", root, why);
    return exit == CLI_DONE ? turn(pages, *root, why) : exit;
}
