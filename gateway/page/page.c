// SPDX-License-Identifier: MIT
#include "gateway/page/page.h"

#include "base/str.h"
#include "gateway/exchange/exchange.h"
#include "gateway/page/files.h"

#define FOLDER GW_STR("/tokens/")
#define FIRST_PAGE GW_STR("/tokens")

// A file that is a page has the address of the page alone.
static const struct {
    const char *path;
    const char *file;
} pages[] = {{"/tokens", "tokens.html"}, {"/auth/cli", "device.html"}};
#define PAGE_COUNT (sizeof(pages) / sizeof(pages[0]))

static const struct gw_page_file *find_named(struct gw_str name) {
    for (int i = 0; i < gw_page_file_count; i++) {
        if (gw_str_equal(name, gw_str_from(gw_page_files[i].name)))
            return &gw_page_files[i];
    }
    return NULL;
}

static const struct gw_page_file *find_file(struct gw_str path) {
    for (size_t i = 0; i < PAGE_COUNT; i++) {
        if (gw_str_equal(path, gw_str_from(pages[i].path)))
            return find_named(gw_str_from(pages[i].file));
    }
    gw_assert(gw_str_starts_with(path, FOLDER));
    struct gw_str name = gw_str_slice(path, FOLDER.length, path.length);
    for (size_t i = 0; i < PAGE_COUNT; i++) {
        if (gw_str_equal(name, gw_str_from(pages[i].file)))
            return NULL;
    }
    return find_named(name);
}

// Whether a list of If-None-Match names the tag, compared weakly.
static bool list_has(struct gw_str list, struct gw_str etag) {
    struct gw_str tag;
    while (gw_str_next(&list, ',', &tag)) {
        tag = gw_str_trim(tag);
        if (gw_str_starts_with(tag, GW_STR("W/")))
            tag = gw_str_slice(tag, 2, tag.length);
        if (gw_str_equal(tag, etag) || gw_str_equal(tag, GW_STR("*")))
            return true;
    }
    return false;
}

static bool is_known_to(const struct gw_http_head *request, struct gw_str etag) {
    for (int i = 0; i < request->field_count; i++) {
        const struct gw_http_field *field = &request->fields[i];
        if (gw_str_equal_nocase(field->name, GW_STR("if-none-match")) &&
            list_has(field->value, etag))
            return true;
    }
    return false;
}

static void respond(struct gw_exchange *exchange, const struct gw_page_file *file) {
    struct gw_str etag = gw_str_from(file->etag);
    const struct gw_response_field fields[] = {{GW_STR("Cache-Control"), GW_STR("no-cache")},
                                               {GW_STR("ETag"), etag}};
    int status = is_known_to(exchange->request, etag) ? 304 : 200;
    gw_exchange_respond(exchange, status, fields, 2, file->type, gw_str(file->bytes, file->length));
}

static void redirect(struct gw_exchange *exchange) {
    const struct gw_response_field fields[] = {{GW_STR("Location"), FIRST_PAGE},
                                               {GW_STR("Cache-Control"), GW_STR("no-cache")}};
    gw_exchange_respond(exchange, 307, fields, 2, NULL, GW_STR(""));
}

void gw_page_start(struct gw_exchange *exchange) {
    struct gw_str path = exchange->match.path;
    if (gw_str_equal(path, GW_STR("/"))) {
        redirect(exchange);
        return;
    }
    const struct gw_page_file *file = find_file(path);
    if (file != NULL)
        respond(exchange, file);
    else
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND, "There is nothing at this path.");
}
