// SPDX-License-Identifier: MIT
#include "cli/option_values.h"

#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "cli/expiry.h"

#define QUOTED_BYTES_MAX 64
#define OVERLAP_S_DEFAULT (24 * 60 * 60)
#define AUDIT_LIMIT_DEFAULT 50
#define AUDIT_LIMIT_MAX 10000

// What looks like a token is refused here: in the path of a request it would be logged.
static enum cli_exit check_id(const struct cli_options *options, struct cli_reason *why) {
    const char *words = cli_options_command_words(options->command);
    if (options->id == NULL || options->id[0] == '\0')
        return cli_fail(why, CLI_USAGE, "%s needs the id of a token: skillreg token list shows it",
                        words);
    if (strncmp(options->id, "sr_", 3) == 0 || strncmp(options->id, "sk_", 3) == 0)
        return cli_fail(why, CLI_USAGE,
                        "%s takes the id of a token, never the token or its prefix: skillreg token "
                        "list shows it in the last column",
                        words);
    return CLI_DONE;
}

static enum cli_exit check_expires(struct cli_options *options, struct cli_reason *why) {
    options->expires_ms = CLI_OPTIONS_NO_TIME;
    if (!cli_options_has(options, CLI_FLAG_EXPIRES))
        return CLI_DONE;
    struct gw_str text = gw_str_from(options->values[CLI_FLAG_EXPIRES]);
    switch (cli_expiry_parse(text, gw_clock_wall_ms(), &options->expires_ms)) {
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

static enum cli_exit check_scopes(struct cli_options *options, struct cli_reason *why) {
    if (!cli_options_has(options, CLI_FLAG_SCOPES)) {
        options->scopes = GW_SCOPE_READ | GW_SCOPE_WRITE;
        return CLI_DONE;
    }
    struct gw_str wrong = GW_STR("");
    struct gw_str list = gw_str_from(options->values[CLI_FLAG_SCOPES]);
    if (gw_scope_parse_list(list, &options->scopes, &wrong) == GW_OK)
        return CLI_DONE;
    size_t length = wrong.length < QUOTED_BYTES_MAX ? wrong.length : QUOTED_BYTES_MAX;
    return cli_fail(why, CLI_USAGE,
                    "unknown scope \"%.*s\": a token has read, write, admin, or some of them "
                    "joined by commas",
                    (int)length, wrong.at);
}

static enum cli_exit check_create(struct cli_options *options, struct cli_reason *why) {
    const char *name = options->values[CLI_FLAG_NAME];
    if (name == NULL)
        return cli_fail(why, CLI_USAGE, "token create needs --name <name>");
    if (!gw_utf8_valid(gw_str_from(name)))
        return cli_fail(why, CLI_USAGE, "--name is not valid UTF-8");
    enum cli_exit exit = check_scopes(options, why);
    return exit == CLI_DONE ? check_expires(options, why) : exit;
}

static enum cli_exit check_rotate(struct cli_options *options, struct cli_reason *why) {
    uint64_t overlap_ms = OVERLAP_S_DEFAULT * UINT64_C(1000);
    const char *overlap = options->values[CLI_FLAG_OVERLAP];
    enum cli_exit exit = check_id(options, why);
    if (exit != CLI_DONE)
        return exit;
    if (overlap != NULL && strcmp(overlap, "0") == 0)
        overlap_ms = 0;
    else if (overlap != NULL &&
             (gw_clock_parse_duration(gw_str_from(overlap), &overlap_ms) != GW_OK ||
              overlap_ms % 1000 != 0))
        return cli_fail(why, CLI_USAGE,
                        "--overlap takes a duration of whole seconds such as 24h or 30m, or 0");
    options->overlap_s = (int64_t)(overlap_ms / 1000);
    return check_expires(options, why);
}

static enum cli_exit check_revoke_self(const struct cli_options *options, struct cli_reason *why) {
    if (options->id != NULL)
        return cli_fail(why, CLI_USAGE,
                        "token revoke takes an id or --self (the token that asks), not both");
    if (cli_options_has(options, CLI_FLAG_ORG))
        return cli_fail(why, CLI_USAGE,
                        "token revoke --self takes no --org: a token is of one organisation");
    return CLI_DONE;
}

static enum cli_exit check_audit(struct cli_options *options, struct cli_reason *why) {
    uint64_t limit = AUDIT_LIMIT_DEFAULT;
    const char *value = options->values[CLI_FLAG_LIMIT];
    if (value != NULL && (gw_str_to_u64(gw_str_from(value), &limit) != GW_OK || limit == 0 ||
                          limit > AUDIT_LIMIT_MAX))
        return cli_fail(why, CLI_USAGE, "--limit takes a number from 1 to %d", AUDIT_LIMIT_MAX);
    options->limit = (int64_t)limit;
    return CLI_DONE;
}

enum cli_exit cli_option_values_read(struct cli_options *options, struct cli_reason *why) {
    switch (options->command) {
    case CLI_COMMAND_NONE:
        return cli_fail(why, CLI_USAGE, "no command given");
    case CLI_COMMAND_TOKEN:
        return cli_fail(why, CLI_USAGE, "token needs one of create, list, rotate, revoke");
    case CLI_COMMAND_TOKEN_CREATE:
        return check_create(options, why);
    case CLI_COMMAND_TOKEN_ROTATE:
        return check_rotate(options, why);
    case CLI_COMMAND_TOKEN_REVOKE:
        return cli_options_has(options, CLI_FLAG_SELF) ? check_revoke_self(options, why)
                                                       : check_id(options, why);
    case CLI_COMMAND_AUDIT:
        return check_audit(options, why);
    case CLI_COMMAND_LOGIN:
        if (!cli_options_has(options, CLI_FLAG_TOKEN))
            return cli_fail(why, CLI_USAGE,
                            "login through a browser is not part of this tool yet, use: skillreg "
                            "login --token");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}
