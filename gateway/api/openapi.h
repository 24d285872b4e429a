// SPDX-License-Identifier: MIT
#pragma once
// GET /api/v1/openapi.json: the OpenAPI 3.1 description of what the gateway answers itself, for
// everyone. It is the file gateway/api/openapi.json with the version of the program, embedded by
// the build, and the same for every client.

struct gw_exchange;

// Answers the exchange. Nothing can fail.
void gw_openapi_start(struct gw_exchange *exchange);
