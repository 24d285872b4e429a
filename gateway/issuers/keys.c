// SPDX-License-Identifier: MIT
#include "gateway/issuers/keys.h"

#include "base/hash.h"

void gw_issuer_keys_init(struct gw_issuer_keys *keys, int64_t max_age_ms, uint64_t seed) {
    *keys =
        (struct gw_issuer_keys){.fetched_ms = INT64_MIN, .max_age_ms = max_age_ms, .seed = seed};
}

void gw_issuer_keys_deinit(struct gw_issuer_keys *keys) {
    gw_jwk_set_destroy(keys->set);
    keys->set = NULL;
}

enum gw_status gw_issuer_keys_take(struct gw_issuer_keys *keys, struct gw_str text,
                                   struct gw_jwk_set_report *report) {
    struct gw_jwk_set *fresh;
    enum gw_status status = gw_jwk_set_parse(text, &fresh, report);
    if (status != GW_OK)
        return status;
    gw_jwk_set_destroy(keys->set);
    keys->set = fresh;
    return GW_OK;
}

void gw_issuer_keys_note_fetch(struct gw_issuer_keys *keys, int64_t began_ms) {
    if (began_ms > keys->fetched_ms)
        keys->fetched_ms = began_ms;
    if (keys->fetched_ms > keys->asked_ms)
        keys->is_asked = false;
}

bool gw_issuer_keys_are_fresh(const struct gw_issuer_keys *keys, int64_t now_ms) {
    return keys->set != NULL &&
           (keys->max_age_ms == 0 || now_ms - keys->max_age_ms < keys->fetched_ms);
}

static void ask(struct gw_issuer_keys *keys, int64_t now_ms) {
    if (keys->is_asked)
        return;
    keys->is_asked = true;
    keys->asked_ms = now_ms;
}

static enum gw_status note_unknown(struct gw_issuer_keys *keys, struct gw_str key_id,
                                   int64_t now_ms) {
    uint64_t hash = gw_hash_bytes(keys->seed, key_id.at, key_id.length);
    int64_t seen_ms = gw_unknown_kids_note(&keys->unknown, hash, now_ms);
    keys->unknown_total++;
    if (keys->fetched_ms <= seen_ms) {
        ask(keys, now_ms);
        return GW_UNAVAILABLE;
    }
    if (now_ms - GW_ISSUER_ASK_AGAIN_MS >= keys->fetched_ms)
        ask(keys, now_ms);
    return GW_NOT_FOUND;
}

enum gw_status gw_issuer_keys_find(struct gw_issuer_keys *keys, struct gw_str key_id,
                                   int64_t now_ms, const struct gw_jwk **key) {
    if (!gw_issuer_keys_are_fresh(keys, now_ms))
        return GW_UNAVAILABLE;
    const struct gw_jwk *found = gw_jwk_set_find(keys->set, key_id);
    if (found != NULL) {
        *key = found;
        return GW_OK;
    }
    if (keys->max_age_ms == 0 || key_id.at == NULL)
        return GW_NOT_FOUND;
    return note_unknown(keys, key_id, now_ms);
}
