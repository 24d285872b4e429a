// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <llhttp.h>
#include <stdio.h>
#include <string.h>

#include "gateway/exchange/router.h"
#include "gateway/http/parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum gw_route_outcome match_of(llhttp_method_t method, const char *target,
                                      struct gw_route_match *match) {
    return gw_router_match(GW_SITE_GATEWAY, gw_str_from(llhttp_method_name(method)),
                           gw_str_from(target), match);
}

static enum gw_route_outcome outcome_of(llhttp_method_t method, const char *target) {
    struct gw_route_match match;
    return match_of(method, target, &match);
}

static void assert_outcome(llhttp_method_t method, const char *target,
                           enum gw_route_outcome expected) {
    enum gw_route_outcome outcome = outcome_of(method, target);
    if (outcome != expected)
        fail_msg("%s %s: %d instead of %d", llhttp_method_name(method), target, outcome, expected);
}

static void assert_slice(struct gw_str slice, const char *expected) {
    if (expected == NULL)
        assert_null(slice.at);
    else if (!gw_str_equal(slice, gw_str_from(expected)))
        fail_msg("%.*s instead of %s", GW_STR_ARG(slice), expected);
}

// ---- the table ----

// One letter for the outcome of a request:
//   I whoami, L list, C create, D revoke, R rotate, U audit, O revoke one's own, S rotate itself:
//   answered here
//   o open, s optional (search), r w a of the organisation with read, write, admin: forwarded
//   - method not allowed, n not found
static char letter_of(llhttp_method_t method, const char *target) {
    struct gw_route_match match;
    switch (match_of(method, target, &match)) {
    case GW_ROUTE_METHOD_NOT_ALLOWED:
        return '-';
    case GW_ROUTE_NOT_FOUND:
        return 'n';
    case GW_ROUTE_FOUND:
        break;
    default:
        return '!';
    }
    const struct gw_route *route = match.route;
    bool is_admin_of_org = route->access == GW_ACCESS_ORG && route->scope == GW_SCOPE_ADMIN;
    switch (route->target) {
    case GW_ROUTE_WHOAMI:
        return route->access == GW_ACCESS_TOKEN ? 'I' : '!';
    case GW_ROUTE_TOKEN_LIST:
        return is_admin_of_org ? 'L' : '!';
    case GW_ROUTE_TOKEN_SHOW:
        return is_admin_of_org ? 'T' : '!';
    case GW_ROUTE_TOKEN_CREATE:
        return is_admin_of_org ? 'C' : '!';
    case GW_ROUTE_TOKEN_REVOKE:
        return is_admin_of_org ? 'D' : '!';
    case GW_ROUTE_TOKEN_CHANGE:
        return is_admin_of_org ? 'P' : '!';
    case GW_ROUTE_TOKENS_REVOKE:
        return is_admin_of_org ? 'B' : '!';
    case GW_ROUTE_TOKEN_ROTATE:
        return is_admin_of_org ? 'R' : '!';
    case GW_ROUTE_AUDIT:
        return is_admin_of_org ? 'U' : '!';
    case GW_ROUTE_TOKEN_REVOKE_OWN:
        return route->access == GW_ACCESS_TOKEN ? 'O' : '!';
    case GW_ROUTE_TOKEN_ROTATE_OWN:
        return route->access == GW_ACCESS_TOKEN ? 'S' : '!';
    default:
        break;
    }
    if (route->access == GW_ACCESS_OPEN)
        return 'o';
    if (route->access == GW_ACCESS_OPTIONAL)
        return route->scope == GW_SCOPE_READ ? 's' : '!';
    return route->access != GW_ACCESS_ORG   ? '!'
           : is_admin_of_org                ? 'a'
           : route->scope == GW_SCOPE_WRITE ? 'w'
                                            : 'r';
}

