// SPDX-License-Identifier: MIT
#pragma once
// Bodies of application/x-www-form-urlencoded: the parameters of a form that a handler knows. Pure.

#include "base/status.h"
#include "base/str.h"

// In place, as the plain text is never longer; '+' is a space. GW_INVALID: an invalid escape, or
// one of NUL.
enum gw_status gw_form_unescape(char *text, size_t length, struct gw_str *plain) GW_MUST_USE;

struct gw_form_parameter {
    struct gw_str name;
    struct gw_str value; // a slice of the form, unescaped; .at NULL: it is not there
};

// Finds `count` parameters, in any order, and sets their values. Names may have escapes. The call
// uses the form up. Others are passed over (RFC 6749 section 3.2). GW_CONFLICT: one of them is
// there more than once; GW_INVALID as above.
enum gw_status gw_form_read(char *form, size_t length, struct gw_form_parameter *wanted,
                            int count) GW_MUST_USE;
