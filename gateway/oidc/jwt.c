// SPDX-License-Identifier: MIT
#include "gateway/oidc/jwt.h"

#include "base/base64url.h"

#define HEADER_TOKENS_MAX 64

static const char *const fault_texts[] = {
#define X(name, text) text,
    GW_JWT_FAULT_MAP(X)
#undef X
};

const char *gw_jwt_fault_text(enum gw_jwt_fault fault) {
    gw_assert((size_t)fault < sizeof(fault_texts) / sizeof(fault_texts[0]));
    return fault_texts[fault];
}

// A text that is being taken apart: the first fault ends it.
struct reader {
    struct gw_arena *arena;
    struct gw_jwt *jwt;
    enum gw_jwt_fault *fault;
};

static enum gw_status refuse(const struct reader *reader, enum gw_jwt_fault fault) {
    *reader->fault = fault;
    return GW_INVALID;
}

// ---- parts ----

static bool split(struct gw_str text, struct gw_str parts[3]) {
    for (int i = 0; i < 3; i++) {
        if (!gw_str_next(&text, '.', &parts[i]))
            return false;
    }
    return text.at == NULL;
}

static enum gw_status decode(const struct reader *reader, struct gw_str part,
                             struct gw_str *bytes) {
    char *out = gw_arena_allocate(reader->arena, part.length + 1);
    size_t length;
    if (out == NULL)
        return GW_NO_MEMORY;
    if (gw_base64url_decode(part, out, part.length, &length) != GW_OK)
        return refuse(reader, GW_JWT_FAULT_BASE64URL);
    *bytes = gw_str(out, length);
    return GW_OK;
}

// `otherwise`: what it is to be called when it is no object.
static enum gw_status decode_object(const struct reader *reader, struct gw_str part, int tokens_max,
                                    enum gw_jwt_fault otherwise, struct gw_json *object) {
    struct gw_str text;
    enum gw_status status = decode(reader, part, &text);
    if (status != GW_OK)
        return status;
    status = gw_json_parse(reader->arena, text, tokens_max, object, NULL);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK || gw_json_type(*object) != GW_JSON_OBJECT)
        return refuse(reader, otherwise);
    return GW_OK;
}

// ---- the header ----

static bool has_one_of(struct gw_json object, const struct gw_str *names, size_t count) {
    struct gw_json value;
    for (size_t i = 0; i < count; i++) {
        if (gw_json_member(object, names[i], &value))
            return true;
    }
    return false;
}

static bool has_extension(struct gw_json header) {
    static const struct gw_str names[] = {GW_STR_INIT("crit"), GW_STR_INIT("b64"),
                                          GW_STR_INIT("zip"), GW_STR_INIT("enc"),
                                          GW_STR_INIT("cty")};
    return has_one_of(header, names, sizeof(names) / sizeof(names[0]));
}

static bool has_key(struct gw_json header) {
    static const struct gw_str names[] = {GW_STR_INIT("jwk"), GW_STR_INIT("jku"),
                                          GW_STR_INIT("x5u"), GW_STR_INIT("x5c")};
    return has_one_of(header, names, sizeof(names) / sizeof(names[0]));
}

// GW_NOT_FOUND: no such member; GW_INVALID: it is no string.
static enum gw_status find_string(const struct reader *reader, struct gw_json header,
                                  struct gw_str name, struct gw_str *text) {
    struct gw_json value;
    if (!gw_json_member(header, name, &value))
        return GW_NOT_FOUND;
    return gw_json_string(value, reader->arena, text);
}

static enum gw_status read_algorithm(const struct reader *reader, struct gw_json header) {
    struct gw_str name;
    enum gw_status status = find_string(reader, header, GW_STR("alg"), &name);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK || !gw_jwk_algorithm_find(name, &reader->jwt->algorithm))
        return refuse(reader, GW_JWT_FAULT_ALGORITHM);
    return GW_OK;
}

static enum gw_status read_key_id(const struct reader *reader, struct gw_json header) {
    struct gw_str *id = &reader->jwt->key_id;
    enum gw_status status = find_string(reader, header, GW_STR("kid"), id);
    if (status == GW_NO_MEMORY)
        return status;
    if (status == GW_INVALID ||
        (status == GW_OK && (id->length == 0 || id->length > GW_JWT_KEY_ID_BYTES_MAX)))
        return refuse(reader, GW_JWT_FAULT_KEY_ID);
    return GW_OK;
}

// A media type, without "application/" (RFC 7515 section 4.1.9); its letters fold.
static enum gw_status read_type(const struct reader *reader, struct gw_json header) {
    struct gw_str type;
    enum gw_status status = find_string(reader, header, GW_STR("typ"), &type);
    if (status == GW_NOT_FOUND)
        return GW_OK;
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK ||
        !(gw_str_equal_nocase(type, GW_STR("JWT")) || gw_str_equal_nocase(type, GW_STR("JOSE"))))
        return refuse(reader, GW_JWT_FAULT_TYPE);
    return GW_OK;
}

static enum gw_status read_header(const struct reader *reader, struct gw_str part) {
    struct gw_json header;
    enum gw_status status =
        decode_object(reader, part, HEADER_TOKENS_MAX, GW_JWT_FAULT_HEADER, &header);
    if (status != GW_OK)
        return status;
    if (has_extension(header))
        return refuse(reader, GW_JWT_FAULT_EXTENSION);
    if (has_key(header))
        return refuse(reader, GW_JWT_FAULT_KEY);
    status = read_algorithm(reader, header);
    if (status == GW_OK)
        status = read_key_id(reader, header);
    return status == GW_OK ? read_type(reader, header) : status;
}

// ---- the whole ----

static enum gw_status read_signature(const struct reader *reader, struct gw_str part) {
    struct gw_str bytes;
    enum gw_status status = decode(reader, part, &bytes);
    if (status != GW_OK)
        return status;
    if (bytes.length == 0 || bytes.length > GW_JWT_SIGNATURE_BYTES_MAX)
        return refuse(reader, GW_JWT_FAULT_SIGNATURE);
    reader->jwt->signature = (const unsigned char *)bytes.at;
    reader->jwt->signature_length = bytes.length;
    return GW_OK;
}

enum gw_status gw_jwt_parse(struct gw_arena *arena, struct gw_str text, struct gw_jwt *jwt,
                            enum gw_jwt_fault *fault) {
    struct gw_jwt found = {.key_id = {NULL, 0}};
    const struct reader reader = {arena, &found, fault};
    struct gw_str parts[3];
    *fault = GW_JWT_FAULT_NONE;
    if (text.length == 0 || text.length > GW_JWT_BYTES_MAX)
        return refuse(&reader, GW_JWT_FAULT_SIZE);
    if (!split(text, parts))
        return refuse(&reader, GW_JWT_FAULT_PARTS);
    found.signing_input = gw_str(text.at, parts[0].length + 1 + parts[1].length);
    enum gw_status status = read_header(&reader, parts[0]);
    if (status == GW_OK)
        status = read_signature(&reader, parts[2]);
    if (status == GW_OK)
        status = decode_object(&reader, parts[1], GW_JSON_TOKENS_MAX, GW_JWT_FAULT_CLAIMS,
                               &found.claims);
    if (status == GW_OK)
        *jwt = found;
    return status;
}
