// SPDX-License-Identifier: MIT
#include "gateway/settings/issuer_setting.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/oidc/default_audience.h"
#include "gateway/oidc/provider.h"
#include "gateway/settings/issuer_url.h"

#define AGE_MS_DEFAULT (UINT64_C(60) * 60 * 1000)
#define LIVE_DEFAULT 5 // of an identity token that a whole job has
#define SECTION "oidc "
#define SPIFFE "spiffe://"

// Always false, so that a reader can return it.
__attribute__((format(printf, 2, 3))) static bool refuse(struct gw_issuer_settings *settings,
                                                         const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(settings->problem, sizeof(settings->problem), format, arguments);
    va_end(arguments);
    return false;
}

static bool begins(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

// ---- values ----

static bool read_text(struct gw_issuer_settings *settings, const char **text, const char *value) {
    *text = value;
    return value[0] != '\0' || refuse(settings, "it is empty");
}

static bool read_kind(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                      const char *value) {
    enum gw_oidc_kind kind;
    setting->kind = value;
    return gw_oidc_kind_find(gw_str_from(value), &kind) ||
           refuse(settings,
                  "%.32s is none of github, gitlab, buildkite, circleci, kubernetes, spiffe, "
                  "generic",
                  value);
}

static bool read_issuer(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                        const char *value) {
    struct gw_issuer_url url;
    const char *problem;
    setting->issuer = value;
    if (begins(value, SPIFFE))
        return true; // see check_spiffe
    return gw_issuer_url_split(gw_str_from(value), false, &url, &problem) == GW_OK ||
           refuse(settings, "%s", problem);
}

static bool read_audience(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                          const char *value) {
    size_t length = 0;
    setting->audience = value;
    while (value[length] > ' ' && value[length] < 0x7f)
        length++;
    return (length >= 1 && length <= GW_ISSUER_AUDIENCE_BYTES_MAX && value[length] == '\0') ||
           refuse(settings, "it must be 1 to 255 visible characters of ASCII");
}

static bool read_keys(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                      const char *value) {
    struct gw_issuer_url url;
    const char *problem;
    if (strcmp(value, "discovery") == 0)
        return true;
    setting->keys_from =
        strstr(value, "://") != NULL ? GW_ISSUER_KEYS_AT_URL : GW_ISSUER_KEYS_IN_FILE;
    if (!read_text(settings, &setting->keys, value) || setting->keys_from == GW_ISSUER_KEYS_IN_FILE)
        return value[0] != '\0';
    return gw_issuer_url_split(gw_str_from(value), true, &url, &problem) == GW_OK ||
           refuse(settings, "%s", problem);
}

static bool read_ca(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                    const char *value) {
    return read_text(settings, &setting->ca, value);
}

static bool read_bearer_file(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                             const char *value) {
    return read_text(settings, &setting->bearer_file, value);
}

static bool read_replay(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                        const char *value) {
    bool is_once = strcmp(value, "once") == 0;
    setting->replay = is_once ? GW_ISSUER_REPLAY_ONCE : GW_ISSUER_REPLAY_UNTIL_EXPIRY;
    return is_once || strcmp(value, "until-expiry") == 0 ||
           refuse(settings, "it must be once or until-expiry");
}

static bool read_max_live(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                          const char *value) {
    uint64_t number;
    if (gw_str_to_u64(gw_str_from(value), &number) != GW_OK || number < 1 ||
        number > GW_ISSUER_LIVE_MAX)
        return refuse(settings, "it must be 1 to 1000");
    setting->max_live = (int)number;
    return true;
}

static bool read_max_age(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                         const char *value) {
    return (gw_clock_parse_duration(gw_str_from(value), &setting->max_age_ms) == GW_OK &&
            setting->max_age_ms >= 1000 && setting->max_age_ms <= GW_ISSUER_AGE_MS_MAX) ||
           refuse(settings, "it must be 1s to 24h");
}

static const struct key {
    const char *name;
    bool (*read)(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting,
                 const char *value);
} keys[] = {
    {"kind", read_kind},
    {"issuer", read_issuer},
    {"audience", read_audience},
    {"keys", read_keys},
    {"ca", read_ca},
    {"bearer-file", read_bearer_file},
    {"replay", read_replay},
    {"max-live", read_max_live},
    {"max-age", read_max_age},
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

const char *gw_issuer_setting_key_at(size_t index) {
    return index < KEY_COUNT ? keys[index].name : NULL;
}

static size_t index_of_key(const char *key) {
    size_t i = 0;
    while (i < KEY_COUNT && strcmp(keys[i].name, key) != 0)
        i++;
    return i;
}

static bool is_given(const struct gw_issuer_settings *settings, const char *key) {
    return (settings->given & 1U << index_of_key(key)) != 0;
}

// ---- one ----

static bool is_name(const char *name) {
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length >= 1 && length <= GW_ISSUER_NAME_LENGTH_MAX && name[length] == '\0';
}

bool gw_issuer_settings_begin(struct gw_issuer_settings *settings, const char *name) {
    if (settings->count == GW_ISSUERS_MAX)
        return refuse(settings, "there are more than 16 issuers");
    if (!is_name(name))
        return refuse(settings, "the name of an issuer must be 1 to 32 of a-z, 0-9 and -");
    settings->given = 0;
    settings->at[settings->count] = (struct gw_issuer_setting){
        .name = name, .max_age_ms = AGE_MS_DEFAULT, .keys_from = GW_ISSUER_KEYS_DISCOVERED};
    return true;
}

bool gw_issuer_settings_put(struct gw_issuer_settings *settings, const char *key,
                            const char *value) {
    struct gw_issuer_setting *setting = &settings->at[settings->count];
    char problem[GW_ISSUER_PROBLEM_BYTES / 2];
    size_t index = index_of_key(key);
    if (index == KEY_COUNT)
        return refuse(settings, "an issuer has no key %.32s", key);
    if (is_given(settings, key))
        return refuse(settings, "%s is there twice", key);
    settings->given |= 1U << index;
    if (keys[index].read(settings, setting, value))
        return true;
    (void)snprintf(problem, sizeof(problem), "%.*s", (int)sizeof(problem) - 1, settings->problem);
    return refuse(settings, "%s: %s", key, problem);
}

static enum gw_oidc_kind kind_of(const struct gw_issuer_setting *setting) {
    enum gw_oidc_kind kind = GW_OIDC_GENERIC;
    bool is_known = gw_oidc_kind_find(gw_str_from(setting->kind), &kind);
    gw_assert(is_known); // as read_kind saw
    return kind;
}

// A trust domain is what such tokens have in place of an issuer (SPIFFE-ID section 2.1).
static bool check_spiffe(struct gw_issuer_settings *settings,
                         const struct gw_issuer_setting *setting) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    const char *domain = setting->issuer + strlen(SPIFFE);
    bool is_spiffe = kind_of(setting) == GW_OIDC_SPIFFE;
    if (is_spiffe != begins(setting->issuer, SPIFFE))
        return refuse(settings, "issuer: it is spiffe://<trust domain> for the kind spiffe, and "
                                "starts with https:// for all others");
    if (!is_spiffe)
        return true;
    size_t length = strspn(domain, allowed);
    if (length == 0 || length > GW_ISSUER_URL_BYTES_MAX - strlen(SPIFFE) || domain[length] != '\0')
        return refuse(settings, "issuer: the trust domain is not valid");
    return setting->keys_from != GW_ISSUER_KEYS_DISCOVERED ||
           refuse(settings, "keys is missing: a trust domain says nowhere where its keys are");
}

static bool check_use(struct gw_issuer_settings *settings, struct gw_issuer_setting *setting) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(kind_of(setting));
    bool has_fetch = setting->keys_from != GW_ISSUER_KEYS_IN_FILE;
    if (!has_fetch && (setting->ca != NULL || setting->bearer_file != NULL))
        return refuse(settings, "%s is for keys that are fetched, and these are in a file",
                      setting->ca != NULL ? "ca" : "bearer-file");
    if (!is_given(settings, "replay"))
        setting->replay = provider->is_once ? GW_ISSUER_REPLAY_ONCE : GW_ISSUER_REPLAY_UNTIL_EXPIRY;
    if (setting->replay == GW_ISSUER_REPLAY_ONCE && setting->max_live != 0)
        return refuse(settings, "max-live is for replay = until-expiry");
    if (setting->max_live == 0)
        setting->max_live = setting->replay == GW_ISSUER_REPLAY_ONCE ? 1 : LIVE_DEFAULT;
    if (gw_oidc_audience_is_default(kind_of(setting), gw_str_from(setting->issuer),
                                    gw_str_from(setting->audience)))
        return refuse(settings,
                      "audience: %s gives this one to tokens that nobody asked for here; choose "
                      "one of your own, such as the URL of this gateway",
                      provider->title);
    return true;
}

