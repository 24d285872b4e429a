// SPDX-License-Identifier: MIT
#include "gateway/settings/value.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "gateway/settings/byte_size.h"

static bool parse_switch(const char *text, bool *value) {
    static const char *const yes[] = {"1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off", ""};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcmp(text, yes[i]) == 0)
            return *value = true, true;
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (strcmp(text, no[i]) == 0)
            return *value = false, true;
    }
    return false;
}

static bool parse_number(const char *text, uint64_t min, int *value) {
    uint64_t number;
    if (gw_str_to_u64(gw_str_from(text), &number) != GW_OK || number < min || number > 100000000)
        return false;
    *value = (int)number;
    return true;
}

// A duration that may be 0: "0" or "0s".
static bool parse_limit(const char *text, uint64_t *limit_ms) {
    if (strcmp(text, "0") == 0 || strcmp(text, "0s") == 0)
        return *limit_ms = 0, true;
    return gw_clock_parse_duration(gw_str_from(text), limit_ms) == GW_OK;
}

static bool parse_environment(const char *text, bool *is_test) {
    *is_test = strcmp(text, "test") == 0;
    return *is_test || strcmp(text, "live") == 0;
}

static bool parse_tls_version(const char *text, bool *is_tls13_only) {
    *is_tls13_only = strcmp(text, "1.3") == 0;
    return *is_tls13_only || strcmp(text, "1.2") == 0;
}

static bool parse_client_field(const char *text, bool *is_forwarded) {
    *is_forwarded = strcasecmp(text, "forwarded") == 0;
    return *is_forwarded || strcasecmp(text, "x-forwarded-for") == 0;
}

static bool add_texts(const char *text, const char *separators, struct gw_config_texts *texts) {
    gw_assert(texts->count <= GW_CONFIG_TEXTS_MAX && texts->bytes_used <= sizeof(texts->memory));
    size_t bytes = strlen(text) + 1;
    bool is_good = bytes <= sizeof(texts->memory) - texts->bytes_used;
    char *rest = texts->memory + texts->bytes_used;
    if (is_good)
        memcpy(rest, text, bytes);
    texts->bytes_used += is_good ? bytes : 0;
    for (char *piece; is_good && (piece = strsep(&rest, separators)) != NULL;) {
        is_good = texts->count < GW_CONFIG_TEXTS_MAX;
        if (is_good)
            texts->at[texts->count++] = piece;
        is_good = is_good && piece[0] != '\0';
    }
    return is_good;
}

// The name of a file may hold a comma; a variable has no other way to name several.
static bool add_files(const char *text, enum gw_setting_source source,
                      struct gw_config_texts *files) {
    return add_texts(text, source == GW_SETTING_BY_VARIABLE ? "," : "", files);
}

bool gw_setting_set(struct gw_config *config, const struct gw_setting *setting, const char *text,
                    enum gw_setting_source source) {
    gw_assert(setting->offset < sizeof(*config));
    void *at = (char *)config + setting->offset;
    switch (setting->kind) {
    case GW_SETTING_TEXT:
    case GW_SETTING_SECRET:
        *(const char **)at = text;
        return text[0] != '\0';
    case GW_SETTING_TEXTS:
        return add_texts(text, ",", at);
    case GW_SETTING_FILES:
        return add_files(text, source, at);
    case GW_SETTING_ISSUERS:
        return gw_issuer_settings_add(at, text);
    case GW_SETTING_TLS_VERSION:
        return parse_tls_version(text, at);
    case GW_SETTING_NUMBER:
        return parse_number(text, 1, at);
    case GW_SETTING_COUNT:
        return parse_number(text, 0, at);
    case GW_SETTING_DURATION:
        return gw_clock_parse_duration(gw_str_from(text), at) == GW_OK;
    case GW_SETTING_LIMIT:
        return parse_limit(text, at);
    case GW_SETTING_SWITCH:
        return parse_switch(text, at);
    case GW_SETTING_ENVIRONMENT:
        return parse_environment(text, at);
    case GW_SETTING_PROXIES:
        return gw_trusted_proxies_parse(gw_str_from(text), at) == GW_OK;
    case GW_SETTING_CLIENT_FIELD:
        return parse_client_field(text, at);
    case GW_SETTING_BYTES:
        return gw_byte_size_parse(gw_str_from(text), at) == GW_OK;
    case GW_SETTING_RATE:
        return gw_rate_parse(gw_str_from(text), at) == GW_OK;
    case GW_SETTING_LOG_FORM:
        return gw_log_form_parse(gw_str_from(text), at) == GW_OK;
    case GW_SETTING_LEVEL:
    default:
        return gw_log_level_parse(gw_str_from(text), at) == GW_OK;
    }
}

// ---- two of them ----

static size_t bytes_of(const struct gw_setting *setting) {
    switch (setting->kind) {
    case GW_SETTING_NUMBER:
    case GW_SETTING_COUNT:
        return sizeof(int);
    case GW_SETTING_DURATION:
    case GW_SETTING_LIMIT:
    case GW_SETTING_BYTES:
        return sizeof(uint64_t);
    case GW_SETTING_RATE:
        return sizeof(struct gw_rate);
    case GW_SETTING_LEVEL:
        return sizeof(enum gw_log_level);
    case GW_SETTING_LOG_FORM:
        return sizeof(enum gw_log_form);
    case GW_SETTING_SWITCH:
    case GW_SETTING_ENVIRONMENT:
    case GW_SETTING_TLS_VERSION:
    case GW_SETTING_CLIENT_FIELD:
        return sizeof(bool);
    default:
        return 0; // texts, whose value is what was given
    }
}

static bool is_same_text(const char *one, const char *other) {
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool are_same_texts(const struct gw_config_texts *one, const struct gw_config_texts *other) {
    bool is_same = one->count == other->count;
    for (int i = 0; i < one->count && is_same; i++)
        is_same = strcmp(one->at[i], other->at[i]) == 0;
    return is_same;
}

// A text by what was given: its value may have been replaced, as that of an address with port 0.
bool gw_setting_is_same(const struct gw_config *config, const struct gw_config *other,
                        const struct gw_setting *setting) {
    size_t index = gw_setting_index(setting);
    const char *at = (const char *)config + setting->offset;
    const char *other_at = (const char *)other + setting->offset;
    size_t bytes = bytes_of(setting);
    if (bytes > 0)
        return memcmp(at, other_at, bytes) == 0;
    if (setting->kind == GW_SETTING_ISSUERS)
        return gw_issuer_settings_are_same((const void *)at, (const void *)other_at);
    if (gw_setting_is_list(setting))
        return are_same_texts((const void *)at, (const void *)other_at);
    return is_same_text(config->origins[index].text, other->origins[index].text);
}

void gw_setting_copy(struct gw_config *config, const struct gw_config *other,
                     const struct gw_setting *setting) {
    size_t bytes = bytes_of(setting);
    gw_assert(gw_setting_is_live(setting) && bytes > 0);
    memcpy((char *)config + setting->offset, (const char *)other + setting->offset, bytes);
}
