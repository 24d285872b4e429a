// SPDX-License-Identifier: MIT
#pragma once
// The files of --registry-credential: whether each holds a secret that can be used, for one
// organisation, and who else may read it.

#include "gateway/check/report.h"
#include "gateway/settings/config.h"

void gw_check_registry_credentials(const struct gw_config *config, struct gw_check_report *report);
