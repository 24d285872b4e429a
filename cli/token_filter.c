// SPDX-License-Identifier: MIT
#include "cli/token_filter.h"

#include "cli/answer.h"
#include "cli/older.h"
#include "token/syntax.h"

#define FILTER_CHARS_MAX 256 // of one: what the gateway takes is shorter
#define FILTER_BYTES_MAX 8192

static const struct {
    enum cli_flag flag;
    const char *parameter;
} filters[] = {
    {CLI_FLAG_UNUSED, "unused"}, {CLI_FLAG_EXPIRING, "expiring"}, {CLI_FLAG_NAME_PART, "name"},
    {CLI_FLAG_PREFIX, "prefix"}, {CLI_FLAG_SCOPE, "scope"},       {CLI_FLAG_SORT, "sort"},
};

struct gw_str cli_token_filter_make(struct cli_session *session,
                                    const struct cli_options *options) {
    struct gw_buf text;
    gw_buf_init(&text, FILTER_BYTES_MAX);
    enum gw_status status =
        gw_buf_printf(&text, "%s%s", cli_options_has(options, CLI_FLAG_ALL) ? "&all=true" : "",
                      cli_options_has(options, CLI_FLAG_MINTED) ? "&minted=true" : "");
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]) && status == GW_OK; i++) {
        const char *value = options->values[filters[i].flag];
        if (value == NULL)
            continue;
        status = gw_buf_printf(&text, "&%s=", filters[i].parameter);
        if (status == GW_OK)
            status = cli_api_url_append_encoded(&text, gw_str_from(value));
    }
    struct gw_str filter = status == GW_OK ? GW_STR("") : gw_str(NULL, 0);
    if (status == GW_OK && gw_buf_length(&text) > 0)
        filter = cli_answer_keep(gw_buf_bytes(&text), &session->memory);
    gw_buf_deinit(&text);
    return filter;
}

enum cli_exit cli_token_filter_fail_older(const struct cli_options *options,
                                          struct cli_reason *why) {
    struct cli_older older = {.flags = ""};
    cli_older_add(&older, options, CLI_FLAG_ALL);
    cli_older_add(&older, options, CLI_FLAG_MINTED);
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        cli_older_add(&older, options, filters[i].flag);
    return cli_older_fail(&older, "choose or sort tokens", why);
}

// A whole token never leaves in a URL.
enum cli_exit cli_token_filter_check(const struct cli_options *options, struct cli_reason *why) {
    struct gw_str token;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        if (gw_str_from(options->values[filters[i].flag]).length > FILTER_CHARS_MAX)
            return cli_fail(why, CLI_USAGE, "--%s is too long, it takes %d bytes at most",
                            cli_flag_row(filters[i].flag)->name, FILTER_CHARS_MAX);
    }
    struct gw_str name = gw_str_from(options->values[CLI_FLAG_NAME_PART]);
    if (gw_token_syntax_find(name, GW_TOKEN_PART_MIN, &token))
        return cli_fail(why, CLI_USAGE, "--name takes a part of a name, never a token");
    struct gw_str prefix = gw_str_from(options->values[CLI_FLAG_PREFIX]);
    if (prefix.length <= GW_TOKEN_PREFIX_LENGTH)
        return CLI_DONE;
    return cli_fail(why, CLI_USAGE, "--prefix takes the first 12 characters of a token at most");
}
