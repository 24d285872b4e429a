// SPDX-License-Identifier: MIT
#pragma once
// The admin port: /healthz and /livez (the process lives), /startupz (it could decide once),
// /readyz (it listens and can decide, or another worker does, and it does not drain), /metrics
// (Prometheus text). No token is looked at: operators alone should reach it.

struct gw_exchange;

void gw_admin_start(struct gw_exchange *exchange);
