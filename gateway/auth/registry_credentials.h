// SPDX-License-Identifier: MIT
#pragma once
// What shows that a request comes from the registry: a bearer secret in a file for each
// --registry-credential, of one organisation. One organisation may have several, so that a secret
// can change while some gateways have the old one still. Of a secret its SHA-256 is kept, which is
// compared with all of them in constant time. Never logged.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/auth/secret.h"
#include "gateway/settings/config.h"

#define GW_REGISTRY_SECRET_LENGTH_MIN 32
#define GW_REGISTRY_SECRET_LENGTH_MAX 255
#define GW_REGISTRY_PROBLEM_BYTES 512

struct gw_registry_credential {
    struct gw_str org; // slug; in the settings
    const char *file;  // the same
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
    bool is_public; // everybody on the machine may read the file
};

// All zero before it is read.
struct gw_registry_credentials {
    struct gw_registry_credential at[GW_CONFIG_TEXTS_MAX];
    int count;
};

// Reads the files of the settings, and waits for them. GW_INVALID: `problem` says which file cannot
// be used and why, and nothing of what it holds; then `credentials` are as before. A secret is the
// first line, GW_REGISTRY_SECRET_LENGTH_MIN to _MAX characters of a bearer token (RFC 6750 section
// 2.1), no token of ours, and of one organisation alone.
enum gw_status gw_registry_credentials_read(const struct gw_config *config,
                                            struct gw_registry_credentials *credentials,
                                            char problem[GW_REGISTRY_PROBLEM_BYTES]) GW_MUST_USE;
// The same for a gateway that runs: what became of it is in the log. `may_log`: false in the
// workers of a supervisor that says the same.
void gw_registry_credentials_reread(const struct gw_config *config,
                                    struct gw_registry_credentials *credentials, bool may_log);
// The slug of the organisation whose registry has this secret; .at NULL: nobody has.
struct gw_str gw_registry_credentials_find(const struct gw_registry_credentials *credentials,
                                           struct gw_str secret);
