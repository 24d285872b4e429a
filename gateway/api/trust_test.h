// SPDX-License-Identifier: MIT
#pragma once
// POST /api/v1/orgs/{org}/trust/test: an admin brings an identity token and learns all that the
// gateway thinks of it: what is wrong with it, what it says, and of each rule that is about it
// whether it is met, else which claim differs. Nothing is exchanged, and no row is written.

struct gw_exchange;

void gw_trust_test_start(struct gw_exchange *exchange);
