// SPDX-License-Identifier: MIT
#pragma once
// token import --file: the tokens of a file become tokens here, a thousand in each transaction.
// What stands wrong in a row is reported and the others are taken. A token that is there already
// with the same data counts as such, so a file whose import was interrupted can be given again.

#include "gateway/operator/options.h"
#include "gateway/operator/outcome.h"

enum gw_operator_exit gw_operator_token_import_file(const struct gw_operator_options *options);
