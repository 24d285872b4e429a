// SPDX-License-Identifier: MIT
#include "token/name.h"

#include "base/unicode.h"
#include "base/utf8.h"
#include "token/syntax.h"

// A character has at most four parts, so that a text of more characters than this many times the
// maximum is too long in any form.
#define PARTS_MAX 4

struct kind {
    size_t characters_max;
    const char *wrong_length;
};

static const struct kind name_kind = {
    GW_TOKEN_NAME_CHARACTERS_MAX,
    "must be 1 to 100 characters",
};
static const struct kind description_kind = {
    GW_TOKEN_DESCRIPTION_CHARACTERS_MAX,
    "must be 1 to 500 characters",
};
_Static_assert(GW_TOKEN_NAME_CHARACTERS_MAX == 100 && GW_TOKEN_DESCRIPTION_CHARACTERS_MAX == 500,
               "the sentences above say so");

static size_t count_characters(struct gw_str text) {
    size_t count = 0;
    for (uint32_t code_point; gw_utf8_next(&text, &code_point);)
        count++;
    return count;
}

// What is wrong with a character wherever it stands; NULL: nothing.
static const char *find_fault(uint32_t code_point) {
    if (gw_unicode_is_bidi(code_point))
        return "must not hold a mark that turns the direction of text";
    if (gw_utf8_is_control(code_point) && code_point != 0xFEFF)
        return "must not hold a control character or the end of a line";
    if (gw_unicode_is_invisible(code_point))
        return "must not hold an invisible character";
    return NULL;
}

// What is wrong with a character for where it stands as well.
static const char *find_fault_at(uint32_t code_point, bool is_first, bool is_last) {
    const char *fault = find_fault(code_point);
    if (fault != NULL)
        return fault;
    if (is_first && gw_unicode_is_combining(code_point))
        return "must not begin with a combining mark";
    if (is_first && gw_unicode_is_blank(code_point))
        return "must not begin with a blank";
    if (is_last && gw_unicode_is_blank(code_point))
        return "must not end with a blank";
    return NULL;
}

static enum gw_status refuse(const char *sentence, const char **wrong) {
    *wrong = sentence;
    return GW_INVALID;
}

static enum gw_status refuse_at(struct gw_arena *arena, const char *fault, uint32_t code_point,
                                size_t place, const char **wrong) {
    struct gw_str sentence =
        gw_arena_printf(arena, "%s (U+%04X at character %zu)", fault, (unsigned)code_point, place);
    return sentence.at != NULL ? refuse(sentence.at, wrong) : GW_NO_MEMORY;
}

static enum gw_status check_characters(struct gw_arena *arena, struct gw_str text,
                                       const char **wrong) {
    uint32_t code_point;
    for (size_t place = 1; gw_utf8_next(&text, &code_point); place++) {
        const char *fault = find_fault_at(code_point, place == 1, text.length == 0);
        if (fault != NULL)
            return refuse_at(arena, fault, code_point, place, wrong);
    }
    return GW_OK;
}

static enum gw_status check_given(struct gw_arena *arena, struct gw_str given,
                                  const struct kind *kind, const char **wrong) {
    if (!gw_utf8_valid(given))
        return refuse("must be valid UTF-8", wrong);
    if (given.length == 0 || count_characters(given) > PARTS_MAX * kind->characters_max)
        return refuse(kind->wrong_length, wrong);
    return check_characters(arena, given, wrong);
}

static enum gw_status normalise(struct gw_arena *arena, struct gw_str given,
                                const struct kind *kind, struct gw_str *normal,
                                const char **wrong) {
    struct gw_str secret;
    enum gw_status status = check_given(arena, given, kind, wrong);
    if (status == GW_OK)
        status = gw_unicode_compose(arena, given, normal);
    if (status != GW_OK)
        return status;
    if (count_characters(*normal) > kind->characters_max)
        return refuse(kind->wrong_length, wrong);
    if (gw_token_syntax_find(*normal, GW_TOKEN_BODY_MIN, &secret))
        return refuse("must not hold a token: it is shown and kept for ever", wrong);
    return GW_OK;
}

enum gw_status gw_token_name_normalise(struct gw_arena *arena, struct gw_str given,
                                       struct gw_str *name, const char **wrong) {
    return normalise(arena, given, &name_kind, name, wrong);
}

enum gw_status gw_token_description_normalise(struct gw_arena *arena, struct gw_str given,
                                              struct gw_str *description, const char **wrong) {
    return normalise(arena, given, &description_kind, description, wrong);
}
