// SPDX-License-Identifier: MIT
#pragma once
// The decision for another proxy (nginx auth_request, Caddy and Traefik forward_auth, Envoy
// ext_authz), which keeps the traffic and asks here first. The client's Authorization comes along.
// Header fields name the original request (GET, HEAD /authz, gateway/api/original_request.h), or
// the method and path of the question do (any method, /authz/<original path>: Envoy).
//
// 200 lets the request pass: no body, and the fields X-SkillReg-Org, -Token-Id, -Scopes, which are
// empty without a token, so that a proxy that copies them overwrites the client's own. Otherwise
// the refusal that the request itself would get here, except 403 for 404 and 405, because
// auth_request knows 2xx, 401 and 403 alone. 400: the proxy did not name exactly one request.

struct gw_exchange;

void gw_forward_auth_start(struct gw_exchange *exchange);
