// SPDX-License-Identifier: MIT
#include "cli/answer.h"

#include "base/clock.h"
#include "cli/relative_time.h"

#define LIST_BYTES_MAX (64 * 1024)

struct gw_str cli_answer_text(struct gw_json object, const char *key, struct gw_arena *arena) {
    struct gw_json member;
    struct gw_str text = gw_str(NULL, 0);
    if (!gw_json_member(object, gw_str_from(key), &member) ||
        gw_json_string(member, arena, &text) != GW_OK)
        return gw_str(NULL, 0);
    return text;
}

struct gw_str cli_answer_keep(struct gw_str text, struct gw_arena *arena) {
    return gw_str(text.at == NULL ? NULL : gw_arena_copy(arena, text), text.length);
}

static enum gw_status join(struct gw_json list, struct gw_arena *arena, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    for (int i = 0; i < gw_json_count(list) && status == GW_OK; i++) {
        struct gw_str element = gw_str(NULL, 0);
        status = gw_json_string(gw_json_element(list, i), arena, &element);
        if (status == GW_OK && gw_buf_length(out) > 0)
            status = gw_buf_append_str(out, GW_STR(", "));
        if (status == GW_OK)
            status = gw_buf_append_str(out, element);
    }
    return status;
}

struct gw_str cli_answer_list(struct gw_json object, const char *key, struct gw_arena *arena) {
    struct gw_json list;
    struct gw_str text = gw_str(NULL, 0);
    struct gw_buf joined;
    gw_buf_init(&joined, LIST_BYTES_MAX);
    if (gw_json_member(object, gw_str_from(key), &list) && gw_json_type(list) == GW_JSON_ARRAY &&
        join(list, arena, &joined) == GW_OK)
        text = cli_answer_keep(gw_buf_bytes(&joined), arena);
    gw_buf_deinit(&joined);
    return text;
}

static struct gw_str in_words(struct gw_str iso,
                              void (*format)(int64_t then_ms, int64_t now_ms, char *out),
                              int64_t now_ms, struct gw_arena *arena) {
    int64_t then_ms;
    if (iso.at == NULL)
        return GW_STR("never");
    if (gw_clock_parse_iso(iso, &then_ms) != GW_OK)
        return iso;
    char text[CLI_RELATIVE_TIME_BYTES_MAX];
    format(then_ms, now_ms, text);
    return cli_answer_keep(gw_str_from(text), arena);
}

struct gw_str cli_answer_ago(struct gw_json object, const char *key, int64_t now_ms,
                             struct gw_arena *arena) {
    return in_words(cli_answer_text(object, key, arena), cli_relative_time_ago, now_ms, arena);
}

struct gw_str cli_answer_ahead(struct gw_json object, const char *key, int64_t now_ms,
                               struct gw_arena *arena) {
    return in_words(cli_answer_text(object, key, arena), cli_relative_time_ahead, now_ms, arena);
}

bool cli_answer_is_true(struct gw_json object, const char *key) {
    struct gw_json member;
    bool truth = false;
    return gw_json_member(object, gw_str_from(key), &member) &&
           gw_json_boolean(member, &truth) == GW_OK && truth;
}
