// SPDX-License-Identifier: MIT
#pragma once
// POST /oauth2/introspect (RFC 7662): a service that was handed a token asks what it is worth. The
// decision has been taken: the caller holds an admin token, and learns of tokens of its own
// organisation only; it is taken again at the end of the body, which may have been held back until
// that token was no more. Every other token, whatever is the matter with it, is {"active":false};
// 503 when it cannot be known. The token asked about does not count as used.

struct gw_exchange;

// Reads a form of at most GW_BODY_OWN_BYTES_MAX with exactly one `token`; other parameters are
// ignored.
void gw_introspect_start(struct gw_exchange *exchange);
