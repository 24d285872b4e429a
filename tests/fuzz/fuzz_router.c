// SPDX-License-Identifier: MIT
// The router against any target. What must hold beyond memory safety:
// - path and query of a match are the target, byte for byte;
// - no matched path has a segment that is empty or dots, a backslash or a control byte, however
// often it is unescaped;
// - read as a server behind us might (escapes undone but for the slash, path parameters dropped),
// it never needs more than
//   it does as it stands;
// - the organisation of a query is named once, whoever reads it;
// - Allow has just the methods that are taken.
//
// The first byte of an input picks the method.

#include <llhttp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/exchange/router.h"
#include "gateway/http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct text {
    char at[GW_HTTP_TARGET_BYTES_MAX + 1];
    size_t length;
};

static int hex(char c) {
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) % 16 : -1;
}

// Undoes the escapes once; one that is none stays, and one of `kept` does.
static void unescape(struct gw_str in, char kept, struct text *out) {
    out->length = 0;
    for (size_t i = 0; i < in.length; i++) {
        bool is_escape = in.at[i] == '%' && i + 2 < in.length && hex(in.at[i + 1]) >= 0 &&
                         hex(in.at[i + 2]) >= 0;
        char c = in.at[i];
        if (is_escape) {
            char byte = (char)(hex(in.at[i + 1]) * 16 + hex(in.at[i + 2]));
            if (byte != kept) {
                c = byte;
                i += 2;
            }
        }
        out->at[out->length++] = c;
    }
}

static void assert_segments_are_names(struct gw_str path) {
    struct gw_str rest = gw_str_slice(path, 1, path.length);
    struct gw_str segment;
    gw_assert(path.at[0] == '/');
    while (gw_str_next(&rest, '/', &segment)) {
        struct gw_str name = gw_str_slice(segment, 0, gw_str_find(segment, ';'));
        gw_assert(name.length > 0);
        gw_assert(!gw_str_equal(name, GW_STR(".")) && !gw_str_equal(name, GW_STR("..")));
    }
    for (size_t i = 0; i < path.length; i++)
        gw_assert(path.at[i] != '\\' && (unsigned char)path.at[i] >= ' ' && path.at[i] != 0x7f);
}

static void assert_path_reads_one_way(struct gw_str path) {
    struct text texts[2];
    assert_segments_are_names(path);
    for (int i = 0; i < 4; i++) {
        struct text *text = &texts[i % 2];
        unescape(path, '\0', text);
        path = gw_str(text->at, text->length);
        assert_segments_are_names(path);
    }
}

static int need(const struct gw_route *route) {
    if (route->access != GW_ACCESS_ORG)
        return (int)route->access;
    return (int)GW_ACCESS_ORG + (int)route->scope;
}

// The path without escapes (but those of a slash: it is part of a name) and without path
// parameters.
static void make_plain(struct gw_str path, struct text *plain) {
    static struct text unescaped;
    unescape(path, '/', &unescaped);
    bool is_dropping = false;
    plain->length = 0;
    for (size_t i = 0; i < unescaped.length; i++) {
        char c = unescaped.at[i];
        is_dropping = c == ';' || (is_dropping && c != '/');
        if (!is_dropping)
            plain->at[plain->length++] = c;
    }
}

static void assert_no_disguise(struct gw_str method, const struct gw_route_match *match) {
    static struct text plain;
    make_plain(match->path, &plain);
    struct gw_route_match plain_match;
    struct gw_str target = gw_str(plain.at, plain.length);
    if (gw_router_match(GW_SITE_GATEWAY, method, target, &plain_match) == GW_ROUTE_FOUND)
        gw_assert(need(plain_match.route) <= need(match->route));
}

static bool names_organisation(struct gw_str piece, struct gw_str name) {
    struct text text;
    unescape(gw_str_slice(piece, 0, gw_str_find(piece, '=')), '\0', &text);
    struct gw_str key = gw_str(text.at, text.length);
    key = gw_str_slice(key, 0, gw_str_find(key, '['));
    return gw_str_equal_nocase(key, name);
}

static void assert_organisation_is_named_once(const struct gw_route_match *match) {
    int count = 0;
    struct gw_str query = match->query;
    struct gw_str part;
    struct gw_str piece;
    while (gw_str_next(&query, '&', &part)) {
        while (gw_str_next(&part, ';', &piece))
            count += names_organisation(piece, gw_str_from(match->route->org_parameter)) ? 1 : 0;
    }
    gw_assert((count == 0) == (match->org.at == NULL));
    // A value with a semicolon is no slug: whatever else it names, the request is refused.
    gw_assert(count <= 1 || gw_str_find(match->org, ';') < match->org.length);
}

static bool allows(const char *allow, struct gw_str method) {
    struct gw_str rest = gw_str_from(allow);
    struct gw_str name;
    while (gw_str_next(&rest, ',', &name)) {
        if (gw_str_equal(gw_str_trim(name), method))
            return true;
    }
    return false;
}

static void check_match(struct gw_str method, struct gw_str target,
                        const struct gw_route_match *match) {
    gw_assert(match->path.at == target.at);
    size_t length = match->path.length + (match->query.at != NULL ? match->query.length + 1 : 0);
    gw_assert(length == target.length);
    assert_path_reads_one_way(match->path);
    if (match->route->org_parameter != NULL)
        assert_organisation_is_named_once(match);
    else
        assert_no_disguise(method, match);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const llhttp_method_t methods[] = {HTTP_GET,   HTTP_HEAD,   HTTP_POST,    HTTP_PUT,
                                              HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_TRACE};
    if (length < 1 || length - 1 > GW_HTTP_TARGET_BYTES_MAX)
        return 0;
    struct gw_str method =
        gw_str_from(llhttp_method_name(methods[bytes[0] % (sizeof(methods) / sizeof(methods[0]))]));
    struct gw_str target = gw_str((const char *)bytes + 1, length - 1);
    struct gw_route_match match;
    char allow[96];
    enum gw_route_outcome outcome = gw_router_match(GW_SITE_GATEWAY, method, target, &match);
    gw_router_allow(GW_SITE_GATEWAY, target, allow);
    gw_assert(strlen(allow) < sizeof(allow));
    if (outcome == GW_ROUTE_FOUND)
        check_match(method, target, &match);
    if (outcome == GW_ROUTE_FOUND || outcome == GW_ROUTE_AMBIGUOUS)
        gw_assert(allows(allow, method));
    if (outcome == GW_ROUTE_METHOD_NOT_ALLOWED)
        gw_assert(!allows(allow, method));
    return 0;
}
