// SPDX-License-Identifier: MIT
#include "cli/ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/terminal.h"
#include "cli/text.h"

#define QUESTION_BYTES_MAX 1024
#define LINE_BYTES_MAX 64

static void show(const char *question) {
    struct gw_buf clean;
    gw_buf_init(&clean, 4 * (size_t)QUESTION_BYTES_MAX);
    if (cli_text_append_clean(&clean, gw_str_from(question), cli_terminal_is_utf8(stderr)) == GW_OK)
        (void)fprintf(stderr, "%.*s [y/N] ", GW_STR_ARG(gw_buf_bytes(&clean)));
    (void)fflush(stderr);
    gw_buf_deinit(&clean);
}

// A line that is longer than any yes is none: what is left of it asks nothing else.
static enum cli_ask_answer read_answer(void) {
    char line[LINE_BYTES_MAX];
    if (fgets(line, sizeof(line), stdin) == NULL) {
        (void)fputc('\n', stderr);
        return CLI_ASK_NO;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0 ? CLI_ASK_YES : CLI_ASK_NO;
}

bool cli_ask_can(void) {
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

enum cli_ask_answer cli_ask(const char *format, ...) {
    char question[QUESTION_BYTES_MAX];
    if (!cli_ask_can())
        return CLI_ASK_NOBODY;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(question, sizeof(question), format, arguments);
    va_end(arguments);
    show(question);
    return read_answer();
}
