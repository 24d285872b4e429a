// SPDX-License-Identifier: MIT
#pragma once
// token list, token show: what tokens there are, of one organisation or of all. A list is written
// row by row, so it may be longer than memory.

#include "gateway/operator/options.h"
#include "gateway/operator/outcome.h"

enum gw_operator_exit gw_operator_token_list(const struct gw_operator_options *options);
enum gw_operator_exit gw_operator_token_show(const struct gw_operator_options *options);
