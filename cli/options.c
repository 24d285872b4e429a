// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <string.h>

#define OPERANDS_MAX 4
#define QUOTED_BYTES_MAX 64

#define FOR(command) (1U << CLI_COMMAND_##command)
#define FOR_ORG_COMMANDS                                                                           \
    (FOR(TOKEN_CREATE) | FOR(TOKEN_LIST) | FOR(TOKEN_ROTATE) | FOR(TOKEN_REVOKE) | FOR(AUDIT))
#define FOR_REQUESTS (FOR_ORG_COMMANDS | FOR(WHOAMI) | FOR(LOGIN))
#define FOR_ALL (~0U)

static const struct {
    const char *name;
    bool takes_value;
    unsigned commands;
} flags[CLI_FLAG_COUNT] = {
    [CLI_FLAG_NAME] = {"name", true, FOR(TOKEN_CREATE)},
    [CLI_FLAG_SCOPES] = {"scopes", true, FOR(TOKEN_CREATE)},
    [CLI_FLAG_EXPIRES] = {"expires", true, FOR(TOKEN_CREATE) | FOR(TOKEN_ROTATE)},
    [CLI_FLAG_ALLOW_IP] = {"allow-ip", true, FOR(TOKEN_CREATE)},
    [CLI_FLAG_BIND_CHILDREN] = {"bind-children", false, FOR(TOKEN_CREATE)},
    [CLI_FLAG_OVERLAP] = {"overlap", true, FOR(TOKEN_ROTATE)},
    [CLI_FLAG_STORE] = {"store", false, FOR(TOKEN_ROTATE)},
    [CLI_FLAG_SELF] = {"self", false, FOR(TOKEN_REVOKE)},
    [CLI_FLAG_WITH_SUCCESSORS] = {"with-successors", false, FOR(TOKEN_REVOKE)},
    [CLI_FLAG_LIMIT] = {"limit", true, FOR(AUDIT)},
    [CLI_FLAG_ORG] = {"org", true, FOR_ORG_COMMANDS},
    [CLI_FLAG_TOKEN] = {"token", false, FOR(LOGIN)},
    [CLI_FLAG_WAIT] = {"wait", false, FOR(TOKEN_REVOKE)},
    [CLI_FLAG_JSON] = {"json", false, FOR_REQUESTS},
    [CLI_FLAG_URL] = {"url", true, FOR_REQUESTS},
    [CLI_FLAG_CA_FILE] = {"ca-file", true, FOR_REQUESTS},
    [CLI_FLAG_INSECURE_HTTP] = {"insecure-http", false, FOR_REQUESTS},
    [CLI_FLAG_HELP] = {"help", false, FOR_ALL},
    [CLI_FLAG_VERSION] = {"version", false, FOR_ALL},
};

static const char *const command_words[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_NONE] = "",
    [CLI_COMMAND_TOKEN] = "token",
    [CLI_COMMAND_TOKEN_CREATE] = "token create",
    [CLI_COMMAND_TOKEN_LIST] = "token list",
    [CLI_COMMAND_TOKEN_ROTATE] = "token rotate",
    [CLI_COMMAND_TOKEN_REVOKE] = "token revoke",
    [CLI_COMMAND_AUDIT] = "audit",
    [CLI_COMMAND_WHOAMI] = "whoami",
    [CLI_COMMAND_LOGIN] = "login",
};

struct operands {
    const char *at[OPERANDS_MAX];
    int count;
};

const char *cli_options_command_words(enum cli_command command) {
    gw_assert(command < CLI_COMMAND_COUNT);
    return command_words[command];
}

// For an error: `argument` unless it may hold a secret.
static const char *shown(const char *argument) {
    return strstr(argument, "sr_") != NULL || strstr(argument, "sk_") != NULL ? "(a token?)"
                                                                              : argument;
}

static enum cli_flag find_flag(struct gw_str name) {
    int flag = 0;
    while (flag < CLI_FLAG_COUNT && !gw_str_equal(name, gw_str_from(flags[flag].name)))
        flag++;
    return (enum cli_flag)flag;
}

static enum cli_exit add_allowed_ip(struct cli_options *options, const char *value,
                                    struct cli_reason *why) {
    if (options->allowed_ip_count == GW_ALLOWED_IPS_MAX)
        return cli_fail(why, CLI_USAGE,
                        "--allow-ip is given more than %d times, name larger networks",
                        GW_ALLOWED_IPS_MAX);
    options->allowed_ips[options->allowed_ip_count++] = value;
    options->values[CLI_FLAG_ALLOW_IP] = options->allowed_ips[0];
    return CLI_DONE;
}

