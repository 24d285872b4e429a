// SPDX-License-Identifier: MIT
#include "tests/support/identity_token.h"

#include "base/base64url.h"

#define ARENA_BYTES_MAX ((size_t)4 * 1024 * 1024)

struct gw_arena identity_arena;

static struct gw_str encode(struct gw_arena *arena, struct gw_str text) {
    char *out = gw_arena_allocate(arena, gw_base64url_length(text.length) + 1);
    gw_assert(out != NULL);
    gw_base64url_encode(text.at, text.length, out);
    return gw_str(out, gw_base64url_length(text.length));
}

struct gw_str identity_token_text(struct gw_arena *arena, struct gw_str header,
                                  struct gw_str claims) {
    const struct gw_str pieces[] = {encode(arena, header), GW_STR("."), encode(arena, claims),
                                    GW_STR(".c2lnbmF0dXJl")};
    struct gw_str text = gw_arena_join(arena, pieces, 4);
    gw_assert(text.at != NULL);
    return text;
}

void identity_token_make(struct gw_arena *arena, struct gw_str claims, struct gw_jwt *jwt) {
    enum gw_jwt_fault fault;
    struct gw_str text =
        identity_token_text(arena, GW_STR("{\"alg\":\"RS256\",\"kid\":\"k\"}"), claims);
    enum gw_status status = gw_jwt_parse(arena, text, jwt, &fault);
    gw_assert(status == GW_OK);
}

int identity_arena_open(void **state) {
    (void)state;
    gw_arena_init(&identity_arena, ARENA_BYTES_MAX);
    return 0;
}

int identity_arena_close(void **state) {
    (void)state;
    gw_arena_deinit(&identity_arena);
    return 0;
}

struct gw_jwt identity_token(const char *claims) {
    struct gw_jwt jwt;
    identity_token_make(&identity_arena, gw_str_from(claims), &jwt);
    return jwt;
}
