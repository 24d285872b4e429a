// SPDX-License-Identifier: MIT
#include "cli/id_token_claims.h"

#include "base/base64url.h"
#include "cli/answer.h"

#define JSON_TOKENS_MAX 1024
#define ARENA_BYTES_MAX (256 * 1024)
#define SHOWN_MAX 200

// A string, or an array of them; empty: none.
static struct gw_str find(struct gw_json claims, const char *key, struct gw_arena *arena) {
    struct gw_str text = cli_answer_text(claims, key, arena);
    if (text.at == NULL)
        text = cli_answer_list(claims, key, arena);
    return text.at != NULL ? gw_str_slice(text, 0, SHOWN_MAX) : GW_STR("");
}

static void note(struct gw_str payload) {
    struct gw_arena arena;
    struct gw_json claims;
    gw_arena_init(&arena, ARENA_BYTES_MAX);
    if (gw_json_parse(&arena, payload, JSON_TOKENS_MAX, &claims, NULL) == GW_OK &&
        gw_json_type(claims) == GW_JSON_OBJECT) {
        struct gw_str issuer = find(claims, "iss", &arena);
        struct gw_str audience = find(claims, "aud", &arena);
        struct gw_str subject = find(claims, "sub", &arena);
        cli_note("the identity token was made by \"%.*s\" for the audience \"%.*s\" and the "
                 "subject \"%.*s\"; /api/v1/oidc/audience of the gateway says what it takes",
                 GW_STR_ARG(issuer), GW_STR_ARG(audience), GW_STR_ARG(subject));
    }
    gw_arena_deinit(&arena);
}

void cli_id_token_claims_note(const struct cli_id_token *token) {
    char payload[CLI_ID_TOKEN_BYTES_MAX];
    struct gw_str rest = gw_str_from(token->text);
    struct gw_str header;
    struct gw_str claims;
    size_t length;
    bool has_claims = gw_str_next(&rest, '.', &header) && gw_str_next(&rest, '.', &claims);
    if (has_claims && gw_base64url_decode(claims, payload, sizeof(payload), &length) == GW_OK)
        note(gw_str(payload, length));
    gw_bytes_wipe(payload, sizeof(payload));
}
