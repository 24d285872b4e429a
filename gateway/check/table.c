// SPDX-License-Identifier: MIT
#include "gateway/check/table.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "db/url.h"
#include "gateway/settings/setting.h"

#define VALUE_BYTES 1024
#define VALUE_COLUMNS_MAX 48 // a longer value moves its own source to the right
#define HIDDEN "***"

struct row {
    const struct gw_setting *setting;
    enum gw_setting_source source;
    int line;
    const char *file; // that a value of BY_FILE stands in
    bool has_value;
    char value[VALUE_BYTES];
};

// ---- values ----

// Of "scheme://name:secret@host" the part between; up to the next blank, for a list.
static void hide_user(char *value) {
    char *start = strstr(value, "://");
    while (start != NULL) {
        start += strlen("://");
        size_t length = strcspn(start, " ,/");
        char *at = NULL;
        for (size_t i = 0; i < length; i++)
            at = start[i] == '@' ? start + i : at;
        if (at != NULL && at - start >= (ptrdiff_t)strlen(HIDDEN)) {
            memcpy(start, HIDDEN, strlen(HIDDEN));
            memmove(start + strlen(HIDDEN), at, strlen(at) + 1);
        }
        start = strstr(start, "://");
    }
}

static void show_texts(const struct gw_config_texts *texts, char *out) {
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < texts->count && used < VALUE_BYTES; i++) {
        int length =
            snprintf(out + used, VALUE_BYTES - used, "%s%s", i > 0 ? ", " : "", texts->at[i]);
        used += length > 0 ? (size_t)length : 0;
    }
}

static void show_issuers(const struct gw_issuer_settings *issuers, char *out) {
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < issuers->count && used < VALUE_BYTES; i++) {
        int length = snprintf(out + used, VALUE_BYTES - used, "%s%s=%s", i > 0 ? ", " : "",
                              issuers->at[i].name, issuers->at[i].issuer);
        used += length > 0 ? (size_t)length : 0;
    }
}

// A file with the URL in it stands in the place of the URL.
static const char *url_file_of(const struct gw_config *config, const struct gw_setting *setting) {
    const void *at = (const char *)config + setting->offset;
    if (at == &config->database_url)
        return config->database_url_file;
    return at == &config->database_events_url ? config->database_events_url_file : NULL;
}

static void take_url(const struct gw_config *config, struct row *row) {
    const char *url = *(const char *const *)((const char *)config + row->setting->offset);
    if (url == NULL)
        return;
    row->has_value = true;
    db_url_show(url, row->value, sizeof(row->value));
    if (row->value[0] == '\0')
        (void)snprintf(row->value, sizeof(row->value), HIDDEN);
    const char *file = url_file_of(config, row->setting);
    if (file == NULL)
        return;
    row->source = GW_SETTING_BY_FILE;
    row->file = file;
    row->line = 1;
}

static void take_value(const struct gw_config *config, struct row *row) {
    const struct gw_setting_origin *origin = &config->origins[gw_setting_index(row->setting)];
    if (row->setting->kind == GW_SETTING_SECRET) {
        take_url(config, row);
        return;
    }
    row->has_value = row->source != GW_SETTING_UNSET;
    if (origin->source == GW_SETTING_UNSET)
        (void)snprintf(row->value, sizeof(row->value), "%s", row->has_value ? "off" : "");
    else if (row->setting->kind == GW_SETTING_ISSUERS)
        show_issuers(&config->oidc_issuers, row->value);
    else if (gw_setting_is_list(row->setting))
        show_texts((const void *)((const char *)config + row->setting->offset), row->value);
    else
        (void)snprintf(row->value, sizeof(row->value), "%s", origin->text);
    hide_user(row->value);
}

