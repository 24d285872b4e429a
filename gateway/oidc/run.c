// SPDX-License-Identifier: MIT
#include "gateway/oidc/run.h"

#include "base/unicode.h"
#include "base/utf8.h"
#include "gateway/oidc/claim_text.h"
#include "token/name.h"

#define SHOWN_BYTES_MAX 256

// ---- the name ----

struct name_writer {
    char *text;
    size_t length;
    int characters;
};

// Blanks become one blank between words; what a name must not have is left out.
static void put(struct name_writer *writer, uint32_t code_point) {
    bool is_blank = gw_unicode_is_blank(code_point);
    if (writer->characters == GW_TOKEN_NAME_CHARACTERS_MAX || gw_utf8_is_control(code_point) ||
        gw_unicode_is_bidi(code_point) || gw_unicode_is_invisible(code_point) ||
        gw_unicode_is_combining(code_point))
        return;
    if (is_blank && (writer->length == 0 || writer->text[writer->length - 1] == ' '))
        return;
    writer->length += gw_utf8_encode(is_blank ? ' ' : code_point, writer->text + writer->length);
    writer->characters++;
}

static void put_text(struct name_writer *writer, struct gw_str text) {
    uint32_t code_point;
    while (gw_utf8_next(&text, &code_point))
        put(writer, code_point);
}

static enum gw_status put_claims(struct name_writer *writer, enum gw_oidc_kind kind,
                                 const struct gw_jwt *jwt, struct gw_arena *arena) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(kind);
    for (int i = 0; i < provider->claim_count; i++) {
        struct gw_str text;
        if ((provider->claims[i].traits & GW_OIDC_IN_NAME) == 0)
            continue;
        enum gw_status status =
            gw_oidc_claim_text(kind, jwt, arena, provider->claims[i].name, &text);
        if (status == GW_NO_MEMORY)
            return status;
        if (status != GW_OK)
            continue;
        put(writer, ' ');
        put_text(writer, text);
    }
    return GW_OK;
}

enum gw_status gw_oidc_run_name(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                                struct gw_arena *arena, struct gw_str *name) {
    const char *wrong;
    struct name_writer writer = {.text = gw_arena_allocate(arena, GW_TOKEN_NAME_BYTES_MAX)};
    if (writer.text == NULL)
        return GW_NO_MEMORY;
    enum gw_status status = put_claims(&writer, kind, jwt, arena);
    if (status != GW_OK)
        return status;
    if (writer.length > 0 && writer.text[writer.length - 1] == ' ')
        writer.length--;
    status = gw_token_name_normalise(arena, gw_str(writer.text, writer.length), name, &wrong);
    if (status == GW_INVALID) { // nothing is left, or it looks like a token
        *name = gw_oidc_provider(kind)->name;
        return GW_OK;
    }
    return status;
}

// ---- the audit ----

static enum gw_status write_claim(struct gw_json_writer *writer, struct gw_arena *arena,
                                  const char *key, struct gw_str text) {
    char *shown = gw_arena_copy(arena, gw_str_slice(text, 0, SHOWN_BYTES_MAX));
    if (shown == NULL)
        return GW_NO_MEMORY;
    size_t length = text.length < SHOWN_BYTES_MAX ? text.length : SHOWN_BYTES_MAX;
    gw_utf8_mask_controls(shown, length);
    gw_json_put_string(writer, key, gw_str(shown, length));
    return GW_OK;
}

enum gw_status gw_oidc_run_write_json(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                                      struct gw_arena *arena, struct gw_json_writer *writer) {
    const struct gw_oidc_provider *provider = gw_oidc_provider(kind);
    gw_json_open_object(writer);
    for (int i = 0; i < provider->claim_count; i++) {
        struct gw_str name = provider->claims[i].name;
        struct gw_str text;
        enum gw_status status = gw_oidc_claim_text(kind, jwt, arena, name, &text);
        if (status == GW_OK)
            status = write_claim(writer, arena, name.at, text);
        if (status == GW_NO_MEMORY)
            return status;
    }
    gw_json_close_object(writer);
    return GW_OK;
}
