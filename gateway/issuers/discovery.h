// SPDX-License-Identifier: MIT
#pragma once
// The discovery document of an issuer (OpenID Connect Discovery 1.0 sections 3 and 4): where it
// says that its keys are. Bytes in, a URL out.
//
// Only a place on the issuer's own origin is taken: whatever else a document names, the gateway
// would ask from inside the operator's network. Keys that are elsewhere are named in the settings.

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/settings/issuer_url.h"

#define GW_DISCOVERY_PATH "/.well-known/openid-configuration"

// `issuer` is the URL as the operator wrote it, and the document has to say the same. *keys is in
// the arena. GW_INVALID: *problem is a static phrase. GW_NO_MEMORY.
enum gw_status gw_discovery_read(struct gw_arena *arena, struct gw_str document,
                                 struct gw_str issuer, struct gw_issuer_url *keys,
                                 const char **problem) GW_MUST_USE;
// The same host and port, however they are written.
bool gw_discovery_is_same_origin(struct gw_str one, struct gw_str other);
