// SPDX-License-Identifier: MIT
#include "gateway/api/trust_json.h"

#include "gateway/api/token_entry_json.h"
#include "gateway/exchange/token_json.h"

void gw_trust_json_write(struct gw_json_writer *json, const struct db_trust_rule *rule) {
    const struct db_token_row addresses = {.allowed_ips = rule->allowed_ips,
                                           .allowed_ip_count = rule->allowed_ip_count};
    gw_json_put_string(json, "id", rule->id);
    gw_json_put_string(json, "kind", rule->kind);
    gw_json_put_string(json, "issuer", rule->issuer);
    gw_json_key(json, "conditions");
    gw_json_write_raw(json, rule->conditions);
    gw_json_key(json, "scopes");
    gw_scope_write_json(json, rule->scopes);
    gw_json_put_integer(json, "expiresIn", rule->life_s);
    gw_token_json_write_ranges(json, "allowedIps", &addresses);
    gw_json_put_integer(json, "exchangesPerMinute", rule->exchanges_per_minute);
    gw_json_put_time(json, "createdAt", rule->created_ms);
}

void gw_trust_json_write_details(struct gw_json_writer *json,
                                 const struct db_trust_details *details) {
    const struct db_trust_rule *rule = &details->rule;
    gw_trust_json_write(json, rule);
    gw_token_entry_json_write_actor(json, "createdBy", &rule->created_by);
    gw_json_put_string_or_null(json, "createdFrom", rule->created_from);
    gw_json_put_integer(json, "exchanges", (int64_t)details->exchanges);
    gw_json_put_time(json, "lastExchangeAt", details->last_exchange_ms);
    gw_json_put_integer(json, "liveTokens", (int64_t)details->live_tokens);
}
