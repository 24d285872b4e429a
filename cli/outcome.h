// SPDX-License-Identifier: MIT
#pragma once
// How a run of the command line ends: an exit code, and for every code except 0 one sentence on
// stderr.
//
// A function that can fail returns enum cli_exit and, when that is not CLI_DONE, has filled the
// trailing struct cli_reason through cli_fail. Only main prints an error: once, on stderr, where it
// is the last line; as a sentence, or with --json as an object. Standard output is the result's
// alone. A command that succeeded with something to add says it through cli_note. Text of a peer or
// of the user may be put into a reason as it came: what looks like a token is left out of it, and
// printing makes the rest harmless.

#include <stdio.h>

#include "base/str.h"

// X(id, number, name, meaning)
//
// Scripts rely on the numbers: a row may be added, none changes. The same rows stand in
// docs/command-line.md, which a test compares.
//
// name           the error's code in JSON where the gateway sent none; NULL: not an error
// clang-format off
#define CLI_EXITS(X)                                                                               \
    X(DONE, 0, NULL, "done")                                                                       \
    X(FAILED, 1, "failed", "refused by the gateway or failed here, for another reason")            \
    X(USAGE, 2, "usage", "the command line or a setting is wrong; nothing was changed")            \
    X(UNREACHABLE, 3, "unreachable", "no whole answer came: no connection, no TLS, out of time")   \
    X(UNCONFIRMED, 4, "unconfirmed", "done, but with --wait not confirmed by every gateway")       \
    X(UNAUTHENTICATED, 5, "unauthenticated", "the token was refused (401)")                        \
    X(FORBIDDEN, 6, "forbidden", "the token may not do this (403)")                                \
    X(NOT_FOUND, 7, "not_found", "there is no such token or organisation (404)")                   \
    X(CONFLICT, 8, "conflict", "the state of the token forbids it (409)")                          \
    X(UNAVAILABLE, 9, "unavailable", "the gateway cannot answer now (429, 502 to 504): try later") \
    X(FOUND, 10, NULL, "with --exit-code: the list is not empty")
// clang-format on

enum cli_exit {
#define X(id, number, ...) CLI_##id = (number),
    CLI_EXITS(X)
#undef X
};

#define CLI_REASON_BYTES_MAX 1024
#define CLI_REASON_CODE_BYTES_MAX 65
#define CLI_REASON_REQUEST_BYTES_MAX 128

struct cli_reason {
    char text[CLI_REASON_BYTES_MAX];               // terminated, as the others; may be empty
    char code[CLI_REASON_CODE_BYTES_MAX];          // empty: the name of the exit code
    char request_id[CLI_REASON_REQUEST_BYTES_MAX]; // empty: none
    long status;                                   // of the gateway's answer; 0: none came
    int command_status; // what to end with instead of the exit code, of `exec`; 0: that code
};

// The name of an exit code other than CLI_DONE.
const char *cli_exit_name(enum cli_exit exit);

// Fills *why (cut to fit), without an answer, and returns `code`. Never given a secret.
enum cli_exit cli_fail(struct cli_reason *why, enum cli_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// For failures that are not worth a sentence of their own: "out of memory" and its kin, CLI_FAILED.
enum cli_exit cli_fail_status(struct cli_reason *why, enum gw_status status);
// Another sentence for the same error: its code, status and request stay.
void cli_reason_reword(struct cli_reason *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// After cli_fail: a code of its own for a program to know the error by, cut to fit.
void cli_reason_set_code(struct cli_reason *why, struct gw_str code);
// After cli_fail: the answer that it is about. `code` is the gateway's; empty where it sent none.
void cli_reason_set_answer(struct cli_reason *why, long status, struct gw_str code,
                           const char *request_id);
// What else is known, behind the sentence.
void cli_reason_add(struct cli_reason *why, const char *text);
// "skillreg: <text>" and a line end, control characters replaced; nothing when the text is empty.
void cli_reason_print(const struct cli_reason *why, FILE *stream);
// The same as one line of JSON, {"error":{"code","message","status","requestId","exitCode"}}; what
// is not known is null.
void cli_reason_print_json(const struct cli_reason *why, enum cli_exit exit, FILE *stream);
// "skillreg: note: <text>" on stderr, made harmless in the same way.
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The same with a warning sign in front: something that needs doing before long.
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
