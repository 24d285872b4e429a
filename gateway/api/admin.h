// SPDX-License-Identifier: MIT
#pragma once
// The admin port: /healthz (the process lives), /readyz (it can decide: the database answers and it
// is not draining), /metrics (Prometheus text). No token; bind it where only operators reach it.

struct gw_exchange;

void gw_admin_start(struct gw_exchange *exchange);
