// SPDX-License-Identifier: MIT
#include "cli/named_token.h"

#include "cli/answer.h"
#include "cli/token_pages.h"
#include "token/id.h"
#include "token/name.h"

#define KEPT_MAX 10
#define FILTER_BYTES_MAX (3 * GW_TOKEN_NAME_BYTES_MAX + 16)

struct namesakes {
    struct gw_str name;
    struct cli_named_token kept[KEPT_MAX];
    size_t count;
};

static enum cli_exit make_filter(struct cli_session *session, struct gw_str name,
                                 struct gw_str *filter, struct cli_reason *why) {
    struct gw_buf text;
    gw_buf_init(&text, FILTER_BYTES_MAX);
    enum gw_status status = gw_buf_append_str(&text, GW_STR("&name="));
    if (status == GW_OK)
        status = cli_api_url_append_encoded(&text, name);
    if (status == GW_OK)
        *filter = cli_answer_keep(gw_buf_bytes(&text), &session->memory);
    gw_buf_deinit(&text);
    if (status != GW_OK)
        return cli_fail_status(why, status);
    return filter->at != NULL ? CLI_DONE : cli_fail_status(why, GW_NO_MEMORY);
}

static enum cli_exit keep(struct cli_session *session, struct gw_json row,
                          struct cli_named_token *token, struct cli_reason *why) {
    struct gw_arena *answer = &session->answer;
    struct gw_str *const texts[] = {&token->id, &token->name, &token->prefix, &token->scopes,
                                    &token->last_used};
    *token = (struct cli_named_token){
        .id = cli_answer_text(row, "id", answer),
        .name = cli_answer_text(row, "name", answer),
        .prefix = cli_answer_text(row, "prefix", answer),
        .scopes = cli_answer_list(row, "scopes", answer),
        .last_used = cli_answer_ago(row, "lastUsedAt", cli_session_now_ms(session), answer),
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i]->at == NULL)
            return cli_session_fail_strange(session, why);
        *texts[i] = cli_answer_keep(*texts[i], &session->memory);
        if (texts[i]->at == NULL)
            return cli_fail_status(why, GW_NO_MEMORY);
    }
    return gw_id_valid(token->id) ? CLI_DONE : cli_session_fail_strange(session, why);
}

static enum cli_exit add_page(struct cli_session *session, struct gw_json root,
                              struct namesakes *namesakes, struct cli_reason *why) {
    struct gw_json tokens;
    enum cli_exit exit = CLI_DONE;
    if (!gw_json_member(root, GW_STR("tokens"), &tokens))
        return cli_session_fail_strange(session, why);
    for (int i = 0; i < gw_json_count(tokens) && exit == CLI_DONE; i++) {
        struct gw_json row = gw_json_element(tokens, i);
        struct gw_str name = cli_answer_text(row, "name", &session->answer);
        if (name.at == NULL || !gw_str_equal(name, namesakes->name))
            continue;
        if (namesakes->count < KEPT_MAX)
            exit = keep(session, row, &namesakes->kept[namesakes->count], why);
        namesakes->count++;
    }
    return exit;
}

static enum cli_exit search(struct cli_session *session, struct namesakes *namesakes,
                            struct cli_reason *why) {
    struct cli_token_pages pages;
    struct gw_str filter = GW_STR("");
    struct gw_json root;
    enum cli_exit exit = make_filter(session, namesakes->name, &filter, why);
    if (exit == CLI_DONE)
        exit = cli_token_pages_open(&pages, session, filter, why);
    while (exit == CLI_DONE && cli_token_pages_are_left(&pages)) {
        exit = cli_token_pages_fetch(&pages, SIZE_MAX, &root, why);
        if (exit == CLI_DONE)
            exit = add_page(session, root, namesakes, why);
    }
    return exit;
}

static enum cli_exit refuse_several(const struct namesakes *namesakes, struct cli_reason *why) {
    for (size_t i = 0; i < namesakes->count && i < KEPT_MAX; i++) {
        const struct cli_named_token *token = &namesakes->kept[i];
        cli_note("%.*s has that name (%.*s, %.*s, last used %.*s)", GW_STR_ARG(token->id),
                 GW_STR_ARG(token->prefix), GW_STR_ARG(token->scopes),
                 GW_STR_ARG(token->last_used));
    }
    return cli_fail(why, CLI_USAGE,
                    "%zu live tokens have the name \"%.*s\", give the id of the one that is meant",
                    namesakes->count, GW_STR_ARG(namesakes->name));
}

enum cli_exit cli_named_token_find(struct cli_session *session, struct gw_str name,
                                   struct cli_named_token *token, struct cli_reason *why) {
    const char *wrong;
    struct namesakes namesakes = {.count = 0};
    enum gw_status status =
        gw_token_name_normalise(&session->memory, name, &namesakes.name, &wrong);
    if (status == GW_INVALID)
        return cli_fail(why, CLI_USAGE, "the name of a token %s", wrong);
    if (status != GW_OK)
        return cli_fail_status(why, status);
    enum cli_exit exit = search(session, &namesakes, why);
    if (exit != CLI_DONE)
        return exit;
    if (namesakes.count == 0)
        return cli_fail(why, CLI_NOT_FOUND,
                        "no live token has the name \"%.*s\", skillreg token list shows names and "
                        "ids",
                        GW_STR_ARG(namesakes.name));
    if (namesakes.count > 1)
        return refuse_several(&namesakes, why);
    *token = namesakes.kept[0];
    return CLI_DONE;
}
