// SPDX-License-Identifier: MIT
#pragma once
// GET /api/v1/oidc/audience: what a job asks its issuer to put into `aud`, so that nobody has to
// copy it into each pipeline. Also the issuers that the operator has, by the URL of each.

struct gw_exchange;

void gw_oidc_audience_start(struct gw_exchange *exchange);
