// SPDX-License-Identifier: MIT
#pragma once
// skillreg-gateway(8), made from the table of settings and the help of the commands.
// `skillreg-gateway __man` prints it, for the build.

#include "base/buf.h"

enum gw_status gw_operator_man_page_write(struct gw_buf *out) GW_MUST_USE;
