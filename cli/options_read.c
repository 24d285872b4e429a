// SPDX-License-Identifier: MIT
#include "cli/options_read.h"

#include <stdio.h>

#include "cli/audit_query.h"
#include "cli/near_miss.h"
#include "cli/trust_add_cmd.h"
#include "token/id.h"
#include "token/user_code.h"

typedef enum cli_exit options_reader(struct cli_options *options, struct cli_reason *why);

static enum cli_exit read_nothing(struct cli_options *options, struct cli_reason *why) {
    (void)options;
    (void)why;
    return CLI_DONE;
}

static enum cli_exit need_command(struct cli_options *options, struct cli_reason *why) {
    (void)options;
    return cli_fail(why, CLI_USAGE, "no command given");
}

// "token needs one of create, list, show, update, rotate, revoke".
static enum cli_exit need_second_word(struct cli_options *options, struct cli_reason *why) {
    char words[CLI_REASON_BYTES_MAX] = "";
    int used = 0;
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        const char *word = cli_command_word_in((enum cli_command)i, options->command);
        if (word != NULL)
            used += snprintf(words + used, sizeof(words) - (size_t)used, "%s%s",
                             used == 0 ? "" : ", ", word);
        gw_assert(used >= 0 && (size_t)used < sizeof(words));
    }
    return cli_fail(why, CLI_USAGE, "%s needs one of %s", cli_command_words(options->command),
                    words);
}

static enum cli_exit check_id(const struct cli_options *options, struct cli_reason *why) {
    return cli_option_id(options->id, cli_command_words(options->command), why);
}

static enum cli_exit read_allowed_ips(struct cli_options *options, struct cli_reason *why) {
    const char *value;
    for (size_t at = 0; cli_options_next(options, CLI_FLAG_ALLOW_IP, &at, &value);) {
        if (options->allowed_ip_count == GW_ALLOWED_IPS_MAX)
            return cli_fail(why, CLI_USAGE,
                            "--allow-ip is given more than %d times, name larger networks",
                            GW_ALLOWED_IPS_MAX);
        options->allowed_ips[options->allowed_ip_count++] = value;
    }
    return CLI_DONE;
}

// ---- token ----

static enum cli_exit read_output(struct cli_options *options, struct cli_reason *why) {
    static const enum cli_flag forms[] = {CLI_FLAG_JSON, CLI_FLAG_QUIET, CLI_FLAG_OUTPUT};
    int count = 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        count += cli_options_has(options, forms[i]);
    if (count > 1)
        return cli_fail(why, CLI_USAGE, "give only one of --json, --quiet and --output");
    if (cli_options_has(options, CLI_FLAG_QUIET)) {
        options->output = CLI_TOKEN_OUTPUT_SECRET;
        return CLI_DONE;
    }
    return cli_token_output_parse(options->values[CLI_FLAG_OUTPUT], &options->output, why);
}

static enum cli_exit read_create(struct cli_options *options, struct cli_reason *why) {
    enum cli_exit exit = cli_option_name(options->values[CLI_FLAG_NAME], why);
    if (exit == CLI_DONE)
        exit = cli_option_description(options->values[CLI_FLAG_DESCRIPTION], why);
    if (exit == CLI_DONE)
        exit = read_allowed_ips(options, why);
    if (exit == CLI_DONE)
        exit = cli_option_bound_san(options->values[CLI_FLAG_BIND_SAN], why);
    if (exit == CLI_DONE)
        exit = cli_option_scopes(options->values[CLI_FLAG_SCOPES], &options->scopes, why);
    if (exit == CLI_DONE)
        exit = read_output(options, why);
    return exit == CLI_DONE
               ? cli_option_expires(options->values[CLI_FLAG_EXPIRES], &options->expiry, why)
               : exit;
}

static enum cli_exit read_list(struct cli_options *options, struct cli_reason *why) {
    const char *limit = options->values[CLI_FLAG_LIST_LIMIT];
    return limit != NULL ? cli_option_limit(limit, &options->limit, why) : CLI_DONE;
}

static enum cli_exit read_show(struct cli_options *options, struct cli_reason *why) {
    return check_id(options, why);
}

