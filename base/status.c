// SPDX-License-Identifier: MIT
#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

const char *gw_status_text(enum gw_status status) {
    static const char *const texts[] = {
#define X(name, text) [GW_##name] = (text),
        GW_STATUS_MAP(X)
#undef X
    };
    size_t index = (size_t)status;
    if (index >= sizeof(texts) / sizeof(texts[0]))
        return "unknown status";
    return texts[index];
}

_Noreturn void gw_assert_failed(const char *condition, const char *file, int line) {
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
