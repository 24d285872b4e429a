// SPDX-License-Identifier: MIT
#pragma once
// What shows that a report of leaked tokens comes from the operator's own GitLab: the bearer secret
// in the file of --leaks-gitlab-secret-file. Its SHA-256 is kept, and compared in constant time.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/auth/secret.h"
#include "gateway/settings/config.h"

// All zero before it is read.
struct gw_leak_secret {
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
    bool is_set;
    bool is_public; // everybody on the machine may read the file
};

// Reads the file of the settings, and waits for it; without the setting it is unset. GW_INVALID:
// *problem says why the file cannot be used; then `secret` is as before.
enum gw_status gw_leak_secret_read(const struct gw_config *config, struct gw_leak_secret *secret,
                                   const char **problem) GW_MUST_USE;
// The same for a gateway that runs: what became of it is in the log. `may_log`: false in the
// workers of a supervisor that says the same.
void gw_leak_secret_reread(const struct gw_config *config, struct gw_leak_secret *secret,
                           bool may_log);
bool gw_leak_secret_is(const struct gw_leak_secret *secret, struct gw_str shown) GW_MUST_USE;