// One argument that begins with "--"; *index moves on when its value is the next one.
static enum cli_exit parse_flag(int argument_count, char *const arguments[], int *index,
                                struct cli_options *options, struct cli_reason *why) {
    const char *argument = arguments[*index];
    struct gw_str name = gw_str_from(argument + 2);
    size_t equals = gw_str_find(name, '=');
    const char *value = equals < name.length ? argument + 2 + equals + 1 : NULL;
    name.length = equals;

    enum cli_flag flag = find_flag(name);
    if (flag == CLI_FLAG_COUNT)
        return cli_fail(why, CLI_USAGE, "unknown flag --%.*s",
                        (int)(name.length < QUOTED_BYTES_MAX ? name.length : QUOTED_BYTES_MAX),
                        shown(argument + 2));
    if (cli_options_has(options, flag) && flag != CLI_FLAG_ALLOW_IP)
        return cli_fail(why, CLI_USAGE, "--%s is given twice", flags[flag].name);
    if (!flags[flag].takes_value) {
        if (value != NULL && flag == CLI_FLAG_TOKEN)
            return cli_fail(why, CLI_USAGE,
                            "--token takes no value: the token is asked for, or read from "
                            "standard input");
        if (value != NULL)
            return cli_fail(why, CLI_USAGE, "--%s takes no value", flags[flag].name);
        options->values[flag] = "";
        return CLI_DONE;
    }
    if (value == NULL && *index + 1 < argument_count &&
        strncmp(arguments[*index + 1], "--", 2) != 0)
        value = arguments[++*index];
    if (value == NULL)
        return cli_fail(why, CLI_USAGE, "--%s needs a value", flags[flag].name);
    if (value[0] == '\0')
        return cli_fail(why, CLI_USAGE, "--%s must not be empty", flags[flag].name);
    if (flag == CLI_FLAG_ALLOW_IP)
        return add_allowed_ip(options, value, why);
    options->values[flag] = value;
    return CLI_DONE;
}

static enum cli_exit add_operand(struct operands *operands, const char *argument,
                                 struct cli_reason *why) {
    if (operands->count == OPERANDS_MAX)
        return cli_fail(why, CLI_USAGE, "unexpected argument \"%.*s\"", QUOTED_BYTES_MAX,
                        shown(argument));
    operands->at[operands->count++] = argument;
    return CLI_DONE;
}

static enum cli_exit split(int argument_count, char *const arguments[], struct cli_options *options,
                           struct operands *operands, struct cli_reason *why) {
    bool flags_ended = false;
    for (int i = 1; i < argument_count; i++) {
        const char *argument = arguments[i];
        enum cli_exit exit = CLI_DONE;
        if (flags_ended || argument[0] != '-' || argument[1] == '\0') {
            exit = add_operand(operands, argument, why);
        } else if (strcmp(argument, "--") == 0) {
            flags_ended = true;
        } else if (strcmp(argument, "-h") == 0) {
            options->values[CLI_FLAG_HELP] = "";
        } else if (argument[1] != '-') {
            exit = cli_fail(why, CLI_USAGE, "unknown flag %.*s", QUOTED_BYTES_MAX, shown(argument));
        } else {
            exit = parse_flag(argument_count, arguments, &i, options, why);
        }
        if (exit != CLI_DONE)
            return exit;
    }
    return CLI_DONE;
}

// Takes the words of the command from the front of the operands.
static enum cli_exit find_command(struct cli_options *options, struct operands *operands,
                                  int *taken, struct cli_reason *why) {
    static const struct {
        const char *word;
        enum cli_command command;
    } firsts[] = {{"token", CLI_COMMAND_TOKEN},
                  {"audit", CLI_COMMAND_AUDIT},
                  {"whoami", CLI_COMMAND_WHOAMI},
                  {"login", CLI_COMMAND_LOGIN}},
      seconds[] = {{"create", CLI_COMMAND_TOKEN_CREATE},
                   {"list", CLI_COMMAND_TOKEN_LIST},
                   {"rotate", CLI_COMMAND_TOKEN_ROTATE},
                   {"revoke", CLI_COMMAND_TOKEN_REVOKE}};
    if (operands->count == 0)
        return CLI_DONE;
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        if (strcmp(operands->at[0], firsts[i].word) == 0)
            options->command = firsts[i].command;
    }
    if (options->command == CLI_COMMAND_NONE)
        return cli_fail(why, CLI_USAGE, "unknown command \"%.*s\"", QUOTED_BYTES_MAX,
                        shown(operands->at[0]));
    *taken = 1;
    if (options->command != CLI_COMMAND_TOKEN || operands->count == 1)
        return CLI_DONE;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        if (strcmp(operands->at[1], seconds[i].word) == 0)
            options->command = seconds[i].command;
    }
    if (options->command == CLI_COMMAND_TOKEN)
        return cli_fail(why, CLI_USAGE, "unknown command \"token %.*s\"", QUOTED_BYTES_MAX,
                        shown(operands->at[1]));
    *taken = 2;
    return CLI_DONE;
}

