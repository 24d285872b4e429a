// SPDX-License-Identifier: MIT
#include "cli/token_cmd.h"

#include "cli/answer.h"
#include "cli/listing.h"
#include "cli/new_token.h"
#include "cli/org_path.h"

#define BODY_BYTES_MAX (64 * 1024)
#define PAGE_LIMIT "200"
#define PAGES_MAX 5000

// ---- create ----

static void write_allowed_ips(const struct cli_options *options, struct gw_json_writer *writer) {
    gw_json_key(writer, "allowedIps");
    gw_json_open_array(writer);
    for (size_t i = 0; i < options->allowed_ip_count; i++)
        gw_json_write_string(writer, gw_str_from(options->allowed_ips[i]));
    gw_json_close_array(writer);
}

static enum gw_status write_create_body(const struct cli_options *options, struct gw_buf *body) {
    gw_assert(options->values[CLI_FLAG_NAME] != NULL);
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_put_string(&writer, "name", gw_str_from(options->values[CLI_FLAG_NAME]));
    gw_json_key(&writer, "scopes");
    gw_scope_write_json(&writer, options->scopes);
    if (options->expires_ms != CLI_OPTION_NO_TIME)
        gw_json_put_time(&writer, "expiresAt", options->expires_ms);
    if (options->allowed_ip_count > 0)
        write_allowed_ips(options, &writer);
    if (cli_options_has(options, CLI_FLAG_BIND_CHILDREN))
        gw_json_put_boolean(&writer, "bindChildren", true);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

// A gateway older than --allow-ip or --bind-children ignores the unknown member and makes a token
// that may do more.
static enum cli_exit check_limits(const struct cli_new_token *token, struct gw_json root,
                                  const struct cli_options *options, struct cli_reason *why) {
    struct gw_json binds;
    if (cli_options_has(options, CLI_FLAG_BIND_CHILDREN) &&
        !gw_json_member(root, GW_STR("bindChildren"), &binds))
        return cli_fail(why, CLI_FAILED,
                        "this gateway does not know --bind-children, so what the token makes works "
                        "from everywhere, revoke it: skillreg token revoke %.*s",
                        GW_STR_ARG(gw_str_slice(token->id, 0, 64)));
    if (options->allowed_ip_count == 0 || token->addresses.length > 0)
        return CLI_DONE;
    return cli_fail(why, CLI_FAILED,
                    "this gateway does not know --allow-ip, so the token works from everywhere, "
                    "revoke it: skillreg token revoke %.*s",
                    GW_STR_ARG(gw_str_slice(token->id, 0, 64)));
}

static enum cli_exit print_created(struct cli_session *session, const struct cli_options *options,
                                   struct gw_json root, struct cli_reason *why) {
    struct cli_new_token token;
    if (!cli_new_token_read(session, root, &token))
        return cli_session_fail_strange(session, why);
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON)) {
        cli_session_put_answer(session, &out);
    } else {
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " Token created successfully!\n");
        cli_new_token_render(&token, &out);
    }
    if (cli_output_send(&out, why) == CLI_DONE)
        return check_limits(&token, root, options, why);
    return cli_fail(why, CLI_FAILED,
                    "the token was created but could not be shown, revoke it: skillreg token "
                    "revoke %.*s",
                    GW_STR_ARG(gw_str_slice(token.id, 0, 64)));
}

enum cli_exit cli_token_cmd_create(struct cli_session *session, const struct cli_options *options,
                                   struct cli_reason *why) {
    struct gw_buf body;
    struct gw_json root;
    struct cli_api_request request = {.method = "POST"};
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum cli_exit exit = cli_org_path_make(session, "tokens", NULL, &request.path, why);
    if (exit != CLI_DONE)
        goto out;
    if (write_create_body(options, &body) != GW_OK) {
        exit = cli_fail(why, CLI_USAGE, "an argument is too long");
        goto out;
    }
    request.body = gw_buf_bytes(&body);
    exit =
        cli_session_call(session, &request, "check the organisation and the address", &root, why);
    if (exit == CLI_DONE)
        exit = print_created(session, options, root, why);
out:
    gw_buf_deinit(&body);
    return exit;
}

// ---- list ----

