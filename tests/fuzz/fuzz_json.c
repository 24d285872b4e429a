// SPDX-License-Identifier: MIT
// The JSON reader and writer against any bytes. What must hold beyond memory safety:
// - a refusal points into the text (or just behind it);
// - every value of an accepted document can be read, and what is written from it is accepted and
// means the same;
// - any bytes at all, written as a string, are read back.

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

#define ARENA_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define TOKENS_MAX (16 * GW_JSON_TOKENS_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void write_scalar(struct gw_json_writer *writer, struct gw_arena *arena,
                         struct gw_json value) {
    struct gw_str text;
    int64_t number;
    bool truth;
    if (gw_json_string(value, arena, &text) == GW_OK) {
        gw_json_write_string(writer, text);
    } else if (gw_json_boolean(value, &truth) == GW_OK) {
        gw_json_write_boolean(writer, truth);
    } else if (gw_json_integer(value, &number) == GW_OK) {
        gw_json_write_integer(writer, number);
    } else {
        gw_json_write_null(writer); // also for a number that is not an integer
    }
}

// Writes an object as an array of its keys and values, so that a key may hold NUL. The depth is
// bounded by the reader.
static void write_value(struct gw_json_writer *writer, struct gw_arena *arena,
                        struct gw_json value) {
    enum gw_json_type type = gw_json_type(value);
    if (type != GW_JSON_ARRAY && type != GW_JSON_OBJECT) {
        gw_assert(gw_json_count(value) == 0);
        write_scalar(writer, arena, value);
        return;
    }
    gw_json_open_array(writer);
    for (int i = 0; i < gw_json_count(value); i++) {
        struct gw_json child;
        if (type == GW_JSON_OBJECT) {
            struct gw_json found;
            struct gw_str key;
            gw_assert(gw_json_member_at(value, i, arena, &key, &child) == GW_OK);
            gw_assert(gw_json_member(value, key, &found) && found.token == child.token);
            gw_json_write_string(writer, key);
        } else {
            child = gw_json_element(value, i);
        }
        write_value(writer, arena, child);
    }
    gw_json_close_array(writer);
}

static void write_document(struct gw_buf *out, struct gw_arena *arena, struct gw_json root) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, out);
    write_value(&writer, arena, root);
    gw_assert(gw_json_writer_finish(&writer) == GW_OK);
}

static void check_document(struct gw_arena *arena, struct gw_str text) {
    struct gw_json root;
    size_t error_offset = SIZE_MAX;
    enum gw_status status = gw_json_parse(arena, text, GW_JSON_TOKENS_MAX, &root, &error_offset);
    gw_assert(status != GW_NO_MEMORY);
    if (status == GW_INVALID)
        gw_assert(error_offset <= text.length);
    if (status != GW_OK)
        return;
    struct gw_buf once;
    struct gw_buf twice;
    gw_buf_init(&once, ARENA_BYTES_MAX);
    gw_buf_init(&twice, ARENA_BYTES_MAX);
    write_document(&once, arena, root);
    gw_assert(gw_json_parse(arena, gw_buf_bytes(&once), TOKENS_MAX, &root, NULL) == GW_OK);
    write_document(&twice, arena, root);
    gw_assert(gw_str_equal(gw_buf_bytes(&once), gw_buf_bytes(&twice)));
    gw_buf_deinit(&once);
    gw_buf_deinit(&twice);
}

static void check_any_bytes_as_string(struct gw_arena *arena, struct gw_str bytes) {
    struct gw_buf out;
    struct gw_json_writer writer;
    struct gw_json root;
    struct gw_str text;
    gw_buf_init(&out, ARENA_BYTES_MAX);
    gw_json_writer_init(&writer, &out);
    gw_json_write_string(&writer, bytes);
    gw_assert(gw_json_writer_finish(&writer) == GW_OK);
    gw_assert(gw_json_parse(arena, gw_buf_bytes(&out), 1, &root, NULL) == GW_OK);
    gw_assert(gw_json_string(root, arena, &text) == GW_OK);
    gw_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_arena arena;
    gw_arena_init(&arena, ARENA_BYTES_MAX);
    check_document(&arena, gw_str((const char *)bytes, length));
    check_any_bytes_as_string(&arena, gw_str((const char *)bytes, length));
    gw_arena_deinit(&arena);
    return 0;
}
