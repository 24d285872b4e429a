// SPDX-License-Identifier: MIT
#include "gateway/oidc/rule.h"

#include <string.h>

#include "base/utf8.h"
#include "gateway/oidc/anchor.h"
#include "gateway/oidc/claim_text.h"

// ---- reading ----

struct reader {
    struct gw_arena *arena;
    struct gw_oidc_rule *rule;
    const char **wrong;
};

static enum gw_status refuse(const struct reader *reader, const char *sentence) {
    *reader->wrong = sentence;
    return GW_INVALID;
}

// `before`, the name of a claim, `behind`. The name is one of the table: it can be shown.
static enum gw_status refuse_claim(const struct reader *reader, const char *before,
                                   struct gw_str claim, const char *behind) {
    struct gw_str sentence =
        gw_arena_printf(reader->arena, "%s%.*s%s", before, GW_STR_ARG(claim), behind);
    return sentence.at != NULL ? refuse(reader, sentence.at) : GW_NO_MEMORY;
}

// The names that a rule of the kind may have, but for those of claims that are not in the table.
static enum gw_status refuse_unknown(const struct reader *reader) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(reader->rule->kind);
    struct gw_str list = GW_STR("");
    for (int i = 0; i < provider->claim_count; i++) {
        if ((provider->claims[i].traits & GW_OIDC_REFUSED) != 0)
            continue;
        list = gw_arena_printf(reader->arena, "%.*s%s%.*s", GW_STR_ARG(list),
                               list.length > 0 ? ", " : "", GW_STR_ARG(provider->claims[i].name));
        if (list.at == NULL)
            return GW_NO_MEMORY;
    }
    return refuse_claim(reader,
                        "conditions has a claim that rules of this kind cannot name; they "
                        "can name ",
                        list, ".");
}

static bool is_registered(struct gw_str name) {
    static const struct gw_str names[] = {GW_STR_INIT("iss"), GW_STR_INIT("aud"),
                                          GW_STR_INIT("exp"), GW_STR_INIT("nbf"),
                                          GW_STR_INIT("iat"), GW_STR_INIT("jti")};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct gw_str rest = name; // a pointer to one is one as well
        if (rest.length > 0 && rest.at[0] == '/')
            rest = gw_str_slice(rest, 1, rest.length);
        if (gw_str_equal(rest, names[i]))
            return true;
    }
    return false;
}

static bool is_shown_text(struct gw_str text, size_t bytes_max) {
    return text.length > 0 && text.length <= bytes_max && gw_utf8_valid(text) &&
           !gw_utf8_has_control(text);
}

// Without what JSON would have to escape: a condition is written as it was read.
static bool is_claim_name(struct gw_str name) {
    return is_shown_text(name, GW_OIDC_CLAIM_NAME_BYTES_MAX) &&
           gw_str_find(name, '"') == name.length && gw_str_find(name, '\\') == name.length;
}

static enum gw_status read_claim(const struct reader *reader, struct gw_str name,
                                 struct gw_oidc_condition *condition) {
    const struct gw_oidc_claim_kind *claim = gw_oidc_claim_kind_find(reader->rule->kind, name);
    if (claim != NULL && (claim->traits & GW_OIDC_REFUSED) != 0) {
        struct gw_str sentence =
            gw_arena_printf(reader->arena, "conditions.%.*s cannot be asked: %s.",
                            GW_STR_ARG(claim->name), claim->why);
        return sentence.at != NULL ? refuse(reader, sentence.at) : GW_NO_MEMORY;
    }
    if (claim == NULL) {
        if (!gw_oidc_provider(reader->rule->kind)->takes_other_claims)
            return refuse_unknown(reader);
        if (is_registered(name) || !is_claim_name(name))
            return refuse(reader, "conditions has a name that is no name of a claim, or one of "
                                  "iss, aud, exp, nbf, iat and jti, which are checked anyway.");
        condition->claim = gw_str(gw_arena_copy(reader->arena, name), name.length);
        return condition->claim.at != NULL ? GW_OK : GW_NO_MEMORY;
    }
    condition->claim = claim->name;
    condition->traits = claim->traits;
    return GW_OK;
}

