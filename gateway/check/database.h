// SPDX-License-Identifier: MIT
#pragma once
// The database as a start meets it: reached with each URL, a primary, the schema that this program
// needs, a role with the rights and settings to serve. Only reads.

#include "gateway/check/report.h"
#include "gateway/settings/config.h"

void gw_check_database(const struct gw_config *config, struct gw_check_report *report);
