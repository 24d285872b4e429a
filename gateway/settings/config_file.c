// SPDX-License-Identifier: MIT
#include "gateway/settings/config_file.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

// Cuts the blanks off both ends.
static char *trim(char *text) {
    while (is_blank(*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

static const char *read_head(char *text, int number, struct gw_config_entries *entries) {
    size_t length = strlen(text);
    if (text[length - 1] != ']')
        return "the head of a section is `[name]`, alone in its line";
    text[length - 1] = '\0';
    const char *name = trim(text + 1);
    if (*name == '\0')
        return "the name of the section is missing";
    if (entries->section_count == GW_CONFIG_SECTIONS_MAX)
        return "there are more than 32 sections";
    entries->sections[entries->section_count++] =
        (struct gw_config_section){.name = name, .line = number};
    return NULL;
}

// NULL: the line is in order.
static const char *read_line(char *line, int number, struct gw_config_entries *entries) {
    char *text = trim(line);
    if (*text == '\0' || *text == '#')
        return NULL;
    if (*text == '[')
        return read_head(text, number, entries);
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return "a line is `key = value`, or begins with #";
    *equals = '\0';
    const char *key = trim(text);
    if (*key == '\0')
        return "the key in front of the = is missing";
    if (entries->count == GW_CONFIG_ENTRIES_MAX)
        return "there are more than 256 settings";
    entries->at[entries->count++] = (struct gw_config_entry){
        .key = key,
        .value = trim(equals + 1),
        .section =
            entries->section_count == 0 ? NULL : &entries->sections[entries->section_count - 1],
        .line = number};
    return NULL;
}

enum gw_status gw_config_file_parse(char *bytes, size_t length, struct gw_config_entries *entries,
                                    struct gw_config_fault *fault) {
    gw_assert(bytes[length] == '\0');
    *fault = (struct gw_config_fault){.line = 1};
    entries->count = 0;
    entries->section_count = 0;
    if (memchr(bytes, '\0', length) != NULL)
        fault->text = "it is not text";
    char *rest = bytes;
    for (char *line; fault->text == NULL && (line = rest) != NULL;) {
        char *end = strchr(line, '\n');
        rest = end == NULL ? NULL : end + 1;
        if (end != NULL)
            *end = '\0';
        fault->text = read_line(line, fault->line, entries);
        fault->line += fault->text == NULL ? 1 : 0;
    }
    return fault->text == NULL ? GW_OK : GW_INVALID;
}
