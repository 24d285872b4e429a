// SPDX-License-Identifier: MIT
#pragma once
// Logins of people by a code, as RFC 8628 has it, with --device-login. A program asks for two codes
// (initiate) and shows the short one; a person types it where somebody with an admin token looks
// who asks (lookup) and approves (approve); the program, which asks again and again (poll), gets a
// token once. Each step may be at another gateway: what waits is in the database
// (db/device_login.h).
//
// The token is made in the poll that finds the approval: nobody keeps its secret. A program that
// asks too often is answered as any other. Neither code is in a log: one is in a query, the other
// in a body, and neither is logged.

struct gw_exchange;

#define GW_DEVICE_INTERVAL_S 3          // between two polls
#define GW_DEVICE_PAGE_PATH "/auth/cli" // where a person is sent, without the code: it is typed

void gw_device_login_start(struct gw_exchange *exchange);   // POST /api/v1/auth/cli/initiate
void gw_device_login_poll(struct gw_exchange *exchange);    // GET /api/v1/auth/cli/poll
void gw_device_login_lookup(struct gw_exchange *exchange);  // POST /api/v1/auth/cli/lookup
void gw_device_login_approve(struct gw_exchange *exchange); // POST /api/v1/auth/cli/approve
