// SPDX-License-Identifier: MIT
// Any bytes as a token. What must hold beyond memory safety: a refusal has a reason; the parts of
// what is accepted lie in the text and in its bounds; its claims are an object; and it has one
// text: what was decoded, encoded again, is what was sent.

#include <stddef.h>
#include <stdint.h>

#include "base/base64url.h"
#include "gateway/oidc/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_signature(struct gw_str text, const struct gw_jwt *jwt) {
    char again[gw_base64url_length(GW_JWT_SIGNATURE_BYTES_MAX)];
    gw_assert(jwt->signature_length > 0 && jwt->signature_length <= GW_JWT_SIGNATURE_BYTES_MAX);
    gw_base64url_encode(jwt->signature, jwt->signature_length, again);
    struct gw_str sent = gw_str_slice(text, jwt->signing_input.length + 1, text.length);
    gw_assert(gw_str_equal(sent, gw_str(again, gw_base64url_length(jwt->signature_length))));
}

static void check_token(struct gw_str text, const struct gw_jwt *jwt) {
    gw_assert(text.length <= GW_JWT_BYTES_MAX);
    gw_assert(jwt->signing_input.at == text.at && jwt->signing_input.length < text.length);
    gw_assert(text.at[jwt->signing_input.length] == '.');
    gw_assert(jwt->algorithm <= GW_JWK_EDDSA);
    gw_assert(jwt->key_id.at == NULL ||
              (jwt->key_id.length > 0 && jwt->key_id.length <= GW_JWT_KEY_ID_BYTES_MAX));
    gw_assert(gw_json_type(jwt->claims) == GW_JSON_OBJECT);
    check_signature(text, jwt);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct gw_arena arena;
    struct gw_jwt jwt;
    enum gw_jwt_fault fault;
    struct gw_str text = gw_str((const char *)bytes, length);
    gw_arena_init(&arena, GW_JWT_ARENA_BYTES);
    enum gw_status status = gw_jwt_parse(&arena, text, &jwt, &fault);
    gw_assert(status == GW_OK || status == GW_INVALID);
    gw_assert((status == GW_OK) == (fault == GW_JWT_FAULT_NONE));
    if (status == GW_OK)
        check_token(text, &jwt);
    gw_arena_deinit(&arena);
    return 0;
}
