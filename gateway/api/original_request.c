// SPDX-License-Identifier: MIT
#include "gateway/api/original_request.h"

// A field that may come once. GW_NOT_FOUND: it is absent.
static enum gw_status read_field(const struct gw_http_head *head, struct gw_str name,
                                 struct gw_str *value) {
    enum gw_status status = GW_NOT_FOUND;
    for (int i = 0; i < head->field_count; i++) {
        if (!gw_str_equal_nocase(head->fields[i].name, name))
            continue;
        if (status == GW_OK || head->fields[i].value.length == 0)
            return GW_INVALID;
        *value = head->fields[i].value;
        status = GW_OK;
    }
    return status;
}

// The part behind "http://authority", or all of a URI without a scheme.
static bool to_target(struct gw_str uri, struct gw_str *target) {
    static const struct gw_str schemes[] = {GW_STR_INIT("http://"), GW_STR_INIT("https://")};
    *target = uri;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t length = schemes[i].length;
        if (!gw_str_equal_nocase(gw_str_slice(uri, 0, length), schemes[i]))
            continue;
        struct gw_str rest = gw_str_slice(uri, length, uri.length);
        size_t slash = gw_str_find(rest, '/');
        // An authority has no query, fragment or other slash.
        if (slash == 0 || gw_str_find(rest, '?') < slash || gw_str_find(rest, '#') < slash ||
            gw_str_find(rest, '\\') < slash)
            return false;
        *target = gw_str_slice(rest, slash, rest.length);
    }
    return target->length > 0 && target->at[0] == '/';
}

// Sets *known once; a second value must be the same.
static enum gw_status agree(enum gw_status status, struct gw_str value, struct gw_str *known) {
    if (status != GW_OK)
        return status;
    if (known->at == NULL)
        *known = value;
    return gw_str_equal(*known, value) ? GW_OK : GW_INVALID;
}

static enum gw_status read_target(const struct gw_http_head *head, struct gw_str name,
                                  struct gw_str *known) {
    struct gw_str uri = {NULL, 0};
    struct gw_str target = {NULL, 0};
    enum gw_status status = read_field(head, name, &uri);
    if (status == GW_OK && !to_target(uri, &target))
        status = GW_INVALID;
    return agree(status, target, known);
}

// Both halves, or neither (GW_NOT_FOUND).
static enum gw_status join(enum gw_status method, enum gw_status target) {
    if (method == GW_NOT_FOUND && target == GW_NOT_FOUND)
        return GW_NOT_FOUND;
    return method == GW_OK && target == GW_OK ? GW_OK : GW_INVALID;
}

// Two field names of one half.
static enum gw_status either(enum gw_status first, enum gw_status second) {
    return first == GW_NOT_FOUND ? second : second == GW_NOT_FOUND ? first : join(first, second);
}

static enum gw_status read_method(const struct gw_http_head *head, struct gw_str name,
                                  struct gw_str *known) {
    struct gw_str method = {NULL, 0};
    enum gw_status status = read_field(head, name, &method);
    return agree(status, method, known);
}

static enum gw_status read_own_pair(const struct gw_http_head *head, const char *const names[2],
                                    struct gw_original_request *original) {
    if (names[0] == NULL)
        return GW_NOT_FOUND;
    return join(read_method(head, gw_str_from(names[0]), &original->method),
                read_target(head, gw_str_from(names[1]), &original->target));
}

enum gw_status gw_original_request_read(const struct gw_http_head *head,
                                        const char *const own_pair[2],
                                        struct gw_original_request *original) {
    struct gw_str *method = &original->method;
    struct gw_str *target = &original->target;
    *original = (struct gw_original_request){{NULL, 0}, {NULL, 0}};
    enum gw_status uri = read_target(head, GW_STR("x-original-uri"), target);
    enum gw_status url = read_target(head, GW_STR("x-original-url"), target);
    enum gw_status first =
        join(read_method(head, GW_STR("x-original-method"), method), either(uri, url));
    enum gw_status second = join(read_method(head, GW_STR("x-forwarded-method"), method),
                                 read_target(head, GW_STR("x-forwarded-uri"), target));
    return either(either(first, second), read_own_pair(head, own_pair, original));
}
