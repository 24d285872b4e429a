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

static bool (*make_way_for_last_words)(void);

void gw_assert_set_last_words(bool (*make_way)(void)) {
    make_way_for_last_words = make_way;
}

_Noreturn void gw_assert_failed(const char *condition, const char *file, int line) {
    if (make_way_for_last_words == NULL || make_way_for_last_words())
        (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
