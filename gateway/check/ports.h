// SPDX-License-Identifier: MIT
#pragma once
// The addresses to listen on: whether a start could take each. One that a gateway holds which runs
// is in order.

#include "gateway/check/report.h"
#include "gateway/settings/config.h"

void gw_check_ports(const struct gw_config *config, struct gw_check_report *report);
