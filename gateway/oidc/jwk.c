// SPDX-License-Identifier: MIT
#include "gateway/oidc/jwk.h"

#include <mbedtls/ecp.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64url.h"
#include "base/json.h"
#include "gateway/oidc/jwk_key.h"

#define ARENA_BYTES_MAX ((size_t)1024 * 1024)
#define TOKENS_MAX (8 * GW_JSON_TOKENS_MAX)
#define EXPONENT_BYTES_MAX 8
#define RSA_LEADING_ZEROS_MAX 2 // that some issuers send, against RFC 7518 section 6.3.1.1

struct gw_jwk_set {
    int count;
    struct gw_jwk keys[];
};

static const char *const reason_texts[] = {
#define X(name, text) text,
    GW_JWK_REASON_MAP(X)
#undef X
};

const char *gw_jwk_reason_text(enum gw_jwk_reason reason) {
    gw_assert(reason < GW_JWK_REASON_COUNT);
    return reason_texts[reason];
}

static const char *const fault_texts[] = {
#define X(name, text) text,
    GW_JWK_SET_FAULT_MAP(X)
#undef X
};

const char *gw_jwk_set_fault_text(enum gw_jwk_set_fault fault) {
    gw_assert((size_t)fault < sizeof(fault_texts) / sizeof(fault_texts[0]));
    return fault_texts[fault];
}

// ---- one key ----

// GW_OK; GW_NO_MEMORY; GW_INVALID: left out, for `reason`.
struct key_reader {
    struct gw_arena *arena;
    struct gw_json object;
    enum gw_jwk_reason reason;
};

static enum gw_status leave_out(struct key_reader *reader, enum gw_jwk_reason reason) {
    reader->reason = reason;
    return GW_INVALID;
}

// GW_NOT_FOUND: there is no such member.
static enum gw_status find_string(struct key_reader *reader, struct gw_str name,
                                  struct gw_str *text) {
    struct gw_json value;
    if (!gw_json_member(reader->object, name, &value))
        return GW_NOT_FOUND;
    enum gw_status status = gw_json_string(value, reader->arena, text);
    return status == GW_INVALID ? leave_out(reader, GW_JWK_REASON_FORM) : status;
}

// A member that has to be there.
static enum gw_status need_string(struct key_reader *reader, struct gw_str name,
                                  struct gw_str *text) {
    enum gw_status status = find_string(reader, name, text);
    return status == GW_NOT_FOUND ? leave_out(reader, GW_JWK_REASON_FORM) : status;
}

static enum gw_status need_bytes(struct key_reader *reader, struct gw_str name, unsigned char *out,
                                 size_t out_max, size_t *length) {
    struct gw_str text;
    enum gw_status status = need_string(reader, name, &text);
    if (status != GW_OK)
        return status;
    status = gw_base64url_decode(text, out, out_max, length);
    return status == GW_OK ? GW_OK : leave_out(reader, GW_JWK_REASON_FORM);
}

static enum gw_status read_operations(struct key_reader *reader) {
    struct gw_json operations;
    struct gw_str operation;
    if (!gw_json_member(reader->object, GW_STR("key_ops"), &operations))
        return GW_OK;
    if (gw_json_type(operations) != GW_JSON_ARRAY)
        return leave_out(reader, GW_JWK_REASON_FORM);
    for (int i = 0; i < gw_json_count(operations); i++) {
        enum gw_status status =
            gw_json_string(gw_json_element(operations, i), reader->arena, &operation);
        if (status != GW_OK)
            return status == GW_INVALID ? leave_out(reader, GW_JWK_REASON_FORM) : status;
        if (gw_str_equal(operation, GW_STR("verify")))
            return GW_OK;
    }
    return leave_out(reader, GW_JWK_REASON_USE);
}

// "use" and "key_ops" (RFC 7517 sections 4.2, 4.3); and no private key, which its owner lost.
static enum gw_status read_use(struct key_reader *reader) {
    struct gw_str use;
    struct gw_json secret;
    enum gw_status status = find_string(reader, GW_STR("use"), &use);
    if (status == GW_OK && !gw_str_equal(use, GW_STR("sig")))
        return leave_out(reader, GW_JWK_REASON_USE);
    if (status != GW_OK && status != GW_NOT_FOUND)
        return status;
    if (gw_json_member(reader->object, GW_STR("d"), &secret) ||
        gw_json_member(reader->object, GW_STR("k"), &secret))
        return leave_out(reader, GW_JWK_REASON_SECRET);
    return read_operations(reader);
}

