// SPDX-License-Identifier: MIT
#pragma once
// An identity token of an issuer is exchanged for a token of an organisation, by one of its rules
// of trust: POST /oauth2/token (RFC 8693), and its JSON twin below the organisation. What comes is
// an ordinary token that ends soon.
//
// No oracle: anybody can get a well-signed token for any audience. Which claim is wrong is told
// only to whoever holds a token of the repository, project or account that a rule is about, and
// then by the claim's name and the token's own value; every other token, and an organisation that
// is not there, get one same answer, and no row is written.

struct gw_exchange;

void gw_token_exchange_start_form(struct gw_exchange *exchange);
void gw_token_exchange_start_json(struct gw_exchange *exchange);
