// SPDX-License-Identifier: MIT
#pragma once
// org: the organisations.

#include "gateway/operator/options.h"
#include "gateway/operator/outcome.h"

enum gw_operator_exit gw_operator_org_create(const struct gw_operator_options *options);
enum gw_operator_exit gw_operator_org_list(const struct gw_operator_options *options);
enum gw_operator_exit gw_operator_org_show(const struct gw_operator_options *options);
enum gw_operator_exit gw_operator_org_rename(const struct gw_operator_options *options);
// Asks on a terminal; elsewhere it has to be agreed to beforehand.
enum gw_operator_exit gw_operator_org_delete(const struct gw_operator_options *options);
enum gw_operator_exit gw_operator_org_restore(const struct gw_operator_options *options);
