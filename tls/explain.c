// SPDX-License-Identifier: MIT
#include "tls/explain.h"

#include <mbedtls/error.h>
#include <stdio.h>

enum gw_status tls_explain(char *error, const char *file, const char *what, int code) {
    char reason[TLS_ERROR_TEXT_BYTES / 2] = "";
    if (code < 0)
        mbedtls_strerror(code, reason, sizeof(reason));
    (void)snprintf(error, TLS_ERROR_TEXT_BYTES, code < 0 ? "%.100s: %s (%s)" : "%.100s: %s", file,
                   what, reason);
    return GW_INVALID;
}