// An end can only come earlier.
static enum cli_exit read_earlier_end(struct cli_options *options, struct cli_reason *why) {
    enum cli_exit exit =
        cli_option_expires(options->values[CLI_FLAG_EARLIER_END], &options->expiry, why);
    if (exit == CLI_DONE && options->expiry.kind == CLI_EXPIRY_NEVER)
        return cli_fail(
            why, CLI_USAGE,
            "token update takes no --expires never: an end can only come earlier; create "
            "a new token instead");
    return exit;
}

static enum cli_exit read_new_name(const struct cli_options *options, struct cli_reason *why) {
    if (!cli_options_has(options, CLI_FLAG_NAME))
        return CLI_DONE;
    return cli_option_name(options->values[CLI_FLAG_NAME], why);
}

static enum cli_exit read_new_description(const struct cli_options *options,
                                          struct cli_reason *why) {
    if (cli_options_has(options, CLI_FLAG_DESCRIPTION) &&
        cli_options_has(options, CLI_FLAG_NO_DESCRIPTION))
        return cli_fail(why, CLI_USAGE,
                        "token update takes --description or --no-description, not both");
    return cli_option_description(options->values[CLI_FLAG_DESCRIPTION], why);
}

static enum cli_exit read_fewer_scopes(struct cli_options *options, struct cli_reason *why) {
    if (!cli_options_has(options, CLI_FLAG_FEWER_SCOPES))
        return CLI_DONE;
    return cli_option_scopes(options->values[CLI_FLAG_FEWER_SCOPES], &options->scopes, why);
}

static enum cli_exit check_any_change(const struct cli_options *options, struct cli_reason *why) {
    static const enum cli_flag changes[] = {CLI_FLAG_NAME,           CLI_FLAG_DESCRIPTION,
                                            CLI_FLAG_NO_DESCRIPTION, CLI_FLAG_EARLIER_END,
                                            CLI_FLAG_FEWER_SCOPES,   CLI_FLAG_ALLOW_IP};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        if (cli_options_has(options, changes[i]))
            return CLI_DONE;
    }
    return cli_fail(why, CLI_USAGE,
                    "token update needs what to change: --name, --description, --no-description, "
                    "--expires, --scopes or --allow-ip");
}

static enum cli_exit read_update(struct cli_options *options, struct cli_reason *why) {
    enum cli_exit exit = check_id(options, why);
    if (exit == CLI_DONE)
        exit = check_any_change(options, why);
    if (exit == CLI_DONE)
        exit = read_new_name(options, why);
    if (exit == CLI_DONE)
        exit = read_new_description(options, why);
    if (exit == CLI_DONE)
        exit = read_allowed_ips(options, why);
    if (exit == CLI_DONE)
        exit = read_fewer_scopes(options, why);
    return exit == CLI_DONE ? read_earlier_end(options, why) : exit;
}

// An id, or --self.
static enum cli_exit check_which(const struct cli_options *options, struct cli_reason *why) {
    if (!cli_options_has(options, CLI_FLAG_SELF))
        return check_id(options, why);
    const char *words = cli_command_words(options->command);
    if (options->id != NULL)
        return cli_fail(why, CLI_USAGE, "%s takes an id or --self (the token that asks), not both",
                        words);
    if (cli_options_has(options, CLI_FLAG_ORG))
        return cli_fail(why, CLI_USAGE,
                        "%s --self takes no --org: a token belongs to one organisation", words);
    return CLI_DONE;
}

static enum cli_exit read_rotate(struct cli_options *options, struct cli_reason *why) {
    enum cli_exit exit = check_which(options, why);
    if (exit == CLI_DONE)
        exit = cli_option_overlap(options->values[CLI_FLAG_OVERLAP], &options->overlap_s, why);
    if (exit == CLI_DONE)
        exit = read_output(options, why);
    if (exit == CLI_DONE)
        exit = cli_option_expires(options->values[CLI_FLAG_EXPIRES], &options->expiry, why);
    if (exit == CLI_DONE && options->expiry.kind == CLI_EXPIRY_NEVER)
        return cli_fail(
            why, CLI_USAGE,
            "token rotate takes no --expires never: without --expires a successor lives "
            "as long as the token before it; create a new token for one without end");
    return exit;
}

