// SPDX-License-Identifier: MIT
#include "gateway/http/errors.h"

#include <stddef.h>

#include "base/status.h"

const struct gw_refusal gw_refusal_no_memory = {GW_ERROR_UNAVAILABLE,
                                                "The gateway is out of memory."};

const struct gw_error_row *gw_error_row(enum gw_error error) {
    enum { STAYS = false, CLOSES = true };
    static const struct gw_error_row rows[] = {
#define X(id, code, status, connection, challenge, retry_after, when)                              \
    [GW_ERROR_##id] = {code, status, connection, challenge, retry_after},
        GW_ERRORS(X)
#undef X
    };
    gw_assert(error > GW_ERROR_NONE && error < GW_ERROR_COUNT);
    return &rows[error];
}
