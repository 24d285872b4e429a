// SPDX-License-Identifier: MIT
#include "gateway/exchange/router.h"

#include <string.h>

#include "gateway/exchange/target.h"

// The first row that matches path and method wins; the careful default stands last. Unless a row
// says otherwise its requests go to the registry, and count against the rate of their token.
static const struct gw_route routes[] = {
    {"GET HEAD", "/api/v1/auth/whoami", GW_ACCESS_TOKEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_WHOAMI, .sites = GW_ROUTE_ON_BOTH},
    {"GET HEAD", "/api/v1/orgs/{org}/tokens", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TOKEN_LIST, .sites = GW_ROUTE_ON_BOTH},
    {"GET HEAD", "/api/v1/orgs/{org}/tokens/{id}", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TOKEN_SHOW, .sites = GW_ROUTE_ON_BOTH},
    {"POST", "/api/v1/orgs/{org}/tokens", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TOKEN_CREATE, .sites = GW_ROUTE_ON_BOTH},
    {"DELETE", "/api/v1/orgs/{org}/tokens/{id}", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TOKEN_REVOKE, .rate = GW_ROUTE_RATE_NONE, .sites = GW_ROUTE_ON_BOTH},
    {"PATCH", "/api/v1/orgs/{org}/tokens/{id}", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TOKEN_CHANGE, .sites = GW_ROUTE_ON_BOTH},
    {"POST", "/api/v1/orgs/{org}/tokens/revoke", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TOKENS_REVOKE, .rate = GW_ROUTE_RATE_NONE, .sites = GW_ROUTE_ON_BOTH},
    {"POST", "/api/v1/orgs/{org}/tokens/{id}/rotate", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TOKEN_ROTATE, .sites = GW_ROUTE_ON_BOTH},
    {"GET HEAD", "/api/v1/orgs/{org}/audit", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_AUDIT, .sites = GW_ROUTE_ON_BOTH},
    {"GET HEAD", "/api/v1/orgs/{org}/trust", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TRUST_LIST},
    {"POST", "/api/v1/orgs/{org}/trust", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TRUST_CREATE},
    {"GET HEAD", "/api/v1/orgs/{org}/trust/{id}", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TRUST_SHOW},
    {"DELETE", "/api/v1/orgs/{org}/trust/{id}", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TRUST_REMOVE, .rate = GW_ROUTE_RATE_NONE},
    {"DELETE", "/api/v1/auth/token", GW_ACCESS_TOKEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_TOKEN_REVOKE_OWN, .rate = GW_ROUTE_RATE_NONE},
    {"POST", "/api/v1/auth/token/rotate", GW_ACCESS_TOKEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_TOKEN_ROTATE_OWN},
    {"POST", "/api/v1/orgs/{org}/oidc/token", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_TOKEN_EXCHANGE_JSON, .rate = GW_ROUTE_RATE_NONE},
    {"POST", "/api/v1/orgs/{org}/trust/test", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_TRUST_TEST},
    {"GET HEAD", "/api/v1/oidc/audience", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_OIDC_AUDIENCE, .rate = GW_ROUTE_RATE_NONE},
    {"POST", "/api/v1/registry/tokens", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_HAND_OVER, .rate = GW_ROUTE_RATE_NONE},
    {"POST", "/api/v1/auth/cli/initiate", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_DEVICE_START, .rate = GW_ROUTE_RATE_NONE, .needs_device_login = true},
    {"GET HEAD", "/api/v1/auth/cli/poll", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_DEVICE_POLL, .rate = GW_ROUTE_RATE_NONE, .needs_device_login = true},
    {"POST", "/api/v1/auth/cli/lookup", GW_ACCESS_SCOPE, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_DEVICE_LOOKUP, .sites = GW_ROUTE_ON_BOTH, .needs_device_login = true},
    {"POST", "/api/v1/auth/cli/approve", GW_ACCESS_SCOPE, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_DEVICE_APPROVE, .sites = GW_ROUTE_ON_BOTH, .needs_device_login = true},
    {"GET HEAD", "/api/v1/public/**", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .rate = GW_ROUTE_RATE_NONE},
    {"GET HEAD", "/api/v1/search", GW_ACCESS_OPTIONAL, .scope = GW_SCOPE_READ,
     .rate = GW_ROUTE_RATE_SEARCH, .org_parameter = "org"},
    {"GET HEAD", "/api/v1/catalog/{source}/{name}/versions/{version}/download", GW_ACCESS_ORG,
     .scope = GW_SCOPE_READ, .org_parameter = "asOrg"},
    {"GET HEAD", "/api/v1/orgs/{org}/skills/**", GW_ACCESS_ORG, .scope = GW_SCOPE_READ},
    {"GET HEAD", "/api/v1/orgs/{org}/commands/**", GW_ACCESS_ORG, .scope = GW_SCOPE_READ},
    {"GET HEAD", "/api/v1/orgs/{org}/proposals/**", GW_ACCESS_ORG, .scope = GW_SCOPE_READ},
    {"GET HEAD", "/api/v1/orgs/{org}/catalog-policy/**", GW_ACCESS_ORG, .scope = GW_SCOPE_READ},
    {"GET HEAD", "/api/v1/orgs/{org}/managed-skills/**", GW_ACCESS_ORG, .scope = GW_SCOPE_READ},
    {"POST", "/api/v1/orgs/{org}/skills", GW_ACCESS_ORG, .scope = GW_SCOPE_WRITE},
    {"PATCH", "/api/v1/orgs/{org}/skills/{name}", GW_ACCESS_ORG, .scope = GW_SCOPE_WRITE},
    {"POST", "/api/v1/orgs/{org}/skills/{name}/versions", GW_ACCESS_ORG, .scope = GW_SCOPE_WRITE},
    {"POST", "/api/v1/orgs/{org}/commands/{name}/versions", GW_ACCESS_ORG, .scope = GW_SCOPE_WRITE},
    {"POST", "/api/v1/orgs/{org}/skills/{name}/proposals", GW_ACCESS_ORG, .scope = GW_SCOPE_WRITE},
    {"POST", "/api/v1/orgs/{org}/commands/{name}/proposals", GW_ACCESS_ORG,
     .scope = GW_SCOPE_WRITE},
    {"POST", "/api/v1/orgs/{org}/proposals", GW_ACCESS_ORG, .scope = GW_SCOPE_WRITE},
    {"DELETE", "/api/v1/orgs/{org}/skills/{name}", GW_ACCESS_ORG, .scope = GW_SCOPE_ADMIN},
    {"GET HEAD POST PUT PATCH DELETE OPTIONS", "/api/v1/orgs/{org}/**", GW_ACCESS_ORG,
     .scope = GW_SCOPE_ADMIN},
    {"GET HEAD", "/authz", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ, .target = GW_ROUTE_FORWARD_AUTH,
     .rate = GW_ROUTE_RATE_NONE},
    {"GET HEAD POST PUT PATCH DELETE OPTIONS", "/authz/{path}/**", GW_ACCESS_OPEN,
     .scope = GW_SCOPE_READ, .target = GW_ROUTE_FORWARD_AUTH, .rate = GW_ROUTE_RATE_NONE},
    {"POST", "/oauth2/introspect", GW_ACCESS_SCOPE, .scope = GW_SCOPE_ADMIN,
     .target = GW_ROUTE_INTROSPECT},
    {"POST", "/oauth2/token", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_TOKEN_EXCHANGE, .rate = GW_ROUTE_RATE_NONE,
     .errors = GW_ROUTE_ERRORS_OAUTH},
    {"POST", "/leaks/gitlab/v1/revoke_tokens", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_LEAKS_GITLAB, .rate = GW_ROUTE_RATE_NONE},
    {"GET HEAD", "/leaks/gitlab/v1/revocable_token_types", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_LEAK_TYPES_GITLAB, .rate = GW_ROUTE_RATE_NONE},
    {"GET HEAD", "/api/v1/openapi.json", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .target = GW_ROUTE_OPENAPI, .rate = GW_ROUTE_RATE_NONE},
    {"GET HEAD", "/", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ, .target = GW_ROUTE_PAGE,
     .rate = GW_ROUTE_RATE_NONE, .sites = GW_ROUTE_ON_PAGE},
    {"GET HEAD", "/tokens", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ, .target = GW_ROUTE_PAGE,
     .rate = GW_ROUTE_RATE_NONE, .sites = GW_ROUTE_ON_PAGE},
    {"GET HEAD", "/auth/cli", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ, .target = GW_ROUTE_PAGE,
     .rate = GW_ROUTE_RATE_NONE, .sites = GW_ROUTE_ON_PAGE, .needs_device_login = true},
    {"GET HEAD", "/tokens/{file}", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ, .target = GW_ROUTE_PAGE,
     .rate = GW_ROUTE_RATE_NONE, .sites = GW_ROUTE_ON_PAGE},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

const struct gw_route *gw_router_routes(int *count) {
    *count = (int)ROUTE_COUNT;
    return routes;
}

// ---- matching ----

static void keep_segment(const char *pattern, struct gw_str segment, struct gw_route_match *match) {
    if (strncmp(pattern, "{org}", 5) == 0)
        match->org = segment;
    else if (strncmp(pattern, "{id}", 4) == 0)
        match->id = segment;
}

// Fills org and id of `match` as it goes. Byte by byte: a request tries most of the table.
static bool pattern_matches(const char *pattern, struct gw_str path, struct gw_route_match *match) {
    size_t at = 0;
    while (*pattern != '\0') {
        if (pattern[0] == '/' && pattern[1] == '*')
            return at == path.length || path.at[at] == '/';
        if (*pattern == '{') {
            struct gw_str rest = gw_str_slice(path, at, path.length);
            struct gw_str segment = gw_str_slice(rest, 0, gw_str_find(rest, '/'));
            if (segment.length == 0)
                return false;
            keep_segment(pattern, segment, match);
            at += segment.length;
            pattern = strchr(pattern, '}');
            gw_assert(pattern != NULL);
            pattern++;
        } else if (at < path.length && path.at[at] == *pattern) {
            at++;
            pattern++;
        } else {
            return false;
        }
    }
    return at == path.length;
}

static bool has_method(const char *methods, struct gw_str method) {
    struct gw_str rest = gw_str_from(methods);
    struct gw_str name;
    while (gw_str_next(&rest, ' ', &name)) {
        if (gw_str_equal(name, method))
            return true;
    }
    return false;
}

static enum gw_route_outcome find_org_parameter(struct gw_route_match *match) {
    int count = 0;
    gw_assert(match->route->org_parameter != NULL && match->org.at == NULL);
    struct gw_str name = gw_str_from(match->route->org_parameter);
    if (match->query.at != NULL)
        match->org = gw_target_parameter(match->query, name, &count);
    if (count > 1 || (count == 0 && match->route->access == GW_ACCESS_ORG))
        return GW_ROUTE_AMBIGUOUS;
    return GW_ROUTE_FOUND;
}

static bool is_on(const struct gw_route *route, enum gw_site site) {
    gw_assert(site != GW_SITE_ADMIN);
    return route->sites == GW_ROUTE_ON_BOTH ||
           (route->sites == GW_ROUTE_ON_PAGE) == (site == GW_SITE_PAGE);
}

static enum gw_route_outcome find_route(enum gw_site site, struct gw_str path, struct gw_str method,
                                        struct gw_route_match *match) {
    bool has_path = false;
    bool has_own = false; // a path of the gateway's own is not forwarded under another method
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        bool is_own = routes[i].target != GW_ROUTE_FORWARD;
        match->org = match->id = (struct gw_str){NULL, 0};
        if (!is_on(&routes[i], site) || (has_own && !is_own) ||
            !pattern_matches(routes[i].pattern, path, match))
            continue;
        if (has_method(routes[i].methods, method)) {
            match->route = &routes[i];
            return GW_ROUTE_FOUND;
        }
        has_path = true;
        has_own = has_own || is_own;
    }
    return has_path ? GW_ROUTE_METHOD_NOT_ALLOWED : GW_ROUTE_NOT_FOUND;
}