static void test_every_method_on_every_kind_of_path(void **state) {
    (void)state;
    static const llhttp_method_t methods[] = {HTTP_GET,     HTTP_HEAD,  HTTP_POST,
                                              HTTP_PUT,     HTTP_PATCH, HTTP_DELETE,
                                              HTTP_OPTIONS, HTTP_TRACE, HTTP_PROPFIND};
    static const struct {
        const char *path;
        const char *letters; // GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND
    } rows[] = {
        {"/auth/whoami", "II-------"},
        {"/auth/token", "-----O---"},
        {"/auth/token/rotate", "--S------"},
        {"/auth/token/rotate/x", "nnnnnnnnn"},
        {"/auth/tokens", "nnnnnnnnn"},
        {"/auth/cli/initiate", "--o------"},
        {"/auth/cli/poll", "oo-------"},
        {"/auth/cli", "nnnnnnnnn"},
        {"/auth/cli/poll/x", "nnnnnnnnn"},
        {"/auth/whoami/x", "nnnnnnnnn"},
        {"/public", "oo-------"},
        {"/public/skills/a/b", "oo-------"},
        {"/publicity", "nnnnnnnnn"},
        {"/search", "ss-------"},
        {"/search/x", "nnnnnnnnn"},
        {"/catalog/github/a/versions/1.0.0/download?asOrg=acme", "rr-------"},
        {"/catalog/github/a/versions/1.0.0", "nnnnnnnnn"},
        {"/catalog/github/a/versions/1.0.0/download/x", "nnnnnnnnn"},
        {"/orgs", "nnnnnnnnn"},
        {"/orgs/acme", "aaaaaaa--"},
        {"/orgs/acme/tokens", "LLC------"},
        {"/orgs/acme/tokens/clx7f2k3a", "TT--PD---"},
        {"/orgs/acme/tokens/revoke", "TTB-PD---"},
        {"/orgs/acme/tokens/clx7f2k3a/x", "aaaaaaa--"},
        {"/orgs/acme/tokens/clx7f2k3a/rotate", "--R------"},
        {"/orgs/acme/tokens/clx7f2k3a/rotate/x", "aaaaaaa--"},
        {"/orgs/acme/audit", "UU-------"},
        {"/orgs/acme/audit/1", "aaaaaaa--"},
        {"/orgs/acme/skills", "rrwaaaa--"},
        {"/orgs/acme/skills/a", "rraawaa--"},
        {"/orgs/acme/skills/a/versions", "rrwaaaa--"},
        {"/orgs/acme/skills/a/versions/1.0.0/download", "rraaaaa--"},
        {"/orgs/acme/skills/a/proposals", "rrwaaaa--"},
        {"/orgs/acme/skills/a/settings", "rraaaaa--"},
        {"/orgs/acme/commands", "rraaaaa--"},
        {"/orgs/acme/commands/a", "rraaaaa--"},
        {"/orgs/acme/commands/a/versions", "rrwaaaa--"},
        {"/orgs/acme/commands/a/proposals", "rrwaaaa--"},
        {"/orgs/acme/proposals", "rrwaaaa--"},
        {"/orgs/acme/proposals/1", "rraaaaa--"},
        {"/orgs/acme/catalog-policy", "rraaaaa--"},
        {"/orgs/acme/managed-skills/a", "rraaaaa--"},
        {"/orgs/acme/settings", "aaaaaaa--"},
        {"/orgs/acme/members/1", "aaaaaaa--"},
        {"/orgs/acme/skillset", "aaaaaaa--"},
        {"/nothing", "nnnnnnnnn"},
    };
    for (size_t row = 0; row < COUNT(rows); row++) {
        char target[128];
        snprintf(target, sizeof(target), "/api/v1%s", rows[row].path);
        for (size_t m = 0; m < COUNT(methods); m++) {
            char letter = letter_of(methods[m], target);
            if (letter != rows[row].letters[m])
                fail_msg("%s %s: %c instead of %c", llhttp_method_name(methods[m]), target, letter,
                         rows[row].letters[m]);
        }
    }
}

// A path made from the pattern of a route finds that route or one before it that takes the method,
// and delete needs what the pattern's own line says. Proves that no line of the table is dead.
static enum gw_site site_of(const struct gw_route *route) {
    return route->sites == GW_ROUTE_ON_PAGE ? GW_SITE_PAGE : GW_SITE_GATEWAY;
}

static void test_no_line_of_the_table_is_dead(void **state) {
    (void)state;
    int count;
    const struct gw_route *routes = gw_router_routes(&count);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        char target[160] = "";
        strncat(target, routes[i].pattern, 100);
        char *rest = strstr(target, "/**");
        if (rest != NULL)
            memcpy(rest, "/zz", 4);
        for (char *c = target; *c != '\0'; c++)
            *c = *c == '{' || *c == '}' ? '~' : *c;
        if (routes[i].org_parameter != NULL)
            sprintf(target + strlen(target), "?%s=acme", routes[i].org_parameter);
        struct gw_route_match match;
        llhttp_method_t method = strncmp(routes[i].methods, "POST", 4) == 0     ? HTTP_POST
                                 : strncmp(routes[i].methods, "PATCH", 5) == 0  ? HTTP_PATCH
                                 : strncmp(routes[i].methods, "DELETE", 6) == 0 ? HTTP_DELETE
                                                                                : HTTP_GET;
        assert_int_equal(gw_router_match(site_of(&routes[i]),
                                         gw_str_from(llhttp_method_name(method)),
                                         gw_str_from(target), &match),
                         GW_ROUTE_FOUND);
        if (match.route != &routes[i])
            fail_msg("%s finds %s", target, match.route->pattern);
    }
}

