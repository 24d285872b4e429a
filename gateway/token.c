// SPDX-License-Identifier: MIT
#include "gateway/token.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "tls/sha256.h"

static enum gw_status random_bytes(void *out, size_t length) {
    // Up to 256 bytes getrandom(2) neither blocks (once seeded) nor returns short.
    ssize_t got;
    do
        got = getrandom(out, length, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)length ? GW_OK : GW_SYSTEM;
}

enum gw_status gw_token_mint(enum gw_token_kind kind, struct gw_token_secret *secret) {
    unsigned char random[GW_TOKEN_RANDOM_BYTES];
    enum gw_status status = random_bytes(random, sizeof(random));
    if (status == GW_OK)
        secret->length = gw_token_syntax_format(kind, random, secret->text);
    gw_bytes_wipe(random, sizeof(random));
    return status;
}

void gw_token_digest(struct gw_str secret, unsigned char digest[GW_TOKEN_DIGEST_LENGTH]) {
    tls_sha256(secret, digest);
}

// What takes room and shows nothing: spaces, the fillers of Hangul, the empty pattern of Braille.
static bool is_blank(uint32_t code_point) {
    static const uint32_t others[] = {' ',    0xa0,   0x115f, 0x1160, 0x1680, 0x202f,
                                      0x205f, 0x2800, 0x3000, 0x3164, 0xffa0};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (code_point == others[i])
            return true;
    }
    return code_point >= 0x2000 && code_point <= 0x200b;
}

bool gw_token_name_valid(struct gw_str name) {
    if (!gw_utf8_valid(name) || gw_utf8_has_control(name))
        return false;
    size_t characters = 0;
    bool has_ink = false;
    for (uint32_t code_point; gw_utf8_next(&name, &code_point); characters++)
        has_ink = has_ink || (gw_utf8_columns(code_point) > 0 && !is_blank(code_point));
    return has_ink && characters <= GW_TOKEN_NAME_CHARACTERS_MAX;
}

static bool is_lower_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool gw_org_slug_valid(struct gw_str slug) {
    if (slug.length < 2 || slug.length > 48)
        return false;
    for (size_t i = 0; i < slug.length; i++) {
        if (!is_lower_alphanumeric(slug.at[i]) && slug.at[i] != '-')
            return false;
    }
    return slug.at[0] != '-' && slug.at[slug.length - 1] != '-';
}

enum gw_status gw_id_make(char out[GW_ID_LENGTH + 1]) {
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    enum { TIME_DIGITS = 8, RANDOM_DIGITS = GW_ID_LENGTH - 2 - TIME_DIGITS };
    // Eight random bytes for every seven digits: 36^7 is below 2^37, so the bias of the remainder
    // is under 2^-27.
    uint64_t random[RANDOM_DIGITS / 7];
    enum gw_status status = random_bytes(random, sizeof(random));
    if (status != GW_OK)
        return status;
    uint64_t time = (uint64_t)gw_clock_wall_ms();
    char *at = out + GW_ID_LENGTH;
    *at = '\0';
    for (int i = 0; i < RANDOM_DIGITS; i++) {
        *--at = digits[random[i / 7] % 36];
        random[i / 7] /= 36;
    }
    for (int i = 0; i < TIME_DIGITS; i++, time /= 36)
        *--at = digits[time % 36];
    *--at = 'l';
    *--at = 'c';
    return GW_OK;
}

bool gw_id_valid(struct gw_str id) {
    if (id.length < 1 || id.length > 32)
        return false;
    for (size_t i = 0; i < id.length; i++) {
        if (!is_lower_alphanumeric(id.at[i]))
            return false;
    }
    return true;
}
