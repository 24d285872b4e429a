// SPDX-License-Identifier: MIT
#include "gateway/auth/registry_credentials.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gateway/auth/bearer_file.h"
#include "gateway/settings/registry_credential.h"
#include "gateway/settings/secret_line.h"

// ---- a secret ----

static const char *read_secret(struct gw_registry_credential *credential) {
    return gw_bearer_file_read(credential->file, credential->digest, &credential->is_public);
}

// ---- all of them ----

static bool is_of_another(const struct gw_registry_credentials *credentials,
                          const struct gw_registry_credential *fresh) {
    for (int i = 0; i < credentials->count; i++) {
        const struct gw_registry_credential *other = &credentials->at[i];
        if (memcmp(other->digest, fresh->digest, sizeof(fresh->digest)) == 0 &&
            !gw_str_equal(other->org, fresh->org))
            return true;
    }
    return false;
}

static enum gw_status add(struct gw_registry_credentials *credentials, const char *text,
                          char problem[GW_REGISTRY_PROBLEM_BYTES]) {
    struct gw_registry_credential *fresh = &credentials->at[credentials->count];
    bool is_right = gw_registry_credential_split(text, &fresh->org, &fresh->file);
    gw_assert(is_right); // as the settings were checked
    const char *why = read_secret(fresh);
    if (why == NULL && is_of_another(credentials, fresh))
        why = "it holds the secret of another organisation";
    if (why != NULL)
        (void)snprintf(problem, GW_REGISTRY_PROBLEM_BYTES, "%s: %s", fresh->file, why);
    credentials->count += why == NULL ? 1 : 0;
    return why == NULL ? GW_OK : GW_INVALID;
}

enum gw_status gw_registry_credentials_read(const struct gw_config *config,
                                            struct gw_registry_credentials *credentials,
                                            char problem[GW_REGISTRY_PROBLEM_BYTES]) {
    const struct gw_config_texts *texts = &config->registry_credentials;
    struct gw_registry_credentials fresh = {.count = 0};
    enum gw_status status = GW_OK;
    for (int i = 0; status == GW_OK && i < texts->count; i++)
        status = add(&fresh, texts->at[i], problem);
    if (status == GW_OK)
        *credentials = fresh;
    return status;
}

// ---- while it runs ----

static bool are_same(const struct gw_registry_credentials *one,
                     const struct gw_registry_credentials *other) {
    bool are = one->count == other->count;
    for (int i = 0; are && i < one->count; i++)
        are = memcmp(one->at[i].digest, other->at[i].digest, sizeof(one->at[i].digest)) == 0;
    return are;
}

static void log_change(const struct gw_registry_credentials *credentials) {
    gw_log(GW_LOG_INFO, "settings", "credentials of registries changed count=%d",
           credentials->count);
    for (int i = 0; i < credentials->count; i++) {
        if (credentials->at[i].is_public)
            gw_secret_warn_of_public(credentials->at[i].file);
    }
}

void gw_registry_credentials_reread(const struct gw_config *config,
                                    struct gw_registry_credentials *credentials, bool may_log) {
    struct gw_registry_credentials before = *credentials;
    char problem[GW_REGISTRY_PROBLEM_BYTES];
    struct gw_log_quote reason;
    enum gw_status status = gw_registry_credentials_read(config, credentials, problem);
    if (!may_log)
        return;
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "settings",
               "cannot use a credential of a registry, all old ones stay: mend the file and send "
               "SIGHUP reason=%s",
               gw_log_quoted(&reason, gw_str_from(problem)));
    else if (!are_same(&before, credentials))
        log_change(credentials);
}

// ---- asking ----

// Each is compared, whichever it is.
struct gw_str gw_registry_credentials_find(const struct gw_registry_credentials *credentials,
                                           struct gw_str secret) {
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
    int found = -1;
    gw_token_digest(secret, digest);
    for (int i = 0; i < credentials->count; i++) {
        bool is_it =
            gw_bytes_equal_constant_time(credentials->at[i].digest, digest, sizeof(digest));
        found = is_it ? i : found;
    }
    return found < 0 ? gw_str(NULL, 0) : credentials->at[found].org;
}
