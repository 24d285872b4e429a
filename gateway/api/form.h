// SPDX-License-Identifier: MIT
#pragma once
// Bodies of application/x-www-form-urlencoded: one parameter of a form. Pure.

#include "base/status.h"
#include "base/str.h"

// The value of the parameter `name`, unescaped in place ('+' is a space; names may have escapes):
// the call uses the form up, and *value is a slice of it. GW_NOT_FOUND; GW_CONFLICT: there are
// several; GW_INVALID: an invalid escape, or one of NUL.
enum gw_status gw_form_take(char *form, size_t length, struct gw_str name,
                            struct gw_str *value) GW_MUST_USE;
