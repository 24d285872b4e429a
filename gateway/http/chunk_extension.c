// SPDX-License-Identifier: MIT
#include "gateway/http/chunk_extension.h"

#include <string.h>

#include "base/ascii.h"
#include "gateway/http/chunk_line.h"

void gw_http_chunk_extension_begin(struct gw_http_chunk_extension *extension) {
    *extension = (struct gw_http_chunk_extension){.state = GW_HTTP_CHUNK_SIZE};
}

void gw_http_chunk_extension_begin_line(struct gw_http_chunk_extension *extension) {
    extension->state = GW_HTTP_CHUNK_SIZE;
    extension->has_size = false;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// RFC 9110 section 5.6.2.
static bool is_token_char(char c) {
    return gw_ascii_is_alphanumeric(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

// What a quoted string may hold, escaped or not (RFC 9110 section 5.6.4): no control characters.
static bool is_text(char c) {
    return is_blank(c) || ((unsigned char)c > ' ' && c != '\x7f');
}

// Where a part may end.
static enum gw_http_chunk_extension_state end_part(char c,
                                                   enum gw_http_chunk_extension_state blank) {
    if (is_blank(c))
        return blank;
    if (c == ';')
        return GW_HTTP_CHUNK_BEFORE_NAME;
    return c == '\r' ? GW_HTTP_CHUNK_LINE_END : GW_HTTP_CHUNK_REFUSED;
}

static enum gw_http_chunk_extension_state step_size(struct gw_http_chunk_extension *extension,
                                                    char c) {
    if (!is_blank(c) && c != ';' && c != '\r') {
        extension->has_size = true;
        return GW_HTTP_CHUNK_SIZE;
    }
    return extension->has_size ? end_part(c, GW_HTTP_CHUNK_BEHIND_SIZE) : GW_HTTP_CHUNK_REFUSED;
}

static enum gw_http_chunk_extension_state step_name(enum gw_http_chunk_extension_state state,
                                                    char c) {
    if (is_token_char(c) && state != GW_HTTP_CHUNK_BEHIND_NAME)
        return GW_HTTP_CHUNK_NAME;
    if (state == GW_HTTP_CHUNK_BEFORE_NAME)
        return is_blank(c) ? state : GW_HTTP_CHUNK_REFUSED;
    return c == '=' ? GW_HTTP_CHUNK_BEFORE_VALUE : end_part(c, GW_HTTP_CHUNK_BEHIND_NAME);
}

static enum gw_http_chunk_extension_state step_value(enum gw_http_chunk_extension_state state,
                                                     char c) {
    if (is_token_char(c))
        return GW_HTTP_CHUNK_VALUE;
    if (state == GW_HTTP_CHUNK_VALUE)
        return end_part(c, GW_HTTP_CHUNK_BEHIND_VALUE);
    if (c == '"')
        return GW_HTTP_CHUNK_QUOTED;
    return is_blank(c) ? state : GW_HTTP_CHUNK_REFUSED;
}

static enum gw_http_chunk_extension_state step_quoted(char c) {
    if (c == '"')
        return GW_HTTP_CHUNK_BEHIND_VALUE;
    if (c == '\\')
        return GW_HTTP_CHUNK_ESCAPED;
    return is_text(c) ? GW_HTTP_CHUNK_QUOTED : GW_HTTP_CHUNK_REFUSED;
}

static enum gw_http_chunk_extension_state step(struct gw_http_chunk_extension *extension, char c) {
    enum gw_http_chunk_extension_state state = extension->state;
    switch (state) {
    case GW_HTTP_CHUNK_SIZE:
        return step_size(extension, c);
    case GW_HTTP_CHUNK_BEHIND_SIZE:
    case GW_HTTP_CHUNK_BEHIND_VALUE:
        return end_part(c, state);
    case GW_HTTP_CHUNK_BEFORE_NAME:
    case GW_HTTP_CHUNK_NAME:
    case GW_HTTP_CHUNK_BEHIND_NAME:
        return step_name(state, c);
    case GW_HTTP_CHUNK_BEFORE_VALUE:
    case GW_HTTP_CHUNK_VALUE:
        return step_value(state, c);
    case GW_HTTP_CHUNK_QUOTED:
        return step_quoted(c);
    case GW_HTTP_CHUNK_ESCAPED:
        return is_text(c) ? GW_HTTP_CHUNK_QUOTED : GW_HTTP_CHUNK_REFUSED;
    case GW_HTTP_CHUNK_LINE_END:
    case GW_HTTP_CHUNK_REFUSED:
    default:
        return state;
    }
}

static bool does_pass(enum gw_http_chunk_extension_state state) {
    return state == GW_HTTP_CHUNK_SIZE || state == GW_HTTP_CHUNK_LINE_END;
}

enum gw_status gw_http_chunk_extension_next(struct gw_http_chunk_extension *extension,
                                            struct gw_str bytes, size_t *length, bool *passes) {
    *passes = true;
    for (*length = 0; *length < bytes.length; ++*length) {
        enum gw_http_chunk_extension_state next = step(extension, bytes.at[*length]);
        if (next == GW_HTTP_CHUNK_REFUSED)
            return GW_INVALID;
        if (*length == 0)
            *passes = does_pass(next);
        else if (*passes != does_pass(next))
            break;
        extension->state = next;
    }
    if (!*passes)
        extension->dropped_bytes += (uint32_t)*length;
    return extension->dropped_bytes <= GW_HTTP_CHUNK_EXTENSION_BYTES_MAX ? GW_OK : GW_INVALID;
}