// What is wrong with a value of this claim, as the end of a sentence; NULL: nothing.
static const char *fault_of_value(const struct gw_oidc_condition *condition, struct gw_str value) {
    if (!is_shown_text(value, GW_OIDC_VALUE_BYTES_MAX))
        return " must have values of 1 to 256 bytes without control characters.";
    size_t star = gw_str_find(value, '*');
    if (star < value.length && (condition->traits & GW_OIDC_PREFIX) == 0)
        return " must have whole values: '*' stands for nothing here.";
    if (star < value.length && (star == 0 || star + 1 < value.length))
        return " must have '*' only at the end of a value, and something before it.";
    if ((condition->traits & GW_OIDC_ANCHOR) != 0 && !gw_oidc_anchor_takes(value))
        return " must have no blanks in its value.";
    return NULL;
}

static enum gw_status read_value(const struct reader *reader, struct gw_json json,
                                 const struct gw_oidc_condition *condition, struct gw_str *value) {
    const char *fault;
    enum gw_status status = gw_json_string(json, reader->arena, value);
    if (status == GW_NO_MEMORY)
        return status;
    fault = status == GW_OK ? fault_of_value(condition, *value)
                            : " must be a text, or a list of texts.";
    if (fault == NULL)
        return GW_OK;
    // Other names are the caller's own words: they are not repeated.
    bool is_known = gw_oidc_claim_kind_find(reader->rule->kind, condition->claim) != NULL;
    return is_known ? refuse_claim(reader, "conditions.", condition->claim, fault)
                    : refuse_claim(reader, "a claim in conditions", GW_STR(""), fault);
}

static enum gw_status read_values(const struct reader *reader, struct gw_json json,
                                  struct gw_oidc_condition *condition) {
    bool is_list = gw_json_type(json) == GW_JSON_ARRAY;
    int count = is_list ? gw_json_count(json) : 1;
    if (count < 1 || count > GW_OIDC_VALUES_MAX)
        return refuse(reader, "conditions must have 1 to 16 values for each claim.");
    if ((condition->traits & GW_OIDC_ANCHOR) != 0 && count != 1)
        return refuse_claim(reader, "conditions.", condition->claim,
                            " must have exactly one value: make a rule for each.");
    struct gw_str *values = gw_arena_allocate(reader->arena, (size_t)count * sizeof(*values));
    if (values == NULL)
        return GW_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        enum gw_status status =
            read_value(reader, is_list ? gw_json_element(json, i) : json, condition, &values[i]);
        if (status != GW_OK)
            return status;
    }
    condition->values = values;
    condition->value_count = count;
    return GW_OK;
}

static enum gw_status read_condition(const struct reader *reader, struct gw_json object,
                                     int index) {
    struct gw_oidc_condition *condition = &reader->rule->conditions[index];
    struct gw_str name;
    struct gw_json value;
    memset(condition, 0, sizeof(*condition));
    enum gw_status status = gw_json_member_at(object, index, reader->arena, &name, &value);
    if (status == GW_OK)
        status = read_claim(reader, name, condition);
    return status == GW_OK ? read_values(reader, value, condition) : status;
}

static const struct gw_oidc_condition *find_condition(const struct gw_oidc_rule *rule,
                                                      struct gw_str claim) {
    for (int i = 0; i < rule->condition_count; i++) {
        if (gw_str_equal(rule->conditions[i].claim, claim))
            return &rule->conditions[i];
    }
    return NULL;
}

// What the table asks of the whole.
static enum gw_status check_whole(const struct reader *reader) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(reader->rule->kind);
    for (int i = 0; i < provider->claim_count; i++) {
        const struct gw_oidc_claim_kind *claim = &provider->claims[i];
        bool is_named = find_condition(reader->rule, claim->name) != NULL;
        if ((claim->traits & GW_OIDC_ANCHOR) != 0 && !is_named)
            return refuse_claim(reader, "conditions must name ", claim->name,
                                ", or anybody of the issuer would be let in.");
        if (is_named && claim->needs.length > 0 &&
            find_condition(reader->rule, claim->needs) == NULL)
            return refuse_claim(reader, "conditions must name ", claim->needs,
                                " too: a branch and a tag can have one name.");
    }
    return GW_OK;
}

