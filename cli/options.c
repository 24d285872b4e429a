// SPDX-License-Identifier: MIT
#include "cli/options.h"

bool cli_options_next(const struct cli_options *options, enum cli_flag flag, size_t *at,
                      const char **value) {
    while (*at < options->given_count && options->given[*at].flag != flag)
        ++*at;
    if (*at == options->given_count)
        return false;
    *value = options->given[(*at)++].value;
    return true;
}
