// SPDX-License-Identifier: MIT
#pragma once
// POST /registry/tokens: the registry made a token itself, after a login in a browser, and hands it
// over, so that every gateway lets it in. It shows a credential of its own
// (gateway/auth/registry_credentials.h), which says of which organisation the token is; a wrong one
// costs its address what a wrong token does. 404 where the operator has set none.
//
// The same token again is answered as before. Whatever this gateway remembers of it is forgotten
// before the answer; the others hear of it by the log.

struct gw_exchange;

void gw_hand_over_start(struct gw_exchange *exchange);
