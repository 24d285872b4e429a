// SPDX-License-Identifier: MIT
#include "cli/scan_stream.h"

#include <stdio.h>
#include <string.h>

#define FIRST_BYTES "sr_" // what the prefixes of our own tokens begin with

void cli_scan_stream_init(struct cli_scan_stream *stream,
                          void (*on_found)(struct cli_scan_stream *stream, struct gw_str secret),
                          bool is_history) {
    stream->on_found = on_found;
    stream->line = 1;
    stream->is_history = is_history;
    stream->commit[0] = '\0';
    stream->path[0] = '\0';
    stream->head_length = 0;
    stream->kept = 0;
}

char *cli_scan_stream_room(struct cli_scan_stream *stream) {
    return stream->bytes + stream->kept;
}

// ---- where we are ----

static void keep(char out[CLI_SCAN_HEAD_BYTES_MAX], struct gw_str text) {
    (void)snprintf(out, CLI_SCAN_HEAD_BYTES_MAX, "%.*s", GW_STR_ARG(text));
}

// Behind the last " b/" of "a/<path> b/<path>"; nothing of names that git puts in quotes.
static struct gw_str find_path(struct gw_str names) {
    static const struct gw_str lead = GW_STR_INIT(" b/");
    size_t at = names.length;
    while (at > 0 && !gw_str_starts_with(gw_str_slice(names, at, names.length), lead))
        at--;
    return gw_str_slice(names, at > 0 ? at + lead.length : names.length, names.length);
}

static void end_line(struct cli_scan_stream *stream) {
    static const struct gw_str commit = GW_STR_INIT("commit ");
    static const struct gw_str file = GW_STR_INIT("diff --git ");
    struct gw_str head = gw_str(stream->head, stream->head_length);
    if (gw_str_starts_with(head, commit)) {
        keep(stream->commit, gw_str_slice(head, commit.length, head.length));
        stream->path[0] = '\0';
    } else if (gw_str_starts_with(head, file)) {
        keep(stream->path, find_path(head));
    }
    stream->head_length = 0;
}

static void add_to_head(struct cli_scan_stream *stream, struct gw_str part) {
    size_t room = sizeof(stream->head) - stream->head_length;
    size_t length = part.length < room ? part.length : room;
    memcpy(stream->head + stream->head_length, part.at, length);
    stream->head_length += length;
}

// Goes over bytes in which nothing was found.
static void pass(struct cli_scan_stream *stream, struct gw_str bytes) {
    size_t end;
    while ((end = gw_str_find(bytes, '\n')) < bytes.length) {
        if (stream->is_history) {
            add_to_head(stream, gw_str_slice(bytes, 0, end));
            end_line(stream);
        }
        stream->line++;
        bytes = gw_str_slice(bytes, end + 1, bytes.length);
    }
    if (stream->is_history)
        add_to_head(stream, bytes);
}

// ---- what there is ----

static size_t find_first_bytes(struct gw_str bytes) {
    const char *at = memmem(bytes.at, bytes.length, FIRST_BYTES, strlen(FIRST_BYTES));
    return at != NULL ? (size_t)(at - bytes.at) : bytes.length;
}

// Tells of every token that is whole in the bytes. Returns where the rest begins, of which a token
// could still come.
static size_t look(struct cli_scan_stream *stream, struct gw_str bytes) {
    size_t passed = 0;
    size_t at = 0;
    while (bytes.length - at >= CLI_SCAN_TOKEN_LENGTH) {
        at += find_first_bytes(gw_str_slice(bytes, at, bytes.length));
        struct gw_str secret = gw_str_slice(bytes, at, at + CLI_SCAN_TOKEN_LENGTH);
        if (secret.length < CLI_SCAN_TOKEN_LENGTH)
            break;
        if (gw_token_syntax_checksum_ok(secret)) {
            pass(stream, gw_str_slice(bytes, passed, at));
            passed = at;
            stream->on_found(stream, secret);
        }
        at++;
    }
    size_t rest =
        bytes.length < CLI_SCAN_TOKEN_LENGTH ? 0 : bytes.length - CLI_SCAN_TOKEN_LENGTH + 1;
    pass(stream, gw_str_slice(bytes, passed, rest));
    return rest;
}

void cli_scan_stream_feed(struct cli_scan_stream *stream, size_t length) {
    gw_assert(length <= CLI_SCAN_CHUNK_BYTES);
    struct gw_str bytes = gw_str(stream->bytes, stream->kept + length);
    size_t rest = look(stream, bytes);
    stream->kept = bytes.length - rest;
    memmove(stream->bytes, stream->bytes + rest, stream->kept);
}

void cli_scan_stream_finish(struct cli_scan_stream *stream) {
    gw_bytes_wipe(stream->bytes, sizeof(stream->bytes));
    stream->kept = 0;
}
