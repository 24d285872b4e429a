// SPDX-License-Identifier: MIT
#include "gateway/api/trust_verdict.h"

#include <string.h>

#include "base/json.h"

#define SCRATCH_BYTES_MAX (128 * 1024) // conditions, claims and their values, of one rule
#define CONDITION_TOKENS_MAX (GW_OIDC_CONDITIONS_MAX * (GW_OIDC_VALUES_MAX + 2) + 1)

static void copy(char *out, size_t bytes_max, struct gw_str text) {
    size_t length = text.length < bytes_max ? text.length : bytes_max;
    if (length > 0)
        memcpy(out, text.at, length);
    out[length] = '\0';
}

static enum gw_status match_in(struct gw_arena *scratch, const struct db_trust_rule *rule,
                               enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                               const struct gw_client *client, struct gw_trust_match *match) {
    struct gw_oidc_rule conditions = {.allowed_ips = rule->allowed_ips,
                                      .allowed_ip_count = rule->allowed_ip_count};
    struct gw_oidc_match found;
    struct gw_json root;
    const char *wrong;
    if (!gw_str_equal(rule->kind, gw_oidc_provider(kind)->name))
        return GW_INVALID; // of another kind, as the operator had the issuer before
    enum gw_status status =
        gw_json_parse(scratch, rule->conditions, CONDITION_TOKENS_MAX, &root, NULL);
    if (status == GW_OK)
        status = gw_oidc_rule_read(scratch, kind, root, &conditions, &wrong);
    if (status == GW_OK)
        status = gw_oidc_rule_match(&conditions, jwt, scratch,
                                    client->is_known ? &client->ip : NULL, &found);
    if (status != GW_OK)
        return status == GW_NO_MEMORY ? GW_NO_MEMORY : GW_INVALID;
    *match = (struct gw_trust_match){.verdict = found.verdict};
    if (found.verdict == GW_OIDC_DIFFERS) {
        copy(match->claim, GW_TRUST_CLAIM_BYTES, found.claim);
        copy(match->value, GW_TRUST_VALUE_BYTES, found.value);
        match->has_value = found.value.at != NULL;
    }
    return GW_OK;
}

enum gw_status gw_trust_match_rule(const struct db_trust_rule *rule, enum gw_oidc_kind kind,
                                   const struct gw_jwt *jwt, const struct gw_client *client,
                                   struct gw_trust_match *match) {
    struct gw_arena scratch;
    gw_arena_init(&scratch, SCRATCH_BYTES_MAX);
    enum gw_status status = match_in(&scratch, rule, kind, jwt, client, match);
    gw_arena_deinit(&scratch);
    return status;
}

// What a choice looks at.
static void take(struct gw_oidc_rule *candidate, const struct db_trust_rule *rule) {
    candidate->id = rule->id;
    candidate->scopes = rule->scopes;
    candidate->life_s = rule->life_s;
    candidate->created_ms = rule->created_ms;
}

struct candidates {
    struct gw_oidc_rule *rules; // as many as there are rows
    const struct gw_oidc_rule *met[DB_EXCHANGE_RULES_MAX];
    int met_count;
};

// Also of a rule that is not met: where somebody else's is, it is not taken in its place.
static bool are_of_several(const struct db_trust_rule *rules, int count) {
    for (int i = 1; i < count; i++) {
        if (!gw_str_equal(rules[0].org_slug, rules[i].org_slug))
            return true;
    }
    return false;
}

static void add_met(struct candidates *candidates, int place, const struct db_trust_rule *rule) {
    take(&candidates->rules[place], rule);
    candidates->met[candidates->met_count++] = &candidates->rules[place];
}

enum gw_status gw_trust_judge(struct gw_arena *arena, const struct db_trust_rule *rules, int count,
                              enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                              const struct gw_client *client, gw_scope_set asked,
                              struct gw_trust_verdict *verdict) {
    struct candidates candidates = {.met_count = 0};
    gw_assert(count <= DB_EXCHANGE_RULES_MAX);
    *verdict = (struct gw_trust_verdict){.outcome = GW_TRUST_NONE};
    if (count == 0)
        return GW_OK;
    candidates.rules = gw_arena_allocate(arena, sizeof(candidates.rules[0]) * (size_t)count);
    if (candidates.rules == NULL)
        return GW_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        struct gw_trust_match match;
        enum gw_status status = gw_trust_match_rule(&rules[i], kind, jwt, client, &match);
        if (status == GW_NO_MEMORY)
            return status;
        if (status != GW_OK || match.verdict == GW_OIDC_OTHER)
            continue;
        if (match.verdict == GW_OIDC_MATCHES) {
            add_met(&candidates, i, &rules[i]);
        } else if (verdict->outcome == GW_TRUST_NONE) {
            verdict->outcome = GW_TRUST_DIFFERS;
            verdict->match = match;
        }
    }
    if (candidates.met_count == 0)
        return GW_OK;
    if (are_of_several(rules, count)) {
        verdict->outcome = GW_TRUST_SEVERAL;
        return GW_OK;
    }
    const struct gw_oidc_rule *chosen =
        gw_oidc_rule_choose(candidates.met, candidates.met_count, asked);
    verdict->outcome = chosen != NULL ? GW_TRUST_CHOSEN : GW_TRUST_NARROWER;
    verdict->rule = chosen != NULL ? (int)(chosen - candidates.rules) : 0;
    return GW_OK;
}
