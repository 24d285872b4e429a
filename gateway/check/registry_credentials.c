// SPDX-License-Identifier: MIT
#include "gateway/check/registry_credentials.h"

#include "gateway/auth/registry_credentials.h"

#define SUBJECT "hand-over"

void gw_check_registry_credentials(const struct gw_config *config, struct gw_check_report *report) {
    struct gw_registry_credentials credentials = {.count = 0};
    char problem[GW_REGISTRY_PROBLEM_BYTES];
    if (gw_registry_credentials_read(config, &credentials, problem) != GW_OK)
        gw_check_add(report, GW_CHECK_ERROR, SUBJECT, "a start ends here", "%s", problem);
    for (int i = 0; i < credentials.count; i++) {
        const struct gw_registry_credential *credential = &credentials.at[i];
        gw_check_add(report, GW_CHECK_OK, SUBJECT, NULL, "%.*s: %s can be used",
                     GW_STR_ARG(credential->org), credential->file);
        if (credential->is_public)
            gw_check_add(report, GW_CHECK_WARNING, "secret", "chmod o-r it",
                         "%s holds a secret and can be read by everybody on this machine",
                         credential->file);
    }
}