static void test_what_a_match_holds(void **state) {
    (void)state;
    struct gw_route_match match;
    assert_int_equal(match_of(HTTP_DELETE, "/api/v1/orgs/acme/tokens/clx7f2k3a?x=y", &match),
                     GW_ROUTE_FOUND);
    assert_slice(match.path, "/api/v1/orgs/acme/tokens/clx7f2k3a");
    assert_slice(match.query, "x=y");
    assert_slice(match.org, "acme");
    assert_slice(match.id, "clx7f2k3a");
    assert_int_equal(match_of(HTTP_GET, "/api/v1/orgs/ac%6De/skills/a%2Fb?", &match),
                     GW_ROUTE_FOUND);
    assert_slice(match.path, "/api/v1/orgs/ac%6De/skills/a%2Fb");
    assert_slice(match.query, "");
    assert_non_null(match.query.at);
    assert_slice(match.org, "ac%6De"); // raw: no organisation has this slug
    assert_slice(match.id, NULL);
    assert_int_equal(match_of(HTTP_GET, "/api/v1/auth/whoami", &match), GW_ROUTE_FOUND);
    assert_slice(match.query, NULL);
    assert_slice(match.org, NULL);
}

static void test_a_route_says_which_rate_limit_counts_it(void **state) {
    (void)state;
    struct gw_route_match match;
    int count;
    const struct gw_route *routes = gw_router_routes(&count);
    for (int i = 0; i < count; i++) {
        bool ends_token = routes[i].target == GW_ROUTE_TOKEN_REVOKE ||
                          routes[i].target == GW_ROUTE_TOKEN_REVOKE_OWN ||
                          routes[i].target == GW_ROUTE_TOKENS_REVOKE ||
                          routes[i].target == GW_ROUTE_TRUST_REMOVE;
        bool is_free = routes[i].access == GW_ACCESS_OPEN || ends_token;
        assert_int_equal(routes[i].rate == GW_ROUTE_RATE_NONE, is_free);
    }
    assert_int_equal(match_of(HTTP_GET, "/api/v1/search?q=x", &match), GW_ROUTE_FOUND);
    assert_int_equal(match.route->rate, GW_ROUTE_RATE_SEARCH);
    assert_int_equal(match_of(HTTP_GET, "/api/v1/orgs/acme/skills", &match), GW_ROUTE_FOUND);
    assert_int_equal(match.route->rate, GW_ROUTE_RATE_TOKEN);
}

static void test_nothing_stands_outside_the_base_path(void **state) {
    (void)state;
    static const char *const targets[] = {"/",
                                          "/api",
                                          "/api/v1",
                                          "/api/v1/",
                                          "/api/v2/auth/whoami",
                                          "/auth/whoami",
                                          "/metrics",
                                          "/API/v1/auth/whoami",
                                          "/api/v1x/search"};
    for (size_t i = 0; i < COUNT(targets); i++)
        assert_outcome(HTTP_GET, targets[i], GW_ROUTE_NOT_FOUND);
}

