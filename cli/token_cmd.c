// SPDX-License-Identifier: MIT
#include "cli/token_cmd.h"

#include "cli/answer.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/whoami_cmd.h"

#define PATH_BYTES_MAX (12 * 1024)
#define BODY_BYTES_MAX (64 * 1024)
#define LISTING_BYTES_MAX (256 * 1024 * 1024)
#define PAGE_LIMIT "200"
#define PAGES_MAX 5000

// ---- shared: the organisation and the path of its tokens ----

static enum cli_exit find_own_org(struct cli_session *session, struct gw_str *org,
                                  struct cli_reason *why) {
    struct cli_identity identity;
    enum cli_exit exit = cli_whoami_cmd_ask(session, &identity, why);
    if (exit == CLI_DONE)
        *org = identity.org_slug;
    return exit;
}

static enum cli_exit append_tokens_path(struct cli_session *session, struct gw_buf *path,
                                        struct cli_reason *why) {
    struct gw_str org = gw_str_from(session->settings->org);
    if (org.length == 0) {
        enum cli_exit exit = find_own_org(session, &org, why);
        if (exit != CLI_DONE)
            return exit;
    }
    enum gw_status status = gw_buf_append_str(path, GW_STR("/orgs"));
    if (status == GW_OK)
        status = cli_api_url_append_segment(path, org);
    if (status == GW_OK)
        status = gw_buf_append_str(path, GW_STR("/tokens"));
    return status == GW_OK ? CLI_DONE : cli_fail_status(why, status);
}

// The path of one request, terminated, in the memory of the session.
static enum cli_exit make_path(struct cli_session *session, const char *id, const char **path,
                               struct cli_reason *why) {
    struct gw_buf text;
    gw_buf_init(&text, PATH_BYTES_MAX);
    enum cli_exit exit = append_tokens_path(session, &text, why);
    if (exit == CLI_DONE && id != NULL &&
        cli_api_url_append_segment(&text, gw_str_from(id)) != GW_OK)
        exit = cli_fail(why, CLI_USAGE, "that is too long for the id of a token");
    if (exit == CLI_DONE) {
        *path = gw_arena_copy(&session->memory, gw_buf_bytes(&text));
        if (*path == NULL)
            exit = cli_fail_status(why, GW_NO_MEMORY);
    }
    gw_buf_deinit(&text);
    return exit;
}

// ---- create ----

static enum gw_status write_create_body(const struct cli_options *options, struct gw_buf *body) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, body);
    gw_json_open_object(&writer);
    gw_json_key(&writer, "name");
    gw_json_write_string(&writer, gw_str_from(options->values[CLI_FLAG_NAME]));
    gw_json_key(&writer, "scopes");
    gw_json_write_scopes(&writer, options->scopes);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

struct created {
    struct gw_str id;
    struct gw_str name;
    struct gw_str scopes;
    struct gw_str secret;
};

static void render_created(const struct created *created, struct cli_output *out) {
    cli_output_put(out, out->symbols.done);
    cli_output_put(out, " Token created successfully!\n\n  Name:   ");
    cli_output_put_clean(out, created->name);
    cli_output_put(out, "\n  Scopes: ");
    cli_output_put_clean(out, created->scopes);
    cli_output_put(out, "\n  Token:  ");
    cli_output_put_clean(out, created->secret);
    cli_output_put(out, "\n\n  ");
    cli_output_put(out, out->symbols.warning);
    cli_output_put(out, " Copy this token now ");
    cli_output_put(out, out->symbols.dash);
    cli_output_put(out, " it will not be shown again.\n");
}

