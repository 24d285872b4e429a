// SPDX-License-Identifier: MIT
#pragma once
// POST /oauth2/introspect (RFC 7662): a service that got a token asks what it is worth. The caller
// holds an admin token, and learns about tokens of its own organisation alone. The decision is made
// again at the end of the body, for a client may hold a body back until its token is revoked. Every
// other token is {"active":false}, without a reason; 503 when the gateway cannot know. The token
// in question does not count as used.

struct gw_exchange;

// Reads a form of at most GW_BODY_OWN_BYTES_MAX with exactly one `token`; other parameters are
// ignored.
void gw_introspect_start(struct gw_exchange *exchange);
