// SPDX-License-Identifier: MIT
// What every bearer token costs before anything is looked up: its shape, and its SHA-256.
#include "bench/micro/micro.h"

#include "gateway/auth/secret.h"

struct token_state {
    struct gw_str secret;
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
};

static struct token_state token_state;

static void *create(void) {
    enum gw_token_kind kind;
    token_state.secret = GW_STR(BENCH_TOKEN);
    return gw_token_syntax_parse(token_state.secret, &kind) == GW_OK ? &token_state : NULL;
}

static void destroy(void *state) {
    (void)state;
}

static void run_syntax(void *opaque, long count) {
    struct token_state *state = opaque;
    for (long i = 0; i < count; i++) {
        enum gw_token_kind kind = GW_TOKEN_TEST;
        enum gw_status status = gw_token_syntax_parse(state->secret, &kind);
        bench_keep(&status);
        bench_keep(&kind);
    }
}

static void run_digest(void *opaque, long count) {
    struct token_state *state = opaque;
    for (long i = 0; i < count; i++) {
        gw_token_digest(state->secret, state->digest);
        bench_keep(state->digest);
    }
}

const struct bench_micro bench_token_syntax = {"token: shape", create, run_syntax, destroy, NULL};
const struct bench_micro bench_token_digest = {"token: SHA-256", create, run_digest, destroy, NULL};
