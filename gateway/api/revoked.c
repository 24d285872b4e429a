// SPDX-License-Identifier: MIT
#include "gateway/api/revoked.h"

#include "base/json.h"
#include "gateway/auth/cache.h"

void gw_revoked_write(struct gw_json_writer *json, const struct db_revoked_token *token) {
    gw_json_put_string(json, "id", token->id);
    gw_json_put_string(json, "name", token->name);
    gw_json_put_time(json, "revokedAt", token->revoked_ms);
}

void gw_revoked_write_list(struct gw_json_writer *json, const char *key,
                           const struct db_revoked_token *tokens, int count) {
    gw_json_key(json, key);
    gw_json_open_array(json);
    for (int i = 0; i < count; i++) {
        gw_json_open_object(json);
        gw_revoked_write(json, &tokens[i]);
        gw_json_close_object(json);
    }
    gw_json_close_array(json);
}

uint64_t gw_revoked_refuse(struct gw_auth_cache *cache, const struct db_revoked_token *tokens,
                           int count) {
    uint64_t newest_seq = 0;
    for (int i = 0; i < count; i++) {
        if (tokens[i].revoked_ms == DB_NO_TIME)
            continue;
        gw_auth_cache_revoke(cache, tokens[i].digest, tokens[i].event_seq);
        if (tokens[i].event_seq > newest_seq)
            newest_seq = tokens[i].event_seq;
    }
    return newest_seq;
}
