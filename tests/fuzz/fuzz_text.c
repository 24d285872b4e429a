// SPDX-License-Identifier: MIT
// Any bytes as the small texts that peers send: characters, times, tokens, and on their way to a
// log line or a terminal. What must hold beyond memory safety:
// - text is valid exactly if no character of it had to be replaced;
// - what is quoted for the log, or cleaned for a terminal, is valid, without a control character,
// and ends where it should;
// - a field of a line of the log in JSON is one member, and the line one object;
// - a token in a path is masked;
// - a time that is read and written is read as the same time;
// - a token that is accepted is a legal value of a header.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/text.h"
#include "token/mask.h"
#include "token/syntax.h"

#define CUT_COLUMNS 10
#define CLEAN_BYTES_MAX ((size_t)1024 * 1024)
#define JSON_TOKENS_MAX 1024
#define LINE_ARENA_BYTES_MAX ((size_t)64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_characters(struct gw_str text) {
    struct gw_str rest = text;
    struct gw_str before = text;
    uint32_t code_point;
    bool is_replaced = false;
    while (gw_utf8_next(&rest, &code_point)) {
        char encoded[4];
        size_t taken = before.length - rest.length;
        size_t written = gw_utf8_encode(code_point, encoded);
        if (written != taken || memcmp(encoded, before.at, taken) != 0) {
            gw_assert(code_point == 0xfffd && taken == 1);
            is_replaced = true;
        }
        before = rest;
    }
    gw_assert(gw_utf8_valid(text) == !is_replaced);
}

static void assert_harmless(struct gw_str text) {
    gw_assert(gw_utf8_valid(text));
    gw_assert(!gw_utf8_has_control(text));
}

// One quoted value: a quote within it has a backslash before it.
static void check_log(struct gw_str text) {
    struct gw_log_quote quote;
    struct gw_str quoted = gw_str_from(gw_log_quoted(&quote, text));
    gw_assert(quoted.length >= 2 && quoted.length < sizeof(quote.text));
    gw_assert(quoted.at[0] == '"' && quoted.at[quoted.length - 1] == '"');
    struct gw_str inside = gw_str_slice(quoted, 1, quoted.length - 1);
    assert_harmless(inside);
    for (size_t i = 0; i < inside.length; i++) {
        gw_assert(inside.at[i] != '"');
        if (inside.at[i] == '\\')
            gw_assert(++i < inside.length);
    }
}

// A field of a line, in JSON: the line is JSON, and one.
static void check_log_json(struct gw_str text) {
    static struct gw_log_line line;
    struct gw_arena arena;
    struct gw_json root;
    gw_arena_init(&arena, LINE_ARENA_BYTES_MAX);
    gw_log_line_begin(&line, GW_LOG_JSON, GW_LOG_INFO, "x", 0);
    gw_log_line_put_text(&line, GW_STR("text"), text);
    gw_log_line_put_text(&line, GW_STR("again"), text);
    struct gw_str whole = gw_log_line_end(&line);
    gw_assert(memchr(whole.at, '\n', whole.length) == whole.at + whole.length - 1);
    struct gw_str document = gw_str_slice(whole, 0, whole.length - 1);
    gw_assert(gw_json_parse(&arena, document, 16, &root, NULL) == GW_OK);
    gw_assert(gw_json_count(root) == 5);
    gw_arena_deinit(&arena);
}

// Nothing of a token is left, as it stands or as it is read.
static void check_token_mask(struct gw_str text) {
    static const char prefix[] = "sr_live_";
    char out[512];
    size_t length = gw_token_mask(text, out, sizeof(out) - 1);
    gw_assert(length < sizeof(out));
    out[length] = '\0';
    for (const char *at = out; (at = strstr(at, prefix)) != NULL; at++) {
        char next = at[sizeof(prefix) - 1];
        gw_assert(!gw_ascii_is_alphanumeric(next) && next != '_' && next != '-');
    }
}

