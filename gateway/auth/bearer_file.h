// SPDX-License-Identifier: MIT
#pragma once
// A file with the bearer secret of somebody who is no token of ours: the registry, or GitLab. Only
// its SHA-256 is kept.

#include <stdbool.h>

#include "gateway/auth/secret.h"

#define GW_BEARER_FILE_LENGTH_MIN 32
#define GW_BEARER_FILE_LENGTH_MAX 255

// Waits for the file. The secret is its first line, GW_BEARER_FILE_LENGTH_MIN to _MAX characters of
// a bearer token (RFC 6750 section 2.1) and no token of ours. NULL: it can be used, and its digest
// is in `digest`; else why not, and nothing of what it holds. *is_public: everybody on the machine
// may read it.
const char *gw_bearer_file_read(const char *path, unsigned char digest[GW_TOKEN_DIGEST_LENGTH],
                                bool *is_public) GW_MUST_USE;
