// SPDX-License-Identifier: MIT
#include "cli/near_miss.h"

#include <string.h>

#include "base/edit_distance.h"

#define QUOTED_BYTES_MAX 64
#define SLIPS_MAX 2
#define NO_NEAR_WORD (SLIPS_MAX + 1)
#define BEGINNING_MIN 3     // bytes of a flag's name that stand for it
#define GLUED_OPERAND_MIN 3 // bytes behind the word; fewer are a slip

// ---- words ----

// Of a short word fewer slips still leave something to recognise.
static size_t slips_allowed(size_t length) {
    return length < 4 ? 0 : length < 6 ? 1 : SLIPS_MAX;
}

static size_t slips(struct gw_str typed, struct gw_str word) {
    size_t distance = gw_edit_distance(typed, word);
    return distance <= slips_allowed(word.length) ? distance : NO_NEAR_WORD;
}

static struct gw_str last_word(const char *words) {
    const char *blank = strrchr(words, ' ');
    return gw_str_from(blank == NULL ? words : blank + 1);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

// ---- commands ----

// How far `typed`, which stands behind the words of the group, is from the command, by its words in
// the group and by the last of them alone.
static size_t command_distance(struct gw_str typed, enum cli_command command,
                               enum cli_command group) {
    const char *word = cli_command_word_in(command, group);
    const struct cli_command_row *row = cli_command_row(command);
    if (word == NULL)
        return NO_NEAR_WORD;
    if (gw_str_list_has(gw_str_from(row->instead), ' ', typed))
        return 0;
    return least(slips(typed, gw_str_from(word)), slips(typed, last_word(word)));
}

static enum cli_command nearest(struct gw_str typed, enum cli_command group) {
    size_t best = NO_NEAR_WORD;
    int found = CLI_COMMAND_NONE;
    for (int i = CLI_COMMAND_NONE + 1; i < CLI_COMMAND_COUNT; i++) {
        size_t distance = command_distance(typed, (enum cli_command)i, group);
        if (distance < best) {
            best = distance;
            found = i;
        }
    }
    return (enum cli_command)found;
}

enum cli_command cli_near_miss_command(const char *const words[], size_t count) {
    enum cli_command group = cli_command_find(words, count);
    size_t known = cli_command_word_count(group);
    if (!cli_command_row(group)->group || known == count)
        return CLI_COMMAND_NONE;
    enum cli_command found = nearest(gw_str_from(words[known]), group);
    if (found == CLI_COMMAND_NONE || !cli_command_row(found)->group || known + 1 == count)
        return found;
    // "tokens list": the word behind the mended one counts too.
    const char *mended[] = {cli_command_words(found), words[known + 1]};
    enum cli_command whole = cli_command_find(mended, 2);
    return whole == CLI_COMMAND_NONE ? found : whole;
}

enum cli_command cli_near_miss_glued(const char *const words[], size_t count) {
    enum cli_command group = cli_command_find(words, count);
    size_t known = cli_command_word_count(group);
    if (!cli_command_row(group)->group || known == count)
        return CLI_COMMAND_NONE;
    struct gw_str typed = gw_str_from(words[known]);
    for (int i = CLI_COMMAND_NONE + 1; i < CLI_COMMAND_COUNT; i++) {
        const char *word = cli_command_word_in((enum cli_command)i, group);
        const struct cli_command_row *row = cli_command_row((enum cli_command)i);
        if (word != NULL && row->operand != NULL && gw_str_starts_with(typed, gw_str_from(word)) &&
            typed.length >= strlen(word) + GLUED_OPERAND_MIN)
            return (enum cli_command)i;
    }
    return CLI_COMMAND_NONE;
}

enum cli_exit cli_near_miss_fail(const char *const words[], size_t count, struct cli_reason *why) {
    const char *group = cli_command_words(cli_command_find(words, count));
    const char *typed = words[cli_command_word_count(cli_command_find(words, count))];
    const char *blank = group[0] == '\0' ? "" : " ";
    enum cli_command near = cli_near_miss_command(words, count);
    if (near != CLI_COMMAND_NONE)
        return cli_fail(why, CLI_USAGE, "unknown command \"%s%s%.*s\", did you mean \"%s\"?", group,
                        blank, QUOTED_BYTES_MAX, typed, cli_command_words(near));
    near = cli_near_miss_glued(words, count);
    if (near != CLI_COMMAND_NONE)
        return cli_fail(why, CLI_USAGE,
                        "unknown command \"%s%s%.*s\": a space is missing after \"%s\"", group,
                        blank, QUOTED_BYTES_MAX, typed, cli_command_words(near));
    return cli_fail(why, CLI_USAGE, "unknown command \"%s%s%.*s\"", group, blank, QUOTED_BYTES_MAX,
                    typed);
}

// ---- flags ----

static size_t flag_distance(struct gw_str typed, const struct cli_flag_row *row) {
    struct gw_str name = gw_str_from(row->name);
    if (gw_str_list_has(gw_str_from(row->instead), ' ', typed))
        return 0;
    if (typed.length >= BEGINNING_MIN && gw_str_starts_with(name, typed))
        return 1;
    return slips(typed, name);
}

static enum cli_flag nearest_flag(struct gw_str name, cli_command_set commands) {
    size_t best = NO_NEAR_WORD;
    int found = CLI_FLAG_COUNT;
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        const struct cli_flag_row *row = cli_flag_row((enum cli_flag)i);
        size_t distance = flag_distance(name, row);
        if ((row->commands & commands) != 0 && distance < best) {
            best = distance;
            found = i;
        }
    }
    return (enum cli_flag)found;
}

enum cli_flag cli_near_miss_flag(struct gw_str name) {
    return nearest_flag(name, UINT64_MAX);
}

enum cli_flag cli_near_miss_flag_of(struct gw_str name, enum cli_command command) {
    return nearest_flag(name, CLI_COMMAND_BIT(command));
}