static bool is_unique(struct gw_issuer_settings *settings,
                      const struct gw_issuer_setting *setting) {
    for (int i = 0; i < settings->count; i++) {
        if (strcmp(settings->at[i].name, setting->name) == 0)
            return refuse(settings, "the issuer %s is there twice", setting->name);
        if (strcmp(settings->at[i].issuer, setting->issuer) == 0)
            return refuse(settings, "issuer: it is that of %s already", settings->at[i].name);
    }
    return true;
}

bool gw_issuer_settings_end(struct gw_issuer_settings *settings) {
    static const char *const required[] = {"kind", "issuer", "audience"};
    struct gw_issuer_setting *setting = &settings->at[settings->count];
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (!is_given(settings, required[i]))
            return refuse(settings, "%s is missing", required[i]);
    }
    if (!check_spiffe(settings, setting) || !check_use(settings, setting) ||
        !is_unique(settings, setting))
        return false;
    settings->count++;
    return true;
}

// ---- all of a text ----

// "name=URL,key=value,...", cut in place.
static bool add_one(struct gw_issuer_settings *settings, char *text) {
    char *rest = text;
    const char *name = strsep(&rest, "=");
    if (rest == NULL)
        return refuse(settings, "it is NAME=URL,kind=KIND,audience=TEXT");
    if (!gw_issuer_settings_begin(settings, name) ||
        !gw_issuer_settings_put(settings, "issuer", strsep(&rest, ",")))
        return false;
    for (char *value; (value = strsep(&rest, ",")) != NULL;) {
        const char *key = strsep(&value, "=");
        if (value == NULL)
            return refuse(settings, "%.32s has no value", key);
        if (!gw_issuer_settings_put(settings, key, value))
            return false;
    }
    return gw_issuer_settings_end(settings);
}