enum gw_route_outcome gw_router_match(enum gw_site site, struct gw_str method, struct gw_str target,
                                      struct gw_route_match *match) {
    *match = (struct gw_route_match){.route = NULL};
    if (gw_str_equal(method, GW_STR("CONNECT")) || gw_str_equal(target, GW_STR("*")))
        return GW_ROUTE_METHOD_NOT_ALLOWED;
    if (!gw_target_split(target, &match->path, &match->query))
        return GW_ROUTE_BAD_TARGET;
    // No other route ends in a slash: the registry might read the path as the one without it.
    if (match->path.length > 1 && match->path.at[match->path.length - 1] == '/')
        return GW_ROUTE_NOT_FOUND;
    enum gw_route_outcome outcome = find_route(site, match->path, method, match);
    if (outcome == GW_ROUTE_FOUND && match->route->org_parameter != NULL)
        outcome = find_org_parameter(match);
    return outcome;
}

// In place of those that need --device-login: the registry serves its own logins.
static const struct gw_route login_routes[] = {
    {"POST", "/api/v1/auth/cli/initiate", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .rate = GW_ROUTE_RATE_NONE},
    {"GET HEAD", "/api/v1/auth/cli/poll", GW_ACCESS_OPEN, .scope = GW_SCOPE_READ,
     .rate = GW_ROUTE_RATE_NONE},
};

