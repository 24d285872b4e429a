// SPDX-License-Identifier: MIT
#include "cli/option_values.h"

#include <string.h>

#include "base/clock.h"
#include "base/san.h"
#include "cli/token_text.h"
#include "token/id.h"
#include "token/limits.h"
#include "token/name.h"
#include "token/syntax.h"

#define QUOTED_BYTES_MAX 64
#define ARENA_BYTES_MAX (256 * 1024)
#define AUDIT_LIMIT_DEFAULT 50
#define AUDIT_LIMIT_MAX 10000
#define AGE_MS_MAX (UINT64_C(36500) * 24 * 60 * 60 * 1000)

enum cli_exit cli_option_id(const char *value, const char *words, struct cli_reason *why) {
    if (value == NULL || value[0] == '\0')
        return cli_fail(why, CLI_USAGE, "%s needs the id of a token: skillreg token list shows it",
                        words);
    if (strncmp(value, "sr_", 3) == 0 || strncmp(value, "sk_", 3) == 0)
        return cli_fail(why, CLI_USAGE,
                        "%s takes the id of a token, never the token or its prefix: skillreg token "
                        "list shows it in the last column",
                        words);
    if (!gw_id_valid(gw_str_from(value)))
        return cli_fail(
            why, CLI_USAGE,
            "%s takes the id of a token, which is 1 to 32 of a-z and 0-9: skillreg token list "
            "shows it in the last column",
            words);
    return CLI_DONE;
}

enum cli_exit cli_option_expires(const char *value, struct cli_expiry *expiry,
                                 struct cli_reason *why) {
    *expiry = (struct cli_expiry){.kind = CLI_EXPIRY_NOT_GIVEN};
    if (value == NULL)
        return CLI_DONE;
    switch (cli_expiry_parse(gw_str_from(value), gw_clock_wall_ms(), expiry)) {
    case GW_OK:
        return CLI_DONE;
    case GW_CONFLICT:
        return cli_fail(
            why, CLI_USAGE,
            "--expires lies in the past, name a later time (a date begins at 00:00 UTC)");
    case GW_TOO_BIG:
        return cli_fail(why, CLI_USAGE,
                        "--expires lies more than %d years ahead, name an earlier time",
                        CLI_EXPIRY_YEARS_MAX);
    default:
        return cli_fail(why, CLI_USAGE,
                        "--expires takes a duration such as 12h, 90d, 1w or 1y, a date such as "
                        "2027-01-31, a time such as 2027-01-31T12:00:00Z, or never (token create "
                        "alone)");
    }
}

enum cli_exit cli_option_scopes(const char *value, gw_scope_set *scopes, struct cli_reason *why) {
    *scopes = GW_SCOPE_READ | GW_SCOPE_WRITE;
    struct gw_str wrong = GW_STR("");
    if (value == NULL || gw_scope_parse_list(gw_str_from(value), scopes, &wrong) == GW_OK)
        return CLI_DONE;
    size_t length = wrong.length < QUOTED_BYTES_MAX ? wrong.length : QUOTED_BYTES_MAX;
    return cli_fail(why, CLI_USAGE,
                    "unknown scope \"%.*s\": a token has read, write, admin, or some of them "
                    "joined by commas",
                    (int)length, wrong.at);
}

typedef enum gw_status normalise_text(struct gw_arena *arena, struct gw_str given,
                                      struct gw_str *normal, const char **wrong);

static enum cli_exit check_text(normalise_text *normalise, const char *value, const char *flag,
                                struct cli_reason *why) {
    struct gw_arena arena;
    struct gw_str normal;
    const char *wrong = "";
    gw_arena_init(&arena, ARENA_BYTES_MAX);
    enum cli_exit exit = CLI_DONE;
    enum gw_status status = normalise(&arena, gw_str_from(value), &normal, &wrong);
    if (status == GW_INVALID)
        exit = cli_fail(why, CLI_USAGE, "%s %s", flag, wrong);
    else if (status != GW_OK)
        exit = cli_fail_status(why, status);
    gw_arena_deinit(&arena);
    return exit;
}

enum cli_exit cli_option_name(const char *value, struct cli_reason *why) {
    if (value == NULL)
        return cli_fail(why, CLI_USAGE, "token create needs --name <name>");
    return check_text(gw_token_name_normalise, value, "--name", why);
}

enum cli_exit cli_option_id_or_name(const char *value, const char *words, struct cli_reason *why) {
    struct gw_str text = gw_str_from(value);
    struct gw_str token;
    const char *fault = cli_token_text_placeholder(text);
    if (text.length == 0 || strncmp(value, "sr_", 3) == 0 || strncmp(value, "sk_", 3) == 0)
        return cli_option_id(value, words, why);
    if (gw_token_syntax_find(text, GW_TOKEN_PART_MIN, &token))
        return cli_fail(why, CLI_USAGE,
                        "%s takes the id or the name of a token, never the token: skillreg token "
                        "list shows both",
                        words);
    if (fault != NULL)
        return cli_fail(why, CLI_USAGE, "%s takes the id or the name of a token, and it %s", words,
                        fault);
    return check_text(gw_token_name_normalise, value, "the name of a token", why);
}

enum cli_exit cli_option_description(const char *value, struct cli_reason *why) {
    if (value == NULL)
        return CLI_DONE;
    return check_text(gw_token_description_normalise, value, "--description", why);
}

enum cli_exit cli_option_bound_san(const char *value, struct cli_reason *why) {
    if (value == NULL || gw_san_kind(gw_str_from(value)) != GW_SAN_NONE)
        return CLI_DONE;
    return cli_fail(why, CLI_USAGE, "--bind-san takes " GW_SAN_RULE);
}

enum cli_exit cli_option_overlap(const char *value, int64_t *overlap_s, struct cli_reason *why) {
    uint64_t overlap_ms = GW_ROTATE_OVERLAP_S_DEFAULT * UINT64_C(1000);
    if (value != NULL && strcmp(value, "0") == 0)
        overlap_ms = 0;
    else if (value != NULL && (gw_clock_parse_duration(gw_str_from(value), &overlap_ms) != GW_OK ||
                               overlap_ms % 1000 != 0))
        return cli_fail(why, CLI_USAGE,
                        "--overlap takes a duration of whole seconds such as 24h or 30m, or 0");
    *overlap_s = (int64_t)(overlap_ms / 1000);
    return CLI_DONE;
}

enum cli_exit cli_option_age(const char *value, const char *flag, int64_t *age_ms,
                             struct cli_reason *why) {
    uint64_t length_ms = 0;
    if (value != NULL && (gw_clock_parse_duration(gw_str_from(value), &length_ms) != GW_OK ||
                          length_ms > AGE_MS_MAX))
        return cli_fail(why, CLI_USAGE, "%s takes a duration such as 90d or 12h, 36500d at most",
                        flag);
    *age_ms = (int64_t)length_ms;
    return CLI_DONE;
}

enum cli_exit cli_option_limit(const char *value, int64_t *limit, struct cli_reason *why) {
    uint64_t number = AUDIT_LIMIT_DEFAULT;
    if (value != NULL && (gw_str_to_u64(gw_str_from(value), &number) != GW_OK || number == 0 ||
                          number > AUDIT_LIMIT_MAX))
        return cli_fail(why, CLI_USAGE, "--limit takes a number from 1 to %d", AUDIT_LIMIT_MAX);
    *limit = (int64_t)number;
    return CLI_DONE;
}
