// SPDX-License-Identifier: MIT
#include "gateway/auth/leak_secret.h"

#include <string.h>

#include "base/log.h"
#include "gateway/auth/bearer_file.h"
#include "gateway/settings/secret_line.h"

enum gw_status gw_leak_secret_read(const struct gw_config *config, struct gw_leak_secret *secret,
                                   const char **problem) {
    struct gw_leak_secret fresh = {.is_set = config->leaks_gitlab_secret_file != NULL};
    *problem = NULL;
    if (fresh.is_set)
        *problem =
            gw_bearer_file_read(config->leaks_gitlab_secret_file, fresh.digest, &fresh.is_public);
    if (*problem != NULL)
        return GW_INVALID;
    *secret = fresh;
    return GW_OK;
}

void gw_leak_secret_reread(const struct gw_config *config, struct gw_leak_secret *secret,
                           bool may_log) {
    struct gw_leak_secret before = *secret;
    const char *problem;
    enum gw_status status = gw_leak_secret_read(config, secret, &problem);
    if (!may_log)
        return;
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "settings",
               "cannot use the secret of GitLab, the old one stays: mend the file and send SIGHUP "
               "reason=\"%s\"",
               problem);
    else if (memcmp(before.digest, secret->digest, sizeof(before.digest)) != 0)
        gw_log(GW_LOG_INFO, "settings", "secret of GitLab changed");
}

bool gw_leak_secret_is(const struct gw_leak_secret *secret, struct gw_str shown) {
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
    gw_token_digest(shown, digest);
    return secret->is_set && gw_bytes_equal_constant_time(secret->digest, digest, sizeof(digest));
}
