// SPDX-License-Identifier: MIT
#pragma once
// The decision for another proxy (nginx auth_request, Caddy and Traefik forward_auth, Envoy
// ext_authz): it keeps the traffic and asks here first. The client's Authorization comes along; the
// request asked about is named by header fields (GET, HEAD /authz, gateway/api/original_request.h),
// or by method and path of the question itself (any method, /authz/<original path>, which is how
// Envoy asks).
//
// 200 without a body and with X-SkillReg-Org, -Token-Id, -Scopes: let it pass. Where no token was
// needed and none was sent they are there and empty, so that a proxy that copies them overwrites
// what the client may have sent. Else the refusal that the request itself would get here, but 403
// in place of 404 and 405, because auth_request knows only 2xx, 401 and 403. 400: the proxy named
// no request, or not one.

struct gw_exchange;

void gw_forward_auth_start(struct gw_exchange *exchange);
