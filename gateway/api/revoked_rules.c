// SPDX-License-Identifier: MIT
#include "gateway/api/revoked_rules.h"

#include "gateway/api/reply.h"
#include "gateway/api/revoked.h"
#include "gateway/auth/auth.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"

void gw_revoked_rules_init(struct gw_revoked_rules *call, struct gw_api_ending *ending) {
    *call = (struct gw_revoked_rules){.ending = ending};
    gw_list_init(&call->store_call.query.link);
}

void gw_revoked_rules_deinit(struct gw_revoked_rules *call) {
    db_pool_cancel(call->ending->exchange->services->pool, &call->store_call.query);
}

static void write_rules(struct gw_json_writer *json, const struct db_revoked_rules *rules) {
    gw_json_key(json, "rules");
    gw_json_open_array(json);
    for (int i = 0; i < rules->count; i++) {
        gw_json_open_object(json);
        gw_json_put_string(json, "id", rules->rules[i].id);
        gw_json_put_string(json, "name", rules->rules[i].name);
        gw_json_put_time(json, "removedAt", rules->rules[i].revoked_ms);
        gw_json_close_object(json);
    }
    gw_json_close_array(json);
}

// This gateway refuses them from now on.
static void take(struct gw_revoked_rules *call, const struct db_revoked_token *tokens, int count) {
    struct gw_auth_cache *cache = call->ending->exchange->services->auth->cache;
    uint64_t seq = gw_revoked_refuse(cache, tokens, count);
    call->newest_seq = seq > call->newest_seq ? seq : call->newest_seq;
    call->ended += count;
}

static void answer(struct gw_revoked_rules *call) {
    if (call->with_rules)
        gw_json_put_integer(&call->ending->json, "tokensRevoked", call->ended);
    gw_api_ending_answer(call->ending, call->newest_seq, call->wait_ms);
}

static void submit(struct gw_revoked_rules *call) {
    struct gw_exchange *exchange = call->ending->exchange;
    enum gw_status status = db_minted_end_submit(exchange->services->pool, &call->store_call);
    if (status != GW_OK)
        gw_api_reply_database(exchange, status);
}

static void on_ended(struct db_minted_end *store_call, enum gw_status status,
                     const struct db_revoked_token *tokens, int count, bool has_more) {
    struct gw_revoked_rules *call =
        gw_container_of(store_call, struct gw_revoked_rules, store_call);
    if (status != GW_OK) {
        gw_api_reply_database(call->ending->exchange, status);
        return;
    }
    take(call, tokens, count);
    if (has_more)
        submit(call);
    else
        answer(call);
}

static enum gw_status copy_ids(struct gw_arena *arena, const struct db_revoked_rules *rules,
                               const struct gw_str **copies) {
    struct gw_str *ids = gw_arena_allocate(arena, (size_t)rules->count * sizeof(*ids));
    if (ids == NULL)
        return GW_NO_MEMORY;
    for (int i = 0; i < rules->count; i++) {
        char *copy = gw_arena_copy(arena, rules->rules[i].id);
        if (copy == NULL)
            return GW_NO_MEMORY;
        ids[i] = gw_str(copy, rules->rules[i].id.length);
    }
    *copies = ids;
    return GW_OK;
}

static void end_more(struct gw_revoked_rules *call, const struct db_revoked_rules *rules) {
    struct gw_exchange *exchange = call->ending->exchange;
    if (copy_ids(&exchange->arena, rules, &call->store_call.rule_ids) != GW_OK) {
        gw_exchange_refuse(exchange, &gw_refusal_no_memory);
        return;
    }
    call->store_call.rule_count = rules->count;
    call->store_call.org_id = exchange->identity.org_id;
    call->store_call.ended_by = exchange->identity.id;
    call->store_call.ended_from = gw_client_address(&exchange->client);
    call->store_call.on_done = on_ended;
    submit(call);
}

void gw_revoked_rules_answer(struct gw_revoked_rules *call, const struct db_revoked_rules *rules,
                             uint64_t newest_seq) {
    call->newest_seq = newest_seq;
    if (rules->count > 0)
        write_rules(&call->ending->json, rules);
    take(call, rules->tokens, rules->token_count);
    if (rules->has_more)
        end_more(call, rules);
    else
        answer(call);
}
