// SPDX-License-Identifier: MIT
#include "gateway/issuers/issuers.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "db/event.h"
#include "gateway/exchange/services.h"
#include "gateway/issuers/key_files.h"
#include "gateway/issuers/keys.h"
#include "gateway/issuers/shared_keys.h"
#include "gateway/oidc/jwt.h"

struct gw_issuer {
    struct gw_issuers *issuers;
    const struct gw_issuer_setting *setting;
    struct gw_issuer_keys keys;
};

struct gw_issuers {
    const struct gw_services *services;
    struct gw_verifier verifier;
    struct gw_key_files key_files;
    struct gw_shared_keys shared;
    struct gw_issuer of[GW_ISSUERS_MAX];
    int count;
    bool is_open; // the handles are
};

// ---- life ----

static void log_refusal(const struct gw_issuer_setting *setting, const char *problem) {
    struct gw_log_quote reason;
    struct gw_log_quote keys;
    gw_log(GW_LOG_ERROR, "oidc", "cannot use the settings of an issuer issuer=%s keys=%s reason=%s",
           setting->name,
           gw_log_quoted(&keys, gw_str_from(setting->keys != NULL ? setting->keys : "discovery")),
           gw_log_quoted(&reason, gw_str_from(problem)));
}

static enum gw_status add_of_file(struct gw_issuers *issuers, struct gw_issuer *issuer) {
    char problem[GW_KEY_FILE_PROBLEM_BYTES];
    enum gw_status status =
        gw_key_files_add(&issuers->key_files, issuer->setting, &issuer->keys, problem);
    if (status != GW_OK)
        log_refusal(issuer->setting, problem);
    return status;
}

static enum gw_status add_shared(struct gw_issuers *issuers, struct gw_issuer *issuer) {
    struct gw_upstream_problem problem;
    enum gw_status status =
        gw_shared_keys_add(&issuers->shared, issuer->setting, &issuer->keys, &problem);
    if (status != GW_OK)
        log_refusal(issuer->setting, problem.text);
    return status;
}

static enum gw_status add(struct gw_issuers *issuers, const struct gw_issuer_setting *setting,
                          uint64_t seed) {
    struct gw_issuer *issuer = &issuers->of[issuers->count++];
    bool is_of_file = setting->keys_from == GW_ISSUER_KEYS_IN_FILE;
    uint64_t max_age_ms = issuers->services->config->oidc_keys_max_age_ms;
    issuer->issuers = issuers;
    issuer->setting = setting;
    gw_issuer_keys_init(&issuer->keys, is_of_file ? 0 : (int64_t)max_age_ms, seed);
    return is_of_file ? add_of_file(issuers, issuer) : add_shared(issuers, issuer);
}

static enum gw_status open_parts(struct gw_issuers *issuers) {
    const struct gw_services *services = issuers->services;
    const struct gw_issuer_settings *settings = &services->config->oidc_issuers;
    uint64_t seed;
    enum gw_status status = gw_hash_seed_make(&seed);
    if (status == GW_OK)
        status = gw_shared_keys_open(&issuers->shared, services);
    if (status != GW_OK)
        return status;
    issuers->is_open = true;
    gw_verifier_open(&issuers->verifier, services->loop, services->metrics, gw_issuer_find_key);
    gw_key_files_open(&issuers->key_files, services->loop);
    for (int i = 0; i < settings->count && status == GW_OK; i++)
        status = add(issuers, &settings->at[i], seed);
    return status;
}

enum gw_status gw_issuers_create(struct gw_services *services, struct gw_issuers **issuers) {
    gw_assert(services->config->oidc_issuers.count > 0);
    *issuers = calloc(1, sizeof(**issuers));
    if (*issuers == NULL)
        return GW_NO_MEMORY;
    (*issuers)->services = services;
    return open_parts(*issuers);
}

void gw_issuers_close(struct gw_issuers *issuers) {
    if (!issuers->is_open)
        return;
    issuers->is_open = false;
    gw_verifier_close(&issuers->verifier);
    gw_key_files_close(&issuers->key_files);
    gw_shared_keys_close(&issuers->shared);
}

void gw_issuers_destroy(struct gw_issuers *issuers) {
    if (issuers == NULL)
        return;
    for (int i = 0; i < issuers->count; i++)
        gw_issuer_keys_deinit(&issuers->of[i].keys);
    free(issuers);
}

// ---- changes ----

void gw_issuers_reread(struct gw_issuers *issuers) {
    gw_key_files_reread(&issuers->key_files);
}

void gw_issuers_on_event(struct gw_issuers *issuers, const struct db_event *event) {
    gw_assert(event->kind == DB_EVENT_ISSUER_CHANGED);
    if (gw_issuers_find(issuers, event->org_id) != NULL)
        gw_shared_keys_hurry(&issuers->shared);
}

void gw_issuers_on_gap(struct gw_issuers *issuers) {
    gw_shared_keys_hurry(&issuers->shared);
}

// ---- keys ----

struct gw_issuer *gw_issuers_find(struct gw_issuers *issuers, struct gw_str issuer) {
    for (int i = 0; i < issuers->count; i++) {
        if (gw_str_equal(gw_str_from(issuers->of[i].setting->issuer), issuer))
            return &issuers->of[i];
    }
    return NULL;
}

const struct gw_issuer_setting *gw_issuer_setting_of(const struct gw_issuer *issuer) {
    return issuer->setting;
}

enum gw_status gw_issuer_find_key(struct gw_issuer *issuer, struct gw_str key_id,
                                  const struct gw_jwk **key) {
    struct gw_issuers *issuers = issuer->issuers;
    struct gw_issuer_keys *keys = &issuer->keys;
    uint64_t unknown_before = keys->unknown_total;
    bool was_asked = keys->is_asked;
    enum gw_status status =
        gw_issuer_keys_find(keys, key_id, (int64_t)uv_now(issuers->services->loop), key);
    issuers->services->metrics->oidc_unknown_keys_total +=
        (int64_t)(keys->unknown_total - unknown_before);
    if (keys->is_asked && !was_asked)
        gw_shared_keys_ask(&issuers->shared);
    return status;
}

// ---- verifications ----

enum gw_status gw_issuers_verify(struct gw_issuers *issuers,
                                 struct gw_issuer_verification *verification) {
    const struct gw_jwk *key;
    gw_assert(verification->issuer->issuers == issuers);
    gw_list_init(&verification->link);
    enum gw_status status =
        gw_issuer_find_key(verification->issuer, verification->jwt->key_id, &key);
    return status == GW_OK ? gw_verifier_add(&issuers->verifier, verification) : status;
}

void gw_issuers_cancel(struct gw_issuer_verification *verification) {
    if (verification->issuer != NULL)
        gw_verifier_remove(&verification->issuer->issuers->verifier, verification);
}
