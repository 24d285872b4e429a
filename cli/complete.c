// SPDX-License-Identifier: MIT
#include "cli/complete.h"

#include <string.h>

// ---- what the words say ----

static void add_flag(struct cli_complete *complete, enum cli_flag flag, const char *value) {
    struct cli_options *options = &complete->options;
    if (options->given_count < CLI_GIVEN_MAX)
        options->given[options->given_count++] = (struct cli_given){flag, value};
    options->values[flag] = value;
}

// The flag that `word` names; *value is what stands behind its "=", NULL without one.
static enum cli_flag flag_of(const char *word, const char **value) {
    struct gw_str name = gw_str_from(word + 2);
    size_t equals = gw_str_find(name, '=');
    *value = equals < name.length ? name.at + equals + 1 : NULL;
    name.length = equals;
    return cli_flag_find(name);
}

static bool is_flag(const char *word) {
    return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

// The words before the cursor. Returns the flag whose value is being typed, or CLI_FLAG_COUNT.
static enum cli_flag read_words(char *const words[], size_t count, struct cli_complete *complete,
                                bool *flags_ended) {
    struct cli_options *options = &complete->options;
    for (size_t i = 0; i < count; i++) {
        const char *value;
        if (!*flags_ended && strcmp(words[i], "--") == 0) {
            *flags_ended = true;
            continue;
        }
        if (*flags_ended || !is_flag(words[i])) {
            if (options->operand_count < CLI_OPERANDS_MAX)
                options->operands[options->operand_count++] = words[i];
            continue;
        }
        enum cli_flag flag = flag_of(words[i], &value);
        if (flag == CLI_FLAG_COUNT)
            continue;
        bool takes_next = value == NULL && cli_flag_row(flag)->value != NULL;
        if (takes_next && i + 1 == count)
            return flag;
        add_flag(complete, flag, takes_next ? words[++i] : value != NULL ? value : "");
    }
    return CLI_FLAG_COUNT;
}

static void take_command(struct cli_options *options) {
    options->command = cli_command_find(options->operands, options->operand_count);
    size_t taken = cli_command_word_count(options->command);
    options->operand_count -= taken;
    memmove(options->operands, options->operands + taken,
            options->operand_count * sizeof(options->operands[0]));
}

// ---- what is being typed ----

static void want(struct cli_complete *complete, enum cli_value_kind kind, const char *choices) {
    complete->what = CLI_COMPLETE_VALUE;
    complete->kind = kind;
    complete->choices = choices == NULL ? "" : choices;
}

// Of a list only what stands behind the last comma is being typed.
static void want_value_of(struct cli_complete *complete, enum cli_flag flag) {
    enum cli_flag meant = cli_flag_for(flag, complete->options.command);
    const struct cli_flag_row *row = cli_flag_row(meant == CLI_FLAG_COUNT ? flag : meant);
    want(complete, row->kind, row->choices);
    if (row->kind != CLI_VALUE_LIST)
        return;
    size_t typed = complete->word.length;
    while (typed > 0 && complete->word.at[typed - 1] != ',')
        typed--;
    if (complete->before.length == 0)
        complete->before.at = complete->word.at;
    complete->before.length += typed;
    complete->word = gw_str_slice(complete->word, typed, complete->word.length);
}

static void want_command(struct cli_complete *complete, enum cli_command group) {
    complete->what = CLI_COMPLETE_COMMAND;
    complete->group = group;
}

// `help token <cursor>`.
static void want_command_to_explain(struct cli_complete *complete) {
    const struct cli_options *options = &complete->options;
    enum cli_command command = cli_command_find(options->operands, options->operand_count);
    if (cli_command_row(command)->group &&
        cli_command_word_count(command) == options->operand_count)
        want_command(complete, command);
    else
        want(complete, CLI_VALUE_NONE, NULL);
}

static void want_operand(struct cli_complete *complete) {
    const struct cli_options *options = &complete->options;
    const struct cli_command_row *row = cli_command_row(options->command);
    if (row->group && options->operand_count == 0)
        want_command(complete, options->command);
    else if (row->operand_kind == CLI_VALUE_COMMAND)
        want_command_to_explain(complete);
    else if (options->operand_count < row->operands_max)
        want(complete, row->operand_kind, row->operand_choices);
    else
        want(complete, CLI_VALUE_NONE, NULL);
}

void cli_complete_read(char *const words[], size_t count, struct cli_complete *complete) {
    gw_assert(count > 0);
    const char *typed = words[count - 1];
    const char *value = NULL;
    bool flags_ended = false;
    *complete = (struct cli_complete){.word = gw_str_from(typed), .before = GW_STR("")};
    enum cli_flag flag = read_words(words, count - 1, complete, &flags_ended);
    take_command(&complete->options);
    if (flag != CLI_FLAG_COUNT) {
        want_value_of(complete, flag);
        return;
    }
    if (flags_ended || typed[0] != '-') {
        want_operand(complete);
        return;
    }
    flag = is_flag(typed) ? flag_of(typed, &value) : CLI_FLAG_COUNT;
    if (value == NULL) {
        complete->what = CLI_COMPLETE_FLAG;
        return;
    }
    complete->before = gw_str(typed, (size_t)(value - typed));
    complete->word = gw_str_from(value);
    if (flag != CLI_FLAG_COUNT)
        want_value_of(complete, flag);
    else
        want(complete, CLI_VALUE_NONE, NULL);
}

// ---- candidates ----

void cli_complete_put_one(const struct cli_complete *complete, struct cli_output *output,
                          struct gw_str value, struct gw_str description) {
    if (!gw_str_starts_with(value, complete->word))
        return;
    cli_output_put_str(output, complete->before);
    cli_output_put_clean(output, value);
    if (description.length > 0)
        cli_output_put(output, "\t");
    cli_output_put_clean(output, description);
    cli_output_put(output, "\n");
}

static struct gw_str first_line(const char *text) {
    struct gw_str rest = gw_str_from(text);
    return gw_str_slice(rest, 0, gw_str_find(rest, '\n'));
}

static bool is_offered(const struct cli_options *options, enum cli_flag flag) {
    const struct cli_flag_row *row = cli_flag_row(flag);
    bool is_taken = options->command == CLI_COMMAND_NONE ? row->general
                                                         : cli_flag_is_of(flag, options->command);
    return is_taken &&
           (row->repeatable || !cli_options_has(options, cli_flag_find(gw_str_from(row->name))));
}

static void put_flags(const struct cli_complete *complete, struct cli_output *output) {
    struct cli_complete dashed = *complete;
    if (complete->word.length < 2)
        dashed.word = GW_STR("");
    else
        dashed.word = gw_str_slice(complete->word, 2, complete->word.length);
    dashed.before = GW_STR("--");
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        const struct cli_flag_row *row = cli_flag_row((enum cli_flag)i);
        if (is_offered(&complete->options, (enum cli_flag)i))
            cli_complete_put_one(&dashed, output, gw_str_from(row->name), first_line(row->help));
    }
}

