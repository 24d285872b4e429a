// SPDX-License-Identifier: MIT
#include "token/syntax.h"

#include <string.h>

#include "base/ascii.h"
#include "base/base64url.h"
#include "base/crc32.h"

#define CHECKSUM_BYTES 4
#define BODY_OWN_BYTES (GW_TOKEN_RANDOM_BYTES + CHECKSUM_BYTES)

_Static_assert(gw_base64url_length(BODY_OWN_BYTES) == GW_TOKEN_BODY_OWN,
               "an own body is the random bytes and their checksum");

static const struct gw_str prefixes[] = {
    [GW_TOKEN_LIVE] = GW_STR_INIT("sr_live_"),
    [GW_TOKEN_TEST] = GW_STR_INIT("sr_test_"),
    [GW_TOKEN_LEGACY] = GW_STR_INIT("sk_"),
};
#define KIND_COUNT (sizeof(prefixes) / sizeof(prefixes[0]))

// The kind whose prefix `text` begins with; KIND_COUNT: none.
static size_t kind_of(struct gw_str text) {
    size_t found = KIND_COUNT;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (gw_str_starts_with(text, prefixes[i]))
            found = i;
    }
    return found;
}

static bool is_base64url(struct gw_str text) {
    bool is_valid = true;
    for (size_t i = 0; i < text.length; i++)
        is_valid = gw_base64url_is_char(text.at[i]) && is_valid;
    return is_valid;
}

enum gw_status gw_token_syntax_parse(struct gw_str secret, enum gw_token_kind *kind) {
    if (secret.length > GW_TOKEN_LENGTH_MAX)
        return GW_INVALID;
    size_t found = kind_of(secret);
    if (found == KIND_COUNT)
        return GW_INVALID;
    struct gw_str body = gw_str_slice(secret, prefixes[found].length, secret.length);
    bool has_length = body.length >= GW_TOKEN_BODY_MIN && body.length <= GW_TOKEN_BODY_MAX;
    if (!is_base64url(body) || !has_length)
        return GW_INVALID;
    *kind = (enum gw_token_kind)found;
    return GW_OK;
}

enum gw_status gw_token_syntax_parse_prefix(struct gw_str prefix, enum gw_token_kind *kind) {
    size_t found = kind_of(prefix);
    if (prefix.length != GW_TOKEN_PREFIX_LENGTH || found == KIND_COUNT || !is_base64url(prefix))
        return GW_INVALID;
    *kind = (enum gw_token_kind)found;
    return GW_OK;
}

struct gw_str gw_token_syntax_prefix(enum gw_token_kind kind) {
    gw_assert((size_t)kind < KIND_COUNT);
    return prefixes[kind];
}

// Big endian, over the prefix text and the random bytes.
static void compute_checksum(struct gw_str prefix, const unsigned char *random,
                             unsigned char out[CHECKSUM_BYTES]) {
    uint32_t crc = gw_crc32(0, prefix.at, prefix.length);
    crc = gw_crc32(crc, random, GW_TOKEN_RANDOM_BYTES);
    for (unsigned i = 0; i < CHECKSUM_BYTES; i++)
        out[i] = (unsigned char)(crc >> (24 - 8 * i));
}

size_t gw_token_syntax_format(enum gw_token_kind kind,
                              const unsigned char random[GW_TOKEN_RANDOM_BYTES],
                              char out[GW_TOKEN_LENGTH_MAX]) {
    gw_assert(kind == GW_TOKEN_LIVE || kind == GW_TOKEN_TEST);
    struct gw_str prefix = prefixes[kind];
    unsigned char body[BODY_OWN_BYTES];
    memcpy(body, random, GW_TOKEN_RANDOM_BYTES);
    compute_checksum(prefix, random, body + GW_TOKEN_RANDOM_BYTES);
    memcpy(out, prefix.at, prefix.length);
    gw_base64url_encode(body, sizeof(body), out + prefix.length);
    gw_bytes_wipe(body, sizeof(body));
    return prefix.length + GW_TOKEN_BODY_OWN;
}

bool gw_token_syntax_checksum_ok(struct gw_str secret) {
    enum gw_token_kind kind;
    if (gw_token_syntax_parse(secret, &kind) != GW_OK)
        return false;
    struct gw_str encoded = gw_str_slice(secret, prefixes[kind].length, secret.length);
    if (encoded.length != GW_TOKEN_BODY_OWN)
        return false;
    unsigned char body[BODY_OWN_BYTES];
    unsigned char checksum[CHECKSUM_BYTES];
    size_t length;
    bool agrees = false;
    if (gw_base64url_decode(encoded, body, sizeof(body), &length) == GW_OK) {
        compute_checksum(prefixes[kind], body, checksum);
        agrees =
            gw_bytes_equal_constant_time(checksum, body + GW_TOKEN_RANDOM_BYTES, sizeof(checksum));
    }
    gw_bytes_wipe(body, sizeof(body));
    return agrees;
}

// The length of what looks like a token at this place; 0: nothing does.
static size_t token_length_at(struct gw_str text, size_t at, size_t body_min) {
    struct gw_str rest = gw_str_slice(text, at, text.length);
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        if (!gw_str_starts_with(rest, prefixes[kind]))
            continue;
        if (kind == GW_TOKEN_LEGACY && at > 0 && gw_ascii_is_alphanumeric(text.at[at - 1]))
            continue;
        size_t end = prefixes[kind].length;
        while (end < rest.length && gw_base64url_is_char(rest.at[end]))
            end++;
        if (end - prefixes[kind].length >= body_min)
            return end;
    }
    return 0;
}

bool gw_token_syntax_find(struct gw_str text, size_t body_min, struct gw_str *found) {
    for (size_t at = 0; at < text.length; at++) {
        size_t length = text.at[at] == 's' ? token_length_at(text, at, body_min) : 0;
        if (length > 0) {
            *found = gw_str_slice(text, at, at + length);
            return true;
        }
    }
    return false;
}
