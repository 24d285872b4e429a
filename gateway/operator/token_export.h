// SPDX-License-Identifier: MIT
#pragma once
// token export: the live tokens, as the file that token import --file takes. No secret, for none is
// stored; their digests if they are asked for. Row by row, so it may be longer than memory.

#include "gateway/operator/options.h"
#include "gateway/operator/outcome.h"

enum gw_operator_exit gw_operator_token_export(const struct gw_operator_options *options);
