// SPDX-License-Identifier: MIT
#include "cli/older.h"

#include <stdio.h>
#include <string.h>

void cli_older_add(struct cli_older *older, const struct cli_options *options, enum cli_flag flag) {
    size_t length = strlen(older->flags);
    if (cli_options_has(options, flag))
        (void)snprintf(older->flags + length, sizeof(older->flags) - length, "%s--%s",
                       length > 0 ? ", " : "", cli_flag_row(flag)->name);
}

enum cli_exit cli_older_fail(const struct cli_older *older, const char *what,
                             struct cli_reason *why) {
    return cli_fail(why, CLI_FAILED, "this gateway is older and cannot %s, leave out %s", what,
                    older->flags);
}