bool gw_issuer_settings_add(struct gw_issuer_settings *settings, const char *text) {
    size_t bytes = strlen(text) + 1;
    char *rest = settings->memory + settings->bytes_used;
    if (bytes > sizeof(settings->memory) - settings->bytes_used)
        return refuse(settings, "there is more than 4 KiB of it: use a section of a file");
    memcpy(rest, text, bytes);
    settings->bytes_used += bytes;
    bool is_right = true;
    for (char *one; is_right && (one = strsep(&rest, ";")) != NULL;)
        is_right = add_one(settings, one + strspn(one, " "));
    return is_right;
}

const char *gw_issuer_section_name(const char *section) {
    if (!begins(section, SECTION))
        return NULL;
    section += strlen(SECTION);
    return section + strspn(section, " \t");
}

// ---- two of them ----

static bool is_same_text(const char *one, const char *other) {
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool is_same(const struct gw_issuer_setting *one, const struct gw_issuer_setting *other) {
    return is_same_text(one->name, other->name) && is_same_text(one->kind, other->kind) &&
           is_same_text(one->issuer, other->issuer) &&
           is_same_text(one->audience, other->audience) && is_same_text(one->keys, other->keys) &&
           is_same_text(one->ca, other->ca) && is_same_text(one->bearer_file, other->bearer_file) &&
           one->max_age_ms == other->max_age_ms && one->max_live == other->max_live &&
           one->keys_from == other->keys_from && one->replay == other->replay;
}

bool gw_issuer_settings_are_same(const struct gw_issuer_settings *one,
                                 const struct gw_issuer_settings *other) {
    bool are_same = one->count == other->count;
    for (int i = 0; i < one->count && are_same; i++)
        are_same = is_same(&one->at[i], &other->at[i]);
    return are_same;
}
