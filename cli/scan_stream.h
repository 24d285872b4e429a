// SPDX-License-Identifier: MIT
#pragma once
// Tokens of ours in bytes that come in pieces, binary ones too: a prefix, 48 characters and the
// checksum in them (token/syntax.h), wherever they stand. Imported tokens have no checksum and are
// not found.
//
// Of `git log -p` it is known in which commit and file a line is: such a log begins a commit with
// "commit <id>" and a file with "diff --git a/<path> b/<path>" at the beginning of a line, where
// nothing that was committed can stand. Memory is bounded, whatever comes.

#include <stdbool.h>

#include "base/str.h"
#include "token/syntax.h"

#define CLI_SCAN_TOKEN_LENGTH (8 + GW_TOKEN_BODY_OWN)
#define CLI_SCAN_HEAD_BYTES_MAX 512
#define CLI_SCAN_CHUNK_BYTES ((size_t)64 * 1024)

struct cli_scan_stream {
    void (*on_found)(struct cli_scan_stream *stream, struct gw_str secret);
    size_t line;                          // of the token that is told of, from 1
    bool is_history;                      // the next three are kept
    char commit[CLI_SCAN_HEAD_BYTES_MAX]; // terminated; empty: none yet
    char path[CLI_SCAN_HEAD_BYTES_MAX];
    char head[CLI_SCAN_HEAD_BYTES_MAX]; // of the line that has begun
    size_t head_length;
    size_t kept; // of `bytes`
    char bytes[CLI_SCAN_CHUNK_BYTES + CLI_SCAN_TOKEN_LENGTH];
};

// `on_found` is called for each token, in order, inside feed and finish; the secret is the
// stream's, until it returns.
void cli_scan_stream_init(struct cli_scan_stream *stream,
                          void (*on_found)(struct cli_scan_stream *stream, struct gw_str secret),
                          bool is_history);
// Where the next bytes may be put, at most CLI_SCAN_CHUNK_BYTES of them.
char *cli_scan_stream_room(struct cli_scan_stream *stream);
void cli_scan_stream_feed(struct cli_scan_stream *stream, size_t length);
// The end of the bytes. Wipes them.
void cli_scan_stream_finish(struct cli_scan_stream *stream);
