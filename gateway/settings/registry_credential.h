// SPDX-License-Identifier: MIT
#pragma once
// One --registry-credential, ORG=FILE: whoever holds the secret of that file is the registry of the
// organisation, and hands its tokens over. The file is not opened here.

#include <stdbool.h>

#include "base/str.h"

// False: it is not the slug of an organisation, = and a path. Both lie in `text`.
bool gw_registry_credential_split(const char *text, struct gw_str *org,
                                  const char **file) GW_MUST_USE;
