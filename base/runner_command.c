// SPDX-License-Identifier: MIT
#include "base/runner_command.h"

#include "base/ascii.h"
#include "base/unicode.h"
#include "base/utf8.h"

bool gw_runner_command_begins_line(struct gw_str text) {
    struct gw_str rest = text;
    uint32_t code_point;
    while (gw_utf8_next(&rest, &code_point) && gw_unicode_is_blank(code_point))
        text = rest;
    return gw_str_starts_with(text, GW_STR("::"));
}

bool gw_runner_command_goes_on(struct gw_str rest) {
    if (rest.length == 0 || rest.at[0] != '#')
        return false;
    size_t at = 1;
    while (at < rest.length && gw_ascii_is_alphanumeric(rest.at[at]))
        at++;
    return at < rest.length && rest.at[at] == '[';
}
