// SPDX-License-Identifier: MIT
#include "gateway/api/token_exchange_request.h"

#include "base/json.h"
#include "gateway/api/form.h"
#include "gateway/api/json_body.h"
#include "gateway/api/known_names.h"
#include "gateway/api/token_limits.h"
#include "token/slug.h"

#define MEMBERS GW_STR("token, scopes") // of the JSON
#define TOKEN_TYPES "urn:ietf:params:oauth:token-type:"
#define ORG_PATH "/api/v1/orgs/"

// ---- the form ----

enum parameter {
    GRANT_TYPE,
    SUBJECT_TOKEN,
    SUBJECT_TOKEN_TYPE,
    REQUESTED_TOKEN_TYPE,
    ACTOR_TOKEN,
    SCOPE,
    ORG,
    RESOURCE,
    AUDIENCE,
    PARAMETER_COUNT
};

static bool is_given(const struct gw_form_parameter *parameter) {
    return parameter->value.length > 0; // RFC 6749 section 3.2: without a value it is not there
}

static bool invalid(struct gw_refusal *refusal, const char *message) {
    return gw_refuse(refusal, GW_ERROR_OAUTH_INVALID_REQUEST, message);
}

static bool check_grant(const struct gw_form_parameter *form, struct gw_refusal *refusal) {
    if (!is_given(&form[GRANT_TYPE]))
        return invalid(refusal, "grant_type is required.");
    if (!gw_str_equal(form[GRANT_TYPE].value, GW_STR(GW_TOKEN_EXCHANGE_GRANT)))
        return gw_refuse(refusal, GW_ERROR_OAUTH_UNSUPPORTED_GRANT_TYPE,
                         "grant_type must be " GW_TOKEN_EXCHANGE_GRANT ".");
    return true;
}

static bool check_types(const struct gw_form_parameter *form, struct gw_refusal *refusal) {
    struct gw_str subject = form[SUBJECT_TOKEN_TYPE].value;
    struct gw_str requested = form[REQUESTED_TOKEN_TYPE].value;
    if (!is_given(&form[SUBJECT_TOKEN]))
        return invalid(refusal, "subject_token is required: the identity token.");
    if (!gw_str_equal(subject, GW_STR(TOKEN_TYPES "jwt")) &&
        !gw_str_equal(subject, GW_STR(TOKEN_TYPES "id_token")))
        return invalid(refusal,
                       "subject_token_type must be " TOKEN_TYPES "jwt or " TOKEN_TYPES "id_token.");
    if (requested.length > 0 && !gw_str_equal(requested, GW_STR(GW_TOKEN_TYPE_ACCESS)))
        return invalid(refusal, "requested_token_type can only be " GW_TOKEN_TYPE_ACCESS ".");
    if (is_given(&form[ACTOR_TOKEN]))
        return invalid(refusal, "actor_token is not supported: a token acts for itself.");
    return true;
}

// RFC 6749 section 3.3: names with single spaces between them.
static bool read_scope(struct gw_str text, gw_scope_set *scopes, struct gw_refusal *refusal) {
    *scopes = text.length > 0 ? 0 : GW_SCOPE_READ;
    struct gw_str rest = text.length > 0 ? text : gw_str(NULL, 0);
    struct gw_str name;
    while (gw_str_next(&rest, ' ', &name)) {
        enum gw_scope scope;
        if (gw_scope_parse(name, &scope) != GW_OK)
            return gw_refuse(refusal, GW_ERROR_OAUTH_INVALID_SCOPE,
                             "scope can be read, write and admin, with a space between two.");
        *scopes |= (gw_scope_set)scope;
    }
    return true;
}

// The last part of https://any.host/api/v1/orgs/{org}; empty: it is another URL.
static struct gw_str org_of_resource(struct gw_str url) {
    struct gw_str path = gw_str(NULL, 0);
    struct gw_str rest = gw_str_slice(url, gw_str_find(url, ':'), url.length);
    if (gw_str_starts_with(rest, GW_STR("://"))) {
        rest = gw_str_slice(rest, 3, rest.length);
        path = gw_str_slice(rest, gw_str_find(rest, '/'), rest.length);
    }
    size_t length = sizeof(ORG_PATH) - 1;
    return gw_str_starts_with(path, GW_STR(ORG_PATH)) ? gw_str_slice(path, length, path.length)
                                                      : gw_str("", 0);
}

