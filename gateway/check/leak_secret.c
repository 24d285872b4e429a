// SPDX-License-Identifier: MIT
#include "gateway/check/leak_secret.h"

#include "gateway/auth/leak_secret.h"

#define SUBJECT "leaks"

void gw_check_leak_secret(const struct gw_config *config, struct gw_check_report *report) {
    struct gw_leak_secret secret = {.is_set = false};
    const char *file = config->leaks_gitlab_secret_file;
    const char *problem;
    if (file == NULL)
        return;
    if (gw_leak_secret_read(config, &secret, &problem) != GW_OK) {
        gw_check_add(report, GW_CHECK_ERROR, SUBJECT, "a start ends here", "%s: %s", file, problem);
        return;
    }
    gw_check_add(report, GW_CHECK_OK, SUBJECT, NULL, "GitLab: %s can be used", file);
    if (secret.is_public)
        gw_check_add(report, GW_CHECK_WARNING, "secret", "chmod o-r it",
                     "%s holds a secret and can be read by everybody on this machine", file);
}
