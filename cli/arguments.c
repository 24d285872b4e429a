// SPDX-License-Identifier: MIT
#include "cli/arguments.h"

#include <string.h>

#include "cli/near_miss.h"
#include "cli/options_read.h"

#define QUOTED_BYTES_MAX 64

// ---- the arguments, one by one ----

static enum cli_exit add_given(struct cli_options *options, enum cli_flag flag, const char *value,
                               struct cli_reason *why) {
    if (options->given_count == CLI_GIVEN_MAX)
        return cli_fail(why, CLI_USAGE, "there are more than %d flags", CLI_GIVEN_MAX);
    options->given[options->given_count++] = (struct cli_given){flag, value};
    return CLI_DONE;
}

static enum cli_exit add_switch(struct cli_options *options, enum cli_flag flag, const char *value,
                                struct cli_reason *why) {
    if (value != NULL && flag == CLI_FLAG_TOKEN)
        return cli_fail(
            why, CLI_USAGE,
            "--token takes no value: set SKILLREG_TOKEN, or run skillreg login --token, "
            "which asks for it");
    if (value != NULL)
        return cli_fail(why, CLI_USAGE, "--%s takes no value", cli_flag_row(flag)->name);
    return add_given(options, flag, "", why);
}

static enum cli_exit add_value(struct cli_options *options, enum cli_flag flag, const char *value,
                               struct cli_reason *why) {
    if (value == NULL)
        return cli_fail(why, CLI_USAGE, "--%s needs a value", cli_flag_row(flag)->name);
    if (value[0] == '\0')
        return cli_fail(why, CLI_USAGE, "--%s must not be empty", cli_flag_row(flag)->name);
    return add_given(options, flag, value, why);
}

static enum cli_exit refuse_unknown(struct gw_str name, struct cli_reason *why) {
    enum cli_flag near = cli_near_miss_flag(name);
    int quoted = (int)(name.length < QUOTED_BYTES_MAX ? name.length : QUOTED_BYTES_MAX);
    if (near == CLI_FLAG_COUNT)
        return cli_fail(why, CLI_USAGE, "unknown flag --%.*s", quoted, name.at);
    return cli_fail(why, CLI_USAGE, "unknown flag --%.*s, did you mean --%s?", quoted, name.at,
                    cli_flag_row(near)->name);
}

// One argument that begins with "--"; *index moves on when its value is the next one.
static enum cli_exit parse_flag(int argument_count, char *const arguments[], int *index,
                                struct cli_options *options, struct cli_reason *why) {
    const char *argument = arguments[*index];
    struct gw_str name = gw_str_from(argument + 2);
    size_t equals = gw_str_find(name, '=');
    const char *value = equals < name.length ? argument + 2 + equals + 1 : NULL;
    name.length = equals;

    enum cli_flag flag = cli_flag_find(name);
    if (flag == CLI_FLAG_COUNT)
        return refuse_unknown(name, why);
    if (cli_flag_row(flag)->value == NULL)
        return add_switch(options, flag, value, why);
    if (value == NULL && *index + 1 < argument_count &&
        strncmp(arguments[*index + 1], "--", 2) != 0)
        value = arguments[++*index];
    return add_value(options, flag, value, why);
}

// One argument that begins with a single dash: the letter of a switch.
static enum cli_exit parse_letter(const char *argument, struct cli_options *options,
                                  struct cli_reason *why) {
    enum cli_flag flag = argument[2] == '\0' ? cli_flag_find_letter(argument[1]) : CLI_FLAG_COUNT;
    if (flag == CLI_FLAG_COUNT)
        return cli_fail(why, CLI_USAGE, "unknown flag %.*s", QUOTED_BYTES_MAX, argument);
    return add_switch(options, flag, NULL, why);
}

static enum cli_exit add_operand(struct cli_options *options, const char *argument,
                                 struct cli_reason *why) {
    if (options->operand_count == CLI_OPERANDS_MAX)
        return cli_fail(why, CLI_USAGE, "there are more than %d arguments", CLI_OPERANDS_MAX);
    options->operands[options->operand_count++] = argument;
    return CLI_DONE;
}