// What the gateway does with one token alone is refused of several.
static enum cli_exit check_several(const struct cli_options *options, struct cli_reason *why) {
    enum cli_exit exit = CLI_DONE;
    if (cli_options_has(options, CLI_FLAG_CHAIN) ||
        cli_options_has(options, CLI_FLAG_WITH_SUCCESSORS))
        return cli_fail(why, CLI_USAGE,
                        "token revoke takes --chain and --with-successors with one id alone");
    for (size_t i = 1; i < options->operand_count && exit == CLI_DONE; i++)
        exit = cli_option_id(options->operands[i], cli_command_words(options->command), why);
    return exit;
}

// Tokens that are chosen by what is true of them.
static enum cli_exit read_chosen(struct cli_options *options, struct cli_reason *why) {
    static const enum cli_flag others[] = {CLI_FLAG_SELF, CLI_FLAG_CHAIN, CLI_FLAG_WITH_SUCCESSORS};
    if (options->operand_count > 0)
        return cli_fail(why, CLI_USAGE,
                        "token revoke takes ids, or --older-than and --unused, not both");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (cli_options_has(options, others[i]))
            return cli_fail(why, CLI_USAGE,
                            "token revoke takes no --%s with --older-than or --unused",
                            cli_flag_row(others[i])->name);
    }
    enum cli_exit exit = cli_option_age(options->values[CLI_FLAG_OLDER_THAN], "--older-than",
                                        &options->older_ms, why);
    return exit == CLI_DONE ? cli_option_age(options->values[CLI_FLAG_UNUSED], "--unused",
                                             &options->unused_ms, why)
                            : exit;
}

// What narrows a choice makes none by itself.
static enum cli_exit check_unchosen(const struct cli_options *options, struct cli_reason *why) {
    static const enum cli_flag narrowing[] = {CLI_FLAG_NAME_PART, CLI_FLAG_SCOPE, CLI_FLAG_DRY_RUN};
    for (size_t i = 0; i < sizeof(narrowing) / sizeof(narrowing[0]); i++) {
        if (cli_options_has(options, narrowing[i]))
            return cli_fail(why, CLI_USAGE,
                            "token revoke takes --%s with --older-than or --unused alone",
                            cli_flag_row(narrowing[i])->name);
    }
    return CLI_DONE;
}

static enum cli_exit check_revoked(const struct cli_options *options, struct cli_reason *why) {
    if (options->operand_count != 1 || cli_options_has(options, CLI_FLAG_SELF))
        return check_which(options, why);
    return cli_option_id_or_name(options->id, cli_command_words(options->command), why);
}

static enum cli_exit read_revoke(struct cli_options *options, struct cli_reason *why) {
    if (cli_options_has(options, CLI_FLAG_OLDER_THAN) || cli_options_has(options, CLI_FLAG_UNUSED))
        return read_chosen(options, why);
    enum cli_exit exit = check_unchosen(options, why);
    if (exit == CLI_DONE)
        exit = check_revoked(options, why);
    return exit == CLI_DONE && options->operand_count > 1 ? check_several(options, why) : exit;
}

// ---- trust ----

#define LIFE_MS_MIN (60 * 1000)
#define LIFE_MS_MAX (12 * 60 * 60 * 1000)

static enum cli_exit read_life(struct cli_options *options, struct cli_reason *why) {
    const char *given = options->values[CLI_FLAG_RULE_LIFE];
    enum cli_exit exit = cli_option_age(given, "--expires", &options->life_ms, why);
    if (exit == CLI_DONE && given != NULL &&
        (options->life_ms < LIFE_MS_MIN || options->life_ms > LIFE_MS_MAX))
        return cli_fail(why, CLI_USAGE, "--expires of a rule is 1m to 12h");
    return exit;
}

static enum cli_exit read_trust_add(struct cli_options *options, struct cli_reason *why) {
    const char *scopes = options->values[CLI_FLAG_RULE_SCOPES];
    enum cli_exit exit = cli_trust_add_check(options, why);
    if (exit == CLI_DONE)
        exit = read_allowed_ips(options, why);
    if (exit == CLI_DONE && scopes != NULL)
        exit = cli_option_scopes(scopes, &options->scopes, why);
    return exit == CLI_DONE ? read_life(options, why) : exit;
}

