// SPDX-License-Identifier: MIT
#include "gateway/bulk/json_lines_reader.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define ARENA_BYTES_MAX ((size_t)512 * 1024)

void gw_json_lines_reader_init(struct gw_json_lines_reader *reader, struct gw_bulk_sink *sink) {
    memset(reader, 0, sizeof(*reader));
    reader->sink = sink;
    reader->line = 1;
    gw_arena_init(&reader->arena, ARENA_BYTES_MAX);
}

void gw_json_lines_reader_deinit(struct gw_json_lines_reader *reader) {
    gw_arena_deinit(&reader->arena);
    gw_bytes_wipe(reader->text, sizeof(reader->text));
}

// ---- values ----

// Appends to the list that is joined; false: no string, or it holds the separator.
static bool join(struct gw_json_lines_reader *reader, struct gw_json element, bool is_first) {
    struct gw_str text;
    if (gw_json_string(element, &reader->arena, &text) != GW_OK ||
        gw_str_find(text, ',') < text.length ||
        text.length + 1 > sizeof(reader->joined) - reader->joined_used)
        return false;
    if (!is_first)
        reader->joined[reader->joined_used++] = ',';
    memcpy(reader->joined + reader->joined_used, text.at, text.length);
    reader->joined_used += text.length;
    return true;
}

// An empty list is none.
static bool read_list(struct gw_json_lines_reader *reader, struct gw_json value,
                      struct gw_str *text) {
    size_t start = reader->joined_used;
    int count = gw_json_count(value);
    for (int i = 0; i < count; i++) {
        if (!join(reader, gw_json_element(value, i), i == 0))
            return false;
    }
    if (count > 0)
        *text = gw_str(reader->joined + start, reader->joined_used - start);
    return true;
}

static bool is_list(enum gw_bulk_field field) {
    return field == GW_BULK_SCOPES || field == GW_BULK_ALLOWED_IPS;
}

static bool is_boolean(enum gw_bulk_field field) {
    return field == GW_BULK_BIND_CHILDREN || field == GW_BULK_SELF_ROTATE;
}

static bool read_value(struct gw_json_lines_reader *reader, enum gw_bulk_field field,
                       struct gw_json value, struct gw_str *text) {
    switch (gw_json_type(value)) {
    case GW_JSON_NULL:
        return true;
    case GW_JSON_ARRAY:
        return is_list(field) && read_list(reader, value, text);
    case GW_JSON_BOOL:
        *text = gw_json_raw(value);
        return is_boolean(field);
    case GW_JSON_STRING:
        return !is_list(field) && !is_boolean(field) &&
               gw_json_string(value, &reader->arena, text) == GW_OK;
    case GW_JSON_NUMBER:
    case GW_JSON_OBJECT:
    default:
        return false;
    }
}

// ---- lines ----

static void complain(struct gw_json_lines_reader *reader, const char *why) {
    reader->sink->on_bad_row(reader->sink, reader->line, why);
}

static const char *wanted_type(enum gw_bulk_field field) {
    return is_list(field) ? "a list of strings" : is_boolean(field) ? "true or false" : "a string";
}

// False: told of.
static bool read_member(struct gw_json_lines_reader *reader, struct gw_json object, int index,
                        struct gw_bulk_fields *fields) {
    struct gw_str key;
    struct gw_json value;
    enum gw_bulk_field field;
    char why[GW_BULK_FAULT_LENGTH];
    if (gw_json_member_at(object, index, &reader->arena, &key, &value) != GW_OK) {
        complain(reader, "there is no memory for it");
        return false;
    }
    if (!gw_bulk_field_find(key, &field)) {
        gw_bulk_field_complain(key, why);
        reader->sink->on_unknown_member(reader->sink, reader->line, why);
        return false;
    }
    if (read_value(reader, field, value, &fields->text[field]))
        return true;
    (void)snprintf(why, sizeof(why), "%s must be %s", gw_bulk_field_name(field),
                   wanted_type(field));
    complain(reader, why);
    return false;
}

static void read_object(struct gw_json_lines_reader *reader, struct gw_json object) {
    struct gw_bulk_fields fields = {.line = reader->line};
    for (int i = 0; i < gw_json_count(object); i++) {
        if (!read_member(reader, object, i, &fields))
            return;
    }
    reader->sink->on_row(reader->sink, &fields);
}

static void read_line(struct gw_json_lines_reader *reader) {
    struct gw_json root;
    struct gw_str text = gw_str(reader->text, reader->used);
    if (text.length > 0 && text.at[text.length - 1] == '\r')
        text.length--;
    text = gw_str_trim(text);
    if (reader->is_too_long) {
        complain(reader, "it is longer than 64 KiB");
    } else if (text.length > 0) {
        gw_arena_reset(&reader->arena);
        reader->joined_used = 0;
        if (gw_json_parse(&reader->arena, text, GW_JSON_TOKENS_MAX, &root, NULL) != GW_OK)
            complain(reader, "it is no JSON, or names a member twice");
        else if (gw_json_type(root) != GW_JSON_OBJECT)
            complain(reader, "it is no JSON object");
        else
            read_object(reader, root);
    }
    reader->used = 0;
    reader->is_too_long = false;
}

static void append(struct gw_json_lines_reader *reader, struct gw_str piece) {
    if (piece.length > sizeof(reader->text) - reader->used) {
        reader->is_too_long = true;
        return;
    }
    memcpy(reader->text + reader->used, piece.at, piece.length);
    reader->used += piece.length;
}

void gw_json_lines_reader_feed(struct gw_json_lines_reader *reader, struct gw_str bytes) {
    while (bytes.length > 0) {
        size_t end = gw_str_find(bytes, '\n');
        append(reader, gw_str_slice(bytes, 0, end));
        if (end == bytes.length)
            return;
        read_line(reader);
        reader->line++;
        bytes = gw_str_slice(bytes, end + 1, bytes.length);
    }
}

void gw_json_lines_reader_finish(struct gw_json_lines_reader *reader) {
    read_line(reader);
}
