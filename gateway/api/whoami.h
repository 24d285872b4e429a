// SPDX-License-Identifier: MIT
#pragma once
// GET /auth/whoami: the token that is sent, in the shape of the documentation and of the desktop
// client. Answers from the row that the decision found, without the database.

struct gw_exchange;

void gw_whoami_start(struct gw_exchange *exchange);
