// SPDX-License-Identifier: MIT
#pragma once
// Bodies of application/x-www-form-urlencoded: one parameter of a form. Pure.

#include "base/status.h"
#include "base/str.h"

// In place, as the plain text is never longer; '+' is a space. GW_INVALID: an invalid escape, or
// one of NUL.
enum gw_status gw_form_unescape(char *text, size_t length, struct gw_str *plain) GW_MUST_USE;

// The value of the parameter `name`, unescaped in place (names may have escapes):
// the call uses the form up, and *value is a slice of it. GW_NOT_FOUND; GW_CONFLICT: there are
// several; GW_INVALID as above.
enum gw_status gw_form_take(char *form, size_t length, struct gw_str name,
                            struct gw_str *value) GW_MUST_USE;