static const struct cli_table_column list_columns[] = {
    {.title = "NAME", .gap = 2},
    {.title = "PREFIX", .gap = 3},
    {.title = "SCOPES", .gap = 3},
    {.title = "LAST USED", .gap = 3},
    {.title = "EXPIRES", .gap = 3, .nothing = "never"},
    {.title = "ID"},
};

static void read_token(struct gw_json token, struct gw_arena *arena, struct gw_str *cells) {
    cells[0] = cli_answer_text(token, "name", arena);
    cells[1] = cli_answer_text(token, "prefix", arena);
    cells[2] = cli_answer_list(token, "scopes", arena);
    cells[3] = cli_answer_ago(token, "lastUsedAt", arena);
    cells[4] = cli_answer_ahead(token, "expiresAt", arena);
    cells[5] = cli_answer_text(token, "id", arena);
}

static const struct cli_listing_kind list_kind = {
    .key = "tokens",
    .empty = "No tokens yet. Create one: skillreg token create --name <name>\n",
    .columns = list_columns,
    .column_count = sizeof(list_columns) / sizeof(list_columns[0]),
    .read = read_token,
};

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

static enum cli_exit fetch_all(struct cli_session *session, const char *path,
                               struct cli_listing *listing, struct cli_reason *why) {
    int64_t pages = 1;
    for (int page = 1; page <= pages; page++) {
        struct gw_json root;
        struct gw_str paged =
            gw_arena_printf(&session->memory, "%s?page=%d&limit=" PAGE_LIMIT, path, page);
        if (paged.at == NULL)
            return cli_fail_status(why, GW_NO_MEMORY);
        const struct cli_api_request request = {.method = "GET", .path = paged.at};
        enum cli_exit exit = cli_session_call(session, &request,
                                              "check the organisation and the address", &root, why);
        if (exit != CLI_DONE)
            return exit;
        size_t count_before = listing->count;
        exit = cli_listing_add(listing, session, root, why);
        if (exit != CLI_DONE || listing->count == count_before)
            return exit;
        pages = page_count(root);
    }
    return CLI_DONE;
}

enum cli_exit cli_token_cmd_list(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) {
    const char *path = NULL;
    struct cli_listing listing;
    cli_listing_init(&listing, &list_kind, cli_options_has(options, CLI_FLAG_JSON));
    enum cli_exit exit = cli_org_path_make(session, "tokens", NULL, &path, why);
    if (exit == CLI_DONE)
        exit = fetch_all(session, path, &listing, why);
    if (exit == CLI_DONE)
        exit = cli_listing_print(&listing, why);
    cli_listing_deinit(&listing);
    return exit;
}

// ---- revoke ----

// A rotated token has a successor, which works on when the old token alone is revoked.
static enum cli_exit note_successors(struct cli_session *session, const struct cli_options *options,
                                     struct gw_json root, struct cli_reason *why) {
    struct gw_json successors;
    if (!gw_json_member(root, GW_STR("successors"), &successors))
        return CLI_DONE;
    for (int i = 0; i < gw_json_count(successors); i++) {
        struct gw_json successor = gw_json_element(successors, i);
        struct gw_str id = cli_answer_text(successor, "id", &session->answer);
        struct gw_json revoked;
        if (id.at == NULL || !gw_json_member(successor, GW_STR("revokedAt"), &revoked))
            return cli_session_fail_strange(session, why);
        struct gw_str shown = gw_str_slice(id, 0, 64);
        if (gw_json_type(revoked) != GW_JSON_NULL)
            cli_note("its successor %.*s has been revoked with it", GW_STR_ARG(shown));
        else if (cli_options_has(options, CLI_FLAG_WITH_SUCCESSORS))
            cli_note("its successor %.*s is still live, revoke it: skillreg token revoke %.*s",
                     GW_STR_ARG(shown), GW_STR_ARG(shown));
        else
            cli_note("its successor %.*s is still live; --with-successors revokes both, now: "
                     "skillreg token revoke %.*s",
                     GW_STR_ARG(shown), GW_STR_ARG(shown));
    }
    return CLI_DONE;
}