static void read_row(const struct gw_config *config, const struct gw_setting *setting,
                     struct row *row) {
    const struct gw_setting_origin *origin = &config->origins[gw_setting_index(setting)];
    *row = (struct row){.setting = setting,
                        .source = origin->source,
                        .line = origin->line,
                        .file = config->config_file};
    if (row->source == GW_SETTING_UNSET && setting->kind == GW_SETTING_SWITCH)
        row->source = GW_SETTING_BY_DEFAULT; // off
    take_value(config, row);
    gw_utf8_mask_controls(row->value, strlen(row->value));
}

// ---- for a person ----

static enum gw_status write_source(const struct row *row, struct gw_buf *out) {
    switch (row->source) {
    case GW_SETTING_BY_FLAG:
        return gw_buf_printf(out, "flag\n");
    case GW_SETTING_BY_VARIABLE:
        return gw_buf_printf(out, "variable %s\n", row->setting->variable);
    case GW_SETTING_BY_FILE:
        return gw_buf_printf(out, "%s:%d\n", row->file, row->line);
    case GW_SETTING_BY_DEFAULT:
        return gw_buf_printf(out, "default\n");
    case GW_SETTING_UNSET:
    default:
        return gw_buf_printf(out, "not set\n");
    }
}

static const char *shown_value(const struct row *row) {
    return row->has_value ? row->value : "-";
}

struct widths {
    int setting;
    int value;
};

static struct widths measure(const struct gw_config *config) {
    struct widths widths = {0, 0};
    const struct gw_setting *setting;
    for (size_t i = 0; (setting = gw_setting_at(i)) != NULL; i++) {
        struct row row;
        read_row(config, setting, &row);
        int key = (int)strlen(gw_setting_key(setting));
        int value = (int)strlen(shown_value(&row));
        widths.setting = key > widths.setting ? key : widths.setting;
        if (value <= VALUE_COLUMNS_MAX && value > widths.value)
            widths.value = value;
    }
    return widths;
}

enum gw_status gw_check_table_write(const struct gw_config *config, struct gw_buf *out) {
    struct widths widths = measure(config);
    const struct gw_setting *setting;
    enum gw_status status =
        gw_buf_printf(out, "%-*s  %-*s  FROM\n", widths.setting, "SETTING", widths.value, "VALUE");
    for (size_t i = 0; (setting = gw_setting_at(i)) != NULL && status == GW_OK; i++) {
        struct row row;
        read_row(config, setting, &row);
        status = gw_buf_printf(out, "%-*s  %-*s  ", widths.setting, gw_setting_key(setting),
                               widths.value, shown_value(&row));
        if (status == GW_OK)
            status = write_source(&row, out);
    }
    return status;
}

// ---- for a program ----

static const char *source_name(enum gw_setting_source source) {
    static const char *const names[] = {[GW_SETTING_UNSET] = "unset",
                                        [GW_SETTING_BY_DEFAULT] = "default",
                                        [GW_SETTING_BY_FILE] = "file",
                                        [GW_SETTING_BY_VARIABLE] = "variable",
                                        [GW_SETTING_BY_FLAG] = "flag"};
    return names[source];
}

void gw_check_table_write_json(const struct gw_config *config, struct gw_json_writer *json) {
    const struct gw_setting *setting;
    gw_json_open_array(json);
    for (size_t i = 0; (setting = gw_setting_at(i)) != NULL; i++) {
        struct row row;
        read_row(config, setting, &row);
        gw_json_open_object(json);
        gw_json_put_string(json, "setting", gw_str_from(gw_setting_key(setting)));
        gw_json_put_string_or_null(json, "value",
                                   row.has_value ? gw_str_from(row.value) : gw_str(NULL, 0));
        gw_json_put_string(json, "source", gw_str_from(source_name(row.source)));
        if (row.source == GW_SETTING_BY_FILE) {
            gw_json_put_string(json, "file", gw_str_from(row.file));
            gw_json_put_integer(json, "line", row.line);
        }
        gw_json_close_object(json);
    }
    gw_json_close_array(json);
}
