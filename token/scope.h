// SPDX-License-Identifier: MIT
#pragma once
// The three scopes of a token. A token holds a set of them, exactly as it was created (a token made
// with `admin` alone lists as `admin`); each scope contains those below it when a request is
// judged.

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct gw_json_writer;

enum gw_scope { GW_SCOPE_READ = 1, GW_SCOPE_WRITE = 2, GW_SCOPE_ADMIN = 4 };
typedef uint8_t gw_scope_set; // the database stores the same bits

#define GW_SCOPE_TEXT_BYTES_MAX 24 // "read, write, admin" and its terminator

// True when some member of `held` is `needed` or above it.
bool gw_scope_allows(gw_scope_set held, enum gw_scope needed);
const char *gw_scope_name(enum gw_scope scope);
// One exact lower-case name.
enum gw_status gw_scope_parse(struct gw_str name, enum gw_scope *scope) GW_MUST_USE;
// "read,write": names by comma, white space around a name is fine; GW_INVALID when unknown or
// empty, and then *wrong (may be NULL) is the offending part. A name twice counts once.
enum gw_status gw_scope_parse_list(struct gw_str list, gw_scope_set *set,
                                   struct gw_str *wrong) GW_MUST_USE;
// Names in the order read, write, admin joined by `separator` ("," or ", "); terminated; returns
// the length.
size_t gw_scope_format(gw_scope_set set, const char *separator, char out[GW_SCOPE_TEXT_BYTES_MAX]);
// The names as an array of strings.
void gw_scope_write_json(struct gw_json_writer *writer, gw_scope_set set);
