// SPDX-License-Identifier: MIT
// A token that is known: found by its digest among as many as the load of the bench uses, in an
// order that the processor cannot foresee, and its row taken from the entry.
#include "bench/micro/micro.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/auth/secret.h"
#include "gateway/auth/table.h"

#define TOKENS 10000

struct cache_state {
    struct gw_auth_table table;
    unsigned char digests[TOKENS][DB_DIGEST_LENGTH];
};

static bool put(struct cache_state *state, int number) {
    char secret[64];
    int length =
        snprintf(secret, sizeof(secret), "sr_live_%04d-bench-token-of-forty-eight-chars", number);
    const struct db_token_row row = {
        .id = GW_STR("clmwtu1bfqjq9j7bch00np51"),
        .name = GW_STR("ci-deploy"),
        .prefix = gw_str(secret, GW_TOKEN_PREFIX_LENGTH),
        .scopes = 3,
        .created_ms = 1767225600000,
        .last_used_ms = 1767225600000,
        .expires_ms = DB_NO_TIME,
        .org_id = GW_STR("clmwtu1bfqjq9j7bch00np50"),
        .org_slug = GW_STR("acme"),
        .org_name = GW_STR("acme"),
    };
    gw_token_digest(gw_str(secret, (size_t)length), state->digests[number]);
    return gw_auth_table_put_live(&state->table, state->digests[number], &row) != NULL;
}

static void destroy(void *opaque) {
    struct cache_state *state = opaque;
    gw_auth_table_deinit(&state->table);
    free(state);
}

static void *create(void) {
    struct cache_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return NULL;
    if (gw_auth_table_init(&state->table, TOKENS, TOKENS) != GW_OK) {
        free(state);
        return NULL;
    }
    for (int i = 0; i < TOKENS; i++) {
        if (!put(state, i)) {
            destroy(state);
            return NULL;
        }
    }
    return state;
}

static void run(void *opaque, long count) {
    struct cache_state *state = opaque;
    uint32_t random = 1;
    for (long i = 0; i < count; i++) {
        random = random * 1664525U + 1013904223U;
        const struct gw_auth_entry *entry =
            gw_auth_table_find(&state->table, state->digests[(uint64_t)random * TOKENS >> 32]);
        struct db_token_row row;
        gw_auth_entry_row(entry, &row);
        bench_keep(&row);
    }
}

const struct bench_micro bench_cache_hit = {"cache: hit among 10,000", create, run, destroy, NULL};
