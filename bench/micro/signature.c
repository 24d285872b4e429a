// SPDX-License-Identifier: MIT
// The signature of an identity token verified.
#include "bench/micro/micro.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "bench/micro/signed_texts.h"
#include "gateway/oidc/jwk_key.h"
#include "gateway/oidc/signature.h"
#include "tls/accelerate/sha256.h"

struct signature_state {
    struct gw_jwk_set *set;
    struct gw_jwt jwt;
    char text[SIGNED_TEXT_BYTES];
    unsigned char signature[GW_JWT_SIGNATURE_BYTES_MAX];
};

static void destroy(void *opaque) {
    struct signature_state *state = opaque;
    gw_jwk_set_destroy(state->set);
    free(state);
}

static bool verify(const struct signature_state *state) {
    return gw_jwk_verify(gw_jwk_set_at(state->set, 0), &state->jwt) == GW_OK;
}

static bool prepare(struct signature_state *state, const struct signed_text *signed_text) {
    struct gw_jwk_set_report report;
    memset(state->text, 'x', sizeof(state->text));
    state->jwt.signing_input = gw_str(state->text, sizeof(state->text));
    state->jwt.algorithm = signed_text->algorithm;
    state->jwt.signature = state->signature;
    return gw_base64url_decode(signed_text->signature, state->signature, sizeof(state->signature),
                               &state->jwt.signature_length) == GW_OK &&
           gw_jwk_set_parse(signed_text->keys, &state->set, &report) == GW_OK && verify(state);
}

static void *create(const struct signed_text *signed_text) {
    struct signature_state *state = calloc(1, sizeof(*state));
    if (state != NULL && !prepare(state, signed_text)) {
        destroy(state);
        return NULL;
    }
    return state;
}

static void run(void *opaque, long count) {
    const struct signature_state *state = opaque;
    for (long i = 0; i < count; i++) {
        bool is_good = verify(state);
        bench_keep(&is_good);
    }
}

static void run_plain(void *opaque, long count) {
    const struct signature_state *state = opaque;
    unsigned char digest[TLS_SHA256_BYTES];
    for (long i = 0; i < count; i++) {
        tls_sha256(state->jwt.signing_input, digest);
        enum gw_status status = tls_ecdsa_verify_plain(
            TLS_VERIFY_P256, gw_jwk_set_at(state->set, 0)->bytes, digest, state->jwt.signature);
        bench_keep(&status);
    }
}

static void *create_rs256_2048(void) {
    return create(&rs256_2048);
}

static void *create_rs256_4096(void) {
    return create(&rs256_4096);
}

static void *create_ps256_2048(void) {
    return create(&ps256_2048);
}

static void *create_es256(void) {
    return create(&es256);
}

static void *create_es384(void) {
    return create(&es384);
}

#if TLS_HAS_ED25519
static void *create_eddsa(void) {
    return create(&eddsa);
}
#endif

const struct bench_micro bench_signature_rs256_2048 = {"signature: RS256 of 2048 bits",
                                                       create_rs256_2048, run, destroy, NULL};
const struct bench_micro bench_signature_rs256_4096 = {"signature: RS256 of 4096 bits",
                                                       create_rs256_4096, run, destroy, NULL};
const struct bench_micro bench_signature_ps256_2048 = {"signature: PS256 of 2048 bits",
                                                       create_ps256_2048, run, destroy, NULL};
const struct bench_micro bench_signature_es256 = {"signature: ES256", create_es256, run, destroy,
                                                  NULL};
const struct bench_micro bench_signature_es256_plain = {"signature: ES256 without nettle",
                                                        create_es256, run_plain, destroy, NULL};
const struct bench_micro bench_signature_es384 = {"signature: ES384", create_es384, run, destroy,
                                                  NULL};
#if TLS_HAS_ED25519
const struct bench_micro bench_signature_eddsa = {"signature: EdDSA", create_eddsa, run, destroy,
                                                  NULL};
#endif
