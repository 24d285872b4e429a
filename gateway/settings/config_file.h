// SPDX-License-Identifier: MIT
#pragma once
// The form of a configuration file, bytes in, entries out; which keys there are is not known here.
//
//   # a comment: the line begins with it
//   workers = 4
//   upstream = http://registry-1:8080
//
//   [oidc github]
//   kind = github
//
// Everything behind the first = is the value, without the blanks around it. What follows the head
// of a section belongs to it, up to the next head.

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define GW_CONFIG_FILE_BYTES_MAX 32768
#define GW_CONFIG_ENTRIES_MAX 256
#define GW_CONFIG_SECTIONS_MAX 32

struct gw_config_section {
    const char *name; // what stands in the brackets, terminated, not empty
    int line;
};

struct gw_config_entry {
    const char *key; // terminated, not empty
    const char *value;
    const struct gw_config_section *section; // NULL: above the first
    int line;                                // from 1
};

struct gw_config_entries {
    struct gw_config_entry at[GW_CONFIG_ENTRIES_MAX];
    struct gw_config_section sections[GW_CONFIG_SECTIONS_MAX];
    int count;
    int section_count;
};

// A file with its entries, as gateway/settings/config_source.h reads it.
struct gw_config_source {
    const char *path;
    bool is_public; // everybody on the machine may read it
    char bytes[GW_CONFIG_FILE_BYTES_MAX + 1];
    struct gw_config_entries entries;
};

struct gw_config_fault {
    int line;
    const char *text; // a sentence
};

// `bytes` has a NUL behind its `length`, and is cut in place: the entries are parts of it.
// GW_INVALID: *fault says what is wrong with the first line that is.
enum gw_status gw_config_file_parse(char *bytes, size_t length, struct gw_config_entries *entries,
                                    struct gw_config_fault *fault) GW_MUST_USE;
