// SPDX-License-Identifier: MIT
// The strongest source is read first; a weaker one sets what is not set yet.
#include "gateway/settings/config_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/settings/complaint.h"
#include "gateway/settings/config_check.h"
#include "gateway/settings/config_help.h"
#include "gateway/settings/config_source.h"
#include "gateway/settings/setting.h"
#include "gateway/settings/url_file.h"
#include "gateway/settings/value.h"

#define KEY_OF_ISSUERS "oidc-issuer"

// Always false, so that a reader can return it.
static bool refuse(const char *what, const char *name, const char *value) {
    gw_complain("%s %s%s%s (see --help)", what, name, value != NULL ? ": " : "",
                value != NULL ? value : "");
    return false;
}

static const char *name_of(const struct gw_setting *setting, enum gw_setting_source source) {
    switch (source) {
    case GW_SETTING_BY_FILE:
        return gw_setting_key(setting);
    case GW_SETTING_BY_VARIABLE:
        return setting->variable;
    case GW_SETTING_BY_FLAG:
    case GW_SETTING_BY_DEFAULT:
    case GW_SETTING_UNSET:
    default:
        return setting->flag;
    }
}

static bool refuse_issuer(const struct gw_config *config, const struct gw_setting *setting,
                          const struct gw_setting_origin *origin) {
    const char *problem = config->oidc_issuers.problem;
    if (origin->source == GW_SETTING_BY_FILE)
        gw_complain("%s:%d: %s", config->file.path, origin->line, problem);
    else
        gw_complain("not a value for %s: %s (see --help)", name_of(setting, origin->source),
                    problem);
    return false;
}

static bool refuse_value(const struct gw_config *config, const struct gw_setting *setting,
                         const struct gw_setting_origin *origin) {
    if (setting->kind == GW_SETTING_ISSUERS)
        return refuse_issuer(config, setting, origin);
    const char *shown = setting->kind == GW_SETTING_SECRET ? NULL : origin->text;
    if (origin->source != GW_SETTING_BY_FILE)
        return refuse("not a value for", name_of(setting, origin->source), shown);
    gw_complain("%s:%d: not a value for %s%s%s (see --help)", config->file.path, origin->line,
                gw_setting_key(setting), shown != NULL ? ": " : "", shown != NULL ? shown : "");
    return false;
}

static bool set(struct gw_config *config, const struct gw_setting *setting,
                const struct gw_setting_origin *origin) {
    config->origins[gw_setting_index(setting)] = *origin;
    return gw_setting_set(config, setting, origin->text, origin->source) ||
           refuse_value(config, setting, origin);
}

static bool is_set(const struct gw_config *config, const struct gw_setting *setting) {
    return config->origins[gw_setting_index(setting)].source != GW_SETTING_UNSET;
}

// ---- flags ----

static bool set_by_flag(struct gw_config *config, const struct gw_setting *setting,
                        const char *text) {
    const struct gw_setting_origin origin = {.source = GW_SETTING_BY_FLAG, .text = text};
    return set(config, setting, &origin);
}

// Takes "--flag value", "--flag=value" or "--switch"; *index moves past a value of its own.
static bool read_flag(struct gw_config *config, int argc, char **argv, int *index) {
    gw_assert(*index < argc);
    struct gw_str argument = gw_str_from(argv[*index]);
    size_t equals = gw_str_find(argument, '=');
    const struct gw_setting *setting = gw_setting_of_flag(gw_str_slice(argument, 0, equals));
    if (setting == NULL)
        return refuse("unknown argument", argv[*index], NULL);
    if (equals < argument.length)
        return set_by_flag(config, setting, argument.at + equals + 1);
    if (setting->kind == GW_SETTING_SWITCH)
        return set_by_flag(config, setting, "on");
    if (*index + 1 >= argc)
        return refuse("missing value of", setting->flag, NULL);
    *index += 1;
    return set_by_flag(config, setting, argv[*index]);
}

static bool read_flags(struct gw_config *config, int argc, char **argv) {
    bool is_right = true;
    for (int i = 1; i < argc && is_right; i++)
        is_right = read_flag(config, argc, argv, &i);
    return is_right;
}

// ---- variables ----

static bool read_variables(struct gw_config *config) {
    const struct gw_setting *setting;
    for (size_t i = 0; (setting = gw_setting_at(i)) != NULL; i++) {
        const struct gw_setting_origin origin = {.source = GW_SETTING_BY_VARIABLE,
                                                 .text = getenv(setting->variable)};
        if (is_set(config, setting) || origin.text == NULL ||
            (origin.text[0] == '\0' && setting->kind <= GW_SETTING_ISSUERS))
            continue;
        if (!set(config, setting, &origin))
            return false;
    }
    return true;
}

// ---- the file ----

// Of a setting that may be repeated, a value behind one of the same file.
static bool is_free(const struct gw_config *config, const struct gw_setting *setting) {
    enum gw_setting_source source = config->origins[gw_setting_index(setting)].source;
    return source == GW_SETTING_UNSET || source == GW_SETTING_BY_FILE;
}

