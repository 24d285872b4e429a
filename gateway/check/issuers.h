// SPDX-License-Identifier: MIT
#pragma once
// The issuers of identity tokens: whether a key file holds keys, whether a bearer file can be read
// and by whom, whether the place of the keys can be reached under the authorities of the settings,
// and through which proxy.
// An issuer that is away does not keep a gateway from starting, so it is a warning. Nothing is
// fetched.

#include "gateway/check/report.h"
#include "gateway/settings/config.h"

void gw_check_issuers(const struct gw_config *config, struct gw_check_report *report);