static enum cli_exit check_flags(const struct cli_options *options, struct cli_reason *why) {
    for (int flag = 0; flag < CLI_FLAG_COUNT; flag++) {
        if (!cli_options_has(options, (enum cli_flag)flag) ||
            (flags[flag].commands & (1U << options->command)) != 0)
            continue;
        if (options->command == CLI_COMMAND_NONE)
            return cli_fail(why, CLI_USAGE, "no command given");
        if (flag == CLI_FLAG_TOKEN)
            return cli_fail(why, CLI_USAGE,
                            "%s takes no --token: set SKILLREG_TOKEN, or run skillreg login "
                            "--token once",
                            command_words[options->command]);
        return cli_fail(why, CLI_USAGE, "%s takes no --%s", command_words[options->command],
                        flags[flag].name);
    }
    return CLI_DONE;
}

static enum cli_exit check_operands(struct cli_options *options, const struct operands *operands,
                                    int taken, struct cli_reason *why) {
    gw_assert(taken <= operands->count);
    bool takes_id = options->command == CLI_COMMAND_TOKEN_ROTATE ||
                    options->command == CLI_COMMAND_TOKEN_REVOKE;
    if (takes_id && operands->count > taken)
        options->id = operands->at[taken++];
    if (operands->count == taken)
        return CLI_DONE;
    if (options->command == CLI_COMMAND_LOGIN)
        return cli_fail(why, CLI_USAGE,
                        "login takes no argument: the token is asked for, or read from "
                        "standard input");
    return cli_fail(why, CLI_USAGE, "unexpected argument \"%.*s\"", QUOTED_BYTES_MAX,
                    shown(operands->at[taken]));
}

// ---- what a command needs ----

static enum cli_exit read_create(struct cli_options *options, struct cli_reason *why) {
    enum cli_exit exit = cli_option_name(options->values[CLI_FLAG_NAME], why);
    if (exit == CLI_DONE)
        exit = cli_option_scopes(options->values[CLI_FLAG_SCOPES], &options->scopes, why);
    return exit == CLI_DONE
               ? cli_option_expires(options->values[CLI_FLAG_EXPIRES], &options->expires_ms, why)
               : exit;
}

static enum cli_exit read_rotate(struct cli_options *options, struct cli_reason *why) {
    enum cli_exit exit = cli_option_id(options->id, command_words[options->command], why);
    if (exit == CLI_DONE)
        exit = cli_option_overlap(options->values[CLI_FLAG_OVERLAP], &options->overlap_s, why);
    return exit == CLI_DONE
               ? cli_option_expires(options->values[CLI_FLAG_EXPIRES], &options->expires_ms, why)
               : exit;
}

static enum cli_exit check_revoke(const struct cli_options *options, struct cli_reason *why) {
    if (!cli_options_has(options, CLI_FLAG_SELF))
        return cli_option_id(options->id, command_words[options->command], why);
    if (options->id != NULL)
        return cli_fail(why, CLI_USAGE,
                        "token revoke takes an id or --self (the token that asks), not both");
    if (cli_options_has(options, CLI_FLAG_ORG))
        return cli_fail(why, CLI_USAGE,
                        "token revoke --self takes no --org: a token is of one organisation");
    return CLI_DONE;
}

static enum cli_exit read_values(struct cli_options *options, struct cli_reason *why) {
    switch (options->command) {
    case CLI_COMMAND_NONE:
        return cli_fail(why, CLI_USAGE, "no command given");
    case CLI_COMMAND_TOKEN:
        return cli_fail(why, CLI_USAGE, "token needs one of create, list, rotate, revoke");
    case CLI_COMMAND_TOKEN_CREATE:
        return read_create(options, why);
    case CLI_COMMAND_TOKEN_ROTATE:
        return read_rotate(options, why);
    case CLI_COMMAND_TOKEN_REVOKE:
        return check_revoke(options, why);
    case CLI_COMMAND_AUDIT:
        return cli_option_limit(options->values[CLI_FLAG_LIMIT], &options->limit, why);
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

enum cli_exit cli_options_parse(int argument_count, char *const arguments[],
                                struct cli_options *options, struct cli_reason *why) {
    *options = (struct cli_options){.command = CLI_COMMAND_NONE};
    struct operands operands = {.count = 0};
    int taken = 0;
    enum cli_exit exit = split(argument_count, arguments, options, &operands, why);
    bool asks_for_text =
        cli_options_has(options, CLI_FLAG_HELP) || cli_options_has(options, CLI_FLAG_VERSION);
    struct cli_reason ignored;
    enum cli_exit found =
        find_command(options, &operands, &taken, exit == CLI_DONE ? why : &ignored);
    if (exit == CLI_DONE)
        exit = found;
    if (exit == CLI_DONE)
        exit = check_flags(options, why);
    if (exit != CLI_DONE || asks_for_text)
        return exit;
    exit = check_operands(options, &operands, taken, why);
    return exit == CLI_DONE ? read_values(options, why) : exit;
}