// The routes for other programs: whole paths, and nothing near them.
static void test_routes_outside_the_base_path(void **state) {
    (void)state;
    static const struct {
        llhttp_method_t method;
        const char *target;
        enum gw_route_target found;
        enum gw_route_access access;
    } cases[] = {
        {HTTP_GET, "/authz", GW_ROUTE_FORWARD_AUTH, GW_ACCESS_OPEN},
        {HTTP_HEAD, "/authz?x=y", GW_ROUTE_FORWARD_AUTH, GW_ACCESS_OPEN},
        {HTTP_PATCH, "/authz/api/v1/orgs/acme/skills/a", GW_ROUTE_FORWARD_AUTH, GW_ACCESS_OPEN},
        {HTTP_GET, "/authz/authz", GW_ROUTE_FORWARD_AUTH, GW_ACCESS_OPEN},
        {HTTP_POST, "/oauth2/introspect", GW_ROUTE_INTROSPECT, GW_ACCESS_SCOPE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_route_match match;
        assert_int_equal(match_of(cases[i].method, cases[i].target, &match), GW_ROUTE_FOUND);
        assert_int_equal(match.route->target, cases[i].found);
        assert_int_equal(match.route->access, cases[i].access);
        assert_slice(match.org, NULL);
    }
    assert_outcome(HTTP_POST, "/authz", GW_ROUTE_METHOD_NOT_ALLOWED);
    assert_outcome(HTTP_GET, "/oauth2/introspect", GW_ROUTE_METHOD_NOT_ALLOWED);
    assert_outcome(HTTP_GET, "/authz/", GW_ROUTE_NOT_FOUND);
    assert_outcome(HTTP_GET, "/authzx", GW_ROUTE_NOT_FOUND);
    assert_outcome(HTTP_POST, "/oauth2/introspect/x", GW_ROUTE_NOT_FOUND);
    assert_outcome(HTTP_GET, "/authz//api/v1/search", GW_ROUTE_BAD_TARGET);
    assert_outcome(HTTP_GET, "/authz/../api/v1/search", GW_ROUTE_BAD_TARGET);
}

// A target may come from a header field, which may be longer than a request line.
static void test_a_target_beyond_the_limit_is_refused(void **state) {
    (void)state;
    static char target[GW_HTTP_TARGET_BYTES_MAX + 2];
    memset(target, 'a', sizeof(target) - 1);
    memcpy(target, "/api/v1/public/%61", 18);
    assert_outcome(HTTP_GET, target, GW_ROUTE_BAD_TARGET);
}

// ---- tricks with the path ----

static void test_paths_that_could_read_differently_behind_us_are_refused(void **state) {
    (void)state;
    static const char *const targets[] = {
        "",
        "api/v1/search",
        "//",
        "//api/v1/search",
        "http:x",
        "?x",
        "ftp://b/api/v1/search",
        "/api/v1//search",
        "/api//v1/search",
        "/api/v1/orgs//skills",
        "/api/v1/orgs/acme//",
        "/api/v1/orgs/acme/skills//a",
        "/api/v1/./search",
        "/api/v1/../v1/search",
        "/api/v1/orgs/acme/skills/.",
        "/api/v1/orgs/acme/skills/..",
        "/api/v1/public/../orgs/acme",
        "/api/v1/public/%2e%2e/orgs/acme",
        "/api/v1/public/%2E./orgs/acme",
        "/api/v1/public/.%2e/orgs/acme",
        "/api/v1/public/%2e/x",
        "/api/v1/public/..;/orgs/acme",
        "/api/v1/public/..;x=y/orgs/acme",
        "/api/v1/public/%2e%2e;/orgs",
        "/api/v1/public/..%3b/orgs",
        "/api/v1/public/..%2forgs%2facme",
        "/api/v1/public/%2e%2e%2forgs",
        "/api/v1/public/a%2f..%2fb",
        "/api/v1/public/a%2F%2e%2E",
        "/api/v1/public/a%2f.;b",
        "/api/v1/public/a\\b",
        "/api/v1/public/..\\orgs",
        "/api/v1/public/a%5Cb",
        "/api/v1/public/%5c..%5corgs",
        "/api/v1/public/a%2f",
        "/api/v1/public/%2fa",
        "/api/v1/public/a%2f%2fb",
        "/api/v1/public/;x",
        "/api/v1/orgs/acme/;x/skills",
        "/api/v1/public/%3bx",
        "/api/v1/public/a%2f;x",
        "/api/v1/public/%00",
        "/api/v1/public/a%00b",
        "/api/v1/public/a%0d%0ab",
        "/api/v1/public/a%09b",
        "/api/v1/public/a%1fb",
        "/api/v1/public/a%7f",
        "/api/v1/public/%",
        "/api/v1/public/a%2",
        "/api/v1/public/a%zz",
        "/api/v1/public/a%2g",
        "/api/v1/public/a%u0041",
        "/api/v1/public/%252e%252e/orgs",
        "/api/v1/public/%252f",
        "/api/v1/public/%25%32%65",
        "/api/v1/public/%c0%ae%c0%ae/orgs",
        "/api/v1/public/%e0%80%ae",
        "/api/v1/public/%ff",
        "/api/v1/public/%ed%a0%80",
        "/api/v1/public/\xc3\xa4",
        "/api/v1/public/a b",
        "/api/v1/public/a#b",
        "/api/v1/search#?org=acme",
        "/api/v1/public/a\"b",
        "/api/v1/public/<a>",
        "/api/v1/public/{a}",
        "/api/v1/public/a|b",
        "/api/v1/public/a^b",
        "/api/v1/public/a`b",
        "/api/v1/search?a b",
        "/api/v1/search?a#b",
        "/api/v1/search?\xc3\xa4",
        "/api/v1/search?a=%",
        "/api/v1/search?a=%zz",
        "/api/v1/search?a=%00",
        "/api/v1/search?a=\x01",
        "/api/v1/search?a=\\",
    };
    for (size_t i = 0; i < COUNT(targets); i++)
        assert_outcome(HTTP_GET, targets[i], GW_ROUTE_BAD_TARGET);
}

static void test_odd_but_unambiguous_names_are_left_alone(void **state) {
    (void)state;
    static const char *const targets[] = {
        "/api/v1/public/...",       "/api/v1/public/.a",
        "/api/v1/public/a..b",      "/api/v1/public/..a",
        "/api/v1/public/%2e%2e%2e", "/api/v1/public/a%2Fb",
        "/api/v1/public/a%20b",     "/api/v1/public/%c3%a4",
        "/api/v1/public/a%25",      "/api/v1/public/a%25zz",
        "/api/v1/public/a;b=c",     "/api/v1/public/a:b@c!$&'()*+,=~",
        "/api/v1/public/a?b=/../c", "/api/v1/public/a?b=%2e%2e&c=%0d%0a%c0",
        "/api/v1/public/a??",
    };
    for (size_t i = 0; i < COUNT(targets); i++)
        assert_outcome(HTTP_GET, targets[i], GW_ROUTE_FOUND);
}

// A disguised path never needs less for a method than the plain path.
static void test_no_disguise_lowers_the_scope(void **state) {
    (void)state;
    static const struct {
        const char *target;
        llhttp_method_t method;
        char letter; // as in letter_of
    } cases[] = {
        {"/api/v1/orgs/acme/%73kills", HTTP_GET, 'a'},
        {"/api/v1/orgs/acme/skills;x=y", HTTP_GET, 'a'},
        {"/api/v1/orgs/acme/skills%2fa", HTTP_GET, 'a'},
        {"/api/v1/orgs/acme/SKILLS", HTTP_GET, 'a'},
        {"/api/v1/orgs/acme/skills%2fa", HTTP_POST, 'a'},
        {"/api/v1/orgs/acme/tok%65ns", HTTP_GET, 'a'},
        {"/api/v1/orgs/acme/tokens%2fclx", HTTP_DELETE, 'a'},
        {"/api/v1/orgs/acme/skills/a%2fversions", HTTP_DELETE, 'a'},
        {"/api/v1/ORGS/acme/skills", HTTP_GET, 'n'},
        {"/api/v1/orgs%2facme/skills", HTTP_GET, 'n'},
        {"/api/v1/auth/who%61mi", HTTP_GET, 'n'},
        {"/api/v1/auth/whoami;x", HTTP_GET, 'n'},
        {"/api/v1/%70ublic/a", HTTP_GET, 'n'},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char letter = letter_of(cases[i].method, cases[i].target);
        if (letter != cases[i].letter)
            fail_msg("%s: %c instead of %c", cases[i].target, letter, cases[i].letter);
    }
}

static void test_a_slash_at_the_end_is_not_found(void **state) {
    (void)state;
    static const char *const targets[] = {
        "/api/v1/auth/whoami/",          "/api/v1/orgs/acme/",          "/api/v1/orgs/acme/tokens/",
        "/api/v1/orgs/acme/skills/",     "/api/v1/orgs/acme/settings/", "/api/v1/public/",
        "/api/v1/orgs/acme/skills/?x=y",
    };
    static const llhttp_method_t methods[] = {HTTP_GET, HTTP_POST, HTTP_DELETE};
    for (size_t i = 0; i < COUNT(targets); i++) {
        for (size_t m = 0; m < COUNT(methods); m++)
            assert_outcome(methods[m], targets[i], GW_ROUTE_NOT_FOUND);
    }
}

static void test_the_longest_path_is_read(void **state) {
    (void)state;
    static char target[GW_HTTP_TARGET_BYTES_MAX + 1];
    memset(target, 'a', sizeof(target) - 1);
    memcpy(target, "/api/v1/public/", 15);
    assert_outcome(HTTP_GET, target, GW_ROUTE_FOUND);
    memcpy(target + sizeof(target) - 4, "%61", 3); // one segment, unescaped
    assert_outcome(HTTP_GET, target, GW_ROUTE_FOUND);
    for (size_t i = 15; i + 3 <= sizeof(target) - 1; i += 3)
        memcpy(target + i, "/.a", 3);
    memcpy(target + sizeof(target) - 4, "/..", 3);
    assert_outcome(HTTP_GET, target, GW_ROUTE_BAD_TARGET);
}

static void test_asterisk_and_connect_are_not_allowed(void **state) {
    (void)state;
    assert_outcome(HTTP_OPTIONS, "*", GW_ROUTE_METHOD_NOT_ALLOWED);
    assert_outcome(HTTP_GET, "*", GW_ROUTE_METHOD_NOT_ALLOWED);
    assert_outcome(HTTP_CONNECT, "registry:443", GW_ROUTE_METHOD_NOT_ALLOWED);
    assert_outcome(HTTP_CONNECT, "/api/v1/search", GW_ROUTE_METHOD_NOT_ALLOWED);
}

// ---- the organisation in the query ----

#define DOWNLOAD "/api/v1/catalog/github/a/versions/1.0.0/download"

static void test_the_organisation_of_a_query(void **state) {
    (void)state;
    static const struct {
        const char *target;
        const char *org; // NULL: the query names no organisation
    } cases[] = {
        {DOWNLOAD "?asOrg=acme", "acme"},
        {DOWNLOAD "?x=y&asOrg=acme&z", "acme"},
        {DOWNLOAD "?&asOrg=acme&", "acme"},
        {DOWNLOAD "?xasOrg=b&asOrg=acme&asOrgx=c&as=Org", "acme"},
        {DOWNLOAD "?asOrg=ACME", "ACME"},
        {DOWNLOAD "?asOrg=ac%6De", "ac%6De"}, // raw: refused as foreign
        {DOWNLOAD "?asOrg=acme;asOrg=b", "acme;asOrg=b"},
        {DOWNLOAD "?asOrg=acme?asOrg=b", "acme?asOrg=b"},
        {DOWNLOAD "?asOrg=", ""},
        {DOWNLOAD "?asOrg", ""},
        {"/api/v1/search?q=x", NULL},
        {"/api/v1/search", NULL},
        {"/api/v1/search?org=acme&q=x", "acme"},
        {"/api/v1/search?asOrg=acme", NULL}, // not the parameter of this route
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_route_match match;
        assert_int_equal(match_of(HTTP_GET, cases[i].target, &match), GW_ROUTE_FOUND);
        assert_slice(match.org, cases[i].org);
        assert_true(cases[i].org == NULL || match.org.at != NULL);
    }
}

static void test_an_organisation_that_is_missing_doubled_or_disguised_is_ambiguous(void **state) {
    (void)state;
    static const char *const targets[] = {
        DOWNLOAD,
        DOWNLOAD "?",
        DOWNLOAD "?x=y",
        DOWNLOAD "?asOrg=acme&asOrg=acme",
        DOWNLOAD "?asOrg=acme&asOrg=b",
        DOWNLOAD "?asOrg=acme&asOrg",
        DOWNLOAD "?as%4Frg=acme",
        DOWNLOAD "?asOrg=acme&as%4Frg=b",
        DOWNLOAD "?%61%73%4f%72%67=b",
        DOWNLOAD "?asOrg%3Db",
        DOWNLOAD "?asOrg[]=acme",
        DOWNLOAD "?asOrg=acme&asOrg[]=b",
        DOWNLOAD "?asOrg=acme&asOrg[x]=b",
        DOWNLOAD "?asOrg=acme&asOrg%5B%5D=b",
        DOWNLOAD "?asOrg=acme&x=1;asOrg=b",
        DOWNLOAD "?x=1;asOrg=acme",
        DOWNLOAD "?asOrg=acme&;asOrg=b",
        DOWNLOAD "?asOrg=acme&asorg=b",
        DOWNLOAD "?asOrg=acme&ASORG=b",
        DOWNLOAD "?asorg=acme",
        "/api/v1/search?org=acme&org=b",
        "/api/v1/search?or%67=b",
        "/api/v1/search?q=1;org=b",
        "/api/v1/search?org[]=b",
        "/api/v1/search?Org=b",
    };
    for (size_t i = 0; i < COUNT(targets); i++)
        assert_outcome(HTTP_GET, targets[i], GW_ROUTE_AMBIGUOUS);
}

// ---- Allow ----

static void test_allow_names_the_methods_of_the_path(void **state) {
    (void)state;
    static const char all[] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    const struct {
        const char *target;
        const char *allow;
    } cases[] = {
        {"/api/v1/auth/whoami", "GET, HEAD"},
        {"/api/v1/auth/whoami?x", "GET, HEAD"},
        {"/api/v1/auth/cli/initiate", "POST"},
        {"/api/v1/orgs/acme/tokens", "GET, HEAD, POST"},
        {"/api/v1/orgs/acme/tokens/clx", "GET, HEAD, DELETE, PATCH"},
        {"/api/v1/orgs/acme/skills", all},
        {"/api/v1/orgs/acme/skills/a", all},
        {"/api/v1/orgs/acme/anything", all},
        {"/api/v1/public/a", "GET, HEAD"},
        {"/api/v1/nothing", ""},
        {"/api/v1//", ""},
        {"*", ""},
        {"/", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char allow[96] = "not written";
        gw_router_allow(GW_SITE_GATEWAY, gw_str_from(cases[i].target), allow);
        assert_string_equal(allow, cases[i].allow);
    }
}

// Of the page: its files, and what it asks of the API. Nothing that the registry, a proxy or
// another program would be asked for.
static void test_the_page_has_what_it_needs_and_no_more(void **state) {
    (void)state;
    static const struct {
        const char *method, *target;
        enum gw_route_outcome outcome;
    } cases[] = {
        {"GET", "/", GW_ROUTE_FOUND},
        {"HEAD", "/tokens?x=y", GW_ROUTE_FOUND},
        {"GET", "/tokens/icon.svg", GW_ROUTE_FOUND},
        {"GET", "/auth/cli?code=BCDF-2345", GW_ROUTE_FOUND},
        {"POST", "/api/v1/auth/cli/lookup", GW_ROUTE_FOUND},
        {"POST", "/api/v1/auth/cli/approve", GW_ROUTE_FOUND},
        {"POST", "/api/v1/auth/cli/initiate", GW_ROUTE_NOT_FOUND},
        {"GET", "/api/v1/auth/cli/poll", GW_ROUTE_NOT_FOUND},
        {"GET", "/api/v1/auth/whoami", GW_ROUTE_FOUND},
        {"GET", "/api/v1/orgs/acme/tokens", GW_ROUTE_FOUND},
        {"POST", "/api/v1/orgs/acme/tokens", GW_ROUTE_FOUND},
        {"PATCH", "/api/v1/orgs/acme/tokens/a", GW_ROUTE_FOUND},
        {"DELETE", "/api/v1/orgs/acme/tokens/a", GW_ROUTE_FOUND},
        {"POST", "/api/v1/orgs/acme/tokens/a/rotate", GW_ROUTE_FOUND},
        {"POST", "/api/v1/orgs/acme/tokens/revoke", GW_ROUTE_FOUND},
        {"GET", "/api/v1/orgs/acme/audit", GW_ROUTE_FOUND},
        {"POST", "/", GW_ROUTE_METHOD_NOT_ALLOWED},
        {"PUT", "/api/v1/orgs/acme/tokens", GW_ROUTE_METHOD_NOT_ALLOWED},
        {"GET", "/tokens/", GW_ROUTE_NOT_FOUND},
        {"GET", "/tokens/a/b", GW_ROUTE_NOT_FOUND},
        {"GET", "/tokens/..", GW_ROUTE_BAD_TARGET},
        {"GET", "//", GW_ROUTE_BAD_TARGET},
        {"GET", "/api/v1/orgs/acme/skills/a", GW_ROUTE_NOT_FOUND},
        {"GET", "/api/v1/orgs/acme/anything", GW_ROUTE_NOT_FOUND},
        {"GET", "/api/v1/search", GW_ROUTE_NOT_FOUND},
        {"GET", "/api/v1/public/a", GW_ROUTE_NOT_FOUND},
        {"GET", "/api/v1/catalog/s/n/versions/1/download?asOrg=acme", GW_ROUTE_NOT_FOUND},
        {"DELETE", "/api/v1/auth/token", GW_ROUTE_NOT_FOUND},
        {"GET", "/authz", GW_ROUTE_NOT_FOUND},
        {"GET", "/authz/api/v1/search", GW_ROUTE_NOT_FOUND},
        {"POST", "/oauth2/introspect", GW_ROUTE_NOT_FOUND},
        {"GET", "/metrics", GW_ROUTE_NOT_FOUND},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_route_match match;
        enum gw_route_outcome outcome = gw_router_match(GW_SITE_PAGE, gw_str_from(cases[i].method),
                                                        gw_str_from(cases[i].target), &match);
        if (outcome != cases[i].outcome)
            fail_msg("%s %s: %d", cases[i].method, cases[i].target, (int)outcome);
        if (outcome == GW_ROUTE_FOUND)
            assert_int_not_equal(match.route->target, GW_ROUTE_FORWARD);
    }
    char allow[96];
    gw_router_allow(GW_SITE_PAGE, GW_STR("/api/v1/orgs/acme/tokens"), allow);
    assert_string_equal(allow, "GET, HEAD, POST");
    gw_router_allow(GW_SITE_PAGE, GW_STR("/api/v1/orgs/acme/skills"), allow);
    assert_string_equal(allow, "");
    assert_outcome(HTTP_GET, "/", GW_ROUTE_NOT_FOUND);
    assert_outcome(HTTP_GET, "/tokens", GW_ROUTE_NOT_FOUND);
    assert_outcome(HTTP_GET, "/auth/cli", GW_ROUTE_NOT_FOUND);
}

// A row that says nothing is the gateway's alone, and none that leads to the registry is on the
// page.
static void test_no_route_of_the_page_is_forwarded(void **state) {
    (void)state;
    int count;
    const struct gw_route *routes = gw_router_routes(&count);
    for (int i = 0; i < count; i++) {
        bool is_forwarded = routes[i].target == GW_ROUTE_FORWARD;
        assert_false(is_forwarded && routes[i].sites != GW_ROUTE_ON_GATEWAY);
    }
}

// What is served with --device-login alone is the registry's without it, or not there.
static void test_without_device_login_its_routes_are_of_the_registry_or_not_there(void **state) {
    (void)state;
    int count;
    int forwarded = 0;
    const struct gw_route *routes = gw_router_routes(&count);
    for (int i = 0; i < count; i++) {
        struct gw_route_match match = {.route = &routes[i]};
        enum gw_route_outcome outcome = gw_router_without_device_login(GW_ROUTE_FOUND, &match);
        if (!routes[i].needs_device_login) {
            assert_int_equal(outcome, GW_ROUTE_FOUND);
            assert_ptr_equal(match.route, &routes[i]);
        } else if (routes[i].access == GW_ACCESS_OPEN && routes[i].target != GW_ROUTE_PAGE) {
            assert_int_equal(outcome, GW_ROUTE_FOUND);
            assert_int_equal(match.route->target, GW_ROUTE_FORWARD);
            assert_string_equal(match.route->methods, routes[i].methods);
            forwarded++;
        } else {
            assert_int_equal(outcome, GW_ROUTE_NOT_FOUND);
        }
    }
    assert_int_equal(forwarded, 2);
    struct gw_route_match none = {.route = NULL};
    assert_int_equal(gw_router_without_device_login(GW_ROUTE_METHOD_NOT_ALLOWED, &none),
                     GW_ROUTE_METHOD_NOT_ALLOWED);
}

// Allow names a method exactly when the table takes it.
static void test_allow_agrees_with_the_table(void **state) {
    (void)state;
    static const char *const targets[] = {
        "/api/v1/auth/whoami",        "/api/v1/orgs/acme/tokens", "/api/v1/orgs/acme/tokens/a",
        "/api/v1/orgs/acme/skills/a", "/api/v1/search",           "/api/v1/auth/cli/initiate"};
    for (size_t i = 0; i < COUNT(targets); i++) {
        char allow[96];
        gw_router_allow(GW_SITE_GATEWAY, gw_str_from(targets[i]), allow);
        for (llhttp_method_t m = HTTP_DELETE; m <= HTTP_UNLINK; m++) {
            struct gw_str rest = gw_str_from(allow);
            struct gw_str name;
            bool is_named = false;
            while (gw_str_next(&rest, ',', &name))
                is_named =
                    is_named || gw_str_equal(gw_str_trim(name), gw_str_from(llhttp_method_name(m)));
            assert_int_equal(is_named, outcome_of(m, targets[i]) == GW_ROUTE_FOUND);
        }
    }
}

static void test_each_route_has_its_class(void **state) {
    (void)state;
    static const struct {
        const char *target;
        llhttp_method_t method;
        enum gw_route_class class;
    } cases[] = {{"/api/v1/orgs/acme/skills", HTTP_GET, GW_ROUTE_CLASS_REGISTRY},
                 {"/api/v1/public/a", HTTP_GET, GW_ROUTE_CLASS_REGISTRY},
                 {"/api/v1/auth/whoami", HTTP_GET, GW_ROUTE_CLASS_API},
                 {"/api/v1/orgs/acme/tokens", HTTP_POST, GW_ROUTE_CLASS_API},
                 {"/authz", HTTP_GET, GW_ROUTE_CLASS_AUTHZ},
                 {"/nowhere", HTTP_GET, GW_ROUTE_CLASS_NONE}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_route_match match;
        (void)match_of(cases[i].method, cases[i].target, &match);
        assert_int_equal(gw_route_class_of(match.route), cases[i].class);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_method_on_every_kind_of_path),
        cmocka_unit_test(test_no_line_of_the_table_is_dead),
        cmocka_unit_test(test_the_page_has_what_it_needs_and_no_more),
        cmocka_unit_test(test_no_route_of_the_page_is_forwarded),
        cmocka_unit_test(test_what_a_match_holds),
        cmocka_unit_test(test_a_route_says_which_rate_limit_counts_it),
        cmocka_unit_test(test_nothing_stands_outside_the_base_path),
        cmocka_unit_test(test_routes_outside_the_base_path),
        cmocka_unit_test(test_a_target_beyond_the_limit_is_refused),
        cmocka_unit_test(test_paths_that_could_read_differently_behind_us_are_refused),
        cmocka_unit_test(test_odd_but_unambiguous_names_are_left_alone),
        cmocka_unit_test(test_no_disguise_lowers_the_scope),
        cmocka_unit_test(test_a_slash_at_the_end_is_not_found),
        cmocka_unit_test(test_the_longest_path_is_read),
        cmocka_unit_test(test_asterisk_and_connect_are_not_allowed),
        cmocka_unit_test(test_the_organisation_of_a_query),
        cmocka_unit_test(test_an_organisation_that_is_missing_doubled_or_disguised_is_ambiguous),
        cmocka_unit_test(test_allow_names_the_methods_of_the_path),
        cmocka_unit_test(test_without_device_login_its_routes_are_of_the_registry_or_not_there),
        cmocka_unit_test(test_allow_agrees_with_the_table),
        cmocka_unit_test(test_each_route_has_its_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
