// SPDX-License-Identifier: MIT
#pragma once
// Whether the file of --leaks-gitlab-secret-file can be used.

#include "gateway/check/report.h"
#include "gateway/settings/config.h"

void gw_check_leak_secret(const struct gw_config *config, struct gw_check_report *report);
