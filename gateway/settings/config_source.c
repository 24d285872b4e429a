// SPDX-License-Identifier: MIT
#include "gateway/settings/config_source.h"

#include <stdio.h>
#include <string.h>

#include "base/loop/files.h"
#include "gateway/settings/issuer_setting.h"

#define KEY_OF_FILE "config"
#define QUOTED_BYTES_MAX 64
#define TEXT_BYTES 256

static enum gw_status refuse(const struct gw_config_source *source, int line, const char *text,
                             char *problem) {
    (void)snprintf(problem, GW_CONFIG_PROBLEM_BYTES, "%s:%d: %s", source->path, line, text);
    return GW_INVALID;
}

static enum gw_status refuse_key(const struct gw_config_source *source,
                                 const struct gw_config_entry *entry, char *problem) {
    const struct gw_setting *near = gw_setting_nearest(gw_str_from(entry->key));
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof(text), "unknown key %.*s%s%s%s", QUOTED_BYTES_MAX, entry->key,
                   near == NULL ? "" : ", did you mean ", near == NULL ? "" : gw_setting_key(near),
                   near == NULL ? "" : "?");
    return refuse(source, entry->line, text, problem);
}

static bool is_key_of_issuer(const char *text) {
    const char *key;
    for (size_t i = 0; (key = gw_issuer_setting_key_at(i)) != NULL; i++) {
        if (strcmp(key, text) == 0)
            return true;
    }
    return false;
}

static enum gw_status check_section(const struct gw_config_source *source,
                                    const struct gw_config_section *section, char *problem) {
    return gw_issuer_section_name(section->name) != NULL
               ? GW_OK
               : refuse(source, section->line, "unknown section, there is [oidc NAME] alone",
                        problem);
}

static enum gw_status check_entry_of_issuer(const struct gw_config_source *source,
                                            const struct gw_config_entry *entry, char *problem) {
    char text[TEXT_BYTES];
    if (is_key_of_issuer(entry->key))
        return GW_OK;
    (void)snprintf(text, sizeof(text), "unknown key %.*s in [%.*s]%s", QUOTED_BYTES_MAX, entry->key,
                   QUOTED_BYTES_MAX, entry->section->name,
                   gw_setting_of_key(gw_str_from(entry->key)) == NULL
                       ? ""
                       : ": settings of the gateway stand above all sections");
    return refuse(source, entry->line, text, problem);
}

static enum gw_status check_entry(const struct gw_config_source *source, int index, char *problem) {
    const struct gw_config_entry *entry = &source->entries.at[index];
    if (entry->section != NULL)
        return check_entry_of_issuer(source, entry, problem);
    const struct gw_setting *setting = gw_setting_of_key(gw_str_from(entry->key));
    if (setting == NULL)
        return refuse_key(source, entry, problem);
    if (strcmp(entry->key, KEY_OF_FILE) == 0)
        return refuse(source, entry->line, "a file cannot name another one", problem);
    for (int i = 0; i < index && !gw_setting_is_list(setting); i++) {
        const struct gw_config_entry *other = &source->entries.at[i];
        char text[TEXT_BYTES];
        if (strcmp(other->key, entry->key) != 0)
            continue;
        (void)snprintf(text, sizeof(text), "%s stands in line %d already", entry->key, other->line);
        return refuse(source, entry->line, text, problem);
    }
    return GW_OK;
}

static enum gw_status take(const struct gw_file *file, struct gw_config_source *source,
                           char *problem) {
    struct gw_config_fault fault;
    if (file->length > GW_CONFIG_FILE_BYTES_MAX)
        return refuse(source, 1, "the file is longer than 32 KiB", problem);
    memcpy(source->bytes, file->bytes, file->length);
    source->bytes[file->length] = '\0';
    if (gw_config_file_parse(source->bytes, file->length, &source->entries, &fault) != GW_OK)
        return refuse(source, fault.line, fault.text, problem);
    enum gw_status status = GW_OK;
    for (int i = 0; i < source->entries.section_count && status == GW_OK; i++)
        status = check_section(source, &source->entries.sections[i], problem);
    for (int i = 0; i < source->entries.count && status == GW_OK; i++)
        status = check_entry(source, i, problem);
    return status;
}

enum gw_status gw_config_source_read(const char *path, struct gw_config_source *source,
                                     char *problem) {
    struct gw_file file = {.path = path};
    enum gw_status status = GW_INVALID;
    source->path = path;
    source->entries.count = 0;
    source->entries.section_count = 0;
    gw_files_read(&file, 1);
    source->is_public = file.is_public;
    if (file.bytes == NULL)
        (void)snprintf(problem, GW_CONFIG_PROBLEM_BYTES, "cannot read %s: %s", path,
                       strerror(file.failure));
    else
        status = take(&file, source, problem);
    gw_files_drop(&file, 1);
    return status;
}

const char *gw_config_source_value(const struct gw_config_source *source, const char *key) {
    for (int i = 0; i < source->entries.count; i++) {
        const struct gw_config_entry *entry = &source->entries.at[i];
        if (entry->section == NULL && strcmp(entry->key, key) == 0)
            return entry->value;
    }
    return NULL;
}

bool gw_config_source_shows_secret(const struct gw_config_source *source) {
    bool has_secret = false;
    for (int i = 0; i < source->entries.count; i++) {
        const struct gw_config_entry *entry = &source->entries.at[i];
        has_secret =
            has_secret || (entry->section == NULL &&
                           gw_setting_of_key(gw_str_from(entry->key))->kind == GW_SETTING_SECRET);
    }
    return has_secret && source->is_public;
}