static enum cli_exit make_revoke_path(struct cli_session *session,
                                      const struct cli_options *options, const char **path,
                                      struct cli_reason *why) {
    gw_assert((options->id == NULL) == cli_options_has(options, CLI_FLAG_SELF));
    enum cli_exit exit = CLI_DONE;
    if (cli_options_has(options, CLI_FLAG_SELF))
        *path = "/auth/token";
    else
        exit = cli_org_path_make(session, "tokens", options->id, path, why);
    bool wait = cli_options_has(options, CLI_FLAG_WAIT);
    bool successors = cli_options_has(options, CLI_FLAG_WITH_SUCCESSORS);
    if (exit != CLI_DONE || (!wait && !successors))
        return exit;
    *path = gw_arena_printf(&session->memory, "%s?%s%s%s", *path, wait ? "wait=10" : "",
                            wait && successors ? "&" : "", successors ? "successors=true" : "")
                .at;
    return *path != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}

static enum cli_exit print_revoked(struct cli_session *session, const struct cli_options *options,
                                   struct gw_str name, struct cli_reason *why) {
    gw_assert(name.at != NULL);
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON)) {
        cli_session_put_answer(session, &out);
    } else {
        cli_output_put(&out, out.symbols.done);
        cli_output_put(&out, " Token \"");
        cli_output_put_clean(&out, name);
        cli_output_put(&out, "\" has been revoked.\n");
    }
    return cli_output_send(&out, why);
}

static int64_t count_of(struct gw_json root, struct gw_str name) {
    struct gw_json member;
    int64_t count;
    return gw_json_member(root, name, &member) && gw_json_integer(member, &count) == GW_OK ? count
                                                                                           : 0;
}

static const char *gateways(int64_t count) {
    return count == 1 ? "gateway" : "gateways";
}

// The wait ended early: how many gateways have not confirmed, and until when that matters. An older
// gateway sends neither the number of silent ones nor the time.
static enum cli_exit check_confirmed(struct cli_session *session, struct gw_json root,
                                     struct cli_reason *why) {
    struct gw_json member;
    if (!gw_json_member(root, GW_STR("pending"), &member))
        return CLI_DONE;
    int64_t pending = count_of(root, GW_STR("pending"));
    int64_t silent = count_of(root, GW_STR("silent"));
    if (pending + silent == 0)
        return cli_fail(why, CLI_UNCONFIRMED,
                        "the token is revoked, but it is not known whether every gateway has heard "
                        "of it: one that cannot ask the database may let it in for a while "
                        "(--stale-read of the gateway, 10 minutes by default)");
    struct gw_str until = cli_answer_text(root, "until", &session->answer);
    return cli_fail(
        why, CLI_UNCONFIRMED,
        "the token is revoked, but not confirmed everywhere: %lld %s did not hear of it "
        "yet, %lld %s fell silent; there it may still be let in%s%.*s",
        (long long)pending, gateways(pending), (long long)silent, gateways(silent),
        until.at != NULL ? ", until at the latest " : "", GW_STR_ARG(until));
}

// The caller's own token is gone: the file that holds it is of no use any more.
static void note_own_gone(struct cli_session *session) {
    cli_session_forget_expiry(session);
    if (session->settings->token_source == CLI_TOKEN_OF_FILE)
        cli_note("~/.skillreg/config.json still holds it, store another one: skillreg login "
                 "--token");
}

enum cli_exit cli_token_cmd_revoke(struct cli_session *session, const struct cli_options *options,
                                   struct cli_reason *why) {
    struct gw_json root;
    struct cli_api_request request = {.method = "DELETE"};
    bool self = cli_options_has(options, CLI_FLAG_SELF);
    enum cli_exit exit = make_revoke_path(session, options, &request.path, why);
    if (exit == CLI_DONE)
        exit = cli_session_call(session, &request,
                                self ? NULL : "skillreg token list shows the ids", &root, why);
    if (exit != CLI_DONE)
        return exit;
    struct gw_str name = cli_answer_text(root, "name", &session->answer);
    if (name.at == NULL)
        return cli_session_fail_strange(session, why);
    exit = note_successors(session, options, root, why);
    if (exit != CLI_DONE)
        return exit;
    if (self)
        note_own_gone(session);
    exit = print_revoked(session, options, name, why);
    return exit == CLI_DONE ? check_confirmed(session, root, why) : exit;
}
