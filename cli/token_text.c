// SPDX-License-Identifier: MIT
#include "cli/token_text.h"

#include "base/base64url.h"
#include "cli/text.h"
#include "token/syntax.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct beginning {
    struct gw_str prefix;
    const char *fault;
};

// Of any setting.
static const struct beginning placeholders[] = {
    {GW_STR_INIT("$"), "is the name of a variable that was not expanded"},
    {GW_STR_INIT("%"), "is the name of a variable that was not expanded"},
    {GW_STR_INIT("{{"), "is a placeholder that was not filled in"},
    {GW_STR_INIT("\""), "is in quotes"},
    {GW_STR_INIT("'"), "is in quotes"},
    {GW_STR_INIT("***"), "is what a CI system shows in place of a secret, not the secret"},
    {GW_STR_INIT("[MASKED]"), "is what a CI system shows in place of a secret, not the secret"},
};

// Documented by the services themselves.
static const struct beginning others[] = {
    {GW_STR_INIT("ghp_"), "looks like a token of GitHub"},
    {GW_STR_INIT("gho_"), "looks like a token of GitHub"},
    {GW_STR_INIT("ghs_"), "looks like a token of GitHub"},
    {GW_STR_INIT("ghu_"), "looks like a token of GitHub"},
    {GW_STR_INIT("github_pat_"), "looks like a token of GitHub"},
    {GW_STR_INIT("glpat-"), "looks like a token of GitLab"},
    {GW_STR_INIT("glcbt-"), "looks like a job token of GitLab"},
    {GW_STR_INIT("npm_"), "looks like a token of npm"},
    {GW_STR_INIT("pypi-"), "looks like a token of PyPI"},
    {GW_STR_INIT("dckr_pat_"), "looks like a token of Docker"},
    {GW_STR_INIT("xoxb-"), "looks like a token of Slack"},
    {GW_STR_INIT("AKIA"), "looks like a key of AWS"},
    {GW_STR_INIT("eyJ"), "looks like a JWT"},
    {GW_STR_INIT("Bearer"), "begins with the word Bearer, and only the token belongs there"},
};

struct gw_str cli_token_text_trim(struct gw_str text) {
    text = cli_text_trim(text);
    struct gw_str mark = GW_STR(BYTE_ORDER_MARK);
    if (gw_str_starts_with(text, mark))
        text = gw_str_slice(text, mark.length, text.length);
    return cli_text_trim(text);
}

static size_t own_prefix_length(struct gw_str text) {
    for (int kind = GW_TOKEN_LIVE; kind <= GW_TOKEN_LEGACY; kind++) {
        struct gw_str prefix = gw_token_syntax_prefix((enum gw_token_kind)kind);
        if (gw_str_starts_with(text, prefix))
            return prefix.length;
    }
    return 0;
}

static const char *find_fault(const struct beginning *beginnings, size_t count,
                              struct gw_str text) {
    for (size_t i = 0; i < count; i++) {
        if (gw_str_starts_with(text, beginnings[i].prefix))
            return beginnings[i].fault;
    }
    return NULL;
}

const char *cli_token_text_placeholder(struct gw_str text) {
    return find_fault(placeholders, sizeof(placeholders) / sizeof(placeholders[0]), text);
}

static const char *what_it_looks_like(struct gw_str text) {
    const char *fault = cli_token_text_placeholder(text);
    if (fault == NULL)
        fault = find_fault(others, sizeof(others) / sizeof(others[0]), text);
    return fault != NULL ? fault : "does not begin like one, with sr_live_, sr_test_ or sk_";
}

const char *cli_token_text_fault(struct gw_str text) {
    size_t at = own_prefix_length(text);
    if (at == 0)
        return what_it_looks_like(text);
    for (size_t i = at; i < text.length; i++) {
        if (!gw_base64url_is_char(text.at[i]))
            return "has other characters in it than letters, digits, - and _";
    }
    return NULL;
}
