// SPDX-License-Identifier: MIT
#pragma once
// The settings of the server, a row each: what names it on the command line, in the environment and
// in a file, what it is, and what it means. --help, the man page and the reading are made from it.

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define GW_SETTING_VARIABLE_PREFIX "GATEWAY_"

// What a value looks like. For those up to GW_SETTING_ISSUERS an empty variable counts as not set.
enum gw_setting_kind {
    GW_SETTING_TEXT,
    GW_SETTING_SECRET, // text that is never shown
    GW_SETTING_TEXTS,
    GW_SETTING_FILES,
    GW_SETTING_ISSUERS,
    GW_SETTING_NUMBER,
    GW_SETTING_COUNT,
    GW_SETTING_DURATION,
    GW_SETTING_LIMIT,
    GW_SETTING_SWITCH,
    GW_SETTING_ENVIRONMENT,
    GW_SETTING_LEVEL,
    GW_SETTING_LOG_FORM,
    GW_SETTING_PROXIES,
    GW_SETTING_CLIENT_FIELD,
    GW_SETTING_TLS_VERSION,
    GW_SETTING_RATE,
    GW_SETTING_BYTES
};

struct gw_setting {
    const char *flag;
    const char *variable;
    enum gw_setting_kind kind;
    size_t offset;        // in struct gw_config
    const char *fallback; // as if given; NULL: none
    const char *argument; // the name of its value; NULL: a switch
    const char *help;
};

// In the order of --help; NULL behind the last one.
const struct gw_setting *gw_setting_at(size_t index);
// By its flag, or by its key, which is the flag without dashes. NULL: there is none.
const struct gw_setting *gw_setting_of_flag(struct gw_str flag);
const struct gw_setting *gw_setting_of_key(struct gw_str key);
const struct gw_setting *gw_setting_of_variable(struct gw_str name);
// The one whose key, or whose variable, was probably meant; NULL: none looks like it. A variable
// begins with GW_SETTING_VARIABLE_PREFIX.
const struct gw_setting *gw_setting_nearest(struct gw_str key);
const struct gw_setting *gw_setting_nearest_variable(struct gw_str name);
// Whether a running gateway takes a new value of it (gateway/settings/config_reread.h).
bool gw_setting_is_live(const struct gw_setting *setting);
// Whether it may be given several times.
bool gw_setting_is_list(const struct gw_setting *setting);
size_t gw_setting_index(const struct gw_setting *setting);
const char *gw_setting_key(const struct gw_setting *setting);
