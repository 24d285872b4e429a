// SPDX-License-Identifier: MIT
#pragma once
// A row of a file of tokens, as text, before anything of it was checked. Its names are those of the
// API; `token` is the secret itself, `prefix` and `sha256` are what a registry keeps of one.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum gw_bulk_format { GW_BULK_BY_CONTENT, GW_BULK_CSV, GW_BULK_JSON_LINES };

#define GW_BULK_FIELD_MAP(X)                                                                       \
    X(ID, "id")                                                                                    \
    X(ORG, "org")                                                                                  \
    X(NAME, "name")                                                                                \
    X(TOKEN, "token")                                                                              \
    X(PREFIX, "prefix")                                                                            \
    X(SHA256, "sha256")                                                                            \
    X(SCOPES, "scopes")                                                                            \
    X(CREATED_AT, "createdAt")                                                                     \
    X(LAST_USED_AT, "lastUsedAt")                                                                  \
    X(EXPIRES_AT, "expiresAt")                                                                     \
    X(ALLOWED_IPS, "allowedIps")                                                                   \
    X(BIND_CHILDREN, "bindChildren")                                                               \
    X(SELF_ROTATE, "selfRotate")                                                                   \
    X(DESCRIPTION, "description")                                                                  \
    X(BOUND_SAN, "boundSan")

enum gw_bulk_field {
#define X(name, text) GW_BULK_##name,
    GW_BULK_FIELD_MAP(X)
#undef X
        GW_BULK_FIELD_COUNT
};

#define GW_BULK_FAULT_LENGTH 384

// Lists are joined by commas. .at NULL: the row has none. Valid during the call that has them.
struct gw_bulk_fields {
    uint64_t line; // where the row begins, from 1
    struct gw_str text[GW_BULK_FIELD_COUNT];
};

const char *gw_bulk_field_name(enum gw_bulk_field field);
// False: there is no such name.
bool gw_bulk_field_find(struct gw_str name, enum gw_bulk_field *field);
// Says that `name` is unknown, and which are known. A name that may hold a token is not repeated:
// the first line of a file without a header is one of data.
void gw_bulk_field_complain(struct gw_str name, char fault[GW_BULK_FAULT_LENGTH]);

// Who takes the rows of a file, embedded by its owner. Each row is one of the three calls, which
// come inside the call that feeds the reader, in the order of the lines.
struct gw_bulk_sink {
    void (*on_row)(struct gw_bulk_sink *sink, const struct gw_bulk_fields *fields);
    // A row that is none, or has what is no text. `why` holds nothing of its values.
    void (*on_bad_row)(struct gw_bulk_sink *sink, uint64_t line, const char *why);
    // A row that has a member with an unknown name: a restriction that is misspelt, perhaps.
    void (*on_unknown_member)(struct gw_bulk_sink *sink, uint64_t line, const char *why);
};
