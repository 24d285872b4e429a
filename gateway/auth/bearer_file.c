// SPDX-License-Identifier: MIT
#include "gateway/auth/bearer_file.h"

#include <string.h>

#include "base/ascii.h"
#include "gateway/settings/secret_line.h"

// b64token (RFC 6750 section 2.1).
static bool is_bearer_character(char c) {
    return gw_ascii_is_alphanumeric(c) || (c != '\0' && strchr("-._~+/=", c) != NULL);
}

// NULL: it can be used.
static const char *problem_of(struct gw_str secret) {
    enum gw_token_kind kind;
    if (secret.length < GW_BEARER_FILE_LENGTH_MIN || secret.length > GW_BEARER_FILE_LENGTH_MAX)
        return "its first line is not 32 to 255 characters long";
    for (size_t i = 0; i < secret.length; i++) {
        if (!is_bearer_character(secret.at[i]))
            return "its first line has other characters than A-Z a-z 0-9 - . _ ~ + / =";
    }
    return gw_token_syntax_parse(secret, &kind) == GW_OK
               ? "it holds a token, which is no credential of somebody else"
               : NULL;
}

const char *gw_bearer_file_read(const char *path, unsigned char digest[GW_TOKEN_DIGEST_LENGTH],
                                bool *is_public) {
    struct gw_secret_line line = {.is_public = false};
    const char *problem = NULL;
    if (gw_secret_line_read(path, &line, &problem) == GW_OK)
        problem = problem_of(gw_str_from(line.text));
    if (problem == NULL)
        gw_token_digest(gw_str_from(line.text), digest);
    *is_public = line.is_public;
    gw_bytes_wipe(&line, sizeof(line));
    return problem;
}
