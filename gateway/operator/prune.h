// SPDX-License-Identifier: MIT
#pragma once
// prune: deletes old events of the audit and the rows of tokens that ended long ago.

#include "gateway/operator/options.h"
#include "gateway/operator/outcome.h"

enum gw_operator_exit gw_operator_prune(const struct gw_operator_options *options);
