// SPDX-License-Identifier: MIT
#include "cli/outcome.h"

#include <stdarg.h>

#include "base/buf.h"
#include "cli/terminal.h"
#include "cli/text.h"

#define LEAD_BYTES_MAX 8

enum cli_exit cli_fail(struct cli_reason *why, enum cli_exit code, const char *format, ...) {
    gw_assert(code != CLI_DONE);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, arguments);
    va_end(arguments);
    return code;
}

enum cli_exit cli_fail_status(struct cli_reason *why, enum gw_status status) {
    return cli_fail(why, CLI_FAILED, "%s", gw_status_text(status));
}

static void print(const char *lead, const char *text, FILE *stream) {
    struct gw_buf line;
    gw_buf_init(&line, 4 * (size_t)CLI_REASON_BYTES_MAX);
    if (cli_text_append_clean(&line, gw_str_from(text), cli_terminal_is_utf8(stream)) == GW_OK)
        (void)fprintf(stream, "%s%.*s\n", lead, GW_STR_ARG(gw_buf_bytes(&line)));
    gw_buf_deinit(&line);
}

void cli_reason_print(const struct cli_reason *why, FILE *stream) {
    if (why->text[0] != '\0')
        print("skillreg: ", why->text, stream);
}

void cli_note(const char *format, ...) {
    char text[CLI_REASON_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    print("skillreg: note: ", text, stderr);
}

void cli_warn(const char *format, ...) {
    char text[CLI_REASON_BYTES_MAX];
    char lead[LEAD_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)snprintf(lead, sizeof(lead), "%s ",
                   cli_terminal_symbols(cli_terminal_is_utf8(stderr)).warning);
    print(lead, text, stderr);
}
