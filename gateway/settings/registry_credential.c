// SPDX-License-Identifier: MIT
#include "gateway/settings/registry_credential.h"

#include <string.h>

#include "token/slug.h"

bool gw_registry_credential_split(const char *text, struct gw_str *org, const char **file) {
    size_t length = strcspn(text, "=");
    *org = gw_str(text, length);
    *file = text[length] == '=' ? text + length + 1 : "";
    return gw_org_slug_valid(*org) && (*file)[0] != '\0';
}