static enum cli_exit read_rule_id(struct cli_options *options, struct cli_reason *why) {
    if (options->id != NULL && gw_id_valid(gw_str_from(options->id)))
        return CLI_DONE;
    return cli_fail(why, CLI_USAGE,
                    "%s needs the id of a rule: skillreg trust list shows it in the last column",
                    cli_command_words(options->command));
}

// ---- the log ----

static enum cli_exit read_audit(struct cli_options *options, struct cli_reason *why) {
    bool is_stream = cli_options_has(options, CLI_FLAG_FOLLOW) ||
                     cli_options_has(options, CLI_FLAG_NDJSON) ||
                     cli_options_has(options, CLI_FLAG_AFTER);
    if (is_stream && cli_options_has(options, CLI_FLAG_LIMIT))
        return cli_fail(why, CLI_USAGE,
                        "audit takes no --limit with --follow, --ndjson or --after");
    if (cli_options_has(options, CLI_FLAG_FOLLOW) && cli_options_has(options, CLI_FLAG_UNTIL))
        return cli_fail(why, CLI_USAGE, "audit takes no --until with --follow, which never ends");
    enum cli_exit exit = cli_audit_query_check(options, why);
    return exit == CLI_DONE
               ? cli_option_limit(options->values[CLI_FLAG_LIMIT], &options->limit, why)
               : exit;
}

// ---- the caller ----

// Read unless `flag` is given.
static enum cli_exit read_scopes_or_read(struct cli_options *options, enum cli_flag flag,
                                         struct cli_reason *why) {
    options->scopes = GW_SCOPE_READ;
    if (!cli_options_has(options, flag))
        return CLI_DONE;
    return cli_option_scopes(options->values[flag], &options->scopes, why);
}

static enum cli_exit read_oidc_scopes(struct cli_options *options, struct cli_reason *why) {
    return read_scopes_or_read(options, CLI_FLAG_OIDC_SCOPES, why);
}

static enum cli_exit check_without_oidc(const struct cli_options *options, struct cli_reason *why) {
    static const enum cli_flag flags[] = {CLI_FLAG_OIDC_SCOPES, CLI_FLAG_ID_TOKEN_FILE,
                                          CLI_FLAG_ORG};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (cli_options_has(options, flags[i]))
            return cli_fail(why, CLI_USAGE, "login takes --%s with --oidc alone",
                            cli_flag_row(flags[i])->name);
    }
    return CLI_DONE;
}

static enum cli_exit read_login(struct cli_options *options, struct cli_reason *why) {
    bool is_oidc = cli_options_has(options, CLI_FLAG_OIDC);
    bool is_token = cli_options_has(options, CLI_FLAG_TOKEN);
    if (is_oidc && is_token)
        return cli_fail(why, CLI_USAGE, "login takes --token or --oidc, not both");
    return is_oidc ? read_oidc_scopes(options, why) : check_without_oidc(options, why);
}

static enum cli_exit read_approve(struct cli_options *options, struct cli_reason *why) {
    char code[GW_USER_CODE_LENGTH + 1];
    if (options->id == NULL || !gw_user_code_read(gw_str_from(options->id), code))
        return cli_fail(why, CLI_USAGE,
                        "approve needs the code that skillreg login shows, such as BCDF-2345");
    enum cli_exit exit = read_scopes_or_read(options, CLI_FLAG_APPROVED_SCOPES, why);
    if (exit == CLI_DONE && (options->scopes & GW_SCOPE_ADMIN) != 0)
        return cli_fail(why, CLI_USAGE,
                        "approve takes no scope admin: such a token is made by skillreg token "
                        "create");
    if (exit == CLI_DONE)
        exit = cli_option_expires(options->values[CLI_FLAG_APPROVED_LIFE], &options->expiry, why);
    if (exit == CLI_DONE && options->expiry.kind == CLI_EXPIRY_NEVER)
        return cli_fail(why, CLI_USAGE, "approve takes no --expires never: give a time, as 12h");
    return exit;
}

// What stands in front of "--" would be taken for a flag of ours one day.
static enum cli_exit read_exec(struct cli_options *options, struct cli_reason *why) {
    if (!cli_options_has(options, CLI_FLAG_OIDC))
        return cli_fail(why, CLI_USAGE,
                        "exec needs --oidc: the command runs with a token of its own, which the "
                        "gateway gives for an identity token");
    if (options->operand_count == 0)
        return cli_fail(why, CLI_USAGE, "exec needs a command behind --");
    if (options->behind_dashes != options->operand_count)
        return cli_fail(why, CLI_USAGE, "exec needs -- in front of the command");
    return read_oidc_scopes(options, why);
}