static bool read_target(const struct gw_form_parameter *form, struct gw_str *org,
                        struct gw_refusal *refusal) {
    struct gw_str named = form[ORG].value;
    struct gw_str of_resource = org_of_resource(form[RESOURCE].value);
    bool has_resource = is_given(&form[RESOURCE]);
    *org = is_given(&form[ORG]) ? named : has_resource ? of_resource : gw_str(NULL, 0);
    if (is_given(&form[AUDIENCE]))
        return gw_refuse(refusal, GW_ERROR_OAUTH_INVALID_TARGET,
                         "audience is not used: name the organisation in org or in resource.");
    if (has_resource && !gw_org_slug_valid(of_resource))
        return gw_refuse(refusal, GW_ERROR_OAUTH_INVALID_TARGET,
                         "resource must be the URL of " ORG_PATH "{org}.");
    if (org->at != NULL && !gw_org_slug_valid(*org))
        return gw_refuse(refusal, GW_ERROR_OAUTH_INVALID_TARGET,
                         "org must be the slug of an organisation.");
    if (has_resource && !gw_str_equal(*org, of_resource))
        return gw_refuse(refusal, GW_ERROR_OAUTH_INVALID_TARGET,
                         "org and resource name different organisations.");
    return true;
}

bool gw_token_exchange_read_form(char *form, size_t length,
                                 struct gw_token_exchange_request *request,
                                 struct gw_refusal *refusal) {
    struct gw_form_parameter all[PARAMETER_COUNT] = {
        [GRANT_TYPE] = {.name = GW_STR("grant_type")},
        [SUBJECT_TOKEN] = {.name = GW_STR("subject_token")},
        [SUBJECT_TOKEN_TYPE] = {.name = GW_STR("subject_token_type")},
        [REQUESTED_TOKEN_TYPE] = {.name = GW_STR("requested_token_type")},
        [ACTOR_TOKEN] = {.name = GW_STR("actor_token")},
        [SCOPE] = {.name = GW_STR("scope")},
        [ORG] = {.name = GW_STR("org")},
        [RESOURCE] = {.name = GW_STR("resource")},
        [AUDIENCE] = {.name = GW_STR("audience")},
    };
    enum gw_status status = gw_form_read(form, length, all, PARAMETER_COUNT);
    if (status == GW_CONFLICT)
        return invalid(refusal, "A parameter is there more than once.");
    if (status != GW_OK)
        return invalid(refusal, "The body has an invalid escape.");
    request->subject_token = all[SUBJECT_TOKEN].value;
    return check_grant(all, refusal) && check_types(all, refusal) &&
           read_scope(all[SCOPE].value, &request->scopes, refusal) &&
           read_target(all, &request->org, refusal);
}

// ---- JSON ----

bool gw_token_exchange_read_json(struct gw_arena *arena, struct gw_str body,
                                 struct gw_token_exchange_request *request,
                                 struct gw_refusal *refusal) {
    struct gw_json root;
    struct gw_json value;
    request->scopes = GW_SCOPE_READ;
    request->org = gw_str(NULL, 0);
    if (!gw_json_body_parse(arena, body, &root, refusal) ||
        !gw_known_members_check(arena, root, MEMBERS, refusal))
        return false;
    if (!gw_json_body_find(root, GW_STR("token"), &value) ||
        gw_json_string(value, arena, &request->subject_token) != GW_OK ||
        request->subject_token.length == 0)
        return gw_refuse_value(refusal, "token is required: the identity token, a string.");
    return !gw_json_body_find(root, GW_STR("scopes"), &value) ||
           gw_token_limits_scopes(arena, value, &request->scopes, refusal);
}