// The next word of each command of the group, but no second word behind a first one.
static void put_commands(const struct cli_complete *complete, struct cli_output *output) {
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        const char *word = cli_command_word_in((enum cli_command)i, complete->group);
        if (word != NULL && strchr(word, ' ') == NULL)
            cli_complete_put_one(complete, output, gw_str_from(word),
                                 gw_str_from(cli_command_row((enum cli_command)i)->summary));
    }
}

static bool is_in_list(struct gw_str list, struct gw_str value) {
    struct gw_str element;
    while (gw_str_next(&list, ',', &element)) {
        if (gw_str_equal(element, value))
            return true;
    }
    return false;
}

static void put_choices(const struct cli_complete *complete, struct cli_output *output) {
    struct gw_str rest = gw_str_from(complete->choices);
    struct gw_str choice;
    struct gw_str typed = complete->before;
    size_t equals = gw_str_find(typed, '=');
    if (equals < typed.length)
        typed = gw_str_slice(typed, equals + 1, typed.length);
    while (gw_str_next(&rest, ' ', &choice)) {
        if (complete->kind != CLI_VALUE_LIST || !is_in_list(typed, choice))
            cli_complete_put_one(complete, output, choice, GW_STR(""));
    }
}

void cli_complete_put(const struct cli_complete *complete, struct cli_output *output) {
    if (complete->what == CLI_COMPLETE_FLAG)
        put_flags(complete, output);
    else if (complete->what == CLI_COMPLETE_COMMAND)
        put_commands(complete, output);
    else if (complete->kind == CLI_VALUE_FILE)
        cli_output_put(output, CLI_COMPLETE_FILES);
    else if (complete->kind == CLI_VALUE_CHOICE || complete->kind == CLI_VALUE_LIST)
        put_choices(complete, output);
}
