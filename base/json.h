// SPDX-License-Identifier: MIT
#pragma once
// JSON in and out (RFC 8259). Reading: a strict scanner (base/json_scan.h) checks the text, because
// jsmn accepts most malformed documents; then jsmn splits it into a bounded array of tokens.
// Writing: straight into a gw_buf, commas placed by the writer. No recursion; all memory is the
// caller's.
//
// Strict means: valid UTF-8 without BOM, one value, no trailing bytes, depth <= GW_JSON_DEPTH_MAX,
// no lone surrogate escapes, no duplicate key in one object (compared after unescaping), numbers in
// grammar.

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define GW_JSON_DEPTH_MAX 16
#define GW_JSON_TOKENS_MAX 1024 // of a request; the command line allows more

enum gw_json_type {
    GW_JSON_NULL,
    GW_JSON_BOOL,
    GW_JSON_NUMBER,
    GW_JSON_STRING,
    GW_JSON_ARRAY,
    GW_JSON_OBJECT
};

struct gw_json_document; // lives in the arena given to gw_json_parse
// A place in a document; valid as long as the arena and the text.
struct gw_json {
    const struct gw_json_document *document;
    int token;
};

// GW_INVALID: not JSON as above (*error_offset, which may be NULL, is the first offending byte);
// GW_TOO_BIG: more than `tokens_max` tokens or too deep; GW_NO_MEMORY. `text` must outlive the
// document.
enum gw_status gw_json_parse(struct gw_arena *arena, struct gw_str text, int tokens_max,
                             struct gw_json *root, size_t *error_offset) GW_MUST_USE;
enum gw_json_type gw_json_type(struct gw_json value);
// Elements of an array or members of an object; 0 for other types.
int gw_json_count(struct gw_json value);
// False when `object` is not an object or lacks the key.
bool gw_json_member(struct gw_json object, struct gw_str key, struct gw_json *value);
// In document order; `index` must be below gw_json_count.
struct gw_json gw_json_element(struct gw_json array, int index);
// Member `index` of an object, with its unescaped key (arena copy where escapes were used).
enum gw_status gw_json_member_at(struct gw_json object, int index, struct gw_arena *arena,
                                 struct gw_str *key, struct gw_json *value) GW_MUST_USE;
// The unescaped text of a string: a slice of the source when nothing is escaped, else an arena
// copy. GW_INVALID if `value` is not a string.
enum gw_status gw_json_string(struct gw_json value, struct gw_arena *arena,
                              struct gw_str *text) GW_MUST_USE;
// GW_INVALID unless an integer in range (1.0 and 1e2 are not integers here).
enum gw_status gw_json_integer(struct gw_json value, int64_t *number) GW_MUST_USE;
enum gw_status gw_json_boolean(struct gw_json value, bool *truth) GW_MUST_USE;
// The source bytes of the value.
struct gw_str gw_json_raw(struct gw_json value);

// Writing. The first failure of the buffer sticks and is returned by gw_json_writer_finish; every
// call after it is a no-op, so callers need not check each.
struct gw_json_writer {
    struct gw_buf *out;
    enum gw_status status;
    bool needs_comma;
};

void gw_json_writer_init(struct gw_json_writer *writer, struct gw_buf *out);
void gw_json_open_object(struct gw_json_writer *writer);
void gw_json_close_object(struct gw_json_writer *writer);
void gw_json_open_array(struct gw_json_writer *writer);
void gw_json_close_array(struct gw_json_writer *writer);
// Writes the comma, if one is due, and returns room for `length` bytes; NULL after a failure. The
// caller writes there and commits to writer->out.
GW_INLINE char *gw_json_begin_value(struct gw_json_writer *writer, size_t length) {
    char *at;
    if (writer->status != GW_OK)
        return NULL;
    writer->status = gw_buf_reserve(writer->out, length + (writer->needs_comma ? 1 : 0), &at);
    if (writer->status != GW_OK)
        return NULL;
    if (writer->needs_comma)
        *at++ = ',';
    return at;
}
// `key` needs no escapes. Inline, because half of the gateway's JSON is keys: the compiler knows
// each of them and copies it in a few moves.
GW_INLINE void gw_json_key(struct gw_json_writer *writer, const char *key) {
    size_t length = strlen(key);
    char *at = gw_json_begin_value(writer, length + 3);
    if (at == NULL)
        return;
    *at++ = '"';
    memcpy(at, key, length);
    memcpy(at + length, "\":", 2);
    gw_buf_commit_to(writer->out, at + length + 2);
    writer->needs_comma = false;
}
// Escapes what RFC 8259 section 7 demands, and <, >, &, U+2028, U+2029; invalid UTF-8 becomes
// U+FFFD.
void gw_json_write_string(struct gw_json_writer *writer, struct gw_str text);
// A value that is JSON already, as it stands.
void gw_json_write_raw(struct gw_json_writer *writer, struct gw_str json);
void gw_json_write_integer(struct gw_json_writer *writer, int64_t number);
void gw_json_write_boolean(struct gw_json_writer *writer, bool truth);
void gw_json_write_null(struct gw_json_writer *writer);
// ISO time as a string, null when `wall_ms` is GW_JSON_NO_TIME.
#define GW_JSON_NO_TIME INT64_MIN
void gw_json_write_time(struct gw_json_writer *writer, int64_t wall_ms);
// A member of an object: its key and its value.
GW_INLINE void gw_json_put_string(struct gw_json_writer *writer, const char *key,
                                  struct gw_str text) {
    gw_json_key(writer, key);
    gw_json_write_string(writer, text);
}
GW_INLINE void gw_json_put_integer(struct gw_json_writer *writer, const char *key, int64_t number) {
    gw_json_key(writer, key);
    gw_json_write_integer(writer, number);
}
GW_INLINE void gw_json_put_boolean(struct gw_json_writer *writer, const char *key, bool truth) {
    gw_json_key(writer, key);
    gw_json_write_boolean(writer, truth);
}
GW_INLINE void gw_json_put_null(struct gw_json_writer *writer, const char *key) {
    gw_json_key(writer, key);
    gw_json_write_null(writer);
}
// Null where `text` is not there (.at NULL).
GW_INLINE void gw_json_put_string_or_null(struct gw_json_writer *writer, const char *key,
                                          struct gw_str text) {
    if (text.at != NULL)
        gw_json_put_string(writer, key, text);
    else
        gw_json_put_null(writer, key);
}
GW_INLINE void gw_json_put_time(struct gw_json_writer *writer, const char *key, int64_t wall_ms) {
    gw_json_key(writer, key);
    gw_json_write_time(writer, wall_ms);
}
enum gw_status gw_json_writer_finish(struct gw_json_writer *writer) GW_MUST_USE;
