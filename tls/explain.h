// SPDX-License-Identifier: MIT
#pragma once
// Texts of errors about files, for an operator.

#include "base/status.h"

#define TLS_ERROR_TEXT_BYTES 256

// "<file>: <what>", with the library's words for a `code` below 0. Returns GW_INVALID.
enum gw_status tls_explain(char *error, const char *file, const char *what, int code);
