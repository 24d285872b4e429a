// SPDX-License-Identifier: MIT
#include "cli/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/text.h"

#define BYTES_MAX (256 * 1024 * 1024)
#define BYTES_FIRST 8192 // more than a new token takes: no outgrown block keeps a copy of it

void cli_output_init_for(struct cli_output *output, FILE *stream) {
    bool utf8 = cli_terminal_is_utf8(stream);
    char *reserved;
    *output = (struct cli_output){.stream = stream,
                                  .utf8 = utf8,
                                  .columns = cli_terminal_columns(stream),
                                  .symbols = cli_terminal_symbols(utf8)};
    gw_buf_init(&output->bytes, BYTES_MAX);
    output->status = gw_buf_reserve(&output->bytes, BYTES_FIRST, &reserved);
}

void cli_output_init(struct cli_output *output) {
    cli_output_init_for(output, stdout);
}

void cli_output_deinit(struct cli_output *output) {
    gw_buf_deinit_wiped(&output->bytes);
}

void cli_output_put(struct cli_output *output, const char *text) {
    cli_output_put_str(output, gw_str_from(text));
}

void cli_output_put_str(struct cli_output *output, struct gw_str text) {
    if (output->status == GW_OK)
        output->status = gw_buf_append_str(&output->bytes, text);
}

void cli_output_put_clean(struct cli_output *output, struct gw_str text) {
    if (output->status == GW_OK)
        output->status = cli_text_append_clean(&output->bytes, text, output->utf8);
}

void cli_output_put_json(struct cli_output *output, struct gw_str json) {
    if (output->status == GW_OK)
        output->status = cli_text_append_json(&output->bytes, json, output->utf8);
}

static enum cli_exit write_all(FILE *stream, struct gw_str text, struct cli_reason *why) {
    while (text.length > 0) {
        ssize_t written = write(fileno(stream), text.at, text.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EPIPE) {
            why->text[0] = '\0';
            return CLI_FAILED;
        }
        if (written < 0)
            return cli_fail(why, CLI_FAILED, "cannot write to standard %s: %s",
                            stream == stdout ? "output" : "error", strerror(errno));
        text = gw_str_slice(text, (size_t)written, text.length);
    }
    return CLI_DONE;
}

enum cli_exit cli_output_send(struct cli_output *output, struct cli_reason *why) {
    enum cli_exit exit = output->status == GW_OK
                             ? write_all(output->stream, gw_buf_bytes(&output->bytes), why)
                             : cli_fail_status(why, output->status);
    cli_output_deinit(output);
    return exit;
}