static enum cli_exit print_created(struct cli_session *session, const struct cli_options *options,
                                   struct gw_json root, struct cli_reason *why) {
    const struct created created = {
        .id = cli_answer_text(root, "id", &session->answer),
        .name = cli_answer_text(root, "name", &session->answer),
        .scopes = cli_answer_scopes(root, &session->answer),
        .secret = cli_answer_text(root, "token", &session->answer),
    };
    if (created.id.at == NULL || created.name.at == NULL || created.scopes.at == NULL ||
        created.secret.at == NULL)
        return cli_session_fail_strange(session, why);
    struct cli_output out;
    cli_output_init(&out);
    if (cli_options_has(options, CLI_FLAG_JSON))
        cli_session_put_answer(session, &out);
    else
        render_created(&created, &out);
    if (cli_output_send(&out, why) == CLI_DONE)
        return CLI_DONE;
    return cli_fail(why, CLI_FAILED,
                    "the token was created but could not be shown, revoke it: skillreg token "
                    "revoke %.*s",
                    GW_STR_ARG(gw_str_slice(created.id, 0, 64)));
}

enum cli_exit cli_token_cmd_create(struct cli_session *session, const struct cli_options *options,
                                   struct cli_reason *why) {
    struct gw_buf body;
    struct gw_json root;
    struct cli_api_request request = {.method = "POST"};
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum cli_exit exit = make_path(session, NULL, &request.path, why);
    if (exit != CLI_DONE)
        goto out;
    if (write_create_body(options, &body) != GW_OK) {
        exit = cli_fail(why, CLI_USAGE, "--name is too long");
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

#define LIST_COLUMNS 5

static const struct cli_table_column list_columns[LIST_COLUMNS] = {
    {"NAME", 2}, {"PREFIX", 3}, {"SCOPES", 3}, {"LAST USED", 3}, {"ID", 0},
};

// All pages so far: cells for the table, or the members of the JSON array.
struct listing {
    bool json;
    size_t count;
    struct gw_buf cells; // of struct gw_str, whose bytes are in the memory of the session
    struct gw_buf array;
};

static enum gw_status add_json(struct listing *listing, struct gw_json token) {
    enum gw_status status = listing->count > 0 ? gw_buf_append(&listing->array, ",", 1) : GW_OK;
    return status == GW_OK ? gw_buf_append_str(&listing->array, gw_json_raw(token)) : status;
}

static enum gw_status add_cells(struct cli_session *session, struct listing *listing,
                                struct gw_json token) {
    struct gw_str cells[LIST_COLUMNS] = {
        cli_answer_text(token, "name", &session->answer),
        cli_answer_text(token, "prefix", &session->answer),
        cli_answer_scopes(token, &session->answer),
        cli_answer_ago(token, "lastUsedAt", &session->answer),
        cli_answer_text(token, "id", &session->answer),
    };
    for (size_t i = 0; i < LIST_COLUMNS; i++) {
        if (cells[i].at == NULL)
            return GW_INVALID;
        cells[i] = cli_answer_keep(cells[i], &session->memory);
        if (cells[i].at == NULL)
            return GW_NO_MEMORY;
    }
    return gw_buf_append(&listing->cells, cells, sizeof(cells));
}

static enum cli_exit add_page(struct cli_session *session, struct listing *listing,
                              struct gw_json tokens, struct cli_reason *why) {
    for (int i = 0; i < gw_json_count(tokens); i++) {
        struct gw_json token = gw_json_element(tokens, i);
        enum gw_status status =
            listing->json ? add_json(listing, token) : add_cells(session, listing, token);
        if (status == GW_INVALID)
            return cli_session_fail_strange(session, why);
        if (status != GW_OK)
            return cli_fail_status(why, status);
        listing->count++;
    }
    return CLI_DONE;
}

// A gateway that does not page has one.
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
                               struct listing *listing, struct cli_reason *why) {
    int64_t pages = 1;
    for (int page = 1; page <= pages; page++) {
        struct gw_json root;
        struct gw_json tokens;
        struct gw_str paged =
            gw_arena_printf(&session->memory, "%s?page=%d&limit=" PAGE_LIMIT, path, page);
        if (paged.at == NULL)
            return cli_fail_status(why, GW_NO_MEMORY);
        const struct cli_api_request request = {.method = "GET", .path = paged.at};
        enum cli_exit exit = cli_session_call(session, &request,
                                              "check the organisation and the address", &root, why);
        if (exit != CLI_DONE)
            return exit;
        if (!gw_json_member(root, GW_STR("tokens"), &tokens) ||
            gw_json_type(tokens) != GW_JSON_ARRAY)
            return cli_session_fail_strange(session, why);
        exit = add_page(session, listing, tokens, why);
        if (exit != CLI_DONE || gw_json_count(tokens) == 0)
            return exit;
        pages = page_count(root);
    }
    return CLI_DONE;
}

static void render_table(const struct listing *listing, struct cli_output *out) {
    const struct cli_table table = {
        .columns = list_columns,
        .column_count = LIST_COLUMNS,
        .cells = (const struct gw_str *)(const void *)gw_buf_bytes(&listing->cells).at,
        .row_count = listing->count,
    };
    if (out->status == GW_OK)
        out->status = cli_table_render(&table, out->utf8, &out->bytes);
}

static enum cli_exit print_listing(const struct listing *listing, struct cli_reason *why) {
    struct cli_output out;
    cli_output_init(&out);
    if (listing->json) {
        cli_output_put(&out, "{\"tokens\":[");
        cli_output_put_bytes(&out, gw_buf_bytes(&listing->array));
        cli_output_put(&out, "]}\n");
    } else if (listing->count == 0) {
        cli_output_put(&out, "No tokens yet. Create one: skillreg token create --name <name>\n");
    } else {
        render_table(listing, &out);
    }
    return cli_output_send(&out, why);
}

enum cli_exit cli_token_cmd_list(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) {
    const char *path = NULL;
    struct listing listing = {.json = cli_options_has(options, CLI_FLAG_JSON)};
    gw_buf_init(&listing.cells, LISTING_BYTES_MAX);
    gw_buf_init(&listing.array, LISTING_BYTES_MAX);
    enum cli_exit exit = make_path(session, NULL, &path, why);
    if (exit == CLI_DONE)
        exit = fetch_all(session, path, &listing, why);
    if (exit == CLI_DONE)
        exit = print_listing(&listing, why);
    gw_buf_deinit(&listing.array);
    gw_buf_deinit(&listing.cells);
    return exit;
}

// ---- revoke ----

// What a wait of 10 seconds did not see happen.
static void note_pending(struct gw_json root) {
    struct gw_json pending;
    int64_t count;
    if (!gw_json_member(root, GW_STR("pending"), &pending))
        return;
    if (gw_json_integer(pending, &count) == GW_OK)
        cli_note("%lld of the gateways did not confirm yet; they refuse the token as soon as they "
                 "hear of it",
                 (long long)count);
    else
        cli_note("it is not known whether every gateway has heard of it yet");
}

static enum cli_exit make_revoke_path(struct cli_session *session,
                                      const struct cli_options *options, const char **path,
                                      struct cli_reason *why) {
    enum cli_exit exit = make_path(session, options->id, path, why);
    if (exit != CLI_DONE || !cli_options_has(options, CLI_FLAG_WAIT))
        return exit;
    *path = gw_arena_printf(&session->memory, "%s?wait=10", *path).at;
    return *path != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}

enum cli_exit cli_token_cmd_revoke(struct cli_session *session, const struct cli_options *options,
                                   struct cli_reason *why) {
    struct gw_json root;
    struct cli_api_request request = {.method = "DELETE"};
    enum cli_exit exit = make_revoke_path(session, options, &request.path, why);
    if (exit == CLI_DONE)
        exit = cli_session_call(session, &request, "skillreg token list shows the ids", &root, why);
    if (exit != CLI_DONE)
        return exit;
    struct gw_str name = cli_answer_text(root, "name", &session->answer);
    if (name.at == NULL)
        return cli_session_fail_strange(session, why);
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
    note_pending(root);
    return cli_output_send(&out, why);
}
