// SPDX-License-Identifier: MIT
#include "gateway/api/leak_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "gateway/auth/secret.h"
#include "token/mask.h"

// Of each element eight members, with the key and the value of each.
#define JSON_TOKENS_MAX (1 + DB_LEAKS_MAX * (1 + 2 * 8))

static bool refuse(struct gw_refusal *refusal, const char *message) {
    *refusal = (struct gw_refusal){GW_ERROR_INVALID_JSON, message};
    return false;
}

static bool refuse_at(struct gw_arena *arena, int index, const char *wrong,
                      struct gw_refusal *refusal) {
    struct gw_str message = gw_arena_printf(arena, "[%d] %s.", index, wrong);
    return message.at != NULL ? refuse(refusal, message.at) : gw_refuse_no_memory(refusal);
}

// ---- an element ----

// The link of a search may have the token that it finds.
static struct gw_str mask(struct gw_arena *arena, struct gw_str place) {
    char text[DB_LEAK_PLACE_BYTES_MAX];
    struct gw_str masked = gw_str(text, gw_token_mask(place, text, sizeof(text)));
    if (gw_str_equal(masked, place))
        return place;
    const char *copy = gw_arena_copy(arena, masked);
    return copy != NULL ? gw_str(copy, masked.length) : GW_STR("");
}

// What was cut ends with a whole character.
static struct gw_str cut(struct gw_str text) {
    struct gw_str place = gw_str_slice(text, 0, DB_LEAK_PLACE_BYTES_MAX);
    while (!gw_utf8_valid(place))
        place.length--;
    return place;
}

static struct gw_str read_place(struct gw_arena *arena, struct gw_json element) {
    struct gw_json value;
    struct gw_str text;
    if (!gw_json_member(element, GW_STR("location"), &value) ||
        gw_json_string(value, arena, &text) != GW_OK || !gw_utf8_valid(text) ||
        gw_utf8_has_control(text))
        return GW_STR("");
    return cut(mask(arena, cut(text)));
}

// GW_INVALID: it is not there, or is no text.
static enum gw_status read_text(struct gw_arena *arena, struct gw_json element, struct gw_str name,
                                struct gw_str *text) {
    struct gw_json value;
    return gw_json_member(element, name, &value) ? gw_json_string(value, arena, text) : GW_INVALID;
}

static enum gw_status check_type(struct gw_arena *arena, struct gw_json element) {
    struct gw_str text;
    enum gw_status status = read_text(arena, element, GW_STR("type"), &text);
    if (status != GW_OK)
        return status;
    return gw_str_equal(text, GW_STR(GW_LEAK_TYPE_GITLAB)) ? GW_OK : GW_INVALID;
}

// Whether the text may be a token; one without our checksum may be of an older system.
static bool read_token(struct gw_str text, struct db_leak *leak) {
    enum gw_token_kind kind;
    if (gw_token_syntax_parse(text, &kind) != GW_OK)
        return false;
    gw_token_digest(text, leak->digest);
    return true;
}

// GW_OK: *leak is of the element; GW_NOT_FOUND: it is about no token; GW_INVALID: *wrong says why.
static enum gw_status parse_element(struct gw_arena *arena, struct gw_json element,
                                    struct db_leak *leak, const char **wrong) {
    struct gw_str text;
    *wrong = "must be an object with a text for token";
    enum gw_status status = read_text(arena, element, GW_STR("token"), &text);
    if (status == GW_OK) {
        *wrong = "must have the type " GW_LEAK_TYPE_GITLAB;
        status = check_type(arena, element);
    }
    if (status != GW_OK)
        return status == GW_NO_MEMORY ? status : GW_INVALID;
    if (!read_token(text, leak))
        return GW_NOT_FOUND;
    leak->place = read_place(arena, element);
    return GW_OK;
}

// ---- all of them ----

static int compare(const void *left, const void *right) {
    const struct db_leak *a = left;
    const struct db_leak *b = right;
    return memcmp(a->digest, b->digest, sizeof(a->digest));
}

// One token may be found in many places; one of them is kept.
static int drop_repeated(struct db_leak *leaks, int count) {
    int kept = 0;
    qsort(leaks, (size_t)count, sizeof(*leaks), compare);
    for (int i = 0; i < count; i++) {
        if (kept == 0 || compare(&leaks[kept - 1], &leaks[i]) != 0)
            leaks[kept++] = leaks[i];
    }
    return kept;
}

bool gw_leak_report_parse(struct gw_arena *arena, struct gw_str body, struct gw_leak_report *report,
                          struct gw_refusal *refusal) {
    struct gw_json root;
    enum gw_status status = gw_json_parse(arena, body, JSON_TOKENS_MAX, &root, NULL);
    if (status == GW_NO_MEMORY)
        return gw_refuse_no_memory(refusal);
    if (status != GW_OK)
        return refuse(refusal, "The body is not JSON, is too deep, or has too many values.");
    int count = gw_json_type(root) == GW_JSON_ARRAY ? gw_json_count(root) : 0;
    if (count < 1 || count > DB_LEAKS_MAX)
        return refuse(refusal, "The body must be an array of 1 to 1000 tokens.");
    struct db_leak *leaks = gw_arena_allocate(arena, (size_t)count * sizeof(*leaks));
    if (leaks == NULL)
        return gw_refuse_no_memory(refusal);
    *report = (struct gw_leak_report){.leaks = leaks, .reported = count};
    for (int i = 0; i < count; i++) {
        const char *wrong;
        status = parse_element(arena, gw_json_element(root, i), &leaks[report->leak_count], &wrong);
        if (status == GW_NO_MEMORY)
            return gw_refuse_no_memory(refusal);
        if (status == GW_INVALID)
            return refuse_at(arena, i, wrong, refusal);
        report->leak_count += status == GW_OK ? 1 : 0;
    }
    report->leak_count = drop_repeated(leaks, report->leak_count);
    return true;
}
