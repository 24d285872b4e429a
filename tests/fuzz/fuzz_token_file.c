// SPDX-License-Identifier: MIT
// Any bytes as a file of tokens. What must hold beyond memory safety:
// - the rows do not depend on where the pieces end in which the file comes;
// - lines never fall, and what is told of a row is one line that is valid UTF-8;
// - a row that is taken holds what the database takes: a slug, a name, a prefix.

#include "base/utf8.h"
#include "gateway/bulk/reader.h"
#include "gateway/bulk/token.h"
#include "token/slug.h"
#include "token/syntax.h"

#define ARENA_BYTES_MAX ((size_t)1024 * 1024)
#define NOW_MS 1780272000000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct gw_bulk_reader reader;
static struct gw_arena arena;

// What one reading of the file has told.
struct seen {
    struct gw_bulk_sink sink;
    uint64_t line;
    uint64_t rows;
    uint64_t characters; // of all fields, each with its place
};

static struct seen *seen_of(struct gw_bulk_sink *sink) {
    return gw_container_of(sink, struct seen, sink);
}

static void see_line(struct seen *seen, uint64_t line) {
    gw_assert(line >= seen->line);
    seen->line = line;
    seen->rows++;
}

static void check_token(const struct gw_bulk_fields *fields) {
    const struct gw_bulk_rules rules = {.now_ms = NOW_MS};
    struct gw_bulk_token token;
    const char *why = "";
    gw_arena_reset(&arena);
    if (gw_bulk_token_read(fields, &rules, &arena, &token, &why)) {
        gw_assert(gw_org_slug_valid(token.org));
        gw_assert(gw_utf8_valid(token.name) && token.name.length > 0);
        gw_assert(token.prefix.length == GW_TOKEN_PREFIX_LENGTH);
        gw_assert(token.scopes >= 1 && token.scopes <= 7);
    } else {
        gw_assert(*why != '\0' && gw_utf8_valid(gw_str_from(why)));
    }
}

static void on_row(struct gw_bulk_sink *sink, const struct gw_bulk_fields *fields) {
    struct seen *seen = seen_of(sink);
    see_line(seen, fields->line);
    for (int i = 0; i < GW_BULK_FIELD_COUNT; i++) {
        for (size_t at = 0; at < fields->text[i].length; at++)
            seen->characters = seen->characters * 31 + (unsigned char)fields->text[i].at[at];
    }
    check_token(fields);
}

static void on_fault(struct gw_bulk_sink *sink, uint64_t line, const char *why) {
    see_line(seen_of(sink), line);
    struct gw_str text = gw_str_from(why);
    gw_assert(text.length > 0 && gw_utf8_valid(text));
}

static enum gw_status read_file(struct gw_str file, size_t piece, struct seen *seen) {
    *seen = (struct seen){.sink = {on_row, on_fault, on_fault}};
    if (gw_bulk_reader_init(&reader, GW_BULK_BY_CONTENT, &seen->sink) != GW_OK)
        return GW_NO_MEMORY;
    enum gw_status status = GW_OK;
    while (file.length > 0 && status == GW_OK) {
        status = gw_bulk_reader_feed(&reader, gw_str_slice(file, 0, piece));
        file = gw_str_slice(file, piece, file.length);
    }
    if (status == GW_OK)
        status = gw_bulk_reader_finish(&reader);
    gw_bulk_reader_deinit(&reader);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct seen whole;
    struct seen pieces;
    if (length == 0)
        return 0;
    size_t piece = (size_t)(bytes[0] % 16) + 1;
    struct gw_str file = gw_str((const char *)bytes + 1, length - 1);
    gw_arena_init(&arena, ARENA_BYTES_MAX);
    enum gw_status status = read_file(file, file.length + 1, &whole);
    gw_assert(read_file(file, piece, &pieces) == status);
    gw_assert(whole.rows == pieces.rows && whole.characters == pieces.characters);
    gw_arena_deinit(&arena);
    return 0;
}