enum gw_status gw_oidc_rule_read(struct gw_arena *arena, enum gw_oidc_kind kind,
                                 struct gw_json conditions, struct gw_oidc_rule *rule,
                                 const char **wrong) {
    const struct reader reader = {arena, rule, wrong};
    int count = gw_json_count(conditions);
    rule->kind = kind;
    rule->condition_count = 0;
    if (gw_json_type(conditions) != GW_JSON_OBJECT)
        return refuse(&reader, "conditions must be an object: names of claims with their values.");
    if (count > GW_OIDC_CONDITIONS_MAX)
        return refuse(&reader, "conditions must name at most 16 claims.");
    for (int i = 0; i < count; i++) {
        enum gw_status status = read_condition(&reader, conditions, i);
        if (status != GW_OK)
            return status;
        rule->condition_count++;
    }
    return check_whole(&reader);
}

void gw_oidc_rule_write_conditions(const struct gw_oidc_rule *rule, struct gw_json_writer *writer) {
    gw_json_open_object(writer);
    for (int i = 0; i < rule->condition_count; i++) {
        const struct gw_oidc_condition *condition = &rule->conditions[i];
        gw_json_key(writer, condition->claim.at);
        gw_json_open_array(writer);
        for (int j = 0; j < condition->value_count; j++)
            gw_json_write_string(writer, condition->values[j]);
        gw_json_close_array(writer);
    }
    gw_json_close_object(writer);
}

enum gw_status gw_oidc_rule_anchor(const struct gw_oidc_rule *rule, struct gw_arena *arena,
                                   struct gw_str *anchor) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(rule->kind);
    struct gw_str values[GW_OIDC_CONDITIONS_MAX];
    int count = 0;
    for (int i = 0; i < provider->claim_count; i++) {
        if ((provider->claims[i].traits & GW_OIDC_ANCHOR) != 0)
            values[count++] = find_condition(rule, provider->claims[i].name)->values[0];
    }
    return gw_oidc_anchor_make(rule->kind, values, arena, anchor);
}

// ---- matching ----

struct matcher {
    const struct gw_oidc_rule *rule;
    const struct gw_jwt *jwt;
    struct gw_arena *arena;
    struct gw_oidc_match *match;
};

static bool value_fits(struct gw_str value, unsigned traits, struct gw_str text) {
    bool is_prefix =
        (traits & GW_OIDC_PREFIX) != 0 && value.length > 0 && value.at[value.length - 1] == '*';
    if (is_prefix)
        return gw_str_starts_with(text, gw_str_slice(value, 0, value.length - 1));
    return (traits & GW_OIDC_NO_CASE) != 0 ? gw_str_equal_nocase(value, text)
                                           : gw_str_equal(value, text);
}

static bool fits(const struct gw_oidc_condition *condition, struct gw_str text) {
    for (int i = 0; i < condition->value_count; i++) {
        if (value_fits(condition->values[i], condition->traits, text))
            return true;
    }
    return false;
}

// Only the first of a verdict stays, and what the sender may not know of goes before.
static void differ(const struct matcher *matcher, struct gw_str claim, struct gw_str value,
                   enum gw_oidc_match_verdict verdict) {
    if (matcher->match->verdict > verdict)
        *matcher->match =
            (struct gw_oidc_match){.verdict = verdict, .claim = claim, .value = value};
}

static enum gw_status match_condition(const struct matcher *matcher,
                                      const struct gw_oidc_condition *condition) {
    struct gw_str text;
    enum gw_status status = gw_oidc_claim_text(matcher->rule->kind, matcher->jwt, matcher->arena,
                                               condition->claim, &text);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK)
        text = gw_str(NULL, 0);
    if (text.at == NULL || !fits(condition, text))
        differ(matcher, condition->claim, text,
               (condition->traits & (GW_OIDC_ANCHOR | GW_OIDC_ID)) != 0 ? GW_OIDC_OTHER
                                                                        : GW_OIDC_DIFFERS);
    return GW_OK;
}

