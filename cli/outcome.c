// SPDX-License-Identifier: MIT
#include "cli/outcome.h"

#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "token/syntax.h"

#define LEAD_BYTES_MAX 8
#define SHOWN_BYTES_MAX (4 * (size_t)CLI_REASON_BYTES_MAX)
#define JSON_BYTES_MAX (8 * sizeof(struct cli_reason))

const char *cli_exit_name(enum cli_exit exit) {
    static const char *const names[] = {
#define X(id, number, name, ...) [CLI_##id] = (name),
        CLI_EXITS(X)
#undef X
    };
    gw_assert(exit != CLI_DONE && names[exit] != NULL);
    return names[exit];
}

// Tokens that were put where something else belongs are not repeated, whoever repeats them: an
// error goes into the log of a CI job. What stands in their place is shorter than any of them.
static void hide_tokens(char *text) {
    static const char hidden[] = "(a token?)";
    struct gw_str token;
    struct gw_str rest = gw_str_from(text);
    while (gw_token_syntax_find(rest, GW_TOKEN_PART_MIN, &token)) {
        char *at = text + (token.at - text);
        gw_assert(token.length >= strlen(hidden));
        memmove(at + strlen(hidden), at + token.length, strlen(at + token.length) + 1);
        memcpy(at, hidden, strlen(hidden));
        rest = gw_str_from(at + strlen(hidden));
    }
}

static void format_text(char text[CLI_REASON_BYTES_MAX], const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void format_text(char text[CLI_REASON_BYTES_MAX], const char *format, va_list arguments) {
    (void)vsnprintf(text, CLI_REASON_BYTES_MAX, format, arguments);
    hide_tokens(text);
}

enum cli_exit cli_fail(struct cli_reason *why, enum cli_exit code, const char *format, ...) {
    gw_assert(code != CLI_DONE);
    va_list arguments;
    va_start(arguments, format);
    why->code[0] = '\0';
    why->request_id[0] = '\0';
    why->status = 0;
    why->command_status = 0;
    format_text(why->text, format, arguments);
    va_end(arguments);
    return code;
}

enum cli_exit cli_fail_status(struct cli_reason *why, enum gw_status status) {
    return cli_fail(why, CLI_FAILED, "%s", gw_status_text(status));
}

void cli_reason_reword(struct cli_reason *why, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    format_text(why->text, format, arguments);
    va_end(arguments);
}

void cli_reason_set_code(struct cli_reason *why, struct gw_str code) {
    (void)snprintf(why->code, sizeof(why->code), "%.*s", GW_STR_ARG(code));
    hide_tokens(why->code);
}

void cli_reason_set_answer(struct cli_reason *why, long status, struct gw_str code,
                           const char *request_id) {
    gw_assert(status > 0);
    why->status = status;
    cli_reason_set_code(why, code);
    (void)snprintf(why->request_id, sizeof(why->request_id), "%s", request_id);
    hide_tokens(why->request_id);
}

void cli_reason_add(struct cli_reason *why, const char *text) {
    size_t length = strlen(why->text);
    gw_assert(length > 0);
    (void)snprintf(why->text + length, sizeof(why->text) - length, "; %s", text);
}

static void print(const char *lead, const char *text, FILE *stream) {
    struct gw_buf line;
    gw_buf_init(&line, SHOWN_BYTES_MAX);
    if (cli_text_append_clean(&line, gw_str_from(text), cli_terminal_is_utf8(stream)) == GW_OK)
        (void)fprintf(stream, "%s%.*s\n", lead, GW_STR_ARG(gw_buf_bytes(&line)));
    gw_buf_deinit(&line);
}

void cli_reason_print(const struct cli_reason *why, FILE *stream) {
    if (why->text[0] != '\0')
        print("skillreg: ", why->text, stream);
}

static void put_text_or_null(struct gw_json_writer *writer, const char *key, const char *text) {
    if (text[0] != '\0')
        gw_json_put_string(writer, key, gw_str_from(text));
    else
        gw_json_put_null(writer, key);
}

static enum gw_status write_json(const struct cli_reason *why, enum cli_exit exit,
                                 struct gw_buf *out) {
    struct gw_json_writer writer;
    gw_json_writer_init(&writer, out);
    gw_json_open_object(&writer);
    gw_json_key(&writer, "error");
    gw_json_open_object(&writer);
    gw_json_put_string(&writer, "code",
                       gw_str_from(why->code[0] != '\0' ? why->code : cli_exit_name(exit)));
    gw_json_put_string(&writer, "message", gw_str_from(why->text));
    if (why->status != 0)
        gw_json_put_integer(&writer, "status", why->status);
    else
        gw_json_put_null(&writer, "status");
    put_text_or_null(&writer, "requestId", why->request_id);
    gw_json_put_integer(&writer, "exitCode", exit);
    gw_json_close_object(&writer);
    gw_json_close_object(&writer);
    return gw_json_writer_finish(&writer);
}

void cli_reason_print_json(const struct cli_reason *why, enum cli_exit exit, FILE *stream) {
    struct gw_buf json;
    struct gw_buf shown;
    if (why->text[0] == '\0')
        return;
    gw_buf_init(&json, JSON_BYTES_MAX);
    gw_buf_init(&shown, JSON_BYTES_MAX);
    if (write_json(why, exit, &json) == GW_OK &&
        cli_text_append_json(&shown, gw_buf_bytes(&json), cli_terminal_is_utf8(stream)) == GW_OK)
        (void)fprintf(stream, "%.*s\n", GW_STR_ARG(gw_buf_bytes(&shown)));
    gw_buf_deinit(&shown);
    gw_buf_deinit(&json);
}

void cli_note(const char *format, ...) {
    char text[CLI_REASON_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    print("skillreg: note: ", text, stderr);
}

void cli_warn(const char *format, ...) {
    char text[CLI_REASON_BYTES_MAX];
    char lead[LEAD_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    (void)snprintf(lead, sizeof(lead), "%s ",
                   cli_terminal_symbols(cli_terminal_is_utf8(stderr)).warning);
    print(lead, text, stderr);
}