static enum gw_status read_id(struct key_reader *reader, struct gw_jwk *key) {
    struct gw_str id;
    enum gw_status status = find_string(reader, GW_STR("kid"), &id);
    if (status == GW_NOT_FOUND)
        return GW_OK;
    if (status != GW_OK)
        return status;
    if (id.length == 0 || id.length > sizeof(key->id))
        return leave_out(reader, GW_JWK_REASON_FORM);
    memcpy(key->id, id.at, id.length);
    key->id_length = id.length;
    return GW_OK;
}

// ---- kinds of keys ----

static unsigned bit(enum gw_jwk_algorithm algorithm) {
    return 1U << algorithm;
}

// What a key without "alg" verifies, and what it may be with one.
static const struct {
    struct gw_str type;
    struct gw_str curve; // empty: of RSA
    unsigned algorithms;
    unsigned algorithms_by_name;
    enum gw_jwk_family family;
} kinds[] = {
    {GW_STR_INIT("RSA"), GW_STR_INIT(""),
     1U << GW_JWK_RS256 | 1U << GW_JWK_RS384 | 1U << GW_JWK_RS512,
     1U << GW_JWK_RS256 | 1U << GW_JWK_RS384 | 1U << GW_JWK_RS512 | 1U << GW_JWK_PS256, GW_JWK_RSA},
    {GW_STR_INIT("EC"), GW_STR_INIT("P-256"), 1U << GW_JWK_ES256, 1U << GW_JWK_ES256, GW_JWK_P256},
    {GW_STR_INIT("EC"), GW_STR_INIT("P-384"), 1U << GW_JWK_ES384, 1U << GW_JWK_ES384, GW_JWK_P384},
#if TLS_HAS_ED25519
    {GW_STR_INIT("OKP"), GW_STR_INIT("Ed25519"), 1U << GW_JWK_EDDSA, 1U << GW_JWK_EDDSA,
     GW_JWK_ED25519},
#endif
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static enum gw_status find_kind(struct key_reader *reader, size_t *kind) {
    struct gw_str type;
    struct gw_str curve = GW_STR("");
    enum gw_status status = need_string(reader, GW_STR("kty"), &type);
    if (status == GW_OK && !gw_str_equal(type, GW_STR("RSA")))
        status = need_string(reader, GW_STR("crv"), &curve);
    if (status != GW_OK)
        return status;
    for (*kind = 0; *kind < KINDS; ++*kind) {
        if (gw_str_equal(type, kinds[*kind].type) && gw_str_equal(curve, kinds[*kind].curve))
            return GW_OK;
    }
    return leave_out(reader, GW_JWK_REASON_KIND);
}

static enum gw_status read_kind(struct key_reader *reader, struct gw_jwk *key) {
    size_t kind;
    struct gw_str name;
    enum gw_jwk_algorithm algorithm;
    enum gw_status status = find_kind(reader, &kind);
    if (status != GW_OK)
        return status;
    key->family = kinds[kind].family;
    key->algorithms = kinds[kind].algorithms;
    status = find_string(reader, GW_STR("alg"), &name);
    if (status == GW_NOT_FOUND)
        return GW_OK;
    if (status != GW_OK)
        return status;
    if (!gw_jwk_algorithm_find(name, &algorithm))
        return leave_out(reader, GW_JWK_REASON_KIND);
    key->algorithms = kinds[kind].algorithms_by_name & bit(algorithm);
    return key->algorithms != 0 ? GW_OK : leave_out(reader, GW_JWK_REASON_MISMATCH);
}

// ---- numbers ----

static struct gw_str without_leading_zeros(const unsigned char *bytes, size_t length) {
    while (length > 0 && *bytes == 0) {
        bytes++;
        length--;
    }
    return gw_str((const char *)bytes, length);
}

static bool is_exponent(struct gw_str bytes) {
    return gw_str_equal(bytes, gw_str("\x01\x00\x01", 3));
}

static bool is_modulus(struct gw_str bytes) {
    _Static_assert(GW_JWK_RSA_BITS_MIN % 8 == 0 && GW_JWK_RSA_BITS_MAX % 8 == 0, "whole bytes");
    if (bytes.length < GW_JWK_RSA_BITS_MIN / 8 || bytes.length > GW_JWK_RSA_BYTES_MAX)
        return false;
    if (bytes.length == GW_JWK_RSA_BITS_MIN / 8 && ((unsigned char)bytes.at[0] & 0x80) == 0)
        return false;
    return ((unsigned char)bytes.at[bytes.length - 1] & 1) != 0;
}

static enum gw_status read_rsa(struct key_reader *reader, struct gw_jwk *key) {
    unsigned char modulus[GW_JWK_RSA_BYTES_MAX + RSA_LEADING_ZEROS_MAX];
    unsigned char exponent[EXPONENT_BYTES_MAX];
    size_t modulus_length;
    size_t exponent_length;
    enum gw_status status =
        need_bytes(reader, GW_STR("n"), modulus, sizeof(modulus), &modulus_length);
    if (status == GW_OK)
        status = need_bytes(reader, GW_STR("e"), exponent, sizeof(exponent), &exponent_length);
    if (status != GW_OK)
        return status;
    struct gw_str digits = without_leading_zeros(modulus, modulus_length);
    if (!is_modulus(digits) || !is_exponent(without_leading_zeros(exponent, exponent_length)))
        return leave_out(reader, GW_JWK_REASON_RSA);
    memcpy(key->bytes, digits.at, digits.length);
    key->length = digits.length;
    return GW_OK;
}

static enum gw_status check_point(struct key_reader *reader, const struct gw_jwk *key,
                                  mbedtls_ecp_group_id id) {
    unsigned char text[1 + 2 * TLS_VERIFY_P384_BYTES];
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    text[0] = 0x04; // SEC 1 section 2.3.3, not compressed
    memcpy(text + 1, key->bytes, key->length);
    int code = mbedtls_ecp_group_load(&group, id);
    if (code == 0)
        code = mbedtls_ecp_point_read_binary(&group, &point, text, 1 + key->length);
    if (code == 0)
        code = mbedtls_ecp_check_pubkey(&group, &point);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
    if (code == MBEDTLS_ERR_MPI_ALLOC_FAILED || code == MBEDTLS_ERR_ECP_ALLOC_FAILED)
        return GW_NO_MEMORY;
    return code == 0 ? GW_OK : leave_out(reader, GW_JWK_REASON_POINT);
}

// Each coordinate in as many bytes as the curve has (RFC 7518 section 6.2.1.2).
static enum gw_status read_point(struct key_reader *reader, struct gw_jwk *key, size_t bytes,
                                 mbedtls_ecp_group_id id) {
    size_t x_length;
    size_t y_length;
    enum gw_status status = need_bytes(reader, GW_STR("x"), key->bytes, bytes, &x_length);
    if (status == GW_OK)
        status = need_bytes(reader, GW_STR("y"), key->bytes + bytes, bytes, &y_length);
    if (status != GW_OK)
        return status;
    if (x_length != bytes || y_length != bytes)
        return leave_out(reader, GW_JWK_REASON_FORM);
    key->length = 2 * bytes;
    return check_point(reader, key, id);
}

// Whether the point is one shows with each signature.
static enum gw_status read_ed25519(struct key_reader *reader, struct gw_jwk *key) {
    enum gw_status status =
        need_bytes(reader, GW_STR("x"), key->bytes, TLS_ED25519_KEY_BYTES, &key->length);
    if (status == GW_OK && key->length != TLS_ED25519_KEY_BYTES)
        return leave_out(reader, GW_JWK_REASON_FORM);
    return status;
}

static enum gw_status read_numbers(struct key_reader *reader, struct gw_jwk *key) {
    switch (key->family) {
    case GW_JWK_RSA:
        return read_rsa(reader, key);
    case GW_JWK_P256:
        return read_point(reader, key, TLS_VERIFY_P256_BYTES, MBEDTLS_ECP_DP_SECP256R1);
    case GW_JWK_P384:
        return read_point(reader, key, TLS_VERIFY_P384_BYTES, MBEDTLS_ECP_DP_SECP384R1);
    case GW_JWK_ED25519:
    default:
        return read_ed25519(reader, key);
    }
}

static enum gw_status read_key(struct key_reader *reader, struct gw_jwk *key) {
    memset(key, 0, sizeof(*key));
    if (gw_json_type(reader->object) != GW_JSON_OBJECT)
        return leave_out(reader, GW_JWK_REASON_FORM);
    enum gw_status status = read_use(reader);
    if (status == GW_OK)
        status = read_kind(reader, key);
    if (status == GW_OK)
        status = read_id(reader, key);
    return status == GW_OK ? read_numbers(reader, key) : status;
}

// ---- the set ----

static bool has_id(const struct gw_jwk_set *set, const struct gw_jwk *key) {
    return key->id_length > 0 && gw_jwk_set_find(set, gw_jwk_id(key)) != NULL;
}

static enum gw_status refuse(struct gw_jwk_set_report *report, enum gw_jwk_set_fault fault) {
    report->fault = fault;
    return GW_INVALID;
}

static enum gw_status add_key(struct gw_jwk_set *set, const struct gw_jwk *key,
                              struct gw_jwk_set_report *report) {
    if (set->count == GW_JWK_KEYS_MAX)
        return refuse(report, GW_JWK_SET_FAULT_TOO_MANY);
    if (has_id(set, key))
        return refuse(report, GW_JWK_SET_FAULT_TWICE);
    set->keys[set->count++] = *key;
    return GW_OK;
}

static enum gw_status read_keys(struct gw_arena *arena, struct gw_json list, struct gw_jwk_set *set,
                                struct gw_jwk_set_report *report) {
    struct gw_jwk key;
    for (int i = 0; i < gw_json_count(list); i++) {
        struct key_reader reader = {.arena = arena, .object = gw_json_element(list, i)};
        enum gw_status status = read_key(&reader, &key);
        if (status == GW_INVALID) {
            report->left_out[reader.reason]++;
            continue;
        }
        if (status == GW_OK)
            status = add_key(set, &key, report);
        if (status != GW_OK)
            return status;
    }
    return set->count > 0 ? GW_OK : refuse(report, GW_JWK_SET_FAULT_NONE_USABLE);
}

static enum gw_status find_keys(struct gw_arena *arena, struct gw_str text, struct gw_json *list,
                                struct gw_jwk_set_report *report) {
    struct gw_json root;
    if (text.length > GW_JWK_SET_BYTES_MAX)
        return refuse(report, GW_JWK_SET_FAULT_SIZE);
    enum gw_status status = gw_json_parse(arena, text, TOKENS_MAX, &root, NULL);
    if (status == GW_NO_MEMORY)
        return status;
    if (status != GW_OK || gw_json_type(root) != GW_JSON_OBJECT)
        return refuse(report, GW_JWK_SET_FAULT_JSON);
    if (!gw_json_member(root, GW_STR("keys"), list) || gw_json_type(*list) != GW_JSON_ARRAY)
        return refuse(report, GW_JWK_SET_FAULT_KEYS);
    return GW_OK;
}

static size_t set_bytes(int count) {
    return sizeof(struct gw_jwk_set) + (size_t)count * sizeof(struct gw_jwk);
}

static enum gw_status parse(struct gw_arena *arena, struct gw_str text, struct gw_jwk_set *set,
                            struct gw_jwk_set_report *report) {
    struct gw_json list;
    enum gw_status status = find_keys(arena, text, &list, report);
    return status == GW_OK ? read_keys(arena, list, set, report) : status;
}

enum gw_status gw_jwk_set_parse(struct gw_str text, struct gw_jwk_set **set,
                                struct gw_jwk_set_report *report) {
    memset(report, 0, sizeof(*report));
    struct gw_jwk_set *found = malloc(set_bytes(GW_JWK_KEYS_MAX));
    if (found == NULL)
        return GW_NO_MEMORY;
    found->count = 0;
    struct gw_arena arena;
    gw_arena_init(&arena, ARENA_BYTES_MAX);
    enum gw_status status = parse(&arena, text, found, report);
    gw_arena_deinit(&arena);
    if (status != GW_OK) {
        free(found);
        return status;
    }
    struct gw_jwk_set *fitting = realloc(found, set_bytes(found->count));
    *set = fitting != NULL ? fitting : found;
    return GW_OK;
}

void gw_jwk_set_destroy(struct gw_jwk_set *set) {
    free(set);
}

int gw_jwk_set_count(const struct gw_jwk_set *set) {
    return set->count;
}

const struct gw_jwk *gw_jwk_set_at(const struct gw_jwk_set *set, int index) {
    gw_assert(index >= 0 && index < set->count);
    return &set->keys[index];
}

const struct gw_jwk *gw_jwk_set_find(const struct gw_jwk_set *set, struct gw_str key_id) {
    if (key_id.at == NULL)
        return set->count == 1 ? &set->keys[0] : NULL;
    for (int i = 0; i < set->count; i++) {
        if (set->keys[i].id_length > 0 && gw_str_equal(gw_jwk_id(&set->keys[i]), key_id))
            return &set->keys[i];
    }
    return NULL;
}

struct gw_str gw_jwk_id(const struct gw_jwk *key) {
    return key->id_length > 0 ? gw_str(key->id, key->id_length) : gw_str(NULL, 0);
}

bool gw_jwk_takes(const struct gw_jwk *key, enum gw_jwk_algorithm algorithm) {
    return (key->algorithms & bit(algorithm)) != 0;
}

static const char *rsa_kind(size_t bytes) {
    return bytes == 256   ? "RSA-2048"
           : bytes == 384 ? "RSA-3072"
           : bytes == 512 ? "RSA-4096"
                          : "RSA";
}

const char *gw_jwk_kind(const struct gw_jwk *key) {
    static const char *const names[] = {
        [GW_JWK_P256] = "P-256", [GW_JWK_P384] = "P-384", [GW_JWK_ED25519] = "Ed25519"};
    return key->family == GW_JWK_RSA ? rsa_kind(key->length) : names[key->family];
}