static enum gw_status match_unnamed(const struct matcher *matcher,
                                    const struct gw_oidc_unless_named *refused) {
    struct gw_str text;
    if (find_condition(matcher->rule, refused->claim) != NULL)
        return GW_OK;
    enum gw_status status = gw_oidc_claim_text(matcher->rule->kind, matcher->jwt, matcher->arena,
                                               refused->claim, &text);
    if (status == GW_OK && gw_str_equal(text, refused->value))
        differ(matcher, refused->claim, text, GW_OIDC_DIFFERS);
    return status == GW_NO_MEMORY ? status : GW_OK;
}

static enum gw_status match_address(const struct matcher *matcher, const struct gw_ip *address) {
    const struct gw_oidc_rule *rule = matcher->rule;
    char text[GW_IP_TEXT_BYTES_MAX];
    struct gw_str value = {NULL, 0};
    for (int i = 0; i < rule->allowed_ip_count && address != NULL; i++) {
        if (gw_ip_range_contains(&rule->allowed_ips[i], address))
            return GW_OK;
    }
    if (rule->allowed_ip_count == 0)
        return GW_OK;
    if (address != NULL) {
        size_t length = gw_ip_format(address, text);
        value = gw_str(gw_arena_copy(matcher->arena, gw_str(text, length)), length);
        if (value.at == NULL)
            return GW_NO_MEMORY;
    }
    differ(matcher, GW_STR("address"), value, GW_OIDC_DIFFERS);
    return GW_OK;
}

enum gw_status gw_oidc_rule_match(const struct gw_oidc_rule *rule, const struct gw_jwt *jwt,
                                  struct gw_arena *arena, const struct gw_ip *address,
                                  struct gw_oidc_match *match) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(rule->kind);
    const struct matcher matcher = {rule, jwt, arena, match};
    *match = (struct gw_oidc_match){.verdict = GW_OIDC_MATCHES};
    for (int i = 0; i < rule->condition_count; i++) {
        enum gw_status status = match_condition(&matcher, &rule->conditions[i]);
        if (status != GW_OK)
            return status;
    }
    for (int i = 0; i < provider->refused_count; i++) {
        enum gw_status status = match_unnamed(&matcher, &provider->refused[i]);
        if (status != GW_OK)
            return status;
    }
    return match_address(&matcher, address);
}

// ---- choosing ----

static bool covers(const struct gw_oidc_rule *rule, gw_scope_set asked) {
    static const enum gw_scope all[] = {GW_SCOPE_READ, GW_SCOPE_WRITE, GW_SCOPE_ADMIN};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if ((asked & all[i]) != 0 && !gw_scope_allows(rule->scopes, all[i]))
            return false;
    }
    return true;
}

// How far a set reaches: a scope contains those below it.
static int reach(gw_scope_set scopes) {
    return gw_scope_allows(scopes, GW_SCOPE_ADMIN)   ? 3
           : gw_scope_allows(scopes, GW_SCOPE_WRITE) ? 2
                                                     : 1;
}

static bool is_before(const struct gw_oidc_rule *one, const struct gw_oidc_rule *other) {
    if (reach(one->scopes) != reach(other->scopes))
        return reach(one->scopes) < reach(other->scopes);
    if (one->life_s != other->life_s)
        return one->life_s < other->life_s;
    if (one->created_ms != other->created_ms)
        return one->created_ms < other->created_ms;
    return gw_str_compare(one->id, other->id) < 0;
}

const struct gw_oidc_rule *gw_oidc_rule_choose(const struct gw_oidc_rule *const *rules, int count,
                                               gw_scope_set asked) {
    const struct gw_oidc_rule *chosen = NULL;
    for (int i = 0; i < count; i++) {
        if (covers(rules[i], asked) && (chosen == NULL || is_before(rules[i], chosen)))
            chosen = rules[i];
    }
    return chosen;
}
