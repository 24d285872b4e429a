// SPDX-License-Identifier: MIT
#pragma once
// One line of standard input that must not be seen. On a terminal: a prompt on stderr, and no echo
// while the line is typed; a signal that ends the program restores the terminal first. Elsewhere (a
// pipe, a file): just the line.
//
// The signals are blocked in the calling thread, so the program must have no other thread yet.

#include <stddef.h>

#include "base/status.h"

// Reads up to the line end or the end of the input, without either. `out` is not terminated; the
// caller wipes it. GW_NOT_FOUND: an empty line or the end of the input. GW_TOO_BIG: more than
// `out_max` bytes. GW_CANCELLED: one of the signals came and the program ignores it. GW_SYSTEM:
// *failed says what could not be done, errno why.
enum gw_status gw_secret_input_read(const char *prompt, char *out, size_t out_max, size_t *length,
                                    const char **failed) GW_MUST_USE;
