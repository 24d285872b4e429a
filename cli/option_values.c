// SPDX-License-Identifier: MIT
#include "cli/option_values.h"

#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "cli/expiry.h"
#include "token/limits.h"

#define QUOTED_BYTES_MAX 64
#define AUDIT_LIMIT_DEFAULT 50
#define AUDIT_LIMIT_MAX 10000

enum cli_exit cli_option_id(const char *value, const char *words, struct cli_reason *why) {
    if (value == NULL || value[0] == '\0')
        return cli_fail(why, CLI_USAGE, "%s needs the id of a token: skillreg token list shows it",
                        words);
    if (strncmp(value, "sr_", 3) == 0 || strncmp(value, "sk_", 3) == 0)
        return cli_fail(why, CLI_USAGE,
                        "%s takes the id of a token, never the token or its prefix: skillreg token "
                        "list shows it in the last column",
                        words);
    return CLI_DONE;
}

enum cli_exit cli_option_expires(const char *value, int64_t *expires_ms, struct cli_reason *why) {
    *expires_ms = CLI_OPTION_NO_TIME;
    if (value == NULL)
        return CLI_DONE;
    switch (cli_expiry_parse(gw_str_from(value), gw_clock_wall_ms(), expires_ms)) {
    case GW_OK:
        return CLI_DONE;
    case GW_CONFLICT:
        return cli_fail(why, CLI_USAGE, "--expires lies in the past");
    case GW_TOO_BIG:
        return cli_fail(why, CLI_USAGE, "--expires lies more than %d years ahead, leave it out",
                        CLI_EXPIRY_YEARS_MAX);
    default:
        return cli_fail(why, CLI_USAGE,
                        "--expires takes a duration such as 12h or 90d, a date such as "
                        "2027-01-31, or a time such as 2027-01-31T12:00:00Z");
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

enum cli_exit cli_option_name(const char *value, struct cli_reason *why) {
    if (value == NULL)
        return cli_fail(why, CLI_USAGE, "token create needs --name <name>");
    if (!gw_utf8_valid(gw_str_from(value)))
        return cli_fail(why, CLI_USAGE, "--name is not valid UTF-8");
    return CLI_DONE;
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

enum cli_exit cli_option_limit(const char *value, int64_t *limit, struct cli_reason *why) {
    uint64_t number = AUDIT_LIMIT_DEFAULT;
    if (value != NULL && (gw_str_to_u64(gw_str_from(value), &number) != GW_OK || number == 0 ||
                          number > AUDIT_LIMIT_MAX))
        return cli_fail(why, CLI_USAGE, "--limit takes a number from 1 to %d", AUDIT_LIMIT_MAX);
    *limit = (int64_t)number;
    return CLI_DONE;
}