enum gw_route_outcome gw_router_without_device_login(enum gw_route_outcome outcome,
                                                     struct gw_route_match *match) {
    if (outcome != GW_ROUTE_FOUND || !match->route->needs_device_login)
        return outcome;
    const char *pattern = match->route->pattern;
    match->route = NULL;
    for (size_t i = 0; i < sizeof(login_routes) / sizeof(login_routes[0]); i++) {
        if (strcmp(login_routes[i].pattern, pattern) == 0)
            match->route = &login_routes[i];
    }
    return match->route != NULL ? GW_ROUTE_FOUND : GW_ROUTE_NOT_FOUND;
}

enum gw_route_class gw_route_class_of(const struct gw_route *route) {
    if (route == NULL)
        return GW_ROUTE_CLASS_NONE;
    if (route->target == GW_ROUTE_FORWARD)
        return GW_ROUTE_CLASS_REGISTRY;
    return route->target == GW_ROUTE_FORWARD_AUTH ? GW_ROUTE_CLASS_AUTHZ : GW_ROUTE_CLASS_API;
}

static void allow_add(char out[96], const char *methods) {
    struct gw_str rest = gw_str_from(methods);
    struct gw_str name;
    while (gw_str_next(&rest, ' ', &name)) {
        size_t length = strlen(out);
        if (length + name.length + 3 > 96)
            return;
        if (length > 0) {
            memcpy(out + length, ", ", 2);
            length += 2;
        }
        memcpy(out + length, name.at, name.length);
        out[length + name.length] = '\0';
    }
}

void gw_router_allow(enum gw_site site, struct gw_str target, char out[96]) {
    struct gw_route_match match = {.route = NULL};
    bool has_own = false;
    out[0] = '\0';
    if (!gw_target_split(target, &match.path, &match.query))
        return;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        bool is_own = routes[i].target != GW_ROUTE_FORWARD;
        if (!is_on(&routes[i], site) || (has_own && !is_own) ||
            !pattern_matches(routes[i].pattern, match.path, &match))
            continue;
        // The catch-all has every method of the narrower routes of the path.
        if (strncmp(routes[i].methods, "GET HEAD POST", 13) == 0)
            out[0] = '\0';
        has_own = has_own || is_own;
        allow_add(out, routes[i].methods);
    }
}