static enum cli_exit split(int argument_count, char *const arguments[], struct cli_options *options,
                           struct cli_reason *why) {
    bool flags_ended = false;
    for (int i = 1; i < argument_count; i++) {
        const char *argument = arguments[i];
        enum cli_exit exit = CLI_DONE;
        options->behind_dashes += flags_ended;
        if (flags_ended || argument[0] != '-' || argument[1] == '\0')
            exit = add_operand(options, argument, why);
        else if (strcmp(argument, "--") == 0)
            flags_ended = true;
        else if (argument[1] != '-')
            exit = parse_letter(argument, options, why);
        else
            exit = parse_flag(argument_count, arguments, &i, options, why);
        if (exit != CLI_DONE)
            return exit;
    }
    return CLI_DONE;
}

// ---- together ----

// Takes the words of the command from the front of the operands.
static enum cli_exit take_command(struct cli_options *options, struct cli_reason *why) {
    options->command = cli_command_find(options->operands, options->operand_count);
    size_t taken = cli_command_word_count(options->command);
    if (cli_command_row(options->command)->group && options->operand_count > taken)
        return cli_near_miss_fail(options->operands, options->operand_count, why);
    options->operand_count -= taken;
    memmove(options->operands, options->operands + taken,
            options->operand_count * sizeof(options->operands[0]));
    return CLI_DONE;
}

static enum cli_exit refuse_flag(enum cli_command command, enum cli_flag flag,
                                 struct cli_reason *why) {
    if (command == CLI_COMMAND_NONE)
        return cli_fail(why, CLI_USAGE, "no command given");
    if (flag == CLI_FLAG_TOKEN)
        return cli_fail(why, CLI_USAGE,
                        "%s takes no --token: set SKILLREG_TOKEN, or run skillreg login --token "
                        "once",
                        cli_command_words(command));
    const char *name = cli_flag_row(flag)->name;
    enum cli_flag near = cli_near_miss_flag_of(gw_str_from(name), command);
    if (near == CLI_FLAG_COUNT)
        return cli_fail(why, CLI_USAGE, "%s takes no --%s", cli_command_words(command), name);
    return cli_fail(why, CLI_USAGE, "%s takes no --%s, did you mean --%s?",
                    cli_command_words(command), name, cli_flag_row(near)->name);
}

// Now that the command is known: whether it takes the flags that were given, and which of those of
// one name is meant.
static enum cli_exit take_flags(struct cli_options *options, struct cli_reason *why) {
    for (size_t i = 0; i < options->given_count; i++) {
        struct cli_given *given = &options->given[i];
        enum cli_flag flag = cli_flag_for(given->flag, options->command);
        if (flag == CLI_FLAG_COUNT)
            return refuse_flag(options->command, given->flag, why);
        given->flag = flag;
        if (options->values[flag] == NULL)
            options->values[flag] = given->value;
        else if (!cli_flag_row(flag)->repeatable)
            return cli_fail(why, CLI_USAGE, "--%s is given twice", cli_flag_row(flag)->name);
    }
    return CLI_DONE;
}

static enum cli_exit check_operands(struct cli_options *options, struct cli_reason *why) {
    size_t most = cli_command_row(options->command)->operands_max;
    if (options->operand_count <= most) {
        options->id = options->operand_count == 0 ? NULL : options->operands[0];
        return CLI_DONE;
    }
    if (options->command == CLI_COMMAND_LOGIN)
        return cli_fail(why, CLI_USAGE,
                        "login takes no argument: the token is asked for, or read from standard "
                        "input");
    return cli_fail(why, CLI_USAGE, "unexpected argument \"%.*s\"", QUOTED_BYTES_MAX,
                    options->operands[most]);
}

enum cli_exit cli_arguments_parse(int argument_count, char *const arguments[],
                                  struct cli_options *options, struct cli_reason *why) {
    *options = (struct cli_options){.command = CLI_COMMAND_NONE};
    enum cli_exit exit = split(argument_count, arguments, options, why);
    struct cli_reason ignored;
    enum cli_exit found = take_command(options, exit == CLI_DONE ? why : &ignored);
    if (exit == CLI_DONE)
        exit = found;
    if (exit == CLI_DONE)
        exit = take_flags(options, why);
    bool asks_for_text =
        cli_options_has(options, CLI_FLAG_HELP) || cli_options_has(options, CLI_FLAG_VERSION);
    if (exit != CLI_DONE || asks_for_text)
        return exit;
    exit = check_operands(options, why);
    return exit == CLI_DONE ? cli_options_read(options, why) : exit;
}

bool cli_arguments_ask_for_json(int argument_count, char *const arguments[]) {
    for (int i = 1; i < argument_count && strcmp(arguments[i], "--") != 0; i++) {
        if (strcmp(arguments[i], "--json") == 0)
            return true;
    }
    return false;
}
