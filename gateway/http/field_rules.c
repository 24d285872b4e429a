// SPDX-License-Identifier: MIT
#include "gateway/http/field_rules.h"

#include "base/ascii.h"

enum field_rule_flag {
    NOT_TO_REGISTRY = 1,
    NOT_TO_CLIENT = 2,
    NEITHER = NOT_TO_REGISTRY | NOT_TO_CLIENT,
    NOT_AN_OPTION = 4, // Connection must not name it
    CREDENTIAL = 8     // to the registry only with --forward-authorization
};

struct field_rule {
    struct gw_str name; // folded; a trailing "-" stands for every name with this prefix
    unsigned flags;
};

// clang-format off
static const struct field_rule rules[] = {
    // Hop-by-hop (RFC 9110 section 7.6.1).
    {GW_STR_INIT("connection"), NEITHER},
    {GW_STR_INIT("keep-alive"), NEITHER},
    {GW_STR_INIT("proxy-"), NEITHER},
    {GW_STR_INIT("te"), NEITHER},
    {GW_STR_INIT("trailer"), NEITHER},
    {GW_STR_INIT("upgrade"), NEITHER},
    // Framing and target: written anew from the parsed head.
    {GW_STR_INIT("content-length"), NEITHER | NOT_AN_OPTION},
    {GW_STR_INIT("transfer-encoding"), NEITHER | NOT_AN_OPTION},
    {GW_STR_INIT("host"), NOT_TO_REGISTRY | NOT_AN_OPTION},
    {GW_STR_INIT("expect"), NOT_TO_REGISTRY | NOT_AN_OPTION},
    // Identity: the gateway alone sets it.
    {GW_STR_INIT("authorization"), CREDENTIAL | NOT_AN_OPTION},
    {GW_STR_INIT("x-skillreg-"), NOT_TO_REGISTRY | NOT_AN_OPTION},
    {GW_STR_INIT("x-request-id"), NEITHER | NOT_AN_OPTION},
    {GW_STR_INIT("skillreg-token-expires"), NOT_TO_CLIENT},
    // Written anew, with a span of the gateway's own (W3C Trace Context).
    {GW_STR_INIT("traceparent"), NEITHER},
    {GW_STR_INIT("x-forwarded-"), NOT_TO_REGISTRY | NOT_AN_OPTION},
    {GW_STR_INIT("forwarded"), NOT_TO_REGISTRY | NOT_AN_OPTION},
    {GW_STR_INIT("x-real-ip"), NOT_TO_REGISTRY | NOT_AN_OPTION},
    // Would change method, path or outgoing proxy of the registry after the decision.
    {GW_STR_INIT("x-http-method-override"), NOT_TO_REGISTRY},
    {GW_STR_INIT("x-http-method"), NOT_TO_REGISTRY},
    {GW_STR_INIT("x-method-override"), NOT_TO_REGISTRY},
    {GW_STR_INIT("x-original-url"), NOT_TO_REGISTRY},
    {GW_STR_INIT("x-rewrite-url"), NOT_TO_REGISTRY},
    {GW_STR_INIT("proxy"), NOT_TO_REGISTRY},
};
// clang-format on

static char fold(char c) {
    return c == '_' || c == '.' ? '-' : gw_ascii_to_lower(c);
}

static bool rule_matches(const struct field_rule *rule, struct gw_str name) {
    gw_assert(rule->name.length > 0);
    bool is_family = rule->name.at[rule->name.length - 1] == '-';
    if (is_family ? name.length < rule->name.length : name.length != rule->name.length)
        return false;
    for (size_t i = 0; i < rule->name.length; i++) {
        if (fold(name.at[i]) != rule->name.at[i])
            return false;
    }
    return true;
}

static unsigned flags_of(struct gw_str name) {
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rule_matches(&rules[i], name))
            return rules[i].flags;
    }
    return 0;
}

static enum gw_status add_options(struct gw_str list, struct gw_field_options *options) {
    struct gw_str option;
    while (gw_str_next(&list, ',', &option)) {
        option = gw_str_trim(option);
        if (option.length == 0 || gw_str_equal_nocase(option, GW_STR("keep-alive")) ||
            gw_str_equal_nocase(option, GW_STR("close")))
            continue;
        if (options->count == GW_RELAY_OPTIONS_MAX)
            return GW_TOO_BIG;
        options->names[options->count++] = option;
    }
    return GW_OK;
}

enum gw_status gw_field_options_read(const struct gw_http_head *head,
                                     struct gw_field_options *options) {
    enum gw_status status = GW_OK;
    options->count = 0;
    for (int i = 0; i < head->field_count && status == GW_OK; i++) {
        if (head->fields[i].id == GW_FIELD_CONNECTION)
            status = add_options(head->fields[i].value, options);
    }
    return status;
}

const struct gw_refusal *gw_field_rules_check(const struct gw_http_head *request) {
    static const struct gw_refusal too_many = {GW_ERROR_BAD_REQUEST,
                                               "The Connection field lists too many options."};
    static const struct gw_refusal protected_field = {
        GW_ERROR_BAD_REQUEST, "The Connection field must not name this field."};
    struct gw_field_options options;
    if (gw_field_options_read(request, &options) != GW_OK)
        return &too_many;
    for (int i = 0; i < options.count; i++) {
        if ((flags_of(options.names[i]) & NOT_AN_OPTION) != 0)
            return &protected_field;
    }
    return NULL;
}

// received-protocol RWS received-by [ RWS comment ]
static bool is_via_gateway(struct gw_str hop) {
    hop = gw_str_trim(hop);
    struct gw_str by = gw_str_slice(hop, gw_str_find(hop, ' ') + 1, hop.length);
    by = gw_str_trim(by);
    return gw_str_equal(gw_str_slice(by, 0, gw_str_find(by, ' ')), GW_STR(GW_VIA_NAME));
}

int gw_field_via_count(const struct gw_http_head *request) {
    int count = 0;
    for (int i = 0; i < request->field_count; i++) {
        struct gw_str list = request->fields[i].value;
        struct gw_str hop;
        if (!gw_str_equal_nocase(request->fields[i].name, GW_STR("via")))
            continue;
        while (gw_str_next(&list, ',', &hop))
            count += is_via_gateway(hop);
    }
    return count;
}

static bool is_option(struct gw_str name, const struct gw_field_options *options) {
    for (int i = 0; i < options->count; i++) {
        if (gw_str_equal_nocase(name, options->names[i]))
            return true;
    }
    return false;
}

bool gw_field_passes_to_registry(const struct gw_http_field *field,
                                 const struct gw_field_options *options,
                                 bool forward_authorization) {
    unsigned stopping = forward_authorization ? NOT_TO_REGISTRY : NOT_TO_REGISTRY | CREDENTIAL;
    return (flags_of(field->name) & stopping) == 0 && !is_option(field->name, options);
}

bool gw_field_passes_to_client(const struct gw_http_field *field,
                               const struct gw_field_options *options) {
    return (flags_of(field->name) & NOT_TO_CLIENT) == 0 && !is_option(field->name, options);
}