static void check_terminal(struct gw_str text, bool utf8) {
    struct gw_buf out;
    gw_buf_init(&out, CLEAN_BYTES_MAX);
    if (cli_text_append_clean(&out, text, utf8) == GW_OK) {
        struct gw_str clean = gw_buf_bytes(&out);
        assert_harmless(clean);
        gw_assert(cli_text_columns(clean, utf8) == cli_text_columns(text, utf8));
    }
    gw_buf_clear(&out);
    if (cli_text_append_cut(&out, text, utf8, CUT_COLUMNS) == GW_OK) {
        struct gw_str cut = gw_buf_bytes(&out);
        assert_harmless(cut);
        gw_assert(cli_text_columns(cut, utf8) <= CUT_COLUMNS);
    }
    gw_buf_deinit(&out);
}

// Still the same document to a reader, and harmless to a terminal.
static void check_json(struct gw_str text, bool utf8) {
    struct gw_arena arena;
    struct gw_json root;
    struct gw_json same;
    struct gw_buf out;
    gw_arena_init(&arena, CLEAN_BYTES_MAX);
    gw_buf_init(&out, CLEAN_BYTES_MAX);
    if (gw_json_parse(&arena, text, JSON_TOKENS_MAX, &root, NULL) == GW_OK &&
        cli_text_append_json(&out, text, utf8) == GW_OK) {
        struct gw_str clean = gw_buf_bytes(&out);
        for (size_t i = 0; i < clean.length; i++)
            gw_assert(clean.at[i] != '\r' && clean.at[i] != 0x7F && (utf8 || clean.at[i] >= 0));
        uint32_t code_point;
        for (struct gw_str rest = clean; gw_utf8_next(&rest, &code_point);)
            gw_assert(code_point < 0x80 || !gw_utf8_is_control(code_point));
        enum gw_status status = gw_json_parse(&arena, clean, JSON_TOKENS_MAX, &same, NULL);
        gw_assert(status == GW_OK || status == GW_NO_MEMORY);
        gw_assert(status != GW_OK || gw_json_type(same) == gw_json_type(root));
    }
    gw_buf_deinit(&out);
    gw_arena_deinit(&arena);
}

static void check_mask(struct gw_str text) {
    static char masked[4096];
    if (text.length > sizeof(masked))
        return;
    if (text.length > 0)
        memcpy(masked, text.at, text.length);
    gw_utf8_mask_controls(masked, text.length);
    assert_harmless(gw_str(masked, text.length));
}

static void check_time(struct gw_str text) {
    char iso[GW_CLOCK_ISO_LENGTH];
    int64_t wall_ms;
    int64_t same_ms;
    uint64_t duration_ms;
    if (gw_clock_parse_iso(text, &wall_ms) == GW_OK) {
        gw_clock_format_iso(wall_ms, iso);
        enum gw_status status = gw_clock_parse_iso(gw_str(iso, sizeof(iso)), &same_ms);
        // An offset may lead out of the years that can be written.
        gw_assert(status == GW_OK);
        gw_assert(same_ms == wall_ms || memcmp(iso, "0000", 4) == 0 || memcmp(iso, "9999", 4) == 0);
    }
    if (gw_clock_parse_duration(text, &duration_ms) == GW_OK)
        gw_assert(duration_ms > 0);
}

static void check_token(struct gw_str text) {
    enum gw_token_kind kind;
    if (gw_token_syntax_parse(text, &kind) != GW_OK)
        return;
    gw_assert(text.length <= GW_TOKEN_LENGTH_MAX);
    gw_assert(gw_str_starts_with(text, gw_token_syntax_prefix(kind)));
    for (size_t i = 0; i < text.length; i++)
        gw_assert(text.at[i] > ' ' && text.at[i] < 0x7f);
    (void)gw_token_syntax_checksum_ok(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_str text = gw_str((const char *)bytes, length);
    check_characters(text);
    check_log(text);
    check_log_json(text);
    check_token_mask(text);
    check_terminal(text, true);
    check_terminal(text, false);
    check_json(text, true);
    check_json(text, false);
    check_mask(text);
    check_time(text);
    check_token(text);
    return 0;
}
