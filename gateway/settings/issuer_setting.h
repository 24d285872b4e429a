// SPDX-License-Identifier: MIT
#pragma once
// The issuers of identity tokens that the operator trusts, as a section of the configuration file
// or --oidc-issuer has them:
//
//   [oidc github]
//   kind = github
//   issuer = https://token.actions.githubusercontent.com
//   audience = https://skillreg.example.com
//
//   --oidc-issuer github=https://token.actions.githubusercontent.com,kind=github,audience=...
//
// Further keys: `keys` (discovery; the https:// URL of a key set; else the path of a file with
// one), `ca` and `bearer-file` (for fetching), `replay` (once, until-expiry), `max-live` (of
// until-expiry), `max-age`. Files are not opened here.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define GW_ISSUERS_MAX 16
#define GW_ISSUER_NAME_LENGTH_MAX 32     // of a-z, 0-9 and -
#define GW_ISSUER_AUDIENCE_BYTES_MAX 255 // of visible ASCII
#define GW_ISSUER_LIVE_MAX 1000
#define GW_ISSUER_AGE_MS_MAX (24 * 60 * 60 * 1000)
#define GW_ISSUER_PROBLEM_BYTES 384

enum gw_issuer_keys_from {
    GW_ISSUER_KEYS_DISCOVERED, // OpenID Connect Discovery 1.0 section 4, below the issuer's URL
    GW_ISSUER_KEYS_AT_URL,
    GW_ISSUER_KEYS_IN_FILE
};

// How often one identity token may be exchanged.
enum gw_issuer_replay {
    GW_ISSUER_REPLAY_ONCE,
    GW_ISSUER_REPLAY_UNTIL_EXPIRY // while at most max_live tokens that it gave are live
};

// Strings as gateway/settings/config.h says.
struct gw_issuer_setting {
    const char *name;        // the operator's
    const char *kind;        // the name of one of gateway/oidc/provider.h
    const char *issuer;      // as tokens have it in `iss`; of kind spiffe spiffe://<trust domain>
    const char *audience;    // the only one that a token may have
    const char *keys;        // the URL or the path; NULL: discovered
    const char *ca;          // authorities for fetching; NULL: the system's
    const char *bearer_file; // its first line authorises the fetch; NULL: none does
    uint64_t max_age_ms;     // of a token, since `iat`
    int max_live;            // 1 with GW_ISSUER_REPLAY_ONCE
    enum gw_issuer_keys_from keys_from;
    enum gw_issuer_replay replay;
};

// All zero at first.
struct gw_issuer_settings {
    struct gw_issuer_setting at[GW_ISSUERS_MAX];
    int count;
    unsigned given;                        // of the one that is read: a bit for each key
    char problem[GW_ISSUER_PROBLEM_BYTES]; // of what was refused last, for the operator
    char memory[4096];                     // of texts that are cut into pieces
    size_t bytes_used;
};

// Whether a section may have it; NULL behind the last.
const char *gw_issuer_setting_key_at(size_t index);

// In this order for each: begin, put each key, end. False: `problem` says why, without the place.
bool gw_issuer_settings_begin(struct gw_issuer_settings *settings, const char *name) GW_MUST_USE;
bool gw_issuer_settings_put(struct gw_issuer_settings *settings, const char *key,
                            const char *value) GW_MUST_USE;
bool gw_issuer_settings_end(struct gw_issuer_settings *settings) GW_MUST_USE;
// The same from NAME=URL,key=value,...; several with a ; between them.
bool gw_issuer_settings_add(struct gw_issuer_settings *settings, const char *text) GW_MUST_USE;
// The name of the section `[oidc NAME]`; NULL: it is no such section.
const char *gw_issuer_section_name(const char *section);
bool gw_issuer_settings_are_same(const struct gw_issuer_settings *one,
                                 const struct gw_issuer_settings *other);
