// SPDX-License-Identifier: MIT
#pragma once
// token revoke: by its id, which is unique across organisations, for good.

#include "gateway/operator/options.h"
#include "gateway/operator/outcome.h"

enum gw_operator_exit gw_operator_token_revoke(const struct gw_operator_options *options);