static bool set_by_section(struct gw_config *config, const struct gw_config_section *section) {
    const struct gw_setting *setting = gw_setting_of_key(GW_STR(KEY_OF_ISSUERS));
    struct gw_issuer_settings *issuers = &config->oidc_issuers;
    struct gw_setting_origin origin = {
        .source = GW_SETTING_BY_FILE, .line = section->line, .text = section->name};
    if (!is_free(config, setting))
        return true;
    config->origins[gw_setting_index(setting)] = origin;
    bool is_right = gw_issuer_settings_begin(issuers, gw_issuer_section_name(section->name));
    for (int i = 0; i < config->file.entries.count && is_right; i++) {
        const struct gw_config_entry *entry = &config->file.entries.at[i];
        if (entry->section != section)
            continue;
        origin.line = entry->line;
        is_right = gw_issuer_settings_put(issuers, entry->key, entry->value);
    }
    if (!is_right)
        return refuse_issuer(config, setting, &origin);
    origin.line = section->line;
    return gw_issuer_settings_end(issuers) || refuse_issuer(config, setting, &origin);
}

static bool set_by_entry(struct gw_config *config, const struct gw_config_entry *entry) {
    const struct gw_setting *setting = gw_setting_of_key(gw_str_from(entry->key));
    const struct gw_setting_origin origin = {
        .source = GW_SETTING_BY_FILE, .line = entry->line, .text = entry->value};
    return !is_free(config, setting) || set(config, setting, &origin);
}

static bool read_file(struct gw_config *config) {
    char problem[GW_CONFIG_PROBLEM_BYTES];
    if (config->config_file == NULL)
        return true;
    if (gw_config_source_read(config->config_file, &config->file, problem) != GW_OK) {
        gw_complain("%s", problem);
        return false;
    }
    bool is_right = true;
    for (int i = 0; i < config->file.entries.count && is_right; i++) {
        const struct gw_config_entry *entry = &config->file.entries.at[i];
        is_right = entry->section != NULL || set_by_entry(config, entry);
    }
    for (int i = 0; i < config->file.entries.section_count && is_right; i++)
        is_right = set_by_section(config, &config->file.entries.sections[i]);
    return is_right;
}

// ---- the rest ----

static bool set_defaults(struct gw_config *config) {
    const struct gw_setting *setting;
    for (size_t i = 0; (setting = gw_setting_at(i)) != NULL; i++) {
        const struct gw_setting_origin origin = {.source = GW_SETTING_BY_DEFAULT,
                                                 .text = setting->fallback};
        if (!is_set(config, setting) && origin.text != NULL && !set(config, setting, &origin))
            return false;
    }
    return true;
}

// A file that is the known one is not read: its URL stays as it is known.
static bool take_url_file(const struct gw_url_file *file, const char *known_path,
                          const char *known_url, struct gw_secret_line *line, const char **url) {
    bool is_known = file->path != NULL && known_path != NULL && *url == NULL &&
                    strcmp(file->path, known_path) == 0;
    if (is_known)
        *url = known_url;
    return is_known || gw_url_file_take(file, line, url);
}

// `known` NULL: nothing is.
static bool take_url_files(const struct gw_config *known, struct gw_config *config) {
    const struct gw_url_file file = {"--database-url (DATABASE_URL)",
                                     "--database-url-file (DATABASE_URL_FILE)",
                                     config->database_url_file};
    const struct gw_url_file events_file = {
        "--database-events-url (GATEWAY_DATABASE_EVENTS_URL)",
        "--database-events-url-file (GATEWAY_DATABASE_EVENTS_URL_FILE)",
        config->database_events_url_file};
    return take_url_file(&file, known != NULL ? known->database_url_file : NULL,
                         known != NULL ? known->database_url : NULL, &config->database_url_line,
                         &config->database_url) &&
           take_url_file(&events_file, known != NULL ? known->database_events_url_file : NULL,
                         known != NULL ? known->database_events_url : NULL,
                         &config->database_events_url_line, &config->database_events_url);
}

static bool is_one_of(const char *argument, const char *name, const char *other) {
    return strcmp(argument, name) == 0 || strcmp(argument, other) == 0;
}

static enum gw_config_outcome read_all(const struct gw_config *known, int argc, char **argv,
                                       struct gw_config *config) {
    *config = (struct gw_config){
        .argc = argc, .argv = argv, .memory_max_bytes = GW_CONFIG_MEMORY_BY_CGROUP};
    bool is_right = read_flags(config, argc, argv) && read_variables(config) && read_file(config) &&
                    set_defaults(config) && take_url_files(known, config) &&
                    gw_config_check(config);
    return is_right ? GW_CONFIG_RUN : GW_CONFIG_EXIT_USAGE;
}

enum gw_config_outcome gw_config_read_again(const struct gw_config *known,
                                            struct gw_config *config) {
    return read_all(known, known->argc, known->argv, config);
}

enum gw_config_outcome gw_config_read(int argc, char **argv, struct gw_config *config) {
    for (int i = 1; i < argc; i++) {
        if (is_one_of(argv[i], "--help", "-h")) {
            gw_config_help_print();
            return GW_CONFIG_EXIT_OK;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("skillreg-gateway " GATEWAY_VERSION);
            return GW_CONFIG_EXIT_OK;
        }
    }
    return read_all(NULL, argc, argv, config);
}
