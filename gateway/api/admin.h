// SPDX-License-Identifier: MIT
#pragma once
// The admin port: /healthz (the process lives), /readyz (the database answers and the process is
// not draining), /metrics (Prometheus text). No token is looked at: operators alone should reach
// it.

struct gw_exchange;

void gw_admin_start(struct gw_exchange *exchange);
