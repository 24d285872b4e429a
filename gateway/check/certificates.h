// SPDX-License-Identifier: MIT
#pragma once
// The files of TLS that a start reads: each pair of certificate and key (do they belong together,
// which names, from when to when), the authorities of clients, the ticket secret, and who may read
// what is secret. Nothing where no port speaks TLS.

#include "gateway/check/report.h"
#include "gateway/settings/config.h"

void gw_check_certificates(const struct gw_config *config, struct gw_check_report *report);