// ---- the program itself ----

// `help token create` is `token create --help`.
static enum cli_exit read_help(struct cli_options *options, struct cli_reason *why) {
    size_t count = options->operand_count;
    enum cli_command command = cli_command_find(options->operands, count);
    if (cli_command_word_count(command) < count)
        return cli_near_miss_fail(options->operands, count, why);
    options->command = command;
    options->values[CLI_FLAG_HELP] = "";
    return CLI_DONE;
}

static enum cli_exit read_completion(struct cli_options *options, struct cli_reason *why) {
    const char *shells = cli_command_row(CLI_COMMAND_COMPLETION)->operand_choices;
    if (options->operand_count == 1 &&
        gw_str_list_has(gw_str_from(shells), ' ', gw_str_from(options->operands[0])))
        return CLI_DONE;
    return cli_fail(why, CLI_USAGE, "completion needs the name of a shell: %s", shells);
}

// clang-format off
static options_reader *const readers[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_NONE] = need_command,
    [CLI_COMMAND_TOKEN] = need_second_word,
    [CLI_COMMAND_TOKEN_CREATE] = read_create,
    [CLI_COMMAND_TOKEN_LIST] = read_list,
    [CLI_COMMAND_TOKEN_SHOW] = read_show,
    [CLI_COMMAND_TOKEN_UPDATE] = read_update,
    [CLI_COMMAND_TOKEN_ROTATE] = read_rotate,
    [CLI_COMMAND_TOKEN_REVOKE] = read_revoke,
    [CLI_COMMAND_TRUST] = need_second_word,
    [CLI_COMMAND_TRUST_ADD] = read_trust_add,
    [CLI_COMMAND_TRUST_LIST] = read_nothing,
    [CLI_COMMAND_TRUST_SHOW] = read_rule_id,
    [CLI_COMMAND_TRUST_REMOVE] = read_rule_id,
    [CLI_COMMAND_TRUST_TEST] = read_nothing,
    [CLI_COMMAND_AUDIT] = read_audit,
    [CLI_COMMAND_WHOAMI] = read_nothing,
    [CLI_COMMAND_LOGIN] = read_login,
    [CLI_COMMAND_LOGOUT] = read_nothing,
    [CLI_COMMAND_APPROVE] = read_approve,
    [CLI_COMMAND_EXEC] = read_exec,
    [CLI_COMMAND_SCAN] = read_nothing,
    [CLI_COMMAND_HELP] = read_help,
    [CLI_COMMAND_COMPLETION] = read_completion,
};
// clang-format on

static enum cli_exit refuse_choice(const struct cli_flag_row *row, struct cli_reason *why) {
    char choices[CLI_REASON_BYTES_MAX] = "";
    size_t used = 0;
    struct gw_str choice;
    for (struct gw_str rest = gw_str_from(row->choices); gw_str_next(&rest, ' ', &choice);) {
        int length = snprintf(choices + used, sizeof(choices) - used, "%s%.*s",
                              used == 0 ? "" : ", ", GW_STR_ARG(choice));
        gw_assert(length > 0 && used + (size_t)length < sizeof(choices));
        used += (size_t)length;
    }
    return cli_fail(why, CLI_USAGE, "--%s takes one of %s", row->name, choices);
}

// Of the flags whose row lists what they take.
static enum cli_exit check_choices(const struct cli_options *options, struct cli_reason *why) {
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        const struct cli_flag_row *row = cli_flag_row((enum cli_flag)i);
        const char *value = options->values[i];
        if (value == NULL || row->kind != CLI_VALUE_CHOICE)
            continue;
        if (!gw_str_list_has(gw_str_from(row->choices), ' ', gw_str_from(value)))
            return refuse_choice(row, why);
    }
    return CLI_DONE;
}

enum cli_exit cli_options_read(struct cli_options *options, struct cli_reason *why) {
    gw_assert(readers[options->command] != NULL);
    enum cli_exit exit = check_choices(options, why);
    return exit == CLI_DONE ? readers[options->command](options, why) : exit;
}
