// SPDX-License-Identifier: MIT
#pragma once
// What `skillreg-gateway --help` prints, made from the table of settings.

void gw_config_help_print(void);
