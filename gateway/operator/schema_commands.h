// SPDX-License-Identifier: MIT
#pragma once
// migrate and grants: the schema, and who may serve with it.

#include "gateway/operator/options.h"
#include "gateway/operator/outcome.h"

enum gw_operator_exit gw_operator_migrate(const struct gw_operator_options *options);
// Needs no database.
enum gw_operator_exit gw_operator_grants(const struct gw_operator_options *options);
