// SPDX-License-Identifier: MIT
#pragma once
// The registry: its addresses as --upstream writes them, its authorities, and whether each address
// behind each name can be reached, with its certificate where it speaks TLS. No request is sent.

#include "gateway/check/report.h"
#include "gateway/settings/config.h"

void gw_check_registry(const struct gw_config *config, struct gw_check_report *report);
