// SPDX-License-Identifier: MIT
#include "gateway/exchange/router.h"

#include <string.h>

#include "base/ascii.h"
#include "base/limits.h"
#include "base/utf8.h"

#define READ GW_SCOPE_READ
#define WRITE GW_SCOPE_WRITE
#define ADMIN GW_SCOPE_ADMIN
#define OF_ORG GW_ACCESS_ORG
#define FORWARD GW_ROUTE_FORWARD
#define UNLIMITED GW_ROUTE_RATE_NONE
#define PER_TOKEN GW_ROUTE_RATE_TOKEN
#define PER_SEARCH GW_ROUTE_RATE_SEARCH

// First match of path and method wins; the careful default stands last.
static const struct gw_route routes[] = {
    {"GET HEAD", "/api/v1/auth/whoami", GW_ACCESS_TOKEN, READ, GW_ROUTE_WHOAMI, PER_TOKEN, NULL},
    {"GET HEAD", "/api/v1/orgs/{org}/tokens", OF_ORG, ADMIN, GW_ROUTE_TOKEN_LIST, PER_TOKEN, NULL},
    {"POST", "/api/v1/orgs/{org}/tokens", OF_ORG, ADMIN, GW_ROUTE_TOKEN_CREATE, PER_TOKEN, NULL},
    {"DELETE", "/api/v1/orgs/{org}/tokens/{id}", OF_ORG, ADMIN, GW_ROUTE_TOKEN_REVOKE, UNLIMITED,
     NULL},
    {"POST", "/api/v1/orgs/{org}/tokens/{id}/rotate", OF_ORG, ADMIN, GW_ROUTE_TOKEN_ROTATE,
     PER_TOKEN, NULL},
    {"GET HEAD", "/api/v1/orgs/{org}/audit", OF_ORG, ADMIN, GW_ROUTE_AUDIT, PER_TOKEN, NULL},
    {"DELETE", "/api/v1/auth/token", GW_ACCESS_TOKEN, READ, GW_ROUTE_TOKEN_REVOKE_OWN, UNLIMITED,
     NULL},
    {"POST", "/api/v1/auth/cli/initiate", GW_ACCESS_OPEN, READ, FORWARD, UNLIMITED, NULL},
    {"GET HEAD", "/api/v1/auth/cli/poll", GW_ACCESS_OPEN, READ, FORWARD, UNLIMITED, NULL},
    {"GET HEAD", "/api/v1/public/**", GW_ACCESS_OPEN, READ, FORWARD, UNLIMITED, NULL},
    {"GET HEAD", "/api/v1/search", GW_ACCESS_OPTIONAL, READ, FORWARD, PER_SEARCH, "org"},
    {"GET HEAD", "/api/v1/catalog/{source}/{name}/versions/{version}/download", OF_ORG, READ,
     FORWARD, PER_TOKEN, "asOrg"},
    {"GET HEAD", "/api/v1/orgs/{org}/skills/**", OF_ORG, READ, FORWARD, PER_TOKEN, NULL},
    {"GET HEAD", "/api/v1/orgs/{org}/commands/**", OF_ORG, READ, FORWARD, PER_TOKEN, NULL},
    {"GET HEAD", "/api/v1/orgs/{org}/proposals/**", OF_ORG, READ, FORWARD, PER_TOKEN, NULL},
    {"GET HEAD", "/api/v1/orgs/{org}/catalog-policy/**", OF_ORG, READ, FORWARD, PER_TOKEN, NULL},
    {"GET HEAD", "/api/v1/orgs/{org}/managed-skills/**", OF_ORG, READ, FORWARD, PER_TOKEN, NULL},
    {"POST", "/api/v1/orgs/{org}/skills", OF_ORG, WRITE, FORWARD, PER_TOKEN, NULL},
    {"PATCH", "/api/v1/orgs/{org}/skills/{name}", OF_ORG, WRITE, FORWARD, PER_TOKEN, NULL},
    {"POST", "/api/v1/orgs/{org}/skills/{name}/versions", OF_ORG, WRITE, FORWARD, PER_TOKEN, NULL},
    {"POST", "/api/v1/orgs/{org}/commands/{name}/versions", OF_ORG, WRITE, FORWARD, PER_TOKEN,
     NULL},
    {"POST", "/api/v1/orgs/{org}/skills/{name}/proposals", OF_ORG, WRITE, FORWARD, PER_TOKEN, NULL},
    {"POST", "/api/v1/orgs/{org}/commands/{name}/proposals", OF_ORG, WRITE, FORWARD, PER_TOKEN,
     NULL},
    {"POST", "/api/v1/orgs/{org}/proposals", OF_ORG, WRITE, FORWARD, PER_TOKEN, NULL},
    {"DELETE", "/api/v1/orgs/{org}/skills/{name}", OF_ORG, ADMIN, FORWARD, PER_TOKEN, NULL},
    {"GET HEAD POST PUT PATCH DELETE OPTIONS", "/api/v1/orgs/{org}/**", OF_ORG, ADMIN, FORWARD,
     PER_TOKEN, NULL},
    {"GET HEAD", "/authz", GW_ACCESS_OPEN, READ, GW_ROUTE_FORWARD_AUTH, UNLIMITED, NULL},
    {"GET HEAD POST PUT PATCH DELETE OPTIONS", "/authz/{path}/**", GW_ACCESS_OPEN, READ,
     GW_ROUTE_FORWARD_AUTH, UNLIMITED, NULL},
    {"POST", "/oauth2/introspect", GW_ACCESS_SCOPE, ADMIN, GW_ROUTE_INTROSPECT, PER_TOKEN, NULL},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

const struct gw_route *gw_router_routes(int *count) {
    *count = (int)ROUTE_COUNT;
    return routes;
}

// ---- what a target may look like ----

// The byte at *index, unescaped, and *index behind it. Negative: an escape that is none.
static int next_byte(struct gw_str text, size_t *index) {
    char c = text.at[(*index)++];
    if (c != '%')
        return (unsigned char)c;
    if (*index + 2 > text.length)
        return -1;
    int high = gw_ascii_hex_value(text.at[*index]);
    int low = gw_ascii_hex_value(text.at[*index + 1]);
    *index += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// What RFC 3986 lets stand in a path or query unescaped; '#' and all that is not ASCII may not. A
// bit for each: this looks at every byte of every target.
static bool is_target_char(char c) {
    static const uint64_t allowed[2] = {
        0xaffffff200000000, // ! $ % & ' ( ) * + , - . / 0-9 : ; = ?
        0x47fffffeafffffff, // @ A-Z [ ] _ a-z ~
    };
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (allowed[byte >> 6] >> (byte & 63) & 1) != 0;
}

static bool target_chars_ok(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (!is_target_char(text.at[i]))
            return false;
    }
    return true;
}

// NUL is one that some readers end a name at.
static bool escapes_ok(struct gw_str text) {
    for (size_t i = 0; i < text.length;) {
        if (next_byte(text, &i) <= 0)
            return false;
    }
    return true;
}

// Empty, "." or "..", also with path parameters behind it, as some servers read it.
static bool is_no_name(struct gw_str segment) {
    struct gw_str name = gw_str_slice(segment, 0, gw_str_find(segment, ';'));
    return name.length == 0 || gw_str_equal(name, GW_STR(".")) || gw_str_equal(name, GW_STR(".."));
}

// One segment between slashes, also as a server behind us might read it after unescaping: an
// escaped slash must not make an empty or a dot segment, nothing may hide behind a second escape,
// and no control byte or broken UTF-8 gets through.
static bool segment_ok(struct gw_str segment) {
    char plain[GW_HTTP_TARGET_BYTES_MAX];
    size_t length = 0;
    size_t part = 0;
    for (size_t i = 0; i < segment.length;) {
        int byte = next_byte(segment, &i);
        if (byte < ' ' || byte == 0x7f || byte == '\\')
            return false;
        if (byte == '/') {
            if (is_no_name(gw_str(plain + part, length - part)))
                return false;
            part = length + 1;
        }
        plain[length++] = (char)byte;
    }
    struct gw_str unescaped = gw_str(plain, length);
    for (size_t i = 0; i + 2 < length; i++) {
        if (plain[i] == '%' && gw_ascii_hex_value(plain[i + 1]) >= 0 &&
            gw_ascii_hex_value(plain[i + 2]) >= 0)
            return false;
    }
    return !is_no_name(gw_str(plain + part, length - part)) && gw_utf8_valid(unescaped);
}

static bool has_escape(struct gw_str text) {
    return gw_str_find(text, '%') < text.length;
}

static bool path_ok(struct gw_str path) {
    if (path.length == 0 || path.at[0] != '/' || !target_chars_ok(path))
        return false;
    struct gw_str rest = gw_str_slice(path, 1, path.length);
    struct gw_str segment;
    while (gw_str_next(&rest, '/', &segment)) {
        bool is_last = rest.at == NULL;
        if (segment.length == 0 && is_last)
            return true; // a trailing slash: not found, but no trick
        if (has_escape(segment) ? !segment_ok(segment) : is_no_name(segment))
            return false;
    }
    return true;
}

// ---- matching ----

static void keep_segment(const char *pattern, struct gw_str segment, struct gw_route_match *match) {
    if (strncmp(pattern, "{org}", 5) == 0)
        match->org = segment;
    else if (strncmp(pattern, "{id}", 4) == 0)
        match->id = segment;
}

// Fills org and id of `match` as it goes. Byte by byte: this is done for most of the table on each
// request.
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
            pattern = strchr(pattern, '}') + 1;
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

static bool is_blank(int byte) {
    return byte == ' ' || byte == '+' || (byte >= '\t' && byte <= '\r');
}

// Blanks in front of a name, escaped or not: some readers leave them out (PHP).
static size_t blanks_length(struct gw_str piece) {
    size_t end = 0;
    for (size_t i = 0; i < piece.length && is_blank(next_byte(piece, &i));)
        end = i;
    return end;
}

// Whether `piece` of a query, unescaped, is the parameter `name` in any letters, also as an array
// ("name[]=").
static bool names_parameter(struct gw_str piece, struct gw_str name) {
    size_t i = blanks_length(piece);
    for (size_t n = 0; n < name.length; n++) {
        char c = i < piece.length ? (char)next_byte(piece, &i) : '\0';
        if (!gw_str_equal_nocase(gw_str(&c, 1), gw_str(&name.at[n], 1)))
            return false;
    }
    if (i == piece.length)
        return true;
    int after = next_byte(piece, &i);
    return after == '=' || after == '[';
}

// The value of the query parameter `name`; *count says how often it stands there. A disguise
// (escapes, other letters, brackets, blanks in front, behind ';') counts twice: we must not read
// the query another way than the registry does.
static struct gw_str find_parameter(struct gw_str query, struct gw_str name, int *count) {
    struct gw_str value = {NULL, 0};
    struct gw_str part;
    *count = 0;
    while (gw_str_next(&query, '&', &part)) {
        size_t equals = gw_str_find(part, '=');
        if (gw_str_equal(gw_str_slice(part, 0, equals), name)) {
            value = gw_str_slice(part, equals + 1, part.length);
            *count += 1;
            continue;
        }
        struct gw_str piece;
        while (gw_str_next(&part, ';', &piece))
            *count += names_parameter(piece, name) ? 2 : 0;
    }
    return value;
}

static enum gw_route_outcome find_org_parameter(struct gw_route_match *match) {
    int count = 0;
    struct gw_str name = gw_str_from(match->route->org_parameter);
    if (match->query.at != NULL)
        match->org = find_parameter(match->query, name, &count);
    if (count > 1 || (count == 0 && match->route->access == GW_ACCESS_ORG))
        return GW_ROUTE_AMBIGUOUS;
    return GW_ROUTE_FOUND;
}

static enum gw_route_outcome find_route(struct gw_str path, struct gw_str method,
                                        struct gw_route_match *match) {
    bool has_path = false;
    bool has_own = false; // what the gateway answers itself is not forwarded under another method
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        bool is_own = routes[i].target != GW_ROUTE_FORWARD;
        match->org = match->id = (struct gw_str){NULL, 0};
        if ((has_own && !is_own) || !pattern_matches(routes[i].pattern, path, match))
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

// A target need not come from a request line, so its length is looked at here too.
static bool split(struct gw_str target, struct gw_route_match *match) {
    size_t question = gw_str_find(target, '?');
    if (target.length > GW_HTTP_TARGET_BYTES_MAX)
        return false;
    match->path = gw_str_slice(target, 0, question);
    match->query = (struct gw_str){NULL, 0};
    if (question < target.length)
        match->query = gw_str_slice(target, question + 1, target.length);
    return path_ok(match->path) && target_chars_ok(match->query) && escapes_ok(match->query);
}

enum gw_route_outcome gw_router_match(struct gw_str method, struct gw_str target,
                                      struct gw_route_match *match) {
    *match = (struct gw_route_match){.route = NULL};
    if (gw_str_equal(method, GW_STR("CONNECT")) || gw_str_equal(target, GW_STR("*")))
        return GW_ROUTE_METHOD_NOT_ALLOWED;
    if (!split(target, match))
        return GW_ROUTE_BAD_TARGET;
    // No route has a slash at its end: behind us it might name the same thing as without.
    if (match->path.at[match->path.length - 1] == '/')
        return GW_ROUTE_NOT_FOUND;
    enum gw_route_outcome outcome = find_route(match->path, method, match);
    if (outcome == GW_ROUTE_FOUND && match->route->org_parameter != NULL)
        outcome = find_org_parameter(match);
    return outcome;
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

void gw_router_allow(struct gw_str target, char out[96]) {
    struct gw_route_match match = {.route = NULL};
    bool has_own = false;
    out[0] = '\0';
    if (!split(target, &match))
        return;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        bool is_own = routes[i].target != GW_ROUTE_FORWARD;
        if ((has_own && !is_own) || !pattern_matches(routes[i].pattern, match.path, &match))
            continue;
        // The catch-all holds every method that the narrower routes of the path have.
        if (strncmp(routes[i].methods, "GET HEAD POST", 13) == 0)
            out[0] = '\0';
        has_own = has_own || is_own;
        allow_add(out, routes[i].methods);
    }
}
