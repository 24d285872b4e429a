// SPDX-License-Identifier: MIT
#pragma once
// GET /auth/whoami: who the token is, in the shape that both the documentation and the desktop
// client read. Answers from the row that the decision found; asks nobody.

struct gw_exchange;

void gw_whoami_start(struct gw_exchange *exchange);
